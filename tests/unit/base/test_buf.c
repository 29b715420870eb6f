#include "check.h"

#include "base/buf.h"

static void test_appending(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	CHECK("nothing yet", b.ptr == NULL && b.len == 0);
	buf_append(&b, STR(""));
	CHECK("still nothing", b.ptr == NULL);
	buf_append(&b, STR("a\0b"));
	buf_append_char(&b, 'c');
	buf_append_cstr(&b, "def");
	buf_append_cstr(&b, NULL);
	buf_appendf(&b, "[%d %s]", -5, "x");
	check_str("all", "bytes", STR("a\0bcdef[-5 x]"), buf_str(&b));
	CHECK("ends in NUL", b.ptr[b.len] == '\0');
	buf_consume(&b, 4);
	check_str("consume", "rest", STR("def[-5 x]"), buf_str(&b));
	CHECK("ends in NUL", b.ptr[b.len] == '\0');
	buf_consume(&b, 0);
	buf_consume(&b, b.len);
	check_i64("consume", "all", 0, (int64_t)b.len);
	buf_done(&b);
	CHECK("done", b.ptr == NULL && b.len == 0 && b.capacity == 0 && b.ceiling == 1000);
	buf_append_char(&b, 'x');
	check_str("usable again", "bytes", STR("x"), buf_str(&b));
	buf_wipe(&b);
	buf_wipe(&b);
	check_done();
}

static void test_numbers(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_append_u64(&b, 0);
	buf_append_char(&b, ' ');
	buf_append_u64(&b, 1200);
	buf_append_char(&b, ' ');
	buf_append_u64(&b, UINT64_MAX);
	check_str("u64", "text", STR("0 1200 18446744073709551615"), buf_str(&b));
	buf_done(&b);
	check_done();
}

static void test_ceiling(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	buf_append(&b, STR("abcde"));
	CHECK("exactly full", !buf_failed(&b) && b.len == 5);
	buf_append(&b, STR(""));
	CHECK("nothing more fits", !buf_failed(&b));
	buf_append_char(&b, 'f');
	CHECK("one more does not", buf_failed(&b));
	check_str("ceiling", "appended nothing", STR("abcde"), buf_str(&b));
	buf_consume(&b, 5);
	buf_append_char(&b, 'x');
	CHECK("failed for good", buf_failed(&b) && b.len == 0 && !buf_reserve(&b, 1));
	buf_clear(&b);
	buf_append(&b, STR("abc"));
	buf_append(&b, STR("def"));
	check_str("part of an append", "never", STR("abc"), buf_str(&b));
	buf_clear(&b);
	buf_appendf(&b, "%s", "123456");
	CHECK("appendf", buf_failed(&b) && b.len == 0);
	buf_clear(&b);
	buf_appendf(&b, "%s", "12345");
	check_str("appendf", "exactly", STR("12345"), buf_str(&b));
	buf_done(&b);
	buf_init(&b, 0);
	buf_append_char(&b, 'x');
	CHECK("a ceiling of nothing", buf_failed(&b));
	buf_done(&b);
	check_done();
}

static void test_reserve(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	CHECK("room", buf_reserve(&b, 5000));
	CHECK("and its NUL", b.capacity > 5000 && b.len == 0);
	memset(b.ptr, 'x', 5000);
	b.len = 5000;
	b.ptr[b.len] = '\0';
	CHECK("more than there is", !buf_reserve(&b, SIZE_MAX - 5000));
	CHECK("marks", buf_failed(&b));
	buf_done(&b);
	check_done();
}

static void test_growth_keeps_the_bytes(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	for (int i = 0; i < 100000; i++)
		buf_append_char(&b, (char)i);
	CHECK("all", !buf_failed(&b) && b.len == 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(b.ptr[i], (char)i);
	CHECK("capacity is bounded", b.capacity == 100001);
	buf_done(&b);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_appending),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_growth_keeps_the_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
