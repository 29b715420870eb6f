/*
 * What is known about a provider: when it is fetched, how often, and for whom. The clock
 * and the calls are the test's own: they stand in front of those of the libraries.
 */
#include "authn/oidc/provider.h"
#include "base/clock.h"
#include "tests/unit/authn/jose/sign.h"
#include "tests/unit/authn/oidc/oidc_case.h"

/* --- The clock */

static int64_t now_ms;

void clock_update(void)
{
}

int64_t clock_ms(void)
{
	return now_ms;
}

int64_t clock_us(void)
{
	return now_ms * 1000;
}

int64_t clock_wall_s(void)
{
	return 1800000000 + now_ms / 1000;
}

int64_t clock_wall_ms(void)
{
	return clock_wall_s() * 1000;
}

int64_t clock_now_us(void)
{
	return now_ms * 1000;
}

const char *clock_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_SIZE])
{
	(void)wall_ms;
	out[0] = '\0';
	return out;
}

/* --- Calls: at most one for each document, which is asserted. */

enum { DISCOVERY, KEYS, DOCUMENTS };

struct fetch {
	fetch_done *done;
	void *arg;
	char url[256];
	bool allow_http;
	bool live;
};

static struct fetch calls[DOCUMENTS];
static int started[DOCUMENTS], cancelled;
static enum error_kind start_fails;

struct fetch *fetch_start(struct fetcher *f, const struct fetch_request *request, fetch_done *done,
			  void *arg, struct error *err)
{
	bool is_discovery = str_ends_with(request->url, STR("/openid-configuration"));
	struct fetch *call = &calls[is_discovery ? DISCOVERY : KEYS];

	(void)f;
	if (start_fails != ERR_NONE) {
		error_set(err, start_fails, "cannot start");
		return NULL;
	}
	assert_false(call->live);
	assert_true(request->timeout_ms > 0 && request->max_bytes > 0);
	assert_false(request->allow_private);
	*call = (struct fetch){.done = done,
			       .arg = arg,
			       .live = true,
			       .allow_http = request->allow_http};
	assert_true(str_copy(call->url, sizeof(call->url), request->url));
	started[call - calls]++;
	return call;
}

void fetch_cancel(struct fetch *f)
{
	if (!f)
		return;
	assert_true(f->live);
	f->live = false;
	cancelled++;
}

struct fetcher *fetcher_new(struct loop *loop, struct error *err)
{
	(void)loop;
	(void)err;
	return NULL;
}

void fetcher_free(struct fetcher *f)
{
	(void)f;
}

static void answer_with(int document, const struct fetch_result *result)
{
	assert_true(calls[document].live);
	calls[document].live = false;
	calls[document].done(calls[document].arg, result);
}

static void answer(int document, unsigned status, const char *body, int64_t max_age_s)
{
	struct fetch_result result = {.ok = true,
				      .status = status,
				      .body = str_from(body),
				      .max_age_s = max_age_s};

	answer_with(document, &result);
}

/* --- */

#define METADATA(jwks)                                                                             \
	"{'issuer':'" ISSUER "','authorization_endpoint':'" ISSUER "/a','token_endpoint':'" ISSUER \
	"/t','jwks_uri':'" ISSUER jwks "'}"

static const char key_set[] = "{\"keys\":[{" RFC7515_A2_JWK ",\"kid\":\"k1\"}]}";

struct fixture {
	struct provider_config config;
	struct loop *loop;
	struct provider *provider;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	now_ms = 1000000;
	memset(calls, 0, sizeof(calls));
	memset(started, 0, sizeof(started));
	cancelled = 0;
	start_fails = ERR_NONE;
	f->config = case_config();
	f->loop = loop_new(NULL);
	assert_non_null(f->loop);
	f->provider = provider_new(&f->config, f->loop, NULL, NULL);
	assert_non_null(f->provider);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	provider_free(f->provider);
	assert_false(calls[DISCOVERY].live || calls[KEYS].live);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void pass(struct fixture *f, int64_t ms)
{
	now_ms += ms;
	loop_turn(f->loop, 0);
}

struct waiter {
	struct provider_waiter waiter;
	int told;
	enum login_outcome outcome;
	struct error err;
	struct waiter *stops; /* another one, when told */
};

static void on_ready(struct provider_waiter *w, enum login_outcome outcome, const struct error *err)
{
	struct waiter *one = CONTAINER_OF(w, struct waiter, waiter);

	one->told++;
	one->outcome = outcome;
	one->err = *err;
	if (one->stops)
		provider_waiter_stop(&one->stops->waiter);
}

#define WAITER                                    \
	{                                         \
		.waiter = {.on_ready = on_ready } \
	}

static enum provider_answer want_metadata(struct fixture *f, struct waiter *w)
{
	w->err = (struct error){0};
	return provider_want_metadata(f->provider, &w->waiter, &w->outcome, &w->err);
}

static enum provider_answer want_keys(struct fixture *f, struct waiter *w)
{
	w->err = (struct error){0};
	return provider_want_keys(f->provider, &w->waiter, &w->outcome, &w->err);
}

/* Both documents held. */
static void bring_up(struct fixture *f)
{
	provider_start(f->provider);
	answer(DISCOVERY, 200, quoted(METADATA("/keys")), -1);
	answer(KEYS, 200, key_set, -1);
	memset(started, 0, sizeof(started));
}

static void test_start(void **state)
{
	struct fixture *f = *state;
	struct waiter w = WAITER;

	provider_start(f->provider);
	assert_string_equal(calls[DISCOVERY].url, ISSUER "/.well-known/openid-configuration");
	assert_false(calls[DISCOVERY].allow_http);
	assert_null(provider_metadata(f->provider));
	answer(DISCOVERY, 200, quoted(METADATA("/keys")), -1);
	assert_non_null(provider_metadata(f->provider));
	assert_string_equal(calls[KEYS].url, ISSUER "/keys");
	answer(KEYS, 200, key_set, -1);
	assert_int_equal(jwks_count(provider_keys(f->provider)), 1);
	assert_int_equal(want_metadata(f, &w), PROVIDER_HAS_IT);
	assert_int_equal(want_keys(f, &w), PROVIDER_HAS_IT);
	assert_int_equal(started[DISCOVERY], 1);
	assert_int_equal(started[KEYS], 1);
	assert_int_equal(w.told, 0);
}

static void test_one_call_for_all(void **state)
{
	struct fixture *f = *state;
	struct waiter waiters[100];

	for (size_t i = 0; i < ARRAY_LEN(waiters); i++) {
		waiters[i] = (struct waiter)WAITER;
		assert_int_equal(want_metadata(f, &waiters[i]), PROVIDER_WAIT);
	}
	assert_int_equal(started[DISCOVERY], 1);
	provider_waiter_stop(&waiters[7].waiter);
	waiters[50].stops = &waiters[3]; /* told later, or not at all */
	answer(DISCOVERY, 200, quoted(METADATA("/keys")), -1);
	for (size_t i = 0; i < ARRAY_LEN(waiters); i++) {
		assert_int_equal(waiters[i].told, i == 7 || i == 3 ? 0 : 1);
		assert_int_equal(waiters[i].outcome, LOGIN_OK);
	}
}

static const struct failure_row {
	const char *name;
	struct fetch_result result;
	enum login_outcome outcome;
	const char *text;
} failure_rows[] = {
	{"down",
	 {.err = {.kind = ERR_IO, .text = "https://id: refused"}},
	 LOGIN_UNAVAILABLE,
	 "discovery: https://id: refused"},
	{"slow",
	 {.err = {.kind = ERR_TIMEOUT, .text = "late"}},
	 LOGIN_UNAVAILABLE,
	 "discovery: late"},
	{"forbidden address",
	 {.err = {.kind = ERR_DENIED, .text = "no"}},
	 LOGIN_PROVIDER_FAILED,
	 "discovery: no"},
	{"too large",
	 {.err = {.kind = ERR_LIMIT, .text = "large"}},
	 LOGIN_PROVIDER_FAILED,
	 "discovery: large"},
	{"500", {.ok = true, .status = 500}, LOGIN_UNAVAILABLE, "discovery answered 500"},
	{"404", {.ok = true, .status = 404}, LOGIN_PROVIDER_FAILED, "discovery answered 404"},
	{"302", {.ok = true, .status = 302}, LOGIN_PROVIDER_FAILED, "discovery answered 302"},
	{"junk",
	 {.ok = true, .status = 200, .body = STR_INIT("<html>")},
	 LOGIN_PROVIDER_FAILED,
	 "discovery: line 1"},
};

static void test_failures(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(failure_rows); i++) {
		const struct failure_row *row = &failure_rows[i];
		struct waiter w = WAITER, late = WAITER;

		now_ms += PROVIDER_MIN_RETRY_MS;
		check_i64(row->name, "waits", PROVIDER_WAIT, want_metadata(f, &w));
		answer_with(DISCOVERY, &row->result);
		check_i64(row->name, "told", 1, w.told);
		check_i64(row->name, "outcome", row->outcome, w.outcome);
		check_contains(row->name, row->text, w.err.text);
		/* Whoever comes right behind is told the same, without a call. */
		now_ms += PROVIDER_MIN_RETRY_MS - 1;
		check_i64(row->name, "at once", PROVIDER_CANNOT, want_metadata(f, &late));
		check_i64(row->name, "outcome", row->outcome, late.outcome);
		check_contains(row->name, row->text, late.err.text);
		check_i64(row->name, "calls", (int64_t)i + 1, started[DISCOVERY]);
	}
	check_done();
}

static void test_cannot_start(void **state)
{
	struct fixture *f = *state;
	struct waiter w = WAITER;

	start_fails = ERR_LIMIT;
	assert_int_equal(want_metadata(f, &w), PROVIDER_CANNOT);
	assert_int_equal(w.outcome, LOGIN_UNAVAILABLE);
	now_ms += PROVIDER_MIN_RETRY_MS;
	start_fails = ERR_NOMEM;
	assert_int_equal(want_metadata(f, &w), PROVIDER_CANNOT);
	assert_int_equal(w.outcome, LOGIN_INTERNAL);
	start_fails = ERR_NONE;
	pass(f, 10 * PROVIDER_MIN_RETRY_MS);
	assert_int_equal(started[DISCOVERY], 1);
	answer(DISCOVERY, 200, quoted(METADATA("/keys")), -1);
	answer(KEYS, 200, key_set, -1);
}

/* It is tried again and again, ever more slowly, with nobody asking. */
static void test_retries(void **state)
{
	struct fixture *f = *state;
	int64_t expected_ms = PROVIDER_MIN_RETRY_MS;

	provider_start(f->provider);
	for (int i = 1; i < 12; i++) {
		answer(DISCOVERY, 500, "", -1);
		pass(f, expected_ms - 1);
		assert_int_equal(started[DISCOVERY], i);
		pass(f, expected_ms / 4 + 2);
		assert_int_equal(started[DISCOVERY], i + 1);
		expected_ms = expected_ms * 2 < PROVIDER_MAX_RETRY_MS ? expected_ms * 2
								      : PROVIDER_MAX_RETRY_MS;
	}
	answer(DISCOVERY, 200, quoted(METADATA("/keys")), -1);
	answer(KEYS, 200, key_set, -1);
	assert_non_null(provider_keys(f->provider));
}

static const struct {
	const char *name;
	int64_t max_age_s, life_ms;
} life_rows[] = {
	{"nothing said", -1, PROVIDER_STANDARD_LIFE_MS},
	{"no-store", 0, PROVIDER_MIN_LIFE_MS},
	{"two hours", 7200, 7200000},
	{"for ever", INT64_MAX, PROVIDER_MAX_LIFE_MS},
};

static void test_lives(void **state)
{
	struct fixture *f = *state;

	bring_up(f);
	now_ms += PROVIDER_STANDARD_LIFE_MS;
	for (size_t i = 0; i < ARRAY_LEN(life_rows); i++) {
		loop_turn(f->loop, 0);
		answer(DISCOVERY, 200, quoted(METADATA("/keys")), life_rows[i].max_age_s);
		answer(KEYS, 200, key_set, life_rows[i].max_age_s);
		memset(started, 0, sizeof(started));
		pass(f, life_rows[i].life_ms - 1);
		check_i64(life_rows[i].name, "calls before", 0, started[DISCOVERY] + started[KEYS]);
		pass(f, 1);
		check_i64(life_rows[i].name, "discovery", 1, started[DISCOVERY]);
		check_i64(life_rows[i].name, "key set", 1, started[KEYS]);
	}
	check_done();
}

/* What was good stays, however long the provider fails. */
static void test_last_good_stays(void **state)
{
	static const char *const bad[] = {"junk", "{}", "{\"keys\":[]}",
					  "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}"};
	struct fixture *f = *state;
	const struct jwks *keys;
	struct waiter w = WAITER;

	bring_up(f);
	keys = provider_keys(f->provider);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		now_ms += PROVIDER_LOGIN_KEY_INTERVAL_MS;
		assert_true(provider_refresh_keys(f->provider, PROVIDER_KEYS_FOR_LOGIN, &w.waiter));
		answer(KEYS, 200, bad[i], -1);
		assert_int_equal(w.outcome, LOGIN_PROVIDER_FAILED);
		assert_ptr_equal(provider_keys(f->provider), keys);
		assert_int_equal(want_keys(f, &w), PROVIDER_HAS_IT);
	}
	now_ms += 10LL * PROVIDER_MAX_LIFE_MS;
	assert_int_equal(want_metadata(f, &w), PROVIDER_HAS_IT); /* and it is refreshed */
	answer(DISCOVERY, 500, "", -1);
	assert_int_equal(want_metadata(f, &w), PROVIDER_HAS_IT);
}

/* rp-key-rotation-op-sign-key-native: the first miss asks, a storm does not. */
static void test_unknown_keys(void **state)
{
	struct fixture *f = *state;
	struct waiter waiters[1000], w = WAITER;
	int waiting = 0;

	bring_up(f);
	for (size_t i = 0; i < ARRAY_LEN(waiters); i++) {
		waiters[i] = (struct waiter)WAITER;
		assert_true(provider_refresh_keys(f->provider, PROVIDER_KEYS_FOR_BEARER,
						  &waiters[i].waiter));
	}
	assert_int_equal(started[KEYS], 1);
	answer(KEYS, 200, key_set, -1);
	for (size_t i = 0; i < ARRAY_LEN(waiters); i++)
		waiting += waiters[i].told == 1 ? 0 : 1;
	assert_int_equal(waiting, 0);
	for (int i = 0; i < 1000; i++)
		assert_false(
			provider_refresh_keys(f->provider, PROVIDER_KEYS_FOR_BEARER, &w.waiter));
	now_ms += PROVIDER_BEARER_KEY_INTERVAL_MS - 1;
	assert_false(provider_refresh_keys(f->provider, PROVIDER_KEYS_FOR_BEARER, &w.waiter));
	assert_int_equal(started[KEYS], 1);
	now_ms++;
	assert_true(provider_refresh_keys(f->provider, PROVIDER_KEYS_FOR_BEARER, &w.waiter));
	answer(KEYS, 200, key_set, -1);
	assert_int_equal(started[KEYS], 2);
	/* Bearer tokens have not used up what logins may. */
	assert_true(provider_refresh_keys(f->provider, PROVIDER_KEYS_FOR_LOGIN, &w.waiter));
	answer(KEYS, 200, key_set, -1);
	assert_false(provider_refresh_keys(f->provider, PROVIDER_KEYS_FOR_LOGIN, &w.waiter));
	assert_int_equal(started[KEYS], 3);
}

static void test_keys_moved(void **state)
{
	struct fixture *f = *state;

	bring_up(f);
	pass(f, PROVIDER_STANDARD_LIFE_MS);
	answer(KEYS, 200, key_set, -1);
	answer(DISCOVERY, 200, quoted(METADATA("/new")), -1);
	assert_non_null(provider_keys(f->provider));
	assert_string_equal(calls[KEYS].url, ISSUER "/new");
	answer(KEYS, 200, key_set, -1);
	/* The same place again is no reason to ask. */
	memset(started, 0, sizeof(started));
	pass(f, PROVIDER_STANDARD_LIFE_MS);
	answer(KEYS, 200, key_set, -1);
	answer(DISCOVERY, 200, quoted(METADATA("/new")), -1);
	assert_int_equal(started[KEYS], 1);
}

static void test_free_cancels(void **state)
{
	struct fixture *f = *state;

	provider_start(f->provider);
	provider_free(f->provider);
	f->provider = NULL;
	assert_int_equal(cancelled, 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_start),	    CASE(test_one_call_for_all), CASE(test_failures),
		CASE(test_cannot_start),    CASE(test_retries),		 CASE(test_lives),
		CASE(test_last_good_stays), CASE(test_unknown_keys),	 CASE(test_keys_moved),
		CASE(test_free_cancels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
