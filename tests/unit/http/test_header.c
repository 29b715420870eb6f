/*
 * Lists of field lines, valid names and values, and the two folds.
 */
#include "http/header.h"
#include "rows.h"

static bool byte_is_tchar(int c) /* RFC 9110, section 5.6.2, by its letter */
{
	return c && c < 0x80 &&
	       (strchr("!#$%&'*+-.^_`|~", c) || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		(c >= 'A' && c <= 'Z'));
}

static void test_name_is_token(void **state)
{
	char name[8];

	(void)state;
	rows_begin();
	for (int c = 0; c < 256; c++) {
		char text[] = {'X', '-', (char)c, 'a'};

		snprintf(name, sizeof(name), "%%x%02X", (unsigned)c);
		row_bool(name, "inside a name", byte_is_tchar(c),
			 header_name_is_token(str_from_len(text, sizeof(text))));
		row_bool(name, "as a name", byte_is_tchar(c),
			 header_name_is_token(str_from_len(text + 2, 1)));
	}
	row_bool("empty", "", false, header_name_is_token(STR("")));
	row_bool("space at the end", "", false, header_name_is_token(STR("X-Auth-Request-User ")));
	row_bool("space at the start", "", false, header_name_is_token(STR(" Host")));
	row_bool("NULL", "", false, header_name_is_token(str_from(NULL)));
	rows_end();
}

static void test_value_is_valid(void **state)
{
	static const struct {
		const char *name;
		struct str value;
		bool want;
	} rows[] = {
		{"empty", STR_INIT(""), true},
		{"text", STR_INIT("text/html; q=0.9"), true},
		{"HTAB inside", STR_INIT("a\tb"), true},
		{"obs-text (RFC 9110, 5.5)", STR_INIT("caf\xc3\xa9 \xff"), true},
		{"one byte", STR_INIT("x"), true},
		{"leading SP", STR_INIT(" a"), false},
		{"trailing SP", STR_INIT("a "), false},
		{"leading HTAB", STR_INIT("\ta"), false},
		{"trailing HTAB", STR_INIT("a\t"), false},
		{"only SP", STR_INIT(" "), false},
		{"CR LF and a header", STR_INIT("x\r\nX-Admin: 1"), false},
		{"CR alone", STR_INIT("a\rX-Admin: 1"), false},
		{"LF alone", STR_INIT("a\nb"), false},
		{"fold", STR_INIT("a\r\n b"), false},
		{"NUL inside", STR_INIT("a\0b"), false},
		{"NUL at the end", STR_INIT("a\0"), false},
		{"DEL", STR_INIT("a\x7f"), false},
		{"ESC", STR_INIT("\x1b[2J"), false},
		{"VT", STR_INIT("a\vb"), false},
	};

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		row_bool(rows[i].name, "valid", rows[i].want, header_value_is_valid(rows[i].value));
	/* Each byte at each place of values of up to 19: eight are looked at in one go. */
	for (int i = 0; i < 256 * 18 * 18; i++) {
		size_t len = 2 + (size_t)(i / 256 % 18), at = (size_t)(i / 256 / 18);
		bool is_end = at == 0 || at == len - 1;
		int c = i % 256;
		char text[20], name[80];

		if (at >= len)
			continue;
		memset(text, i & 1 ? 'a' : 0xff, sizeof(text));
		text[at] = (char)c;
		snprintf(name, sizeof(name), "%%x%02X at %zu of %zu", (unsigned)c, at, len);
		row_bool(name, "valid",
			 (c > 0x20 && c != 0x7f) || (!is_end && (c == '\t' || c == ' ')),
			 header_value_is_valid(str_from_len(text, len)));
	}
	rows_end();
}

static void test_identity_fold(void **state)
{
	static const struct {
		const char *name;
		const char *a;
		const char *b;
		bool equal;
		bool starts;
	} rows[] = {
		{"same", "X-Forwarded-User", "X-Forwarded-User", true, true},
		{"case", "x-FORWARDED-uSER", "X-Forwarded-User", true, true},
		{"underscores", "X_Auth_Request_User", "X-Auth-Request-User", true, true},
		{"one underscore", "x-auth_request-user", "X-Auth-Request-User", true,
		 true},
		{"dots", "X.Auth.Request.User", "X-Auth-Request-User", true, true},
		{"every other tchar", "X!Auth#Request$User", "X-Auth-Request-User", true, true},
		{"bytes that are no tchar", "X Auth\xc2Request\x7fUser", "X-Auth-Request-User",
		 true, true},
		{"longer", "X-Forwarded-User2", "X-Forwarded-User", false, true},
		{"shorter", "X-Forwarded-Use", "X-Forwarded-User", false, false},
		{"letters are no '-'", "XaForwarded-User", "X-Forwarded-User", false, false},
		{"digits count", "Remote-User1", "Remote-User2", false, false},
		{"'@' is '-', not '`'", "@", "`", true, true},
		{"'[' is '-', not '{'", "a[", "a{", true, true},
		{"empty prefix", "a", "", false, true},
		{"both empty", "", "", true, true},
	};

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str a = str_from(rows[i].a), b = str_from(rows[i].b);

		row_bool(rows[i].name, "equal", rows[i].equal, header_name_fold_equal(a, b));
		row_bool(rows[i].name, "equal, turned", rows[i].equal,
			 header_name_fold_equal(b, a));
		row_bool(rows[i].name, "starts with", rows[i].starts,
			 header_name_fold_starts_with(a, b));
	}
	rows_end();
}

static void test_hop_by_hop(void **state)
{
	static const struct {
		const char *name;
		bool want;
	} rows[] = {
		{"Connection", true},
		{"connection", true},
		{"CONNECTION", true},
		{"Keep-Alive", true},
		{"Proxy-Connection", true},
		{"Proxy-Authenticate", true},
		{"Proxy-Authorization", true},
		{"Proxy-Authentication-Info", true},
		{"TE", true},
		{"te", true},
		{"Trailer", true},
		{"Transfer-Encoding", true},
		{"Upgrade", true},
		{"HTTP2-Settings", true},
		{"http2-settings", true},
		{"Trailers", false},
		{"Host", false},
		{"TEa", false},
		{"ET", false},
		{"", false},
		{"Content-Length", false},
		{"Authorization", false},
		{"Set-Cookie", false},
		{"Keep_Alive", false},
		{"Transfer-Encodin", false},
		{"WWW-Authenticate", false},
		{"X-Forwarded-For", false},
		{"Proxy-Status", false},
	};

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		row_bool(rows[i].name, "hop by hop", rows[i].want,
			 header_is_hop_by_hop(str_from(rows[i].name)));
	rows_end();
}

static void test_list(void **state)
{
	static const struct {
		const char *name;
		const char *value;
		const char *elements; /* joined with '|' */
		bool has_close;
	} rows[] = {
		{"one", "close", "close", true},
		{"case", "Keep-Alive, CLOSE", "Keep-Alive|CLOSE", true},
		{"blanks", " \t close \t,\tupgrade ", "close|upgrade", true},
		{"empty elements (RFC 9110, 5.6.1.2)", ",, ,a,,close,", "a|close", true},
		{"none", "", "", false},
		{"only commas", ",,,", "", false},
		{"part of a word", "closed, xclose", "closed|xclose", false},
		{"no comma, no element", "a close", "a close", false},
	};
	char got[128];

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str rest = str_from(rows[i].value), element;
		size_t len = 0;

		while (header_list_next(&rest, &element))
			len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%.*s",
						len ? "|" : "", STR_ARG(element));
		row_str(rows[i].name, "elements", str_from(rows[i].elements),
			str_from_len(got, len));
		row_bool(rows[i].name, "has close", rows[i].has_close,
			 header_list_has(str_from(rows[i].value), STR("close")));
	}
	rows_end();
}

static void test_headers(void **state)
{
	struct arena *a = rows_arena();
	struct headers h = {NULL, 0, 0};
	char names[100][8];

	(void)state;
	rows_begin();
	for (int i = 0; i < 100; i++) {
		snprintf(names[i], sizeof(names[i]), "X-%d", i % 50);
		assert_true(headers_add(a, &h, str_from(names[i]),
					i < 50 ? STR("first") : STR("second")));
	}
	row_u64("100 added", "count", 100, h.count);
	row_str("first value wins", "get", STR("first"), *headers_get(&h, STR("x-7")));
	row_u64("both", "count of a name", 2, headers_count(&h, STR("X-7")));
	row_bool("absent", "get", true, headers_get(&h, STR("X-50")) == NULL);
	row_bool("a prefix is another name", "get", true, headers_get(&h, STR("X-")) == NULL);
	row_u64("removed", "how many", 2, headers_remove(&h, STR("x-0")));
	row_u64("removed again", "how many", 0, headers_remove(&h, STR("x-0")));
	row_u64("98 left", "count", 98, h.count);
	row_str("order is kept", "first", STR("X-1"), h.items[0].name);
	row_str("order is kept", "last", STR("X-49"), h.items[97].name);
	row_str("order is kept", "second half", STR("second"), h.items[49].value);
	rows_end();
	arena_free(a);
}

static void test_headers_overflow(void **state)
{
	struct arena *a = arena_new(2048);
	struct headers h = {NULL, 0, 0};
	size_t added = 0;

	(void)state;
	assert_non_null(a);
	while (added < 1000 && headers_add(a, &h, STR("A"), STR("b")))
		added++;
	assert_true(added >= 32 && added < 1000);
	assert_int_equal(h.count, added);
	assert_true(arena_overflowed(a));
	assert_int_equal(headers_count(&h, STR("a")), added);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_is_token),
		cmocka_unit_test(test_value_is_valid),
		cmocka_unit_test(test_identity_fold),
		cmocka_unit_test(test_hop_by_hop),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_headers_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
