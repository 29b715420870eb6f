#include "check.h"

#include "base/arena.h"

static struct arena *make(size_t ceiling)
{
	struct arena *a = arena_new(ceiling);

	assert_non_null(a);
	return a;
}

static void test_pieces(void **state)
{
	struct arena *a = make(1024 * 1024);
	unsigned char *pieces[400];

	(void)state;
	/* Sizes around the alignment and past the first block; each filled with its own byte. */
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		pieces[i] = arena_alloc(a, i);
		assert_non_null(pieces[i]);
		CHECK("aligned", (uintptr_t)pieces[i] % 16 == 0);
		for (size_t j = 0; j < i; j++) {
			assert_int_equal(pieces[i][j], 0);
			pieces[i][j] = (unsigned char)i;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		for (size_t j = 0; j < i; j++)
			assert_int_equal(pieces[i][j], (unsigned char)i);
	}
	CHECK("used", arena_used(a) >= 400 * 399 / 2 && arena_used(a) <= 400 * 399 / 2 + 400 * 16);
	arena_free(a);
	check_done();
}

static void test_large(void **state)
{
	struct arena *a = make(10 * 1024 * 1024);
	char *large = arena_alloc(a, 5 * 1024 * 1024);
	char *small = arena_alloc(a, 10);

	(void)state;
	assert_non_null(large);
	assert_non_null(small);
	large[5 * 1024 * 1024 - 1] = 'x';
	small[9] = 'y';
	arena_free(a);
}

static void test_ceiling(void **state)
{
	struct arena *a = make(1000);
	struct str s;

	(void)state;
	CHECK("fits", arena_alloc(a, 900));
	CHECK("not yet", !arena_overflowed(a));
	CHECK("one too many", !arena_alloc(a, 200));
	CHECK("overflowed", arena_overflowed(a));
	CHECK("sticky", !arena_alloc(a, 1));
	CHECK("cstr", !arena_cstr(a, STR("x")));
	s = arena_str(a, STR("x"));
	CHECK("str is empty, and a C string", s.len == 0 && s.ptr && s.ptr[0] == '\0');
	s = arena_printf(a, "%d", 1);
	CHECK("printf is empty", s.len == 0 && s.ptr);
	check_i64("used", "only what was given", 912, (int64_t)arena_used(a));
	arena_reset(a);
	CHECK("reset forgets", !arena_overflowed(a) && arena_used(a) == 0);
	CHECK("and gives again", arena_alloc(a, 1000));
	CHECK("all of it", arena_used(a) == 1008 && !arena_alloc(a, 1));
	arena_free(a);
	check_done();
}

static void test_sizes_that_wrap(void **state)
{
	struct arena *a = make(SIZE_MAX);

	(void)state;
	CHECK("largest size", !arena_alloc(a, SIZE_MAX));
	arena_reset(a);
	CHECK("largest but some", !arena_alloc(a, SIZE_MAX - 20));
	arena_reset(a);
	CHECK("product", !arena_alloc_array(a, SIZE_MAX / 2, 4));
	CHECK("product marks", arena_overflowed(a));
	arena_reset(a);
	CHECK("no more than asked", arena_alloc(a, 16) && arena_used(a) == 16);
	arena_reset(a);
	CHECK("array", arena_alloc_array(a, 10, 10) && arena_used(a) == 112);
	arena_free(a);
	check_done();
}

static void test_strings(void **state)
{
	struct arena *a = make(64 * 1024);
	struct str s = arena_str(a, STR("a\0b"));
	struct str long_one;

	(void)state;
	check_str("str", "copy", STR("a\0b"), s);
	CHECK("str ends in NUL", s.ptr[3] == '\0');
	check_cstr("cstr", "copy", "abc", arena_cstr(a, str_slice(STR("abcdef"), 0, 3)));
	check_cstr("cstr", "of nothing", "", arena_cstr(a, str_from(NULL)));
	check_str("printf", "text", STR("id=42 x"), arena_printf(a, "id=%d %s", 42, "x"));
	long_one = arena_printf(a, "%0*d", 9000, 7);
	check_i64("printf", "long", 9000, (int64_t)long_one.len);
	CHECK("printf ends in NUL", long_one.ptr[8999] == '7' && long_one.ptr[9000] == '\0');
	arena_free(a);
	check_done();
}

static char order[8];
static char letters[] = "abcd";

static void note(void *arg)
{
	strncat(order, arg, 1);
}

static void test_cleanups(void **state)
{
	struct arena *a = make(200);

	(void)state;
	order[0] = '\0';
	CHECK("a", arena_on_cleanup(a, note, &letters['a' - 'a']));
	CHECK("b", arena_on_cleanup(a, note, &letters['b' - 'a']));
	arena_reset(a);
	check_cstr("reset", "last first", "ba", order);
	arena_reset(a);
	check_cstr("reset", "once only", "ba", order);
	CHECK("c", arena_on_cleanup(a, note, &letters['c' - 'a']));
	CHECK("overflow", !arena_alloc(a, 500));
	CHECK("not taken", !arena_on_cleanup(a, note, &letters['d' - 'a']));
	arena_free(a);
	check_cstr("free", "those taken", "bac", order);
	arena_free(NULL);
	check_done();
}

/* A reused arena of small exchanges hands out the very same memory. */
static void test_first_block_is_kept(void **state)
{
	struct arena *a = make(1024 * 1024);
	void *first = arena_alloc(a, 100);

	(void)state;
	CHECK("first", first);
	CHECK("another block", arena_alloc(a, 100 * 1024));
	memset(first, 0xff, 100);
	arena_reset(a);
	CHECK("the same again", arena_alloc(a, 100) == first);
	CHECK("and clean", ((unsigned char *)first)[99] == 0);
	arena_free(a);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_sizes_that_wrap),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_cleanups),
		cmocka_unit_test(test_first_block_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
