/*
 * Identities: records read and written, and which claims become which members.
 */
#include "authn/identity.h"
#include "tests/unit/base/check.h"

#define RECORD(claims)                                                                     \
	"{\"method\":\"session\",\"provider\":\"corp\",\"issuer\":\"https://id.example\"," \
	"\"groups_claim\":\"groups\",\"auth_time\":1700000000,\"claims\":" claims "}"

static struct identity *parsed(const char *record)
{
	struct identity *i = NULL;
	struct error err = {0};

	if (!identity_parse(str_from(record), &i, &err))
		fail_msg("%s: %s", record, err.text);
	return i;
}

static void test_members(void **state)
{
	static const char record[] = RECORD(
		"{\"sub\":\"u1\",\"email\":\"a@b.example\",\"email_verified\":true,"
		"\"name\":\"Ada\",\"preferred_username\":\"ada\",\"acr\":\"2\",\"sid\":\"s9\","
		"\"amr\":[\"pwd\",\"mfa\"],\"groups\":[\"eng\",\"ops\"]}");
	struct identity *i = parsed(record);
	const char *name = "members";

	(void)state;
	check_i64(name, "method", AUTHN_SESSION, i->method);
	check_str(name, "provider", STR("corp"), i->provider);
	check_str(name, "issuer", STR("https://id.example"), i->issuer);
	check_str(name, "subject", STR("u1"), i->subject);
	check_str(name, "email", STR("a@b.example"), i->email);
	check_str(name, "name", STR("Ada"), i->name);
	check_str(name, "username", STR("ada"), i->preferred_username);
	check_str(name, "acr", STR("2"), i->acr);
	check_str(name, "sid", STR("s9"), i->sid);
	check_i64(name, "auth_time", 1700000000, i->auth_time_s);
	assert_int_equal(i->groups_count, 2);
	check_str(name, "group 0", STR("eng"), i->groups[0]);
	check_str(name, "group 1", STR("ops"), i->groups[1]);
	assert_int_equal(i->amr_count, 2);
	check_str(name, "amr 1", STR("mfa"), i->amr[1]);
	check_str(name, "record", str_from(record), i->record);
	check_str(name, "claims", STR("u1"), json_str(json_get(i->claims, "sub")));
	identity_unref(i);
	check_done();
}

/* --- E-mail: only one plain address that the provider says it verified --------------- */

static const struct email_row {
	const char *name, *claims, *want;
} email_rows[] = {
	{"verified", "\"email\":\"a@b.example\",\"email_verified\":true", "a@b.example"},
	{"not said", "\"email\":\"a@b.example\"", ""},
	{"not verified", "\"email\":\"a@b.example\",\"email_verified\":false", ""},
	{"verified as a string", "\"email\":\"a@b.example\",\"email_verified\":\"true\"", ""},
	{"verified as a number", "\"email\":\"a@b.example\",\"email_verified\":1", ""},
	{"verified as null", "\"email\":\"a@b.example\",\"email_verified\":null", ""},
	{"two signs", "\"email\":\"a@evil.com@b.example\",\"email_verified\":true", ""},
	{"no sign", "\"email\":\"b.example\",\"email_verified\":true", ""},
	{"no mailbox", "\"email\":\"@b.example\",\"email_verified\":true", ""},
	{"no domain", "\"email\":\"a@\",\"email_verified\":true", ""},
	{"space", "\"email\":\"a b@b.example\",\"email_verified\":true", ""},
	{"line end", "\"email\":\"a@b.example\\r\\nX: 1\",\"email_verified\":true", ""},
	{"two addresses", "\"email\":\"a@b.example,c\",\"email_verified\":true", ""},
	{"angle brackets", "\"email\":\"<a@b.example>\",\"email_verified\":true", ""},
	{"list", "\"email\":[\"a@b.example\"],\"email_verified\":true", ""},
	{"beyond ASCII", "\"email\":\"j\u00f6rg@b.example\",\"email_verified\":true",
	 "j\u00f6rg@b.example"},
};

static void test_email(void **state)
{
	char record[512];

	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(email_rows); n++) {
		struct identity *i;

		snprintf(record, sizeof(record), RECORD("{\"sub\":\"u\",%s}"),
			 email_rows[n].claims);
		i = parsed(record);
		check_str(email_rows[n].name, "email", str_from(email_rows[n].want), i->email);
		identity_unref(i);
	}
	check_done();
}

/* --- Groups ------------------------------------------------------------------------- */

static const struct groups_row {
	const char *name, *path, *claims, *want; /* want: joined by spaces */
} groups_rows[] = {
	{"list", "groups", "\"groups\":[\"a\",\"b\"]", "a b "},
	{"one string", "groups", "\"groups\":\"a\"", "a "},
	{"empty list", "groups", "\"groups\":[]", ""},
	{"absent", "groups", "\"x\":1", ""},
	{"null", "groups", "\"groups\":null", ""},
	{"number", "groups", "\"groups\":7", ""},
	{"object", "groups", "\"groups\":{\"a\":1}", ""},
	{"other types left out", "groups", "\"groups\":[\"a\",1,null,[\"x\"],\"b\"]", "a b "},
	{"path", "realm_access/roles", "\"realm_access\":{\"roles\":[\"r\"]}", "r "},
	{"path of three", "a/b/c", "\"a\":{\"b\":{\"c\":\"x\"}}", "x "},
	{"path into nothing", "realm_access/roles", "\"realm_access\":[\"roles\"]", ""},
	{"path cut short", "a/", "\"a\":\"x\"", ""},
	{"empty segment", "a//b", "\"a\":{\"b\":\"x\"}", ""},
	{"empty segment, named so", "a//b", "\"a\":{\"\":{\"b\":\"x\"}}", "x "},
	{"slash in front", "/a", "\"a\":\"x\"", ""},
	{"no path", "", "\"\":\"x\"", ""},
	{"claim named by URL", "https://example.com/groups",
	 "\"https://example.com/groups\":[\"u\"]", "u "},
	{"a flat name is no path", "a/b", "\"a/b\":\"own\",\"a\":{\"b\":\"path\"}", "path "},
	{"case counts", "Groups", "\"groups\":[\"a\"]", ""},
};

static void test_groups(void **state)
{
	char record[512], joined[64];

	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(groups_rows); n++) {
		const struct groups_row *row = &groups_rows[n];
		struct identity *i;
		size_t len = 0;

		snprintf(record, sizeof(record),
			 "{\"method\":\"bearer\",\"provider\":\"p\",\"issuer\":\"i\","
			 "\"groups_claim\":\"%s\",\"auth_time\":0,\"claims\":{\"sub\":\"u\",%s}}",
			 row->path, row->claims);
		i = parsed(record);
		joined[0] = '\0';
		for (size_t g = 0; g < i->groups_count; g++)
			len += (size_t)snprintf(joined + len, sizeof(joined) - len, "%.*s ",
						STR_ARG(i->groups[g]));
		check_cstr(row->name, "groups", row->want, joined);
		identity_unref(i);
	}
	check_done();
}

static void test_groups_limit(void **state)
{
	struct buf b;

	(void)state;
	for (int extra = 0; extra <= 1; extra++) {
		struct identity *i = NULL;
		struct error err = {0};
		bool ok;

		buf_init(&b, IDENTITY_MAX_BYTES);
		buf_append_cstr(
			&b, "{\"method\":\"session\",\"groups_claim\":\"groups\",\"auth_time\":0,"
			    "\"claims\":{\"sub\":\"u\",\"groups\":[\"g\"");
		for (int n = 1; n < IDENTITY_MAX_GROUPS + extra; n++)
			buf_append_cstr(&b, ",\"g\"");
		buf_append_cstr(&b, "]}}");
		assert_false(buf_failed(&b));
		ok = identity_parse(buf_str(&b), &i, &err);
		check_i64("groups limit", "ok", extra == 0, ok);
		check_i64("groups limit", "kind", extra ? ERR_LIMIT : ERR_NONE, err.kind);
		identity_unref(i);
		buf_done(&b);
	}
	check_done();
}

/* --- Records that are none ---------------------------------------------------------- */

static const struct refused_row {
	const char *name, *record;
} refused_rows[] = {
	{"empty", ""},
	{"no JSON", "{"},
	{"array", "[]"},
	{"no method", "{\"auth_time\":0,\"claims\":{\"sub\":\"u\"}}"},
	{"method none", "{\"method\":\"none\",\"auth_time\":0,\"claims\":{\"sub\":\"u\"}}"},
	{"method unknown", "{\"method\":\"Session\",\"auth_time\":0,\"claims\":{\"sub\":\"u\"}}"},
	{"no auth_time", "{\"method\":\"session\",\"claims\":{\"sub\":\"u\"}}"},
	{"auth_time 1e300",
	 "{\"method\":\"session\",\"auth_time\":1e300,\"claims\":{\"sub\":\"u\"}}"},
	{"auth_time 1.5", "{\"method\":\"session\",\"auth_time\":1.5,\"claims\":{\"sub\":\"u\"}}"},
	{"no claims", "{\"method\":\"session\",\"auth_time\":0}"},
	{"claims null", "{\"method\":\"session\",\"auth_time\":0,\"claims\":null}"},
	{"claims array", "{\"method\":\"session\",\"auth_time\":0,\"claims\":[]}"},
	{"no sub", RECORD("{}")},
	{"empty sub", RECORD("{\"sub\":\"\"}")},
	{"sub number", RECORD("{\"sub\":1}")},
	{"two subs", RECORD("{\"sub\":\"a\",\"sub\":\"b\"}")},
	{"NUL in sub", RECORD("{\"sub\":\"admin\\u0000x\"}")},
	{"more behind", RECORD("{\"sub\":\"a\"}") "x"},
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(refused_rows); n++) {
		struct identity *i = NULL;
		struct error err = {0};

		CHECK(refused_rows[n].name,
		      !identity_parse(str_from(refused_rows[n].record), &i, &err));
		check_i64(refused_rows[n].name, "kind", ERR_SYNTAX, err.kind);
		CHECK(refused_rows[n].name, i == NULL);
	}
	check_done();
}

static void test_size_limit(void **state)
{
	static char text[IDENTITY_MAX_BYTES + 2];
	struct identity *i = NULL;
	struct error err = {0};

	(void)state;
	memset(text, ' ', sizeof(text) - 1);
	assert_false(identity_parse(str_from(text), &i, &err));
	assert_int_equal(err.kind, ERR_LIMIT);
}

/* --- Writing, counting -------------------------------------------------------------- */

static void test_round_trip(void **state)
{
	static const char claims[] = "{\"sub\":\"u\\\"1\\n\",\"roles\":{\"r\":[\"x\"]},\"n\":1.5}";
	struct json_doc *doc = NULL;
	struct identity_draft draft = {
		.method = AUTHN_CLIENT_CERTIFICATE,
		.provider = STR("p\"q"),
		.issuer = STR(""),
		.groups_claim = STR("roles/r"),
		.auth_time_s = -5,
	};
	struct identity *i;
	struct buf b;

	(void)state;
	assert_true(json_parse(str_from(claims), 4096, NULL, &doc, NULL));
	draft.claims = json_root(doc);
	buf_init(&b, 4096);
	identity_append_record(&b, &draft);
	json_doc_free(doc);
	i = parsed(b.ptr);
	buf_done(&b);
	check_i64("round trip", "method", AUTHN_CLIENT_CERTIFICATE, i->method);
	check_str("round trip", "provider", STR("p\"q"), i->provider);
	check_str("round trip", "issuer", STR(""), i->issuer);
	check_str("round trip", "subject", STR("u\"1\n"), i->subject);
	check_i64("round trip", "auth_time", -5, i->auth_time_s);
	check_i64("round trip", "groups", 1, (int64_t)i->groups_count);
	CHECK("round trip", json_number(json_get(i->claims, "n")) == 1.5);
	CHECK("a moved claim is found as groups, for policies",
	      json_count(json_get(i->claims, "groups")) == 1);
	CHECK("and where it came from", json_count(json_get(json_get(i->claims, "roles"), "r")) == 1);
	identity_unref(i);
	check_done();
}

static void test_references(void **state)
{
	struct identity *i = parsed(RECORD("{\"sub\":\"u\"}"));

	(void)state;
	assert_ptr_equal(identity_ref(i), i);
	identity_unref(i);
	assert_true(str_equal(i->subject, STR("u"))); /* still ours */
	identity_unref(i);
	identity_unref(NULL);
}

static void test_method_names(void **state)
{
	(void)state;
	assert_string_equal(authn_method_name(AUTHN_NONE), "none");
	assert_string_equal(authn_method_name(AUTHN_SESSION), "session");
	assert_string_equal(authn_method_name(AUTHN_BEARER), "bearer");
	assert_string_equal(authn_method_name(AUTHN_CLIENT_CERTIFICATE), "client_certificate");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),	     cmocka_unit_test(test_email),
		cmocka_unit_test(test_groups),	     cmocka_unit_test(test_groups_limit),
		cmocka_unit_test(test_refused),	     cmocka_unit_test(test_size_limit),
		cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_references),
		cmocka_unit_test(test_method_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
