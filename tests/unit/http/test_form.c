/*
 * Queries and form bodies.
 */
#include "http/form.h"
#include "rows.h"

static void test_parse(void **state)
{
	static const struct {
		const char *name;
		struct str raw;
		const char *want; /* "[name|value]" of each; NULL: refused */
	} rows[] = {
		{"empty", STR_INIT(""), ""},
		{"one", STR_INIT("a=b"), "[a|b]"},
		{"two", STR_INIT("a=b&c=d"), "[a|b][c|d]"},
		{"no '='", STR_INIT("a&b"), "[a|][b|]"},
		{"no value", STR_INIT("a="), "[a|]"},
		{"no name", STR_INIT("=b"), "[|b]"},
		{"'=' in the value", STR_INIT("a=b=c"), "[a|b=c]"},
		{"plus and triplets", STR_INIT("a+b=c%20d%2B"), "[a b|c d+]"},
		{"'&' in a triplet", STR_INIT("a=b%26c%3Dd"), "[a|b&c=d]"},
		{"a name in triplets", STR_INIT("%73tate=x"), "[state|x]"},
		{"UTF-8", STR_INIT("a=%c3%a9"), "[a|\xc3\xa9]"},
		{"raw UTF-8, of a body", STR_INIT("a=\xc3\xa9"), "[a|\xc3\xa9]"},
		{"';' separates nothing", STR_INIT("a=b;c=d"), "[a|b;c=d]"},
		{"empty value", STR_INIT("iss="), "[iss|]"},
		{"only '&'", STR_INIT("&&&"), ""},
		{"only '='", STR_INIT("="), "[|]"},
		{"empty parts", STR_INIT("&&a=b&&c=d&"), "[a|b][c|d]"},
		{"same name", STR_INIT("a=b&a=c"), "[a|b][a|c]"},
		{"cut triplet", STR_INIT("a=%4"), NULL},
		{"bad triplet", STR_INIT("a=%zz"), NULL},
		{"bad triplet in a name", STR_INIT("%=b"), NULL},
		{"bad triplet in a later pair", STR_INIT("a=b&c=%"), NULL},
		{"triplet over '&'", STR_INIT("a=%4&1=b"), NULL},
		{"%00", STR_INIT("a=b%00c"), NULL},
		{"%00 in a name", STR_INIT("a%00=b"), NULL},
		{"raw NUL", STR_INIT("a=b\0"), NULL},
		{"overlong", STR_INIT("a=%c0%af"), NULL},
		{"Latin-1", STR_INIT("a=%e9"), NULL},
		{"surrogate", STR_INIT("a=%ed%a0%80"), NULL},
		{"UTF-8 cut by '='", STR_INIT("%c3=%a9"), NULL},
	};
	struct arena *a = rows_arena();
	char got[256];

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct form form;
		size_t len = 0;

		got[0] = '\0';
		if (!row_bool(rows[i].name, "parses", rows[i].want != NULL,
			      form_parse(a, rows[i].raw, &form)) ||
		    !rows[i].want)
			continue;
		for (size_t k = 0; k < form.count; k++)
			len += (size_t)snprintf(got + len, sizeof(got) - len, "[%.*s|%.*s]",
						STR_ARG(form.items[k].name),
						STR_ARG(form.items[k].value));
		row_str(rows[i].name, "pairs", str_from(rows[i].want), str_from(got));
	}
	rows_end();
	arena_free(a);
}

static void test_parse_bounds(void **state)
{
	struct arena *a = rows_arena();
	struct arena *small = arena_new(16);
	struct form form;
	struct buf b;

	(void)state;
	assert_non_null(small);
	buf_init(&b, 64 * 1024);
	for (int i = 0; i < FORM_MAX_PAIRS; i++)
		buf_append(&b, STR("a=b&"));
	assert_true(form_parse(a, buf_str(&b), &form));
	assert_int_equal(form.count, FORM_MAX_PAIRS);
	assert_false(form_parse(small, buf_str(&b), &form));
	buf_append(&b, STR("c"));
	assert_false(form_parse(a, buf_str(&b), &form));

	/* Parts that are empty are no pairs, however many. */
	buf_clear(&b);
	for (int i = 0; i < 10000; i++)
		buf_append_char(&b, '&');
	buf_append(&b, STR("a=b"));
	assert_true(form_parse(a, buf_str(&b), &form));
	assert_int_equal(form.count, 1);
	buf_done(&b);
	arena_free(small);
	arena_free(a);
}

static void test_get(void **state)
{
	static const struct {
		const char *name;
		const char *raw;
		enum form_presence want;
		const char *value;
	} rows[] = {
		{"once", "code=x&state=y", FORM_ONCE, "y"},
		{"once, empty", "state=", FORM_ONCE, ""},
		{"once, no '='", "state", FORM_ONCE, ""},
		{"absent", "code=x", FORM_ABSENT, "untouched"},
		{"empty form", "", FORM_ABSENT, "untouched"},
		{"other case", "State=x", FORM_ABSENT, "untouched"},
		{"longer", "state2=x", FORM_ABSENT, "untouched"},
		{"twice", "state=x&state=y", FORM_REPEATED, "untouched"},
		{"twice the same", "state=x&a=b&state=x", FORM_REPEATED, "untouched"},
		{"twice, one in triplets", "state=x&%73tate=y", FORM_REPEATED, "untouched"},
		{"three times", "state=x&state=y&state=z", FORM_REPEATED, "untouched"},
	};
	struct arena *a = rows_arena();

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str value = STR("untouched");
		struct form form;

		assert_true(form_parse(a, str_from(rows[i].raw), &form));
		row_u64(rows[i].name, "presence", rows[i].want, form_get(&form, "state", &value));
		row_str(rows[i].name, "value", str_from(rows[i].value), value);
	}
	rows_end();
	arena_free(a);
}

static void test_append(void **state)
{
	struct arena *a = rows_arena();
	struct form form;
	struct str value;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	form_append(&b, STR("a"), STR("b c"));
	form_append(&b, STR("d&"), STR("=&+%/\xc3\xa9"));
	assert_string_equal(b.ptr, "a=b%20c&d%26=%3D%26%2B%25%2F%C3%A9");
	assert_true(form_parse(a, buf_str(&b), &form));
	assert_int_equal(form_get(&form, "d&", &value), FORM_ONCE);
	assert_true(str_equal(value, STR("=&+%/\xc3\xa9")));

	buf_clear(&b);
	buf_append(&b, STR("https://id.example/auth?"));
	form_append(&b, STR("a"), STR(""));
	form_append(&b, STR("b"), STR("c"));
	assert_string_equal(b.ptr, "https://id.example/auth?a=&b=c");
	buf_append_char(&b, '&');
	form_append(&b, STR("d"), STR("e"));
	assert_string_equal(b.ptr, "https://id.example/auth?a=&b=c&d=e");
	buf_done(&b);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_bounds),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_append),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
