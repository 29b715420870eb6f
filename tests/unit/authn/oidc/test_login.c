/*
 * Logins from end to end: a worker's loop here, the identity thread, and a provider on a
 * thread of its own that does what each case says.
 */
#include <pthread.h>

#include "authn/oidc/login.h"
#include "base/clock.h"
#include "http/cookie.h"
#include "tests/unit/authn/oidc/oidc_case.h"
#include "tests/unit/authn/oidc/scripted_provider.h"
#include "tests/unit/authn/scratch.h"

#define ORIGIN "https://wiki.example.com"

/* --- One gate and its provider */

struct fixture {
	char *folder;
	struct keyring *keys;
	struct scripted *provider;
	struct provider_config config;
	struct str issuer;
	struct loop *loop;
	struct oidc *oidc;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->folder = scratch_make();
	assert_true(keyring_open(f->folder, &f->keys, NULL));
	f->provider = scripted_new();
	f->config = case_config();
	f->config.issuer = str_from(f->provider->issuer);
	f->config.userinfo = USERINFO_NEVER;
	f->loop = loop_new(NULL);
	assert_non_null(f->loop);
	*state = f;
	return 0;
}

static void stop(struct fixture *f)
{
	oidc_free(f->oidc);
	f->oidc = NULL;
}

static void start(struct fixture *f)
{
	stop(f);
	assert_true(oidc_new(&f->config, 1, f->keys, &f->oidc, NULL));
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	stop(f);
	loop_free(f->loop);
	scripted_free(f->provider);
	keyring_free(f->keys);
	scratch_remove(f->folder);
	free(f);
	return 0;
}

/* --- One operation */

struct answer {
	int times;
	enum login_outcome outcome;
	struct error err;
	char location[8192];
	char cookies[LOGIN_MAX_FLOWS + 2][4096];
	size_t cookies_count;
	char return_to[4096];
	struct identity *identity;
	int64_t valid_until_s;
};

static void on_done(void *arg, const struct login_result *r)
{
	struct answer *a = arg;

	a->times++;
	a->outcome = r->outcome;
	a->err = r->err;
	a->cookies_count = r->set_cookies_count;
	a->valid_until_s = r->valid_until_s;
	a->identity = r->identity ? identity_ref(r->identity) : NULL;
	assert_true(str_copy(a->location, sizeof(a->location), r->location));
	assert_true(str_copy(a->return_to, sizeof(a->return_to), r->return_to));
	for (size_t i = 0; i < r->set_cookies_count; i++)
		assert_true(str_copy(a->cookies[i], sizeof(a->cookies[i]), r->set_cookies[i]));
}

static void answer_done(struct answer *a)
{
	identity_unref(a->identity);
	a->identity = NULL;
}

static void await(struct fixture *f, const struct answer *a)
{
	int64_t give_up_us = clock_now_us() + 20000000;

	while (a->times == 0 && clock_now_us() < give_up_us)
		loop_turn(f->loop, 50);
	assert_int_equal(a->times, 1);
}

static struct login_begin_params begin_params(const char *return_to)
{
	struct login_begin_params params = {
		.provider = STR("corp"),
		.origin = STR(ORIGIN),
		.return_to = str_from(return_to),
		.max_age_s = -1,
	};

	return params;
}

static void begin_with(struct fixture *f, const struct login_begin_params *params, struct answer *a)
{
	memset(a, 0, sizeof(*a));
	assert_non_null(login_begin(f->oidc, params, f->loop, on_done, a, NULL));
	await(f, a);
}

static void begin(struct fixture *f, struct answer *a)
{
	struct login_begin_params params = begin_params("/page?x=1");

	begin_with(f, &params, a);
}

static void finish_at(struct fixture *f, const char *origin, const char *query, const char *cookies,
		      struct answer *a)
{
	struct login_finish_params params = {.origin = str_from(origin),
					     .query = str_from(query),
					     .cookies = str_from(cookies)};

	memset(a, 0, sizeof(*a));
	assert_non_null(login_finish(f->oidc, &params, f->loop, on_done, a, NULL));
	await(f, a);
}

static void finish(struct fixture *f, const char *query, const char *cookies, struct answer *a)
{
	finish_at(f, ORIGIN, query, cookies, a);
}

static void bearer(struct fixture *f, const char *token, struct answer *a)
{
	memset(a, 0, sizeof(*a));
	assert_non_null(
		bearer_verify(f->oidc, STR("corp"), str_from(token), f->loop, on_done, a, NULL));
	await(f, a);
}

/* --- What a browser and a provider make of an authorization request */

static struct str parameter(struct arena *a, const struct answer *begun, const char *name)
{
	struct str url = str_from(begun->location);
	struct form form;
	struct str value;

	assert_true(form_parse(a, str_after(url, str_find_char(url, '?') + 1), &form));
	assert_int_equal(form_get(&form, name, &value), FORM_ONCE);
	return value;
}

/* "code=...&state=..." in storage that the next call reuses. */
static const char *callback(const struct answer *begun, const char *more)
{
	static char query[2048];
	struct arena *a = case_arena();
	struct str nonce = parameter(a, begun, "nonce");
	struct str challenge = parameter(a, begun, "code_challenge");
	struct str state = parameter(a, begun, "state");

	snprintf(query, sizeof(query), "code=%.*s.%.*s&state=%.*s%s", STR_ARG(nonce),
		 STR_ARG(challenge), STR_ARG(state), more);
	arena_free(a);
	return query;
}

/* What the browser sends of the new flow's cookie. */
static const char *sent_cookie(struct answer *begun)
{
	begun->cookies[0][strcspn(begun->cookies[0], ";")] = '\0';
	return begun->cookies[0];
}

/* --- The happy path */

static void test_login(void **state)
{
	struct fixture *f = *state;
	struct answer begun, finished;
	struct arena *a = case_arena();

	start(f);
	begin(f, &begun);
	assert_int_equal(begun.outcome, LOGIN_OK);
	check_contains("begin", "/authorize?x=1&response_type=code&", begun.location);
	check_str("begin", "redirect_uri", STR(ORIGIN "/.sallyport/callback"),
		  parameter(a, &begun, "redirect_uri"));
	check_i64("begin", "cookies", 1, (int64_t)begun.cookies_count);
	check_contains("begin", "Max-Age=600", begun.cookies[0]);
	finish(f, callback(&begun, ""), sent_cookie(&begun), &finished);
	check_cstr("finish", "error", "", finished.err.text);
	assert_int_equal(finished.outcome, LOGIN_OK);
	assert_non_null(finished.identity);
	check_str("finish", "subject", STR("u1"), finished.identity->subject);
	check_i64("finish", "method", AUTHN_SESSION, finished.identity->method);
	check_cstr("finish", "return_to", "/page?x=1", finished.return_to);
	check_i64("finish", "cookies", 1, (int64_t)finished.cookies_count);
	check_contains("finish", "Max-Age=0", finished.cookies[0]);
	check_i64("finish", "the flow's cookie", 0,
		  strncmp(finished.cookies[0], begun.cookies[0], sizeof(LOGIN_COOKIE_PREFIX) + 8));
	check_i64("calls", "discovery", 1, scripted_calls(f->provider, AT_DISCOVERY));
	check_i64("calls", "keys", 1, scripted_calls(f->provider, AT_JWKS));
	check_i64("calls", "token", 1, scripted_calls(f->provider, AT_TOKEN));
	check_i64("calls", "userinfo", 0, scripted_calls(f->provider, AT_USERINFO));
	answer_done(&finished);
	arena_free(a);
	check_done();
}

static void test_userinfo(void **state)
{
	struct fixture *f = *state;
	struct answer begun, finished;

	f->config.userinfo = USERINFO_AUTO;
	scripted_set(f->provider, (struct script){.has_userinfo = true});
	start(f);
	begin(f, &begun);
	finish(f, callback(&begun, ""), sent_cookie(&begun), &finished);
	assert_int_equal(finished.outcome, LOGIN_OK);
	check_str("userinfo", "name", STR("Ada"), finished.identity->name);
	check_i64("userinfo", "groups", 1, (int64_t)finished.identity->groups_count);
	check_i64("userinfo", "calls", 1, scripted_calls(f->provider, AT_USERINFO));
	answer_done(&finished);
	check_done();
}

/* --- A provider that fails in one way */

static const struct failing_row {
	const char *name;
	struct script script;
	enum login_outcome begin, finish;
	const char *text; /* the whole error behind the provider's name; "..." at its end */
	int token_calls, userinfo_calls;
	int64_t max_age_s;
} failing_rows[] = {
	{"discovery answers 500",
	 {.status[AT_DISCOVERY] = 500},
	 LOGIN_UNAVAILABLE,
	 LOGIN_OK,
	 "discovery answered 500",
	 0,
	 0,
	 -1},
	{"discovery never answers",
	 {.hang[AT_DISCOVERY] = true},
	 LOGIN_UNAVAILABLE,
	 LOGIN_OK,
	 "discovery: ...",
	 0,
	 0,
	 -1},
	{"discovery of another issuer",
	 {.body[AT_DISCOVERY] = "{'issuer':'https://evil.example'}"},
	 LOGIN_PROVIDER_FAILED,
	 LOGIN_OK,
	 "discovery: issuer is not ...",
	 0,
	 0,
	 -1},
	{"token endpoint answers 500",
	 {.status[AT_TOKEN] = 500},
	 LOGIN_OK,
	 LOGIN_UNAVAILABLE,
	 "token endpoint answered 500",
	 1,
	 0,
	 -1},
	{"token endpoint never answers",
	 {.hang[AT_TOKEN] = true},
	 LOGIN_OK,
	 LOGIN_UNAVAILABLE,
	 "token endpoint: ...",
	 1,
	 0,
	 -1},
	{"token endpoint too slow",
	 {.delay_ms[AT_TOKEN] = 2000},
	 LOGIN_OK,
	 LOGIN_UNAVAILABLE,
	 "token endpoint: ...",
	 1,
	 0,
	 -1},
	{"token endpoint slow, in time",
	 {.delay_ms[AT_TOKEN] = 50},
	 LOGIN_OK,
	 LOGIN_OK,
	 "",
	 1,
	 0,
	 -1},
	{"token answer cut",
	 {.cut[AT_TOKEN] = true},
	 LOGIN_OK,
	 LOGIN_UNAVAILABLE,
	 "token endpoint: ...",
	 1,
	 0,
	 -1},
	{"token endpoint redirects",
	 {.status[AT_TOKEN] = 302},
	 LOGIN_OK,
	 LOGIN_PROVIDER_FAILED,
	 "token endpoint answered 302",
	 1,
	 0,
	 -1},
	{"client unknown",
	 {.status[AT_TOKEN] = 401, .body[AT_TOKEN] = "{'error':'invalid_client'}"},
	 LOGIN_OK,
	 LOGIN_PROVIDER_FAILED,
	 "token endpoint answered 401 invalid_client: client_id or client_secret is not what the provider "
	 "knows",
	 1,
	 0,
	 -1},
	{"code refused",
	 {.status[AT_TOKEN] = 400, .body[AT_TOKEN] = "{'error':'invalid_grant'}"},
	 LOGIN_OK,
	 LOGIN_BAD_REQUEST,
	 "token endpoint answered 400 invalid_grant",
	 1,
	 0,
	 -1},
	{"no JWT as ID token",
	 {.body[AT_TOKEN] = "{'token_type':'Bearer','access_token':'a','id_token':'opaque'}"},
	 LOGIN_OK,
	 LOGIN_PROVIDER_FAILED,
	 "ID token: ...",
	 1,
	 0,
	 -1},
	{"nonce of another login",
	 {.nonce = "other", .has_userinfo = true},
	 LOGIN_OK,
	 LOGIN_PROVIDER_FAILED,
	 "ID token: nonce is that of another login",
	 1,
	 0,
	 -1},
	{"key nobody published",
	 {.kid = "../../dev/null", .has_userinfo = true},
	 LOGIN_OK,
	 LOGIN_PROVIDER_FAILED,
	 "ID token: signed with an unknown key",
	 1,
	 0,
	 -1},
	{"keys cannot be had",
	 {.status[AT_JWKS] = 500, .has_userinfo = true},
	 LOGIN_OK,
	 LOGIN_UNAVAILABLE,
	 "key set answered 500",
	 1,
	 0,
	 -1},
	{"no keys",
	 {.body[AT_JWKS] = "{'keys':[]}"},
	 LOGIN_OK,
	 LOGIN_PROVIDER_FAILED,
	 "key set: holds no usable key",
	 1,
	 0,
	 -1},
	{"keys never come",
	 {.hang[AT_JWKS] = true},
	 LOGIN_OK,
	 LOGIN_UNAVAILABLE,
	 "key set: ...",
	 1,
	 0,
	 -1},
	{"auth_time missing for max_age",
	 {.has_userinfo = true},
	 LOGIN_OK,
	 LOGIN_PROVIDER_FAILED,
	 "ID token: auth_time is missing, or no time",
	 1,
	 0,
	 60},
	{"signed in long ago for max_age",
	 {.claims = ",'auth_time':1000"},
	 LOGIN_OK,
	 LOGIN_PROVIDER_FAILED,
	 "ID token: auth_time is older than max_age allows",
	 1,
	 0,
	 60},
	{"userinfo of somebody else",
	 {.has_userinfo = true, .userinfo_sub = "u2"},
	 LOGIN_OK,
	 LOGIN_PROVIDER_FAILED,
	 "userinfo is not about the ID token's subject",
	 1,
	 1,
	 -1},
	{"userinfo answers 500",
	 {.has_userinfo = true, .status[AT_USERINFO] = 500},
	 LOGIN_OK,
	 LOGIN_UNAVAILABLE,
	 "userinfo endpoint answered 500",
	 1,
	 1,
	 -1},
	{"userinfo never answers",
	 {.has_userinfo = true, .hang[AT_USERINFO] = true},
	 LOGIN_OK,
	 LOGIN_UNAVAILABLE,
	 "userinfo endpoint: ...",
	 1,
	 1,
	 -1},
	{"groups beyond counting",
	 {.claims = ",'groups':'x','amr':{'a':1}"},
	 LOGIN_OK,
	 LOGIN_OK,
	 "",
	 1,
	 0,
	 -1},
};

static void check_error(const char *name, const char *want, const char *got)
{
	struct str head = STR("provider \"corp\": "), text = str_from(want), rest = str_from(got);

	if (text.len == 0) {
		check_cstr(name, "error", "", got);
		return;
	}
	check_str(name, "error", head, str_slice(rest, 0, head.len));
	rest = str_after(rest, head.len);
	if (str_ends_with(text, STR("..."))) {
		text = str_slice(text, 0, text.len - 3);
		rest = str_slice(rest, 0, text.len);
	}
	check_str(name, "error", text, rest);
}

static void run_failing_row(struct fixture *f, const struct failing_row *row)
{
	struct login_begin_params params = begin_params("/");
	int tokens = scripted_calls(f->provider, AT_TOKEN);
	int userinfos = scripted_calls(f->provider, AT_USERINFO);
	struct answer begun, finished;

	scripted_set(f->provider, row->script);
	params.max_age_s = row->max_age_s;
	start(f);
	begin_with(f, &params, &begun);
	check_i64(row->name, "begin", row->begin, begun.outcome);
	if (begun.outcome == LOGIN_OK) {
		finish(f, callback(&begun, ""), sent_cookie(&begun), &finished);
		check_i64(row->name, "finish", row->finish, finished.outcome);
		check_error(row->name, row->text, finished.err.text);
		check_i64(row->name, "cookies deleted", 1, (int64_t)finished.cookies_count);
		CHECK(row->name, (finished.identity != NULL) == (finished.outcome == LOGIN_OK));
		answer_done(&finished);
	} else {
		check_error(row->name, row->text, begun.err.text);
		check_i64(row->name, "cookies set", 0, (int64_t)begun.cookies_count);
		check_cstr(row->name, "location", "", begun.location);
	}
	check_i64(row->name, "token calls", row->token_calls,
		  scripted_calls(f->provider, AT_TOKEN) - tokens);
	check_i64(row->name, "userinfo calls", row->userinfo_calls,
		  scripted_calls(f->provider, AT_USERINFO) - userinfos);
	stop(f);
}

static void test_failing_provider(void **state)
{
	struct fixture *f = *state;

	f->config.timeout_ms = 300;
	f->config.userinfo = USERINFO_AUTO;
	for (size_t i = 0; i < ARRAY_LEN(failing_rows); i++)
		run_failing_row(f, &failing_rows[i]);
	check_done();
}

static void test_provider_down(void **state)
{
	struct fixture *f = *state;
	struct answer begun;

	f->config.issuer = STR("http://127.0.0.1:1");
	start(f);
	for (int i = 0; i < 3; i++) {
		begin(f, &begun);
		assert_int_equal(begun.outcome, LOGIN_UNAVAILABLE);
		check_error("down", "discovery: http://127.0.0.1:1: ...", begun.err.text);
	}
	check_done();
}

/* Discovery that is late is waited for. */
static void test_late_discovery(void **state)
{
	struct fixture *f = *state;
	struct answer begun;

	scripted_set(f->provider, (struct script){.delay_ms[AT_DISCOVERY] = 300});
	start(f);
	begin(f, &begun);
	assert_int_equal(begun.outcome, LOGIN_OK);
	assert_int_equal(scripted_calls(f->provider, AT_DISCOVERY), 1);
}

static void test_unknown_provider(void **state)
{
	struct fixture *f = *state;
	struct login_begin_params params = begin_params("/");
	struct answer a;

	start(f);
	params.provider = STR("nobody");
	begin_with(f, &params, &a);
	assert_int_equal(a.outcome, LOGIN_INTERNAL);
	assert_string_equal(a.err.text, "no provider is called \"nobody\"");
	assert_null(oidc_provider(f->oidc, STR("nobody")));
	assert_ptr_equal(oidc_provider(f->oidc, STR("corp")), &f->config);
}

static void test_foreign_return_to(void **state)
{
	static const char *const places[] = {"//evil.example", "https://evil.example/", "/\\evil",
					     "", "x"};
	struct fixture *f = *state;

	start(f);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct login_begin_params params = begin_params(places[i]);
		struct answer begun, finished;

		begin_with(f, &params, &begun);
		finish(f, callback(&begun, ""), sent_cookie(&begun), &finished);
		check_i64(places[i], "outcome", LOGIN_OK, finished.outcome);
		check_cstr(places[i], "return_to", "/", finished.return_to);
		answer_done(&finished);
	}
	check_done();
}

/* --- Callbacks that cannot be. None costs a call. */

static void test_callbacks(void **state)
{
	struct fixture *f = *state;
	struct answer mine, other, a;
	char foreign[4096], doubled[8200];

	start(f);
	begin(f, &mine);
	begin(f, &other);
	snprintf(foreign, sizeof(foreign), "%s", sent_cookie(&other));
	(void)sent_cookie(&mine);
	snprintf(doubled, sizeof(doubled), "%s; %s", mine.cookies[0], mine.cookies[0]);

	const struct {
		const char *name, *query, *cookies, *origin;
		enum login_outcome outcome;
	} rows[] = {
		{"no cookie", callback(&mine, ""), "", ORIGIN, LOGIN_BAD_REQUEST},
		{"another browser's cookie", callback(&mine, ""), foreign, ORIGIN,
		 LOGIN_BAD_REQUEST},
		{"the cookie twice", callback(&mine, ""), doubled, ORIGIN, LOGIN_BAD_REQUEST},
		{"another host", callback(&mine, ""), mine.cookies[0], "https://git.example.com",
		 LOGIN_BAD_REQUEST},
		{"another port", callback(&mine, ""), mine.cookies[0], ORIGIN ":8443",
		 LOGIN_BAD_REQUEST},
		{"no query", "", mine.cookies[0], ORIGIN, LOGIN_BAD_REQUEST},
		{"state unknown", "code=a&state=b", mine.cookies[0], ORIGIN, LOGIN_BAD_REQUEST},
		{"origin no URL", callback(&mine, ""), mine.cookies[0], "wiki", LOGIN_INTERNAL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		finish_at(f, rows[i].origin, rows[i].query, rows[i].cookies, &a);
		check_i64(rows[i].name, "outcome", rows[i].outcome, a.outcome);
		check_i64(rows[i].name, "cookies deleted", 0, (int64_t)a.cookies_count);
		check_contains(rows[i].name, "callback: ", a.err.text);
	}
	check_i64("all", "token calls", 0, scripted_calls(f->provider, AT_TOKEN));
	/* None of that has used the flow up. */
	finish(f, callback(&mine, ""), mine.cookies[0], &a);
	check_i64("at last", "outcome", LOGIN_OK, a.outcome);
	answer_done(&a);
	check_done();
}

static void test_replay(void **state)
{
	struct fixture *f = *state;
	struct answer begun, first, second;

	start(f);
	begin(f, &begun);
	(void)sent_cookie(&begun);
	finish(f, callback(&begun, ""), begun.cookies[0], &first);
	assert_int_equal(first.outcome, LOGIN_OK);
	finish(f, callback(&begun, ""), begun.cookies[0], &second);
	check_i64("sent twice", "outcome", LOGIN_BAD_REQUEST, second.outcome);
	check_contains("sent twice", "has come before", second.err.text);
	check_i64("sent twice", "token calls", 1, scripted_calls(f->provider, AT_TOKEN));
	/* Another gate, or this one after a reload, has the provider to say so. */
	start(f);
	finish(f, callback(&begun, ""), begun.cookies[0], &second);
	check_i64("elsewhere", "outcome", LOGIN_BAD_REQUEST, second.outcome);
	check_error("elsewhere", "token endpoint answered 400 invalid_grant", second.err.text);
	answer_done(&first);
	check_done();
}

static void test_errors_and_issuers(void **state)
{
	static const struct {
		const char *name, *more; /* instead of the code when it has an error */
		bool promises_iss;
		enum login_outcome outcome;
		const char *text;
		int token_calls;
	} rows[] = {
		{"access denied", "error=access_denied", false, LOGIN_REFUSED,
		 "provider \"corp\": sign-in was refused: access_denied", 0},
		{"unavailable", "error=temporarily_unavailable", false, LOGIN_UNAVAILABLE,
		 "provider \"corp\": sign-in was refused: temporarily_unavailable", 0},
		{"iss wrong", "&iss=https%3A%2F%2Fevil.example", false, LOGIN_BAD_REQUEST,
		 "callback: the callback comes from another issuer", 0},
		{"iss promised and missing", "", true, LOGIN_BAD_REQUEST,
		 "provider \"corp\": callback: the callback names no issuer", 0},
		{"error without the promised iss", "error=access_denied", true, LOGIN_BAD_REQUEST,
		 "provider \"corp\": callback: the callback names no issuer", 0},
		{"iss right", "&iss=ISSUER", true, LOGIN_OK, "", 1},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int tokens = scripted_calls(f->provider, AT_TOKEN);
		char query[2048], iss[256];
		struct answer begun, a;

		scripted_set(f->provider, (struct script){.promises_iss = rows[i].promises_iss});
		start(f);
		begin(f, &begun);
		snprintf(iss, sizeof(iss), "&iss=http%%3A%%2F%%2F127.0.0.1%%3A%u",
			 f->provider->port);
		if (rows[i].more[0] == 'e')
			snprintf(query, sizeof(query), "%s%s", rows[i].more,
				 strstr(callback(&begun, ""), "&state="));
		else
			snprintf(query, sizeof(query), "%s",
				 callback(&begun,
					  strstr(rows[i].more, "ISSUER") ? iss : rows[i].more));
		finish(f, query, sent_cookie(&begun), &a);
		check_i64(rows[i].name, "outcome", rows[i].outcome, a.outcome);
		check_contains(rows[i].name, rows[i].text, a.err.text);
		check_cstr(rows[i].name, "return_to", "/page?x=1", a.return_to);
		check_i64(rows[i].name, "token calls", rows[i].token_calls,
			  scripted_calls(f->provider, AT_TOKEN) - tokens);
		answer_done(&a);
	}
	check_done();
}

/* --- Keys */

/* rp-key-rotation-op-sign-key-native: new keys just before the token is signed. */
static void test_rotation(void **state)
{
	static const enum login_outcome outcomes[] = {LOGIN_OK, LOGIN_OK, LOGIN_PROVIDER_FAILED};
	struct fixture *f = *state;
	struct answer begun, finished;

	start(f);
	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
		scripted_set(f->provider, (struct script){.rotate = i > 0});
		begin(f, &begun);
		finish(f, callback(&begun, ""), sent_cookie(&begun), &finished);
		check_i64("rotation", "outcome", outcomes[i], finished.outcome);
		answer_done(&finished);
	}
	/* Once at the start, once for the first unknown key, and not for the second right behind. */
	check_i64("rotation", "key calls", 2, scripted_calls(f->provider, AT_JWKS));
	check_done();
}

/* --- Bearer tokens */

static void make_bearer(struct fixture *f, const char *kid, const char *more, struct buf *token)
{
	long long now = (long long)time(NULL);
	struct script script = {.kid = kid};
	char claims[1024];

	snprintf(claims, sizeof(claims),
		 "{\"iss\":\"%s\",\"sub\":\"svc\",\"aud\":\"sallyport\","
		 "\"exp\":%lld%s}",
		 f->provider->issuer, now + 300, quoted(more));
	scripted_set(f->provider, script);
	pthread_mutex_lock(&f->provider->lock);
	scripted_sign(f->provider, claims, token);
	pthread_mutex_unlock(&f->provider->lock);
}

static void test_bearer(void **state)
{
	struct fixture *f = *state;
	struct buf token;
	struct answer a;

	start(f);
	make_bearer(f, NULL, ",'groups':['eng']", &token);
	for (int i = 0; i < 3; i++) {
		bearer(f, token.ptr, &a);
		assert_string_equal(a.err.text, "");
		assert_int_equal(a.outcome, LOGIN_OK);
		check_str("bearer", "subject", STR("svc"), a.identity->subject);
		check_i64("bearer", "method", AUTHN_BEARER, a.identity->method);
		CHECK("bearer", a.valid_until_s > (int64_t)time(NULL) + 290);
		answer_done(&a);
	}
	check_i64("bearer", "key calls", 1, scripted_calls(f->provider, AT_JWKS));
	token.ptr[token.len - 3] = token.ptr[token.len - 3] == 'A' ? 'B' : 'A';
	bearer(f, token.ptr, &a);
	check_i64("forged", "outcome", LOGIN_REFUSED, a.outcome);
	check_i64("forged", "key calls", 1, scripted_calls(f->provider, AT_JWKS));
	buf_done(&token);
	check_done();
}

/* What can be refused without the provider costs no call, and no word of it is repeated. */
static void test_bearer_refused_at_once(void **state)
{
	static const char *const more[] = {",'nbf':99999999999", ",'iat':99999999999"};
	struct fixture *f = *state;
	struct buf token;
	struct answer a;

	scripted_set(f->provider, (struct script){.hang[AT_DISCOVERY] = true});
	start(f);
	bearer(f, "x", &a);
	check_i64("opaque", "outcome", LOGIN_REFUSED, a.outcome);
	for (size_t i = 0; i < ARRAY_LEN(more); i++) {
		make_bearer(f, NULL, more[i], &token);
		bearer(f, token.ptr, &a);
		check_i64(more[i], "outcome", LOGIN_REFUSED, a.outcome);
		check_contains(more[i], "provider \"corp\": bearer token: ", a.err.text);
		buf_done(&token);
	}
	check_done();
}

/* Row 75: tokens with odd keys, all at once and then again. */
static void test_bearer_storm(void **state)
{
	enum { COUNT = 200 };
	struct fixture *f = *state;
	struct answer *answers = calloc(COUNT, sizeof(*answers));
	struct answer warm;
	struct buf token;
	char kid[32];

	assert_non_null(answers);
	start(f);
	make_bearer(f, NULL, "", &token);
	bearer(f, token.ptr, &warm);
	assert_int_equal(warm.outcome, LOGIN_OK);
	answer_done(&warm);
	buf_done(&token);
	for (int round = 0; round < 2; round++) {
		memset(answers, 0, COUNT * sizeof(*answers));
		for (int i = 0; i < COUNT; i++) {
			snprintf(kid, sizeof(kid), "odd-%d", i);
			make_bearer(f, kid, "", &token);
			assert_non_null(bearer_verify(f->oidc, STR("corp"), buf_str(&token),
						      f->loop, on_done, &answers[i], NULL));
			buf_done(&token);
		}
		for (int i = 0; i < COUNT; i++) {
			await(f, &answers[i]);
			check_i64("storm", "outcome", LOGIN_REFUSED, answers[i].outcome);
		}
	}
	check_i64("storm", "key calls", 2, scripted_calls(f->provider, AT_JWKS));
	free(answers);
	check_done();
}

/* --- Many at once */

static void test_concurrent(void **state)
{
	enum { COUNT = 50 };
	struct fixture *f = *state;
	struct answer *begun = calloc(COUNT, sizeof(*begun));
	struct answer *finished = calloc(COUNT, sizeof(*finished));
	struct login_begin_params params = begin_params("/");

	assert_true(begun && finished);
	f->config.timeout_ms = 10000;
	scripted_set(f->provider, (struct script){.delay_ms[AT_TOKEN] = 30});
	start(f);
	for (int i = 0; i < COUNT; i++)
		assert_non_null(login_begin(f->oidc, &params, f->loop, on_done, &begun[i], NULL));
	for (int i = 0; i < COUNT; i++) {
		struct login_finish_params back = {.origin = STR(ORIGIN)};

		await(f, &begun[i]);
		assert_int_equal(begun[i].outcome, LOGIN_OK);
		back.query = str_from(callback(&begun[i], ""));
		back.cookies = str_from(sent_cookie(&begun[i]));
		assert_non_null(login_finish(f->oidc, &back, f->loop, on_done, &finished[i], NULL));
	}
	for (int i = 0; i < COUNT; i++) {
		await(f, &finished[i]);
		check_cstr("concurrent", "error", "", finished[i].err.text);
		answer_done(&finished[i]);
	}
	check_i64("concurrent", "discovery calls", 1, scripted_calls(f->provider, AT_DISCOVERY));
	check_i64("concurrent", "key calls", 1, scripted_calls(f->provider, AT_JWKS));
	check_i64("concurrent", "token calls", COUNT, scripted_calls(f->provider, AT_TOKEN));
	free(begun);
	free(finished);
	check_done();
}

static void test_too_many(void **state)
{
	struct fixture *f = *state;
	struct login_op **ops = calloc(LOGIN_MAX_CONCURRENT, sizeof(struct login_op *));
	struct login_begin_params params = begin_params("/");
	struct answer a = {0};
	struct error err = {0};

	assert_non_null(ops);
	f->config.timeout_ms = 60000;
	scripted_set(f->provider, (struct script){.hang[AT_DISCOVERY] = true});
	start(f);
	for (int i = 0; i < LOGIN_MAX_CONCURRENT; i++) {
		ops[i] = login_begin(f->oidc, &params, f->loop, on_done, &a, NULL);
		assert_non_null(ops[i]);
	}
	assert_null(login_begin(f->oidc, &params, f->loop, on_done, &a, &err));
	assert_int_equal(err.kind, ERR_LIMIT);
	for (int i = 0; i < LOGIN_MAX_CONCURRENT; i++)
		login_op_cancel(ops[i]);
	stop(f);
	loop_turn(f->loop, 0);
	assert_int_equal(a.times, 0);
	free(ops);
}

/* --- Cancelling */

static void await_call(struct fixture *f, enum script_endpoint e, int more_than)
{
	int64_t give_up_us = clock_now_us() + 10000000;

	while (scripted_calls(f->provider, e) <= more_than && clock_now_us() < give_up_us)
		loop_turn(f->loop, 5);
	assert_true(scripted_calls(f->provider, e) > more_than);
}

/* Cancelled while a call is live; the worker's loop may be gone at once. */
static void cancel_during(struct fixture *f, enum script_endpoint e, bool frees_loop)
{
	struct script script = {.has_userinfo = true};
	struct login_begin_params params = begin_params("/");
	struct login_finish_params back = {.origin = STR(ORIGIN)};
	/* The keys are fetched in any case; who needs them has been at the token endpoint. */
	enum script_endpoint seen = e == AT_JWKS ? AT_TOKEN : e;
	int before = scripted_calls(f->provider, seen);
	struct loop *loop = loop_new(NULL);
	struct answer begun, a = {0};
	struct login_op *op;

	assert_non_null(loop);
	script.hang[e] = true;
	scripted_set(f->provider, script);
	start(f);
	if (e == AT_DISCOVERY) {
		op = login_begin(f->oidc, &params, loop, on_done, &a, NULL);
	} else {
		begin(f, &begun);
		back.query = str_from(callback(&begun, ""));
		back.cookies = str_from(sent_cookie(&begun));
		op = login_finish(f->oidc, &back, loop, on_done, &a, NULL);
	}
	assert_non_null(op);
	await_call(f, seen, before);
	login_op_cancel(op);
	if (frees_loop)
		loop_free(loop);
	stop(f);
	if (!frees_loop)
		loop_free(loop);
	assert_int_equal(a.times, 0);
}

static void test_cancel(void **state)
{
	struct fixture *f = *state;

	f->config.timeout_ms = 30000;
	f->config.userinfo = USERINFO_ALWAYS;
	for (int e = 0; e < ENDPOINTS; e++) {
		cancel_during(f, e, false);
		cancel_during(f, e, true);
	}
}

/* Cancelled at any moment of a whole login: before it arrives, in the midst, on its way home. */
static void test_cancel_at_random(void **state)
{
	struct fixture *f = *state;

	start(f);
	for (int i = 0; i < 300; i++) {
		struct loop *loop = loop_new(NULL);
		struct login_begin_params params = begin_params("/");
		struct answer a = {0};
		struct login_op *op;
		int64_t until_us;

		assert_non_null(loop);
		op = login_begin(f->oidc, &params, loop, on_done, &a, NULL);
		assert_non_null(op);
		until_us = clock_now_us() + i % 30 * 20;
		while (clock_now_us() < until_us)
			continue;
		login_op_cancel(op);
		loop_turn(loop, 0);
		loop_free(loop);
		assert_int_equal(a.times, 0);
	}
}

/* A provider that is still being asked does not hold the end up. */
static void test_free_at_once(void **state)
{
	struct fixture *f = *state;
	int64_t begun_us = clock_now_us();

	f->config.timeout_ms = 60000;
	scripted_set(f->provider, (struct script){.hang[AT_DISCOVERY] = true});
	start(f);
	await_call(f, AT_DISCOVERY, 0);
	stop(f);
	start(f);
	stop(f);
	oidc_free(NULL);
	login_op_cancel(NULL);
	assert_true(clock_now_us() - begun_us < 10000000);
}

/* Many flows of one browser: the oldest is deleted with the new one. */
static void test_many_flows(void **state)
{
	struct fixture *f = *state;
	struct login_begin_params params = begin_params("/");
	struct answer begun;
	struct buf cookies;

	buf_init(&cookies, 65536);
	start(f);
	for (int i = 0; i < LOGIN_MAX_FLOWS; i++) {
		params.cookies = buf_str(&cookies);
		begin_with(f, &params, &begun);
		check_i64("few", "cookies", 1, (int64_t)begun.cookies_count);
		buf_appendf(&cookies, "%s%s", i ? "; " : "", sent_cookie(&begun));
	}
	params.cookies = buf_str(&cookies);
	begin_with(f, &params, &begun);
	check_i64("one too many", "cookies", 2, (int64_t)begun.cookies_count);
	check_contains("one too many", "Max-Age=600", begun.cookies[0]);
	check_contains("one too many", "Max-Age=0", begun.cookies[1]);
	buf_done(&cookies);
	check_done();
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_login),
		CASE(test_userinfo),
		CASE(test_failing_provider),
		CASE(test_provider_down),
		CASE(test_late_discovery),
		CASE(test_unknown_provider),
		CASE(test_foreign_return_to),
		CASE(test_callbacks),
		CASE(test_replay),
		CASE(test_errors_and_issuers),
		CASE(test_rotation),
		CASE(test_bearer),
		CASE(test_bearer_refused_at_once),
		CASE(test_bearer_storm),
		CASE(test_concurrent),
		CASE(test_too_many),
		CASE(test_cancel),
		CASE(test_cancel_at_random),
		CASE(test_free_at_once),
		CASE(test_many_flows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
