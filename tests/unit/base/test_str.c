#include "check.h"

#include "base/base.h"
#include "base/utf8.h"

/* In a block of exactly its size, so that the sanitizer sees a read past len. */
static struct str exactly(const char *text, size_t len, char **ret_block)
{
	*ret_block = malloc(len ? len : 1);
	assert_non_null(*ret_block);
	memcpy(*ret_block, text, len);
	return str_from_len(*ret_block, len);
}

static void test_slices(void **state)
{
	struct str s = STR("abcdef");
	struct str none = {NULL, 0};

	(void)state;
	check_str("from", "NULL", none, str_from(NULL));
	check_str("slice", "inside", STR("cd"), str_slice(s, 2, 2));
	check_str("slice", "clipped", STR("ef"), str_slice(s, 4, 100));
	check_str("slice", "clipped, huge", STR("ef"), str_slice(s, 4, SIZE_MAX));
	check_str("slice", "past the end", none, str_slice(s, 7, 1));
	check_str("after", "all", none, str_after(s, 6));
	check_str("after", "too much", none, str_after(s, SIZE_MAX));
	check_str("after", "of nothing", none, str_after(none, 3));
	check_str("trim", "both", STR("a b"), str_trim(STR(" \ta b\t ")));
	check_str("trim", "only blanks", none, str_trim(STR(" \t ")));
	check_str("trim", "a newline is no blank", STR("\na"), str_trim(STR(" \na")));
	check_done();
}

static void test_comparing(void **state)
{
	struct str none = {NULL, 0};

	(void)state;
	CHECK("equal", str_equal(STR("a\0b"), STR("a\0b")));
	CHECK("a NUL hides nothing", !str_equal(STR("a\0b"), STR("a\0c")));
	CHECK("length counts", !str_equal(STR("ab"), STR("abc")));
	CHECK("NULL is empty", str_equal(none, STR("")));
	CHECK("fold", str_equal_fold(STR("X-Id[@"), STR("x-iD[@")));
	CHECK("fold is for letters only", !str_equal_fold(STR("["), STR("{")));
	CHECK("fold is ASCII only", !str_equal_fold(STR("\xc4"), STR("\xe4")));
	CHECK("fold, length", !str_equal_fold(STR("a"), STR("ab")));
	CHECK("starts", str_starts_with(STR("abc"), STR("ab")));
	CHECK("starts, other", !str_starts_with(STR("abc"), STR("bc")));
	CHECK("starts, longer", !str_starts_with(STR("ab"), STR("abc")));
	CHECK("starts, empty", str_starts_with(none, none));
	CHECK("ends", str_ends_with(STR("abc"), STR("bc")));
	CHECK("ends, all of it", str_ends_with(STR("abc"), STR("abc")));
	CHECK("ends, other", !str_ends_with(STR("abc"), STR("ab")));
	CHECK("ends, longer", !str_ends_with(STR("c"), STR("bc")));
	CHECK("compare less", str_compare(STR("a"), STR("b")) < 0);
	CHECK("compare is unsigned", str_compare(STR("a"), STR("\xff")) < 0);
	CHECK("a prefix is less", str_compare(STR("ab"), STR("abc")) < 0);
	CHECK("longer is more", str_compare(STR("abc"), STR("ab")) > 0);
	CHECK("compare same", str_compare(none, STR("")) == 0);
	check_done();
}

static void test_finding(void **state)
{
	struct str s = STR("a=b=c");
	struct str none = {NULL, 0};

	(void)state;
	check_i64("char", "first", 1, (int64_t)str_find_char(s, '='));
	check_i64("char", "last", 3, (int64_t)str_find_last_char(s, '='));
	CHECK("char, none", str_find_char(s, 'x') == STR_NONE);
	CHECK("last char, none", str_find_last_char(s, 'x') == STR_NONE);
	CHECK("in nothing", str_find_char(none, 'x') == STR_NONE);
	check_i64("str", "first", 1, (int64_t)str_find(s, STR("=")));
	check_i64("str", "at the end", 3, (int64_t)str_find(s, STR("=c")));
	check_i64("str", "the empty one", 0, (int64_t)str_find(none, none));
	CHECK("str, longer", str_find(STR("a"), STR("ab")) == STR_NONE);
	CHECK("str, none", str_find(s, STR("cb")) == STR_NONE);
	check_done();
}

static void test_next(void **state)
{
	static const struct {
		const char *name, *text;
		size_t count;
		const char *parts[4];
	} rows[] = {
		{"empty parts are parts", "a,,b", 3, {"a", "", "b"}},
		{"nothing", "", 0, {NULL}},
		{"one", "a", 1, {"a"}},
		{"at the end", "a,", 1, {"a"}},
		{"at the start", ",a", 2, {"", "a"}},
		{"only separators", ",,", 2, {"", ""}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str rest = str_from(rows[i].text), part;
		size_t count = 0;

		while (str_next(&rest, ',', &part)) {
			if (count < rows[i].count)
				check_str(rows[i].name, "part", str_from(rows[i].parts[count]),
					  part);
			count++;
		}
		check_i64(rows[i].name, "count", (int64_t)rows[i].count, (int64_t)count);
	}
	check_done();
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t value;
	} rows[] = {
		{"0", true, 0},
		{"18446744073709551615", true, UINT64_MAX},
		{"18446744073709551616", false, 0},
		{"99999999999999999999", false, 0},
		{"007", true, 7},
		{"", false, 0},
		{"-1", false, 0},
		{"+1", false, 0},
		{" 1", false, 0},
		{"1 ", false, 0},
		{"0x1", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t value = 77;
		bool ok = str_to_u64(str_from(rows[i].text), &value);

		check_i64(rows[i].text, "ok", rows[i].ok, ok);
		CHECK(rows[i].text, value == (rows[i].ok ? rows[i].value : 77));
	}
	check_done();
}

static void test_utf8(void **state)
{
	static const struct {
		const char *name;
		struct str text;
		bool ok;
	} rows[] = {
		{"ASCII with NUL", STR_INIT("a\0b"), true},
		{"empty", STR_INIT(""), true},
		{"two bytes", STR_INIT("\xc3\xa9"), true},
		{"U+0080, the least of two", STR_INIT("\xc2\x80"), true},
		{"U+0800, the least of three", STR_INIT("\xe0\xa0\x80"), true},
		{"U+D7FF", STR_INIT("\xed\x9f\xbf"), true},
		{"U+E000", STR_INIT("\xee\x80\x80"), true},
		{"U+10000, the least of four", STR_INIT("\xf0\x90\x80\x80"), true},
		{"U+10FFFF", STR_INIT("\xf4\x8f\xbf\xbf"), true},
		{"U+110000", STR_INIT("\xf4\x90\x80\x80"), false},
		{"overlong slash (RFC 3629, 10)", STR_INIT("\xc0\xaf"), false},
		{"overlong NUL (RFC 3629, 10)", STR_INIT("\xc0\x80"), false},
		{"overlong of three", STR_INIT("\xe0\x9f\xbf"), false},
		{"overlong of four", STR_INIT("\xf0\x8f\xbf\xbf"), false},
		{"a surrogate (RFC 3629, 3)", STR_INIT("\xed\xa0\x80"), false},
		{"the last surrogate", STR_INIT("\xed\xbf\xbf"), false},
		{"a continuation alone", STR_INIT("\x80"), false},
		{"cut after one of two", STR_INIT("a\xc3"), false},
		{"cut after three of four", STR_INIT("\xf0\x90\x80"), false},
		{"no continuation", STR_INIT("\xc3("), false},
		{"U+07FF, the most of two", STR_INIT("\xdf\xbf"), true},
		{"U+FFFF, the most of three", STR_INIT("\xef\xbf\xbf"), true},
		{"a lead that never is, and three", STR_INIT("\xc1\x80\x80\x80"), false},
		{"five bytes", STR_INIT("\xf8\x88\x80\x80\x80"), false},
		{"0xff", STR_INIT("\xff"), false},
	};
	uint32_t code_point = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *block;
		struct str s = exactly(rows[i].text.ptr, rows[i].text.len, &block);

		check_i64(rows[i].name, "is UTF-8", rows[i].ok, str_is_utf8(s));
		free(block);
	}
	check_i64("decode", "length", 4,
		  (int64_t)utf8_decode(STR("\xf0\x9f\x98\x80x"), &code_point));
	check_i64("decode", "code point", 0x1f600, code_point);
	CHECK("C0", utf8_is_control(0x1f) && !utf8_is_control(0x20));
	CHECK("DEL and C1", !utf8_is_control(0x7e) && utf8_is_control(0x7f) &&
				    utf8_is_control(0x9f) && !utf8_is_control(0xa0));
	check_done();
}

static void test_copy(void **state)
{
	char dst[4] = "zzz";

	(void)state;
	CHECK("fits", str_copy(dst, sizeof(dst), STR("abc")));
	check_cstr("fits", "copy", "abc", dst);
	CHECK("one too long", !str_copy(dst, sizeof(dst), STR("abcd")));
	check_cstr("one too long", "left", "", dst);
	CHECK("empty", str_copy(dst, 1, str_from(NULL)));
	CHECK("no room at all", !str_copy(dst, 0, STR("")));
	check_done();
}

static void test_ascii(void **state)
{
	(void)state;
	for (int i = 0; i < 256; i++) {
		char c = (char)i;
		char name[16];
		bool upper = i >= 'A' && i <= 'Z', lower = i >= 'a' && i <= 'z';
		bool digit = i >= '0' && i <= '9';

		snprintf(name, sizeof(name), "byte %02x", (unsigned)i);
		check_i64(name, "lower", upper ? (char)(i + 32) : c, ascii_lower(c));
		check_i64(name, "digit", digit, ascii_is_digit(c));
		check_i64(name, "alpha", upper || lower, ascii_is_alpha(c));
		check_i64(name, "alnum", upper || lower || digit, ascii_is_alnum(c));
	}
	check_i64("hex", "0", 0, ascii_hex_value('0'));
	check_i64("hex", "9", 9, ascii_hex_value('9'));
	check_i64("hex", "a", 10, ascii_hex_value('a'));
	check_i64("hex", "F", 15, ascii_hex_value('F'));
	check_i64("hex", "g", -1, ascii_hex_value('g'));
	check_i64("hex", "@", -1, ascii_hex_value('@'));
	check_i64("hex", "0xc1", -1, ascii_hex_value((char)0xc1));
	check_done();
}

static void test_nearest(void **state)
{
	static const char *const words[] = {"contains", "equals", "starts_with", "ends_with", "in"};
	static const struct {
		const char *name, *written, *want;
	} rows[] = {
		{"a letter is missing", "contain", "contains"},
		{"a letter too many", "equalls", "equals"},
		{"two letters swapped", "eqauls", "equals"},
		{"case does not count", "EQUALS", "equals"},
		{"the nearer of two", "nds_with", "ends_with"},
		{"too far", "matches", NULL},
		{"a short word is near to none", "on", NULL},
		{"a short word in capitals", "IN", "in"},
		{"nothing", "", NULL},
		{"two swaps of nine letters", "edns_with", "ends_with"},
		{"two letters too many of six", "xequalsx", "equals"},
		{"three too many of six and three", "xxequalsx", "equals"},
		{"four too many", "xxequalsxx", NULL},
		{"two missing of six", "qual", NULL},
		{"swapped, but not neighbours", "lquaes", "equals"},
		{"a swap costs one, not nothing", "niu", NULL},
		{"a third of nine is three", "startswit", "starts_with"},
	};
	char longest[100];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_cstr(rows[i].name, rows[i].written, rows[i].want,
			   str_nearest(str_from(rows[i].written), words, ARRAY_LEN(words)));
	memset(longest, 'a', sizeof(longest));
	check_cstr("very long", "word", NULL,
		   str_nearest(str_from_len(longest, sizeof(longest)), words, ARRAY_LEN(words)));
	check_cstr("no words", "word", NULL, str_nearest(STR("in"), NULL, 0));
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slices),	cmocka_unit_test(test_comparing),
		cmocka_unit_test(test_finding), cmocka_unit_test(test_next),
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_copy),	cmocka_unit_test(test_ascii),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
