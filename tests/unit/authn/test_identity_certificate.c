/* Whom a verified client certificate proves. */
#include "tests/unit/base/check.h"

#include "authn/identity.h"
#include "http/client_certificate.h"

static const struct str uris[] = {STR_INIT("spiffe://example/bot"),
				  STR_INIT("spiffe://example/other")};
static const struct str names[] = {STR_INIT("bot.example"), STR_INIT("alias.example")};
static const struct str addresses[] = {STR_INIT("bot@example.com")};

static const struct {
	const char *name;
	struct client_certificate certificate;
	const char *subject, *display;
} rows[] = {
	{"all there is: the first URI",
	 {.common_name = STR_INIT("bot"),
	  .san_uri = uris,
	  .san_uri_count = 2,
	  .san_dns = names,
	  .san_dns_count = 2,
	  .fingerprint_sha256 = STR_INIT("aa")},
	 "spiffe://example/bot",
	 "bot"},
	{"no URI: the first DNS name",
	 {.common_name = STR_INIT("bot"),
	  .san_dns = names,
	  .san_dns_count = 2,
	  .fingerprint_sha256 = STR_INIT("aa")},
	 "bot.example",
	 "bot"},
	{"no name at all: the CN",
	 {.common_name = STR_INIT("bot"), .fingerprint_sha256 = STR_INIT("aa")},
	 "bot",
	 "bot"},
	{"an e-mail address is no subject",
	 {.common_name = STR_INIT("bot"),
	  .san_email = addresses,
	  .san_email_count = 1,
	  .fingerprint_sha256 = STR_INIT("aa")},
	 "bot",
	 "bot"},
	{"nothing: the fingerprint", {.fingerprint_sha256 = STR_INIT("aabbcc")}, "aabbcc", ""},
	{"bytes that JSON escapes",
	 {.common_name = STR_INIT("a\"b\\c/\xc3\xbc"), .fingerprint_sha256 = STR_INIT("aa")},
	 "a\"b\\c/\xc3\xbc",
	 "a\"b\\c/\xc3\xbc"},
};

static void test_subjects(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct identity *id = NULL;
		struct error err = {0};

		if (!identity_from_certificate(&rows[i].certificate, &id, &err)) {
			check_cstr(rows[i].name, "error", "none", err.text);
			continue;
		}
		check_i64(rows[i].name, "method", AUTHN_CLIENT_CERTIFICATE, id->method);
		check_str(rows[i].name, "subject", str_from(rows[i].subject), id->subject);
		check_str(rows[i].name, "name", str_from(rows[i].display), id->name);
		check_str(rows[i].name, "provider", STR(""), id->provider);
		check_str(rows[i].name, "issuer", STR(""), id->issuer);
		check_str(rows[i].name, "e-mail: nobody verified one", STR(""), id->email);
		check_i64(rows[i].name, "groups", 0, (int64_t)id->groups_count);
		check_i64(rows[i].name, "amr", 0, (int64_t)id->amr_count);
		check_i64(rows[i].name, "auth_time", 0, id->auth_time_s);
		check_str(rows[i].name, "sub", str_from(rows[i].subject),
			  json_str(json_get(id->claims, "sub")));
		check_i64(rows[i].name, "claims", rows[i].display[0] ? 2 : 1,
			  (int64_t)json_count(id->claims));
		CHECK("nobody could add a group", !identity_claim_at(id->claims, STR("groups")));
		identity_unref(id);
	}
	check_done();
}

/* What it is stored as reads back as the same. */
static void test_record(void **state)
{
	struct identity *id = NULL, *again = NULL;

	(void)state;
	assert_true(identity_from_certificate(&rows[0].certificate, &id, NULL));
	assert_true(identity_parse(id->record, &again, NULL));
	check_i64("again", "method", AUTHN_CLIENT_CERTIFICATE, again->method);
	check_str("again", "subject", id->subject, again->subject);
	check_str("again", "name", id->name, again->name);
	identity_unref(id);
	identity_unref(again);
	check_done();
}

/* Nothing to name anybody by is a failure, not somebody without a name. */
static void test_nameless(void **state)
{
	static const struct client_certificate nothing;
	struct identity *id = NULL;
	struct error err = {0};

	(void)state;
	CHECK("refused", !identity_from_certificate(&nothing, &id, &err));
	CHECK("and said", err.kind != ERR_NONE);
	assert_null(id);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subjects),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_nameless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
