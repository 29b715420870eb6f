/*
 * Userinfo: when it is asked, whom it may speak of, and what it adds.
 */
#include "authn/oidc/userinfo.h"
#include "authn/oidc/verified_identity.h"
#include "tests/unit/authn/oidc/oidc_case.h"

/* --- When */

static const struct {
	const char *name, *claims;
	int mode;
	const char *scope;	  /* the last scope asked for, NULL: as configured */
	const char *groups_claim; /* configured place of groups, NULL: none */
	bool has_endpoint, wanted;
} wanted_rows[] = {
	{"all there", "{'name':'A','email':'a@b'}", USERINFO_AUTO, NULL, NULL, true, false},
	{"preferred_username will do", "{'preferred_username':'a','email':'a@b'}", USERINFO_AUTO,
	 NULL, NULL, true, false},
	{"no name", "{'email':'a@b'}", USERINFO_AUTO, NULL, NULL, true, true},
	{"no email", "{'name':'A'}", USERINFO_AUTO, NULL, NULL, true, true},
	{"no groups, not asked for", "{'name':'A','email':'a@b'}", USERINFO_AUTO, NULL, NULL, true,
	 false},
	{"groups scope, no groups", "{'name':'A'}", USERINFO_AUTO, "groups", NULL, true, true},
	{"groups scope, groups", "{'name':'A','groups':[]}", USERINFO_AUTO, "groups", NULL, true,
	 false},
	{"groups elsewhere, missing", "{'name':'A','email':'a','groups':[]}", USERINFO_AUTO, NULL,
	 "realm_access/roles", true, true},
	{"groups elsewhere, there", "{'name':'A','email':'a','realm_access':{'roles':[]}}",
	 USERINFO_AUTO, NULL, "realm_access/roles", true, false},
	{"no endpoint", "{}", USERINFO_AUTO, NULL, NULL, false, false},
	{"never", "{}", USERINFO_NEVER, NULL, NULL, true, false},
	{"always", "{'name':'A','email':'a@b'}", USERINFO_ALWAYS, NULL, NULL, true, true},
};

static void test_wanted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wanted_rows); i++) {
		struct str scopes[] = {STR("openid"), STR("profile"),
				       str_from(wanted_rows[i].scope)};
		struct provider_claim claim = {.name = STR("groups"),
					       .claim = str_from(wanted_rows[i].groups_claim)};
		struct provider_config config = case_config();
		struct metadata m = {0};
		struct json_doc *doc = parsed(wanted_rows[i].claims);

		config.userinfo = wanted_rows[i].mode;
		if (wanted_rows[i].scope)
			config.scopes = (struct str_list){scopes, ARRAY_LEN(scopes)};
		if (wanted_rows[i].groups_claim) {
			config.claims = &claim;
			config.claims_count = 1;
		}
		if (wanted_rows[i].has_endpoint)
			m.userinfo_endpoint = STR(ISSUER "/me");
		check_i64(wanted_rows[i].name, "wanted", wanted_rows[i].wanted,
			  userinfo_is_wanted(&config, &m, json_root(doc)));
		json_doc_free(doc);
	}
	check_done();
}

/* --- Reading */

static const struct {
	const char *name, *type, *body;
	enum error_kind kind;
} read_rows[] = {
	{"usual", "application/json", "{'sub':'u1','name':'A'}", ERR_NONE},
	{"other subject (rp-userinfo-bad-sub-claim)", "application/json", "{'sub':'u2'}",
	 ERR_DENIED},
	{"no subject", "application/json", "{'name':'A'}", ERR_DENIED},
	{"subject in other case", "application/json", "{'sub':'U1'}", ERR_DENIED},
	{"subject a list", "application/json", "{'sub':['u1']}", ERR_DENIED},
	{"subject twice", "application/json", "{'sub':'u1','sub':'u1'}", ERR_SYNTAX},
	{"signed", "application/jwt", "e.y.J", ERR_PROTOCOL},
	{"HTML", "text/html", "{'sub':'u1'}", ERR_PROTOCOL},
	{"no type", "", "{'sub':'u1'}", ERR_PROTOCOL},
	{"no JSON", "application/json", "sub=u1", ERR_SYNTAX},
	{"an array", "application/json", "['u1']", ERR_PROTOCOL},
};

static void test_read(void **state)
{
	struct json_doc *id = parsed("{'sub':'u1'}");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(read_rows); i++) {
		struct fetch_result result = {
			.ok = true,
			.status = 200,
			.body = str_from(quoted(read_rows[i].body)),
			.content_type = str_from(read_rows[i].type),
		};
		struct json_doc *doc = NULL;
		struct error err = {0};

		check_i64(read_rows[i].name, "taken", read_rows[i].kind == ERR_NONE,
			  userinfo_read(&result, json_root(id), &doc, &err));
		check_i64(read_rows[i].name, "kind", read_rows[i].kind, err.kind);
		json_doc_free(doc);
	}
	json_doc_free(id);
	check_done();
}

/* --- Merging */

static const struct {
	const char *name, *id, *info, *merged;
} merge_rows[] = {
	{"no userinfo", "{'sub':'u','name':'A'}", NULL, "{'sub':'u','name':'A'}"},
	{"adds", "{'sub':'u'}", "{'sub':'u','name':'A','groups':['x']}",
	 "{'sub':'u','name':'A','groups':['x']}"},
	{"the ID token wins", "{'sub':'u','name':'A'}", "{'name':'B'}", "{'sub':'u','name':'A'}"},
	{"the protocol's words are not taken", "{'sub':'u'}",
	 "{'iss':'x','aud':'x','exp':1,'nbf':1,'iat':1,'nonce':'n','azp':'x','auth_time':9,'acr':'"
	 "high',"
	 "'amr':['mfa'],'at_hash':'h','sid':'s','name':'A'}",
	 "{'sub':'u','name':'A'}"},
	{"a verified address, together", "{'sub':'u'}", "{'email':'a@b','email_verified':true}",
	 "{'sub':'u','email':'a@b','email_verified':true}"},
	{"a verdict on another address", "{'sub':'u','email':'a@b'}",
	 "{'email':'c@d','email_verified':true}", "{'sub':'u','email':'a@b'}"},
	{"a verdict on none", "{'sub':'u','email':'a@b'}", "{'email_verified':true}",
	 "{'sub':'u','email':'a@b'}"},
	{"a verdict on the same address", "{'sub':'u','email':'a@b'}",
	 "{'email':'a@b','email_verified':true}",
	 "{'sub':'u','email':'a@b','email_verified':true}"},
	{"the ID token's verdict stays with its address", "{'email':'a@b','email_verified':false}",
	 "{'email':'a@b','email_verified':true}", "{'email':'a@b','email_verified':false}"},
	{"the ID token's verdict does not move", "{'sub':'u','email_verified':true}",
	 "{'email':'c@d'}", "{'sub':'u','email':'c@d'}"},
	{"userinfo's verdict replaces it", "{'email_verified':true}",
	 "{'email':'c@d','email_verified':false}", "{'email':'c@d','email_verified':false}"},
	{"telephones likewise", "{'phone_number':'1'}",
	 "{'phone_number':'2','phone_number_verified':true}", "{'phone_number':'1'}"},
	{"keys are escaped", "{'a\\\"b':1}", NULL, "{'a\\\"b':1}"},
	{"nothing", "{}", "{}", "{}"},
};

static void test_merge(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(merge_rows); i++) {
		struct json_doc *id = parsed(merge_rows[i].id);
		struct json_doc *info = merge_rows[i].info ? parsed(merge_rows[i].info) : NULL;
		struct buf b;

		buf_init(&b, 65536);
		userinfo_append_merged(&b, json_root(id), info ? json_root(info) : NULL);
		check_cstr(merge_rows[i].name, "merged", quoted(merge_rows[i].merged), b.ptr);
		buf_done(&b);
		json_doc_free(id);
		json_doc_free(info);
	}
	check_done();
}

/* --- The identity */

static void test_identity(void **state)
{
	struct provider_claim claim = {.name = STR("groups"), .claim = STR("realm/roles")};
	struct provider_config config = case_config();
	struct json_doc *id =
		parsed("{'sub':'u1','iat':1800000000,'amr':['mfa'],'acr':'2','sid':'s1'}");
	struct json_doc *info = parsed("{'sub':'u1','email':'a@b.c','email_verified':true,"
				       "'realm':{'roles':['eng','ops']}}");
	struct identity *i = NULL;

	(void)state;
	config.claims = &claim;
	config.claims_count = 1;
	assert_true(verified_identity_new(&config, AUTHN_SESSION, json_root(id), json_root(info),
					  &i, NULL));
	check_i64("login", "method", AUTHN_SESSION, i->method);
	check_str("login", "provider", STR("corp"), i->provider);
	check_str("login", "issuer", STR(ISSUER), i->issuer);
	check_str("login", "subject", STR("u1"), i->subject);
	check_str("login", "email", STR("a@b.c"), i->email);
	check_i64("login", "groups", 2, (int64_t)i->groups_count);
	check_i64("login", "auth_time is unknown, whatever iat says", 0, i->auth_time_s);
	check_str("login", "sid", STR("s1"), i->sid);
	identity_unref(i);
	assert_true(verified_identity_new(&config, AUTHN_BEARER, json_root(id), NULL, &i, NULL));
	check_i64("bearer", "method", AUTHN_BEARER, i->method);
	check_i64("bearer", "auth_time unknown", 0, i->auth_time_s);
	identity_unref(i);
	json_doc_free(id);
	json_doc_free(info);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
