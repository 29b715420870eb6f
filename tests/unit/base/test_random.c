#include "check.h"

#include "base/random.h"

/* Each byte of a large request is written, and the bytes beside it are not. */
static void test_fills(void **state)
{
	enum { SIZE = 100000, ROUNDS = 4 };
	unsigned char *seen = calloc(SIZE, 1), *block = calloc(SIZE + 1, 1);

	(void)state;
	assert_non_null(seen);
	assert_non_null(block);
	for (int round = 0; round < ROUNDS; round++) {
		random_bytes(block, SIZE);
		for (size_t i = 0; i < SIZE; i++)
			seen[i] |= block[i];
	}
	/* All four zero at one place: once in 2^32, times the places; never at the last ones. */
	for (size_t i = SIZE - 64; i < SIZE; i++)
		CHECK("written to the end", seen[i] != 0);
	CHECK("no further", block[SIZE] == 0);
	free(seen);
	free(block);
	check_done();
}

static void test_differs(void **state)
{
	unsigned char a[16] = {0}, b[16] = {0}, zero[16] = {0};

	(void)state;
	random_bytes(a, 0);
	CHECK("nothing asked, nothing written", memcmp(a, zero, sizeof(a)) == 0);
	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	CHECK("two are not one", memcmp(a, b, sizeof(a)) != 0);
	CHECK("not zero", memcmp(a, zero, sizeof(a)) != 0);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fills),
		cmocka_unit_test(test_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
