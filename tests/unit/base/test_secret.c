#include "check.h"

#include "base/secret.h"

static void test_life(void **state)
{
	struct secret s = {NULL, 0};

	(void)state;
	CHECK("unset", !secret_is_set(&s));
	check_str("unset", "value", STR(""), secret_str(&s));
	CHECK("set", secret_set(&s, STR("a\0b")) && secret_is_set(&s));
	check_str("set", "value", STR("a\0b"), secret_str(&s));
	CHECK("ends in NUL", s.ptr[3] == '\0');
	CHECK("set again", secret_set(&s, STR("longer value")));
	CHECK("to a part of itself", secret_set(&s, str_after(secret_str(&s), 7)));
	check_str("part", "value", STR("value"), secret_str(&s));
	CHECK("empty is set", secret_set(&s, str_from(NULL)) && secret_is_set(&s) && s.len == 0);
	secret_done(&s);
	CHECK("done", !secret_is_set(&s) && s.len == 0);
	secret_done(&s);
	CHECK("too long", !secret_set(&s, str_from_len("", SIZE_MAX)));
	check_done();
}

static void test_equal(void **state)
{
	static const struct {
		const char *name;
		struct str a, b;
		bool want;
	} rows[] = {
		{"same", STR_INIT("secret"), STR_INIT("secret"), true},
		{"NUL inside", STR_INIT("a\0b"), STR_INIT("a\0c"), false},
		{"first byte", STR_INIT("secret"), STR_INIT("Secret"), false},
		{"last byte", STR_INIT("secret"), STR_INIT("secreT"), false},
		{"prefix", STR_INIT("secret"), STR_INIT("secre"), false},
		{"empty and empty", STR_INIT(""), STR_INIT(""), false},
		{"NULL and NULL", {NULL, 0}, {NULL, 0}, false},
		{"NULL and empty", {NULL, 0}, STR_INIT(""), false},
		{"NULL and some", {NULL, 0}, STR_INIT("x"), false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		check_i64(rows[i].name, "equal", rows[i].want, secret_equal(rows[i].a, rows[i].b));
		check_i64(rows[i].name, "turned round", rows[i].want,
			  secret_equal(rows[i].b, rows[i].a));
	}
	check_done();
}

static void test_wipe(void **state)
{
	char bytes[8] = "1234567";

	(void)state;
	secret_wipe(bytes, 4);
	CHECK("wiped, no further", memcmp(bytes,
					  "\0\0\0\0"
					  "567",
					  8) == 0);
	secret_wipe(NULL, 0);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_wipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
