/* The options of sessions. */
#include "tests/support/config_case.h"

#include "authn/session/session_config.h"

static const struct config_case rows[] = {
	{"defaults", "{}", ""},
	{"another store", "{'store': 'redis'}", "1 /store: must be \"embedded\", found \"redis\""},
	{"limits", "{'lifetime': '0s', 'idle_timeout': '91d', 'max_size': '1KiB'}",
	 "1 /lifetime: must be within \"1s\" and \"90d\", found \"0s\"\n"
	 "1 /idle_timeout: must be within \"1s\" and \"90d\", found \"91d\"\n"
	 "1 /max_size: must be within \"1MiB\" and \"1TiB\", found \"1KiB\""},
	{"idle longer than life", "{'lifetime': '30m'}",
	 "1 warning /idle_timeout: has no effect: 1h is longer than the lifetime of 30m"},
	{"a short idle time", "{'idle_timeout': '5s'}", ""},
	{"idle two minutes", "{'idle_timeout': '2m'}", ""},
};

static void test_faults(void **state)
{
	(void)state;
	config_run(rows, ARRAY_LEN(rows), &session_options, "conf/sallyport.json");
}

static void test_defaults(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	struct session_config sessions;

	(void)state;
	assert_non_null(arena);
	config_read(&rows[0], &session_options, "x.json", arena, &sessions);
	assert_int_equal(sessions.store, SESSION_STORE_EMBEDDED);
	assert_int_equal(sessions.lifetime_ms, INT64_C(12) * 3600 * 1000);
	assert_int_equal(sessions.idle_timeout_ms, 3600 * 1000);
	assert_int_equal(sessions.max_bytes, UINT64_C(1) << 30);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
