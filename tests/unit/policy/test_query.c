/*
 * The decision's query decoder must read what http/form.h reads.
 */
#include "tests/unit/base/check.h"

#include "policy/match.h"

static const char *const queries[] = {
	"",	   "a",	    "a=",      "=a",	   "=",	    "&",       "&&&",	     "a=b",
	"a=b&a=c", "a=b=c", "a%3Db=c", "a+b=c+d",  "a=%20", "%61=%62", "a=%2",	     "a=%",
	"a=%zz",   "a=%00", "a=%0",    "a=%C3%A9", "a=%C3", "a=%FF",   "a=\xc3\xa9", "%00",
	"a=b&%",   "a=b&c", "%2",      "%20",	   "a=%1",  "%41%",
};

static void compare(struct arena *a, const char *name, struct str raw)
{
	static struct query q;
	struct form form = {NULL, 0};
	bool ok = form_parse(a, raw, &form);

	query_read(&q, raw);
	check_i64(name, "good", ok, q.state == QUERY_GOOD);
	if (!ok || q.state != QUERY_GOOD)
		return;
	check_i64(name, "pairs", (int64_t)form.count, (int64_t)q.count);
	for (size_t i = 0; i < form.count && i < q.count; i++) {
		check_str(name, "name", form.items[i].name, q.pairs[i].name);
		check_str(name, "value", form.items[i].value, q.pairs[i].value);
	}
}

static void test_agrees_with_forms(void **state)
{
	struct arena *a = arena_new(1024 * 1024);
	struct buf b;

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < ARRAY_LEN(queries); i++)
		compare(a, queries[i], str_from(queries[i]));
	compare(a, "a raw NUL", str_from_len("a=\0", 3));
	buf_init(&b, 100000);
	for (int i = 0; i < FORM_MAX_PAIRS; i++)
		buf_append_cstr(&b, i ? "&a=b" : "a=b");
	compare(a, "as many as allowed", buf_str(&b));
	buf_append_cstr(&b, "&a");
	compare(a, "one more", buf_str(&b));
	buf_done(&b);
	arena_free(a);
	check_done();
}

static void test_length(void **state)
{
	static struct query q;
	static char raw[QUERY_MAX_BYTES + 1];

	(void)state;
	memset(raw, 'a', sizeof(raw));
	query_read(&q, str_from_len(raw, QUERY_MAX_BYTES));
	CHECK("as long as allowed",
	      q.state == QUERY_GOOD && q.pairs[0].name.len == QUERY_MAX_BYTES);
	query_read(&q, str_from_len(raw, QUERY_MAX_BYTES + 1));
	CHECK("longer", q.state == QUERY_BAD);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agrees_with_forms),
		cmocka_unit_test(test_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
