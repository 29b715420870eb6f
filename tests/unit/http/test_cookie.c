/*
 * The Cookie and Set-Cookie fields.
 */
#include "http/cookie.h"
#include "rows.h"

#define OURS "__Host-sallyport"

static void test_next(void **state)
{
	static const struct {
		const char *name;
		const char *header;
		const char *want; /* "[name|value]" of each */
	} rows[] = {
		{"one", "a=b", "[a|b]"},
		{"two", "a=b; c=d", "[a|b][c|d]"},
		{"no blanks", "a=b;c=d", "[a|b][c|d]"},
		{"many blanks", " \t a = b \t;\t c=d ", "[a|b][c|d]"},
		{"quotes", "a=\"b c\"", "[a|b c]"},
		{"one quote", "a=\"b", "[a|\"b]"},
		{"a quote alone", "a=\"", "[a|\"]"},
		{"empty quotes", "a=\"\"", "[a|]"},
		{"empty value", "a=; b=c", "[a|][b|c]"},
		{"'=' in the value", "a=b=c==", "[a|b=c==]"},
		{"no '='", "a; b=c; d", "[b|c]"},
		{"no name", "=a; b=c; =", "[b|c]"},
		{"only ';'", ";;;", ""},
		{"only '='", "=", ""},
		{"empty", "", ""},
		{"no triplets here", "session=%%%", "[session|%%%]"},
		{"a quote does not hide ';'", "a=\"b; c=d\"", "[a|\"b][c|d\"]"},
		{"a comma separates nothing", "a=b, c=d", "[a|b, c=d]"},
		{"a name twice", "a=b; a=c", "[a|b][a|c]"},
	};
	char got[256];

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str rest = str_from(rows[i].header), name, value;
		size_t len = 0;

		got[0] = '\0';
		while (cookie_next(&rest, &name, &value))
			len += (size_t)snprintf(got + len, sizeof(got) - len, "[%.*s|%.*s]",
						STR_ARG(name), STR_ARG(value));
		row_str(rows[i].name, "pairs", str_from(rows[i].want), str_from(got));
	}
	rows_end();
}

static void test_find(void **state)
{
	static const struct {
		const char *name;
		const char *header;
		const char *want; /* NULL: not found */
	} rows[] = {
		{"alone", OURS "=x", "x"},
		{"among others", "a=b; " OURS "=x; c=d", "x"},
		{"in quotes", OURS "=\"x\"", "x"},
		{"empty", OURS "=", ""},
		{"absent", "a=b", NULL},
		{"no header", "", NULL},
		{"twice", OURS "=x; " OURS "=y", NULL},
		{"twice the same", OURS "=x; " OURS "=x", NULL},
		{"longer name", OURS "2=x", NULL},
		{"shorter name", "__Host-sallypor=x", NULL},
		{"other case is another cookie", "__host-sallyport=x", NULL},
		{"name without '='", OURS, NULL},
		{"name as value", "a=" OURS "=x", NULL},
		{"nameless in front", "=" OURS "=x", NULL},
		{"a bearer token is no session", "BearerToken=x", NULL},
	};

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str got = STR("untouched");
		bool found = cookie_find(str_from(rows[i].header), STR(OURS), &got);

		row_bool(rows[i].name, "found", rows[i].want != NULL, found);
		row_str(rows[i].name, "value",
			rows[i].want ? str_from(rows[i].want) : STR("untouched"), got);
	}
	rows_end();
}

/* More pairs than are read: not found rather than perhaps the wrong one. */
static void test_find_bounds(void **state)
{
	struct str got;
	struct buf b;

	(void)state;
	buf_init(&b, 64 * 1024);
	for (int i = 0; i < COOKIE_MAX_PAIRS - 1; i++)
		buf_append(&b, STR("a=b;"));
	buf_append(&b, STR(OURS "=x"));
	assert_true(cookie_find(buf_str(&b), STR(OURS), &got));
	buf_append(&b, STR(";a=b"));
	assert_false(cookie_find(buf_str(&b), STR(OURS), &got));

	buf_clear(&b);
	for (int i = 0; i < 10000; i++)
		buf_append(&b, STR(";="));
	buf_append(&b, STR(";" OURS "=x"));
	assert_false(buf_failed(&b));
	assert_false(cookie_find(buf_str(&b), STR(OURS), &got));
	buf_done(&b);
}

static void test_append_without(void **state)
{
	static const struct {
		const char *name;
		const char *header;
		const char *want;
	} rows[] = {
		{"nothing of ours", "a=b; c=d", "a=b; c=d"},
		{"only ours", OURS "=x", ""},
		{"in front", OURS "=x; a=b", "a=b"},
		{"behind", "a=b; " OURS "=x", "a=b"},
		{"between", "a=b; " OURS "=x; c=d", "a=b; c=d"},
		{"twice", OURS "=x; a=b; " OURS "=y", "a=b"},
		{"prefix only", OURS "-flow-1=x; a=b", "a=b"},
		{"no blanks", "a=b;" OURS "=x;c=d", "a=b; c=d"},
		{"blanks before the name", "a=b; \t " OURS "=x", "a=b"},
		{"blanks behind the name", OURS " = x; a=b", "a=b"},
		{"other case", "__HOST-SALLYPORT=x; a=b", "a=b"},
		{"without a value", OURS "; a=b", "a=b"},
		{"nameless in front of it", "=" OURS "=x; a=b", "a=b"},
		{"two '=' in front of it", " = =" OURS "=x; a=b", "a=b"},
		{"a quote does not protect it", "a=\"b; " OURS "=x; c\"", "a=\"b; c\""},
		{"as a value it stays", "a=" OURS, "a=" OURS},
		{"what is no pair stays", "a; =b; c=", "a; =b; c="},
		{"quotes stay", "a=\"b\"", "a=\"b\""},
		{"shorter name stays", "__Host-sally=x", "__Host-sally=x"},
		{"empty parts go", ";; a=b ;;", "a=b"},
		{"empty", "", ""},
	};
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&b);
		cookie_append_without(&b, str_from(rows[i].header), STR(OURS));
		row_str(rows[i].name, "rest", str_from(rows[i].want), buf_str(&b));
	}
	rows_end();
	buf_done(&b);
}

/* Ours is taken out however many pairs there are. */
static void test_append_without_bounds(void **state)
{
	struct buf b, out;

	(void)state;
	buf_init(&b, 64 * 1024);
	buf_init(&out, 64 * 1024);
	for (int i = 0; i < COOKIE_MAX_PAIRS * 4; i++)
		buf_append(&b, STR("a=b; "));
	buf_append(&b, STR(OURS "=x; last=1"));
	cookie_append_without(&out, buf_str(&b), STR(OURS));
	assert_int_equal(str_find(buf_str(&out), STR(OURS)), STR_NONE);
	assert_true(str_ends_with(buf_str(&out), STR("; last=1")));
	assert_true(str_starts_with(buf_str(&out), STR("a=b; a=b; ")));
	buf_done(&b);
	buf_done(&out);
}

static void test_append_set(void **state)
{
	static const struct {
		const char *name;
		struct str cookie;
		struct str value;
		int64_t max_age_s;
		const char *want; /* NULL: refused */
	} rows[] = {
		{"of the browser's session", STR_INIT(OURS), STR_INIT("x"), -1,
		 OURS "=x; Path=/; Secure; HttpOnly; SameSite=Lax"},
		{"for an hour", STR_INIT(OURS), STR_INIT("x"), 3600,
		 OURS "=x; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=3600"},
		{"deleted with the same attributes", STR_INIT(OURS), STR_INIT(""), 0,
		 OURS "=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"},
		{"';' in the value", STR_INIT("a"), STR_INIT("b;c"), -1, NULL},
		{"',' in the value", STR_INIT("a"), STR_INIT("b,c"), -1, NULL},
		{"space in the value", STR_INIT("a"), STR_INIT("b c"), -1, NULL},
		{"quote in the value", STR_INIT("a"), STR_INIT("\"b\""), -1, NULL},
		{"backslash in the value", STR_INIT("a"), STR_INIT("b\\c"), -1, NULL},
		{"line in the value", STR_INIT("a"), STR_INIT("b\r\nX: y"), -1, NULL},
		{"NUL in the value", STR_INIT("a"), STR_INIT("b\0"), -1, NULL},
		{"high byte in the value", STR_INIT("a"), STR_INIT("\xc3\xa9"), -1, NULL},
		{"'=' in the name", STR_INIT("a=b"), STR_INIT("c"), -1, NULL},
		{"no name", STR_INIT(""), STR_INIT("c"), -1, NULL},
	};
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&b);
		cookie_append_set(&b, rows[i].cookie, rows[i].value, rows[i].max_age_s);
		row_bool(rows[i].name, "failed", rows[i].want == NULL, buf_failed(&b));
		row_str(rows[i].name, "written", str_from(rows[i].want), buf_str(&b));
	}
	rows_end();
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_find_bounds),
		cmocka_unit_test(test_append_without),
		cmocka_unit_test(test_append_without_bounds),
		cmocka_unit_test(test_append_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
