#include "../base/check.h"

#include "base/clock.h"
#include "proxy/bearer_cache.h"

static struct identity *someone(const char *sub)
{
	struct identity *i = NULL;
	struct error err = {.kind = ERR_NONE};
	char record[256];

	snprintf(record, sizeof(record),
		 "{\"method\":\"bearer\",\"provider\":\"corp\",\"issuer\":\"https://id.test\","
		 "\"groups_claim\":\"groups\",\"auth_time\":0,\"claims\":{\"sub\":\"%s\"}}",
		 sub);
	assert_true(identity_parse(str_from(record), &i, &err));
	return i;
}

/* Who is found, "" for nobody. */
static void check_found(struct bearer_cache *c, const char *name, const char *provider,
			const char *token, const char *want)
{
	struct identity *i = bearer_cache_find(c, str_from(provider), str_from(token));

	check_str("found", name, str_from(want), i ? i->subject : STR(""));
	identity_unref(i);
}

static void test_finding(void **state)
{
	struct bearer_cache *c = bearer_cache_new();
	struct identity *ada = someone("ada");
	int64_t now;

	(void)state;
	assert_non_null(c);
	clock_update();
	now = clock_wall_s();
	check_found(c, "nothing in an empty one", "corp", "t", "");
	bearer_cache_keep(c, STR("a"), STR("bc"), ada, now + 30);
	check_found(c, "what was kept", "a", "bc", "ada");
	check_found(c, "another token", "a", "bd", "");
	check_found(c, "another provider", "b", "bc", "");
	check_found(c, "the same bytes, cut elsewhere", "ab", "c", "");
	bearer_cache_keep(c, STR("a"), STR("old"), ada, now);
	check_found(c, "never past its own end", "a", "old", "");
	bearer_cache_keep(c, STR("a"), STR("bc"), ada, now - 1);
	check_found(c, "replaced by one that has ended", "a", "bc", "");
	identity_unref(ada);
	bearer_cache_free(c);
	check_done();
}

/* Two users' tokens over the whole table and far beyond: nobody is ever taken for the other. */
static void test_never_crosses(void **state)
{
	struct bearer_cache *c = bearer_cache_new();
	struct identity *users[] = {someone("ada"), someone("bob")};
	char token[32];

	(void)state;
	assert_non_null(c);
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(token, sizeof(token), "token-%u", i);
		bearer_cache_keep(c, STR("corp"), str_from(token), users[i % 2], INT64_MAX);
		check_found(c, token, "corp", token, i % 2 ? "bob" : "ada");
	}
	for (unsigned i = 0; i < 20000; i++) {
		struct identity *found;

		snprintf(token, sizeof(token), "token-%u", i);
		found = bearer_cache_find(c, STR("corp"), str_from(token));
		if (found)
			check_str("later", token, users[i % 2]->subject,
				  found->subject);
		identity_unref(found);
	}
	identity_unref(users[0]);
	identity_unref(users[1]);
	bearer_cache_free(c);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finding),
		cmocka_unit_test(test_never_crosses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
