/*
 * Flow cookies: whom they open for, and how many there may be.
 */
#include "authn/oidc/flow.h"
#include "authn/oidc/used_states.h"
#include "http/cookie.h"
#include "tests/unit/authn/oidc/oidc_case.h"
#include "tests/unit/authn/scratch.h"

enum { NOW = 1800000000 };

struct fixture {
	char *folder;
	struct keyring *keys;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->folder = scratch_make();
	assert_true(keyring_open(f->folder, &f->keys, NULL));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	keyring_free(f->keys);
	scratch_remove(f->folder);
	free(f);
	return 0;
}

/* A Set-Cookie value of a flow for host; b is initialised here. */
static void make_cookie(struct buf *b, const struct fixture *f, const char *state, const char *host,
			int64_t created_s, const char *return_to)
{
	char name[FLOW_NAME_SIZE], hash[FLOW_STATE_HASH_SIZE];
	struct flow flow = {
		.provider = STR("corp"),
		.origin = STR("https://wiki.example.com"),
		.nonce = STR("nonce"),
		.verifier = STR("verifier"),
		.return_to = str_from(return_to),
		.created_s = created_s,
		.expires_s = created_s + 600,
		.max_age_s = 77,
	};

	flow_hash_state(str_from(state), hash);
	flow_cookie_name(str_from(state), name);
	flow.state_hash = str_from(hash);
	buf_init(b, 8192);
	assert_true(flow_append_cookie(b, f->keys, str_from(name), str_from(host), &flow, NULL));
}

/* What a browser sends of it, appended. */
static void add_pair(struct buf *cookies, const struct buf *set_cookie)
{
	struct str pair =
		str_slice(buf_str(set_cookie), 0, str_find_char(buf_str(set_cookie), ';'));

	if (cookies->len)
		buf_append_cstr(cookies, "; ");
	buf_append(cookies, pair);
}

static void add_flow(struct buf *cookies, const struct fixture *f, const char *state,
		     const char *host, int64_t created_s)
{
	struct buf b;

	make_cookie(&b, f, state, host, created_s, "/");
	add_pair(cookies, &b);
	buf_done(&b);
}

static void test_set_cookie(void **state)
{
	struct buf b;

	make_cookie(&b, *state, "s1", "wiki.example.com", NOW, "/a?b=c");
	/* The first eight hex digits of SHA-256("s1"). */
	check_str("name", "prefix", STR("__Host-sallyport-login-e8bc163c="),
		  str_slice(buf_str(&b), 0, 32));
	check_contains("attributes", "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600",
		       b.ptr);
	CHECK("nothing is legible", !strstr(b.ptr, "corp") && !strstr(b.ptr, "verifier"));
	buf_clear(&b);
	flow_append_deletion(&b, STR("__Host-sallyport-login-00000000"));
	check_cstr("deletion", "cookie",
		   "__Host-sallyport-login-00000000=; Path=/; Secure; HttpOnly; "
		   "SameSite=Lax; Max-Age=0",
		   b.ptr);
	buf_done(&b);
	check_done();
}

static void test_round_trip(void **state)
{
	struct fixture *f = *state;
	struct arena *a = case_arena();
	struct buf b, cookies;
	struct flow flow;

	buf_init(&cookies, 65536);
	make_cookie(&b, f, "s1", "wiki.example.com", NOW, "/a?b=\"c\"");
	add_pair(&cookies, &b);
	assert_true(flow_find(a, f->keys, buf_str(&cookies), STR("wiki.example.com"), STR("s1"),
			      NOW, &flow, NULL));
	check_str("", "provider", STR("corp"), flow.provider);
	check_str("", "origin", STR("https://wiki.example.com"), flow.origin);
	check_str("", "nonce", STR("nonce"), flow.nonce);
	check_str("", "verifier", STR("verifier"), flow.verifier);
	check_str("", "return_to", STR("/a?b=\"c\""), flow.return_to);
	check_i64("", "created", NOW, flow.created_s);
	check_i64("", "expires", NOW + 600, flow.expires_s);
	check_i64("", "max_age", 77, flow.max_age_s);
	buf_done(&b);
	buf_done(&cookies);
	arena_free(a);
	check_done();
}

static const struct {
	const char *name, *state, *host;
	int64_t now_s;
	bool ok;
} find_rows[] = {
	{"the same", "s1", "wiki.example.com", NOW + 599, true},
	{"expired", "s1", "wiki.example.com", NOW + 600, false},
	{"another state", "s2", "wiki.example.com", NOW, false},
	{"another host", "s1", "git.example.com", NOW, false},
	{"no state", "", "wiki.example.com", NOW, false},
};

static void test_find(void **state)
{
	struct fixture *f = *state;
	struct buf cookies;

	buf_init(&cookies, 65536);
	add_flow(&cookies, f, "s1", "wiki.example.com", NOW);
	for (size_t i = 0; i < ARRAY_LEN(find_rows); i++) {
		struct arena *a = case_arena();
		struct flow flow;
		struct error err = {0};

		check_i64(find_rows[i].name, "found", find_rows[i].ok,
			  flow_find(a, f->keys, buf_str(&cookies), str_from(find_rows[i].host),
				    str_from(find_rows[i].state), find_rows[i].now_s, &flow, &err));
		check_i64(find_rows[i].name, "kind", find_rows[i].ok ? ERR_NONE : ERR_DENIED,
			  err.kind);
		arena_free(a);
	}
	buf_done(&cookies);
	check_done();
}

/* A flow's cookie under the name of another: the name is sealed with it. */
static void test_renamed(void **state)
{
	struct fixture *f = *state;
	struct arena *a = case_arena();
	char name[FLOW_NAME_SIZE];
	struct buf b, cookies;
	struct flow flow;
	size_t equals;

	buf_init(&cookies, 65536);
	make_cookie(&b, f, "s1", "h", NOW, "/");
	equals = str_find_char(buf_str(&b), '=');
	flow_cookie_name(STR("s2"), name);
	buf_append_cstr(&cookies, name);
	buf_append(&cookies,
		   str_slice(buf_str(&b), equals, str_find_char(buf_str(&b), ';') - equals));
	assert_false(
		flow_find(a, f->keys, buf_str(&cookies), STR("h"), STR("s2"), NOW, &flow, NULL));
	buf_done(&b);
	buf_done(&cookies);
	arena_free(a);
}

/* Eight hex digits name a cookie: another state may fit them, its whole hash does not. */
static void test_state_that_collides(void **state)
{
	struct fixture *f = *state;
	struct arena *a = case_arena();
	struct flow flow = {.state_hash = STR("LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564"),
			    .expires_s = NOW + 600};
	char name[FLOW_NAME_SIZE];
	struct buf b, cookies;

	buf_init(&b, 8192);
	buf_init(&cookies, 8192);
	flow_cookie_name(STR("s1"), name);
	assert_true(flow_append_cookie(&b, f->keys, str_from(name), STR("h"), &flow, NULL));
	add_pair(&cookies, &b);
	assert_false(
		flow_find(a, f->keys, buf_str(&cookies), STR("h"), STR("s1"), NOW, &flow, NULL));
	buf_done(&b);
	buf_done(&cookies);
	arena_free(a);
}

static void test_every_byte_counts(void **state)
{
	struct fixture *f = *state;
	struct buf cookies;
	struct arena *a = case_arena();

	buf_init(&cookies, 65536);
	add_flow(&cookies, f, "s1", "h", NOW);
	for (size_t i = str_find_char(buf_str(&cookies), '=') + 1; i < cookies.len; i++) {
		char before = cookies.ptr[i];
		struct flow flow;

		arena_reset(a);
		cookies.ptr[i] = before == 'A' ? 'B' : 'A';
		if (flow_find(a, f->keys, buf_str(&cookies), STR("h"), STR("s1"), NOW, &flow, NULL))
			fail_msg("opened with byte %zu changed", i);
		cookies.ptr[i] = before;
	}
	buf_done(&cookies);
	arena_free(a);
}

static void test_size(void **state)
{
	static const struct {
		const char *name;
		size_t len;
		char byte;
		bool kept;
	} rows[] = {
		{"short", 100, 'a', true},
		{"just fits", FLOW_MAX_RETURN_TO, 'a', true},
		{"too long", FLOW_MAX_RETURN_TO + 1, 'a', false},
		{"doubled by JSON", FLOW_MAX_RETURN_TO, '"', false},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char return_to[4096] = "/";
		struct arena *a = case_arena();
		struct buf b, cookies;
		struct flow flow;

		memset(return_to + 1, rows[i].byte, rows[i].len - 1);
		buf_init(&cookies, 65536);
		make_cookie(&b, f, "s1", "h", NOW, return_to);
		add_pair(&cookies, &b);
		CHECK(rows[i].name, b.len < 4096);
		assert_true(flow_find(a, f->keys, buf_str(&cookies), STR("h"), STR("s1"), NOW,
				      &flow, NULL));
		check_str(rows[i].name, "return_to", rows[i].kept ? str_from(return_to) : STR("/"),
			  flow.return_to);
		buf_done(&b);
		buf_done(&cookies);
		arena_free(a);
	}
	check_done();
}

/* --- Counting */

static bool is_stale(const struct str *names, size_t count, const char *state)
{
	char name[FLOW_NAME_SIZE];

	flow_cookie_name(str_from(state), name);
	for (size_t i = 0; i < count; i++)
		if (str_equal(names[i], str_from(name)))
			return true;
	return false;
}

static void test_oldest_goes(void **state)
{
	struct fixture *f = *state;
	struct arena *a = case_arena();
	struct str names[LOGIN_MAX_FLOWS + 1];
	struct buf cookies;
	size_t count;

	buf_init(&cookies, 65536);
	add_flow(&cookies, f, "b", "h", NOW - 20);
	add_flow(&cookies, f, "a", "h", NOW - 30);
	add_flow(&cookies, f, "c", "h", NOW - 10);
	add_flow(&cookies, f, "d", "h", NOW);
	buf_append_cstr(&cookies, "; other=1; __Host-sallyport-login-x=1; __Host-sallyport=s");
	count = flow_list_stale(a, f->keys, buf_str(&cookies), STR("h"), NOW, names,
				ARRAY_LEN(names));
	check_i64("four", "stale", 0, (int64_t)count);
	add_flow(&cookies, f, "e", "h", NOW - 5);
	count = flow_list_stale(a, f->keys, buf_str(&cookies), STR("h"), NOW, names,
				ARRAY_LEN(names));
	check_i64("five", "stale", 1, (int64_t)count);
	CHECK("five", is_stale(names, count, "a"));
	add_flow(&cookies, f, "f", "h", NOW - 5);
	add_flow(&cookies, f, "x", "h", NOW - 600);
	add_flow(&cookies, f, "y", "other", NOW);
	buf_append_cstr(&cookies, "; __Host-sallyport-login-01234567=junk");
	count = flow_list_stale(a, f->keys, buf_str(&cookies), STR("h"), NOW, names,
				ARRAY_LEN(names));
	check_i64("six, and three that do not count", "stale", 5, (int64_t)count);
	CHECK("the two oldest", is_stale(names, count, "a") && is_stale(names, count, "b"));
	CHECK("the expired one", is_stale(names, count, "x"));
	CHECK("that of another host", is_stale(names, count, "y"));
	CHECK("a young one stays", !is_stale(names, count, "c"));
	count = flow_list_stale(a, f->keys, buf_str(&cookies), STR("h"), NOW, names, 2);
	check_i64("little room", "stale", 2, (int64_t)count);
	buf_done(&cookies);
	arena_free(a);
	check_done();
}

/* A cookie that is there twice is nobody's, and is named once. */
static void test_twice(void **state)
{
	struct fixture *f = *state;
	struct arena *a = case_arena();
	struct str names[LOGIN_MAX_FLOWS + 1];
	struct buf cookies;
	struct flow flow;

	buf_init(&cookies, 65536);
	add_flow(&cookies, f, "a", "h", NOW);
	add_flow(&cookies, f, "a", "h", NOW);
	check_i64("twice", "stale", 1,
		  (int64_t)flow_list_stale(a, f->keys, buf_str(&cookies), STR("h"), NOW, names,
					   ARRAY_LEN(names)));
	CHECK("twice",
	      !flow_find(a, f->keys, buf_str(&cookies), STR("h"), STR("a"), NOW, &flow, NULL));
	buf_done(&cookies);
	arena_free(a);
	check_done();
}

static void test_thousands(void **state)
{
	struct fixture *f = *state;
	struct arena *a = case_arena();
	struct str names[LOGIN_MAX_FLOWS + 1];
	struct buf cookies;
	size_t count;

	buf_init(&cookies, 1024 * 1024);
	for (unsigned i = 0; i < 10000; i++)
		buf_appendf(&cookies, "; __Host-sallyport-login-%08x=%u", i, i);
	count = flow_list_stale(a, f->keys, buf_str(&cookies), STR("h"), NOW, names,
				ARRAY_LEN(names));
	check_i64("thousands", "stale", LOGIN_MAX_FLOWS + 1, (int64_t)count);
	buf_done(&cookies);
	arena_free(a);
	check_done();
}

/* --- States that were used */

static void test_used_states(void **state)
{
	struct used_states *u = used_states_new();
	char text[32];

	(void)state;
	assert_non_null(u);
	for (unsigned i = 0; i < USED_STATES_MAX; i++) {
		snprintf(text, sizeof(text), "state %u", i);
		CHECK("new", used_states_add(u, str_from(text)));
	}
	for (unsigned i = 0; i < USED_STATES_MAX; i++) {
		snprintf(text, sizeof(text), "state %u", i);
		CHECK("used", !used_states_add(u, str_from(text)));
	}
	CHECK("one more", used_states_add(u, STR("more")));
	CHECK("the second is still known", !used_states_add(u, STR("state 1")));
	CHECK("the first is forgotten", used_states_add(u, STR("state 0")));
	/* All places taken once more: chains stay whole. */
	for (unsigned i = 0; i < 3 * USED_STATES_MAX; i++) {
		snprintf(text, sizeof(text), "again %u", i);
		CHECK("again", used_states_add(u, str_from(text)));
		CHECK("again", !used_states_add(u, str_from(text)));
	}
	CHECK("long gone", used_states_add(u, STR("more")));
	used_states_free(u);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_cookie),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_renamed),
		cmocka_unit_test(test_state_that_collides),
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_oldest_goes),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_thousands),
		cmocka_unit_test(test_used_states),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
