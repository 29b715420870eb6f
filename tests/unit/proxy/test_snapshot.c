/* A snapshot: names resolved once, references counted, an owner released with the last one. */
#include "tests/support/proxy_world.h"

#include <pthread.h>

static struct proxy_world w;

#define ROUTES                                                                                    \
	"[" WORLD_PUBLIC "," WORLD_WIKI                                                           \
	"," ROUTE_TEXT("bearer", "bearer.example", "'bearer'", "anyone",                          \
		       CORP) "," ROUTE_TEXT("cert", "cert.example", "'client_certificate'",       \
					    "anyone",                                             \
					    "") "," ROUTE_TEXT("mixed", "mixed.example",          \
							       "'client_certificate', 'session'", \
							       "staff", CORP) "]"

static const struct route *route_of(const char *host)
{
	return route_find(w.snapshot->table, str_from(host), STR("/"));
}

static const struct {
	const char *host;
	bool is_public, can_log_in, has_provider;
	const char *policy;
} rows[] = {
	{"public.example", true, false, false, "anyone"},
	{"wiki.example", false, true, true, "staff"},
	{"bearer.example", false, false, true, "anyone"},
	{"cert.example", false, false, false, "anyone"},
	{"mixed.example", false, true, true, "staff"},
};

static void test_routes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct route *r = route_of(rows[i].host);

		assert_non_null(r);
		check_i64(rows[i].host, "public", rows[i].is_public, r->is_public);
		check_i64(rows[i].host, "can log in", rows[i].can_log_in, r->can_log_in);
		check_i64(rows[i].host, "provider", rows[i].has_provider, r->provider != NULL);
		check_cstr(rows[i].host, "policy", rows[i].policy, policy_name(r->policy));
		check_i64(rows[i].host, "upstream", 0, (int64_t)r->upstream);
	}
	check_done();
}

static unsigned freed;

static void on_owner_freed(void *owner)
{
	(void)owner;
	freed++;
}

/* What refers to nothing is refused, and the owner stays the caller's. */
static void test_unknown_names(void **state)
{
	static const struct {
		const char *name;
		size_t member;
	} members[] = {
		{"policy", offsetof(struct route_config, policy)},
		{"upstream", offsetof(struct route_config, upstream)},
		{"provider", offsetof(struct route_config, authenticate.provider)},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		struct route_config broken = w.routes[1];
		struct snapshot_params params = w.snapshot->params;
		struct snapshot *s = NULL;
		struct error err = {0};

		memcpy((char *)&broken + members[i].member, &(struct str)STR_INIT("nothing"),
		       sizeof(struct str));
		params.routes = &broken;
		params.routes_count = 1;
		params.owner_free = on_owner_freed;
		freed = 0;
		CHECK(members[i].name, !snapshot_new(&params, &s, &err));
		check_i64(members[i].name, "kind", ERR_BUG, err.kind);
		check_contains(members[i].name, "\"wiki\"", err.text);
		check_i64(members[i].name, "owner freed", 0, freed);
		CHECK(members[i].name, !s);
	}
	check_done();
}

static void test_references(void **state)
{
	struct snapshot_params params = w.snapshot->params;
	struct snapshot *s = NULL;

	(void)state;
	params.owner_free = on_owner_freed;
	freed = 0;
	assert_true(snapshot_new(&params, &s, NULL));
	CHECK("the same", snapshot_ref(s) == s);
	snapshot_unref(s);
	check_i64("one is left", "freed", 0, freed);
	snapshot_unref(s);
	check_i64("none is left", "freed", 1, freed);
	snapshot_unref(NULL);
	check_done();
}

static void *take_and_drop(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		snapshot_ref(arg);
		snapshot_unref(arg);
	}
	snapshot_unref(arg);
	return NULL;
}

static void test_threads(void **state)
{
	struct snapshot_params params = w.snapshot->params;
	struct snapshot *s = NULL;
	pthread_t threads[3];

	(void)state;
	params.owner_free = on_owner_freed;
	freed = 0;
	assert_true(snapshot_new(&params, &s, NULL));
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_drop, snapshot_ref(s)),
				 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	check_i64("one is left", "freed", 0, freed);
	snapshot_unref(s);
	check_i64("none is left", "freed", 1, freed);
	check_done();
}

/* Without providers there is no identity thread, and routes that need none work. */
static void test_without_providers(void **state)
{
	struct snapshot_params params = w.snapshot->params;
	struct snapshot *s = NULL;

	(void)state;
	params.providers = NULL;
	params.providers_count = 0;
	params.routes_count = 1; /* the public one */
	assert_true(snapshot_new(&params, &s, NULL));
	CHECK("none", !s->oidc);
	world_use(&w, s);
	world_ask(&w, "GET / HTTP/1.1\nHost: public.example");
	check_i64("public", "status", 200, w.status);
	world_ask(&w, "GET /.sallyport/callback?code=c&state=s HTTP/1.1\nHost: public.example");
	check_i64("callback", "status", 404, w.status);
	world_ask(&w, "GET / HTTP/1.1\nHost: wiki.example");
	check_i64("a host that is gone", "status", 404, w.status);
	world_use(&w, w.snapshot);
	snapshot_unref(s);
	check_done();
}

/* What a provider declared absent to mean reaches its routes, and no other's. */
static void test_absent_claims(void **state)
{
	struct provider_claim claims[] = {
		{.name = STR_INIT("groups"), .claim = STR_INIT("groups"), .absent_is_empty = true},
		{.name = STR_INIT("roles"), .claim = STR_INIT("roles"), .absent_is_empty = false},
	};
	struct provider_config providers[2] = {w.providers[0], w.providers[1]};
	struct snapshot_params params = w.snapshot->params;
	const struct route *r;
	struct snapshot *s = NULL;

	(void)state;
	providers[0].claims = claims;
	providers[0].claims_count = ARRAY_LEN(claims);
	params.providers = providers;
	assert_true(snapshot_new(&params, &s, NULL));
	r = route_find(s->table, STR("wiki.example"), STR("/"));
	check_i64("wiki", "claims", 1, (int64_t)r->absent_claims_count);
	check_str("wiki", "claim", STR("groups"), r->absent_claims[0]);
	r = route_find(s->table, STR("cert.example"), STR("/"));
	check_i64("cert", "claims", 0, (int64_t)r->absent_claims_count);
	snapshot_unref(s);
	check_done();
}

static int open_world(void **state)
{
	(void)state;
	world_open(&w, ROUTES);
	return 0;
}

static int close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_unknown_names),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_without_providers),
		cmocka_unit_test(test_absent_claims),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
