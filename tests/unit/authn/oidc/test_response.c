/*
 * Authorization responses: the query of a callback.
 */
#include "authn/oidc/response.h"
#include "tests/unit/authn/oidc/oidc_case.h"

static const struct row {
	const char *name, *query;
	bool ok;
	const char *state, *code, *error, *iss;
} rows[] = {
	{"code", "code=c1&state=s1", true, "s1", "c1", "", NULL},
	{"with iss", "code=c1&state=s1&iss=https%3A%2F%2Fid.example.com", true, "s1", "c1", "",
	 ISSUER},
	{"iss empty is there", "code=c1&state=s1&iss=", true, "s1", "c1", "", ""},
	{"encoded", "code=a%2Fb%2Bc&state=s%201", true, "s 1", "a/b+c", "", NULL},
	{"unknown parameters", "code=c&state=s&session_state=x&foo", true, "s", "c", "", NULL},
	{"error", "error=access_denied&state=s1&error_description=no+way", true, "s1", "",
	 "access_denied", NULL},
	{"state twice", "code=c&state=s&state=s", false, NULL, NULL, NULL, NULL},
	{"code twice", "code=c&state=s&code=d", false, NULL, NULL, NULL, NULL},
	{"iss twice", "code=c&state=s&iss=a&iss=b", false, NULL, NULL, NULL, NULL},
	{"code twice, once encoded", "code=c&state=s&c%6fde=d", false, NULL, NULL, NULL, NULL},
	{"unknown parameter twice", "code=c&state=s&x=1&x=2", false, NULL, NULL, NULL, NULL},
	{"code and error", "code=c&state=s&error=x", false, NULL, NULL, NULL, NULL},
	{"neither", "state=s", false, NULL, NULL, NULL, NULL},
	{"code empty", "code=&state=s", false, NULL, NULL, NULL, NULL},
	{"code and error empty", "code=&error=&state=s", false, NULL, NULL, NULL, NULL},
	{"no state", "code=c", false, NULL, NULL, NULL, NULL},
	{"state empty", "code=c&state=", false, NULL, NULL, NULL, NULL},
	{"error without state", "error=access_denied", false, NULL, NULL, NULL, NULL},
	{"empty", "", false, NULL, NULL, NULL, NULL},
	{"only separators", "&&&", false, NULL, NULL, NULL, NULL},
	{"only equals", "=", false, NULL, NULL, NULL, NULL},
	{"bad triplet", "code=%zz&state=s", false, NULL, NULL, NULL, NULL},
	{"NUL", "code=a%00b&state=s", false, NULL, NULL, NULL, NULL},
	{"bad UTF-8", "code=%ff&state=s", false, NULL, NULL, NULL, NULL},
	{"line end in code", "code=a%0d%0ab&state=s", false, NULL, NULL, NULL, NULL},
	{"beyond ASCII in state", "code=a&state=%c3%bc", false, NULL, NULL, NULL, NULL},
};

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct arena *a = case_arena();
		struct auth_response r;
		struct error err = {0};
		bool ok = response_parse(a, str_from(row->query), &r, &err);

		check_i64(row->name, "parses", row->ok, ok);
		check_i64(row->name, "kind", row->ok ? ERR_NONE : ERR_SYNTAX, err.kind);
		if (ok && row->ok) {
			check_str(row->name, "state", str_from(row->state), r.state);
			check_str(row->name, "code", str_from(row->code), r.code);
			check_str(row->name, "error", str_from(row->error), r.error);
			check_i64(row->name, "has iss", row->iss != NULL, r.has_iss);
			if (row->iss)
				check_str(row->name, "iss", str_from(row->iss), r.iss);
		}
		arena_free(a);
	}
	check_done();
}

static const struct {
	const char *name, *iss;
	bool promised, ok;
} issuer_rows[] = {
	{"none", NULL, false, true},
	{"the right one", ISSUER, false, true},
	{"promised and right", ISSUER, true, true},
	{"promised and missing", NULL, true, false},
	{"wrong", "https://evil.example", false, false},
	{"wrong, promised", "https://evil.example", true, false},
	{"a slash more", ISSUER "/", false, false},
	{"empty", "", false, false},
};

static void test_issuer(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(issuer_rows); i++) {
		struct auth_response r = {
			.has_iss = issuer_rows[i].iss != NULL,
			.iss = str_from(issuer_rows[i].iss),
		};
		struct error err = {0};

		check_i64(issuer_rows[i].name, "ok", issuer_rows[i].ok,
			  response_check_issuer(&r, STR(ISSUER), issuer_rows[i].promised, &err));
		check_i64(issuer_rows[i].name, "kind", issuer_rows[i].ok ? ERR_NONE : ERR_DENIED,
			  err.kind);
	}
	check_done();
}

static const struct {
	const char *error, *description;
	enum login_outcome outcome;
	const char *text;
} error_rows[] = {
	{"", "", LOGIN_OK, ""},
	{"access_denied", "", LOGIN_REFUSED, "sign-in was refused: access_denied"},
	{"login_required", "who are you", LOGIN_REFUSED,
	 "sign-in was refused: login_required (who are you)"},
	{"no_such_error_yet", "", LOGIN_REFUSED, "sign-in was refused: no_such_error_yet"},
	{"temporarily_unavailable", "", LOGIN_UNAVAILABLE,
	 "sign-in was refused: temporarily_unavailable"},
	{"server_error", "", LOGIN_UNAVAILABLE, "sign-in was refused: server_error"},
	{"invalid_scope", "", LOGIN_PROVIDER_FAILED, "sign-in was refused: invalid_scope"},
	{"x\n\x1b[2J\xc3\xbc", "a\r\nerror forged", LOGIN_REFUSED,
	 "sign-in was refused: x??[2J?? (a??error forged)"},
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(error_rows); i++) {
		struct auth_response r = {
			.error = str_from(error_rows[i].error),
			.error_description = str_from(error_rows[i].description),
		};
		struct arena *a = case_arena();
		struct error err = {0};

		check_i64(error_rows[i].error, "outcome", error_rows[i].outcome,
			  response_judge(a, &r, &err));
		check_cstr(error_rows[i].error, "text", error_rows[i].text, err.text);
		arena_free(a);
	}
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_issuer),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
