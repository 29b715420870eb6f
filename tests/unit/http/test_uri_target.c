/*
 * Request targets. Rows named "row N" are the attacks of the same name on other gates:
 * the policy looked at another path than the application got.
 */
#include "http/uri.h"
#include "rows.h"

enum {
	DOTS = URI_DOT_SEGMENT,
	EDOT = URI_ENCODED_DOT,
	ESLASH = URI_ENCODED_SLASH,
	EBACK = URI_ENCODED_BACKSLASH,
	PARAM = URI_PATH_PARAMETER,
	TWICE = URI_DOUBLE_ENCODING,
	EMPTY = URI_EMPTY_SEGMENT,
};

static const struct good {
	const char *name;
	const char *raw;
	const char *path;
	const char *decoded;
	const char *query; /* NULL: none */
	unsigned ambiguities;
} good[] = {
	{"root", "/", "/", "/", NULL, 0},
	{"plain", "/a/b", "/a/b", "/a/b", NULL, 0},
	{"file", "/static/app.min.js", "/static/app.min.js", "/static/app.min.js", NULL, 0},
	{"query", "/a?b=c&d", "/a", "/a", "b=c&d", 0},
	{"empty query", "/a?", "/a", "/a", "", 0},
	{"second '?' is the query's", "/a?b?c", "/a", "/a", "b?c", 0},
	{"query is as received", "/a?%41%2e%2F/../;//", "/a", "/a", "%41%2e%2F/../;//", 0},
	{"what forms put into queries", "/a?x=%0D%0A%e4|{}\"<>\\^`", "/a", "/a",
	 "x=%0D%0A%e4|{}\"<>\\^`", 0},
	{"trailing slash", "/a/", "/a/", "/a/", NULL, 0},
	{"trailing slash behind a dot", "/a.b/", "/a.b/", "/a.b/", NULL, 0},
	{"trailing slash behind a triplet", "/a%20/", "/a%20/", "/a /", NULL, 0},
	{"sub-delims stay", "/a!$&'()*+,=:@b", "/a!$&'()*+,=:@b", "/a!$&'()*+,=:@b", NULL, 0},
	{"brackets, as browsers send them", "/a[1]", "/a[1]", "/a[1]", NULL, 0},
	{"unreserved decoded (RFC 3986, 6.2.2.2)", "/%61%5A%30%2d%5f%7e", "/aZ0-_~", "/aZ0-_~",
	 NULL, 0},
	{"hex in upper case (RFC 3986, 6.2.2.1)", "/%c3%a9", "/%C3%A9", "/\xc3\xa9", NULL, 0},
	{"space", "/a%20b", "/a%20b", "/a b", NULL, 0},
	{"four bytes of UTF-8", "/%f0%9f%9a%aa", "/%F0%9F%9A%AA", "/\xf0\x9f\x9a\xaa", NULL, 0},
	{"encoded '?'", "/a%3fb", "/a%3Fb", "/a?b", NULL, 0},
	{"encoded percent alone", "/100%25", "/100%25", "/100%", NULL, 0},
	{"encoded percent and one digit", "/100%25a/b", "/100%25a/b", "/100%a/b", NULL, 0},
	{"reserved stays apart", "/a%21%40", "/a%21%40", "/a!@", NULL, 0},
	{"three dots are a name", "/.../a", "/.../a", "/.../a", NULL, 0},
	{"dots in a name", "/a..b/.c/d.", "/a..b/.c/d.", "/a..b/.c/d.", NULL, 0},
	{"dots of the query are none", "/foo/secret?x=/bar/..", "/foo/secret", "/foo/secret",
	 "x=/bar/..", 0},
	{"%23 is a byte of the path", "/foo/secret%23/bar", "/foo/secret%23/bar",
	 "/foo/secret#/bar", NULL, 0},
	{"dot segment", "/public/../admin/x", "/public/../admin/x", "/public/../admin/x",
	 NULL, DOTS},
	{"encoded dots", "/public/%2e%2e/admin", "/public/%2E%2E/admin", "/public/../admin",
	 NULL, DOTS | EDOT},
	{"half encoded dots", "/public/.%2E/admin", "/public/.%2E/admin", "/public/../admin",
	 NULL, DOTS | EDOT},
	{"dots before a parameter", "/public/..;/admin", "/public/..;/admin",
	 "/public/..;/admin", NULL, DOTS | PARAM},
	{"dots before %3b", "/public/..%3bx/admin", "/public/..%3Bx/admin",
	 "/public/..;x/admin", NULL, DOTS | PARAM},
	{"empty segment", "/public//../admin", "/public//../admin", "/public//../admin",
	 NULL, DOTS | EMPTY},
	{"one dot", "/a/./b", "/a/./b", "/a/./b", NULL, DOTS},
	{"one dot at the end", "/a/.", "/a/.", "/a/.", NULL, DOTS},
	{"two dots at the end", "/a/..", "/a/..", "/a/..", NULL, DOTS},
	{"two dots at the start", "/../a", "/../a", "/../a", NULL, DOTS},
	{"dots before the query", "/a/..?b", "/a/..", "/a/..", "b", DOTS},
	{"%2f", "/a%2fb", "/a%2Fb", "/a/b", NULL, ESLASH},
	{"%2F", "/a%2Fb", "/a%2Fb", "/a/b", NULL, ESLASH},
	{"%5c", "/a%5cb", "/a%5Cb", "/a\\b", NULL, EBACK},
	{"%2e in a name", "/a%2eb", "/a%2Eb", "/a.b", NULL, EDOT},
	{"';'", "/a;b=c/d", "/a;b=c/d", "/a;b=c/d", NULL, PARAM},
	{"%3b", "/a%3bb", "/a%3Bb", "/a;b", NULL, PARAM},
	{"%252e", "/a/%252e%252e/b", "/a/%252e%252e/b", "/a/%2e%2e/b", NULL, TWICE},
	{"%25 and encoded digits", "/a/%25%32%65", "/a/%252e", "/a/%2e", NULL, TWICE},
	{"three times", "/%25252f", "/%25252f", "/%252f", NULL, TWICE},
	{"encoded dots behind a prefix", "/api/%2e%2e/admin", "/api/%2E%2E/admin",
	 "/api/../admin", NULL, DOTS | EDOT},
	{"dots glued to the prefix", "/api..%2fadmin", "/api..%2Fadmin", "/api../admin",
	 NULL, ESLASH},
	{"dots between encoded slashes", "/a%2f..%2fb", "/a%2F..%2Fb", "/a/../b", NULL,
	 DOTS | ESLASH},
	{"dots between encoded backslashes", "/a%5c..%5cb", "/a%5C..%5Cb", "/a\\..\\b", NULL,
	 DOTS | EBACK},
	{"two slashes", "//evil.example/", "//evil.example/", "//evil.example/", NULL, EMPTY},
	{"slash and encoded slash", "/a/%2fb", "/a/%2Fb", "/a//b", NULL, ESLASH | EMPTY},
	{"two encoded backslashes", "/%5c%5ca", "/%5C%5Ca", "/\\\\a", NULL, EBACK | EMPTY},
	{"two slashes at the end", "/a//", "/a//", "/a//", NULL, EMPTY},
};

static void test_target_good(void **state)
{
	struct arena *a = rows_arena();

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		const struct good *row = &good[i];
		struct error err = {.kind = ERR_NONE};
		struct uri_target t;

		if (!row_bool(row->name, "parses", true,
			      uri_parse_target(a, str_from(row->raw), &t, &err)))
			continue;
		row_str(row->name, "path", str_from(row->path), t.path);
		row_str(row->name, "path_decoded", str_from(row->decoded), t.path_decoded);
		row_bool(row->name, "has_query", row->query != NULL, t.has_query);
		row_str(row->name, "query", str_from(row->query), t.query);
		row_u64(row->name, "ambiguities", row->ambiguities, t.ambiguities);
		row_bool(row->name, "is_asterisk", false, t.is_asterisk);
	}
	rows_end();
	arena_free(a);
}

static void test_target_asterisk(void **state)
{
	struct arena *a = rows_arena();
	struct uri_target t;

	(void)state;
	assert_true(uri_parse_target(a, STR("*"), &t, NULL));
	assert_true(t.is_asterisk);
	assert_true(str_equal(t.path, STR("*")));
	assert_int_equal(t.ambiguities, 0);
	assert_false(t.has_query);
	arena_free(a);
}

static const struct bad {
	const char *name;
	struct str raw;
} bad[] = {
	{"empty", STR_INIT("")},
	{"no slash in front", STR_INIT("pkg.Svc/Admin")},
	{"asterisk and more", STR_INIT("*/a")},
	{"absolute-form", STR_INIT("http://a.example/")},
	{"authority-form", STR_INIT("a.example:443")},
	{"query alone", STR_INIT("?a")},
	{"raw '#' in the path", STR_INIT("/foo/secret#/bar")},
	{"fragment", STR_INIT("/admin#/public")},
	{"'#' in the query", STR_INIT("/a?b#c")},
	{"raw backslash", STR_INIT("/public\\..\\admin")},
	{"space", STR_INIT("/a b")},
	{"space in the query", STR_INIT("/a?b c")},
	{"HTAB", STR_INIT("/a\tb")},
	{"CR LF", STR_INIT("/a\r\nX: y")},
	{"NUL", STR_INIT("/a\0b")},
	{"NUL in the query", STR_INIT("/a?\0b")},
	{"DEL", STR_INIT("/a\x7f")},
	{"DEL in the query", STR_INIT("/a?\x7f")},
	{"raw UTF-8", STR_INIT("/\xc3\xa9")},
	{"raw UTF-8 in the query", STR_INIT("/?\xc3\xa9")},
	{"double quote", STR_INIT("/\"")},
	{"less than", STR_INIT("/<a")},
	{"greater than", STR_INIT("/a>")},
	{"caret", STR_INIT("/^")},
	{"backquote", STR_INIT("/`")},
	{"left brace", STR_INIT("/{")},
	{"bar", STR_INIT("/|")},
	{"right brace", STR_INIT("/}")},
	{"percent at the end", STR_INIT("/a%")},
	{"percent and one digit", STR_INIT("/a%2")},
	{"percent and no hex", STR_INIT("/a%zz")},
	{"percent and half hex", STR_INIT("/a%2g")},
	{"percent before a slash", STR_INIT("/a%/2f")},
	{"the digits behind '?'", STR_INIT("/a%?2f")},
	{"%u", STR_INIT("/%u002e%u002e/")},
	{"two percents", STR_INIT("/%%32%65")},
	{"bad triplet in the query", STR_INIT("/a?b=%zz")},
	{"cut triplet in the query", STR_INIT("/a?b=%4")},
	{"%00 in the query", STR_INIT("/a?b=%00")},
	{"%00", STR_INIT("/a%00b")},
	{"%0a", STR_INIT("/a%0ab")},
	{"%0d", STR_INIT("/a%0Db")},
	{"%09", STR_INIT("/a%09b")},
	{"%1f", STR_INIT("/a%1f")},
	{"%7f", STR_INIT("/a%7F")},
	{"overlong slash", STR_INIT("/a%c0%afb")},
	{"overlong dots", STR_INIT("/%c0%ae%c0%ae/")},
	{"overlong slash in three bytes", STR_INIT("/%e0%80%af")},
	{"surrogate", STR_INIT("/%ed%a0%80")},
	{"past U+10FFFF", STR_INIT("/%f4%90%80%80")},
	{"a lone tail byte", STR_INIT("/%80")},
	{"a sequence that a slash cuts", STR_INIT("/%e2%82/%ac")},
	{"Latin-1", STR_INIT("/caf%e9")},
	{"%ff", STR_INIT("/%ff")},
};

static void test_target_bad(void **state)
{
	struct arena *a = rows_arena();

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct error err = {.kind = ERR_NONE};
		struct uri_target t = {.ambiguities = 0x5a5a};

		row_bool(bad[i].name, "parses", false, uri_parse_target(a, bad[i].raw, &t, &err));
		row_u64(bad[i].name, "kind", ERR_SYNTAX, err.kind);
		row_u64(bad[i].name, "the result is untouched", 0x5a5a, t.ambiguities);
	}
	rows_end();
	arena_free(a);
}

/* Each byte, raw and encoded, in the path: what is let through is what the header says. */
static void test_target_bytes(void **state)
{
	static const char refused[] = "\"<>\\^`{|}#%";
	struct arena *a = rows_arena();
	struct uri_target t;
	char name[8], text[8];

	(void)state;
	rows_begin();
	for (int c = 0; c < 256; c++) {
		bool is_visible = c > 0x20 && c < 0x7f;

		snprintf(name, sizeof(name), "%%x%02X", (unsigned)c);
		snprintf(text, sizeof(text), "/a%cb", c);
		row_bool(name, "raw", is_visible && !strchr(refused, c),
			 uri_parse_target(a, str_from_len(text, 4), &t, NULL));
		snprintf(text, sizeof(text), "/a%%%02x", (unsigned)c);
		row_bool(name, "encoded", c >= 0x20 && c < 0x7f,
			 uri_parse_target(a, str_from(text), &t, NULL));
		snprintf(text, sizeof(text), "/?%cb", c);
		row_bool(name, "raw in the query", is_visible && c != '#' && c != '%',
			 uri_parse_target(a, str_from_len(text, 4), &t, NULL));
	}
	rows_end();
	arena_free(a);
}

static void test_target_limits(void **state)
{
	static char text[URI_MAX_TARGET + 1];
	struct arena *a = rows_arena();
	struct arena *small = arena_new(64);
	struct error err = {.kind = ERR_NONE};
	struct uri_target t;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[0] = '/';
	assert_true(uri_parse_target(a, str_from_len(text, URI_MAX_TARGET), &t, &err));
	assert_int_equal(t.path.len, URI_MAX_TARGET);
	assert_ptr_equal(t.path.ptr, text);
	assert_false(uri_parse_target(a, str_from_len(text, URI_MAX_TARGET + 1), &t, &err));
	assert_int_equal(err.kind, ERR_LIMIT);

	assert_non_null(small);
	memcpy(text + 1, "%41", 3);
	error_clear(&err);
	assert_false(uri_parse_target(small, str_from_len(text, 200), &t, &err));
	assert_int_equal(err.kind, ERR_LIMIT);
	arena_free(small);
	arena_free(a);
}

static void test_ambiguity_names(void **state)
{
	static const struct {
		unsigned bit;
		const char *name;
	} rows[] = {
		{URI_DOT_SEGMENT, "dot_segment"},
		{URI_ENCODED_DOT, "encoded_dot"},
		{URI_ENCODED_SLASH, "encoded_slash"},
		{URI_ENCODED_BACKSLASH, "encoded_backslash"},
		{URI_PATH_PARAMETER, "path_parameter"},
		{URI_DOUBLE_ENCODING, "double_encoding"},
		{URI_EMPTY_SEGMENT, "empty_segment"},
		{0, NULL},
		{1 << 7, NULL},
		{URI_DOT_SEGMENT | URI_ENCODED_DOT, NULL},
	};

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		row_str(rows[i].name ? rows[i].name : "none", "name", str_from(rows[i].name),
			str_from(uri_ambiguity_name(rows[i].bit)));
	rows_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_target_good),   cmocka_unit_test(test_target_asterisk),
		cmocka_unit_test(test_target_bad),    cmocka_unit_test(test_target_bytes),
		cmocka_unit_test(test_target_limits), cmocka_unit_test(test_ambiguity_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
