/*
 * Hosts, ports and absolute URLs.
 */
#include "http/uri.h"
#include "rows.h"

#define LABEL63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"
#define HOST253                             \
	LABEL63 "." LABEL63 "." LABEL63 "." \
		"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy"

static const struct authority_row {
	const char *name;
	struct str raw;
	const char *host; /* NULL: refused */
	uint16_t port;
} authority_rows[] = {
	{"name", STR_INIT("app.example.com"), "app.example.com", 0},
	{"one label", STR_INIT("localhost"), "localhost", 0},
	{"port", STR_INIT("app.example:8443"), "app.example", 8443},
	{"highest port", STR_INIT("a:65535"), "a", 65535},
	{"lowest port", STR_INIT("a:1"), "a", 1},
	{"case", STR_INIT("APP.example.COM"), "app.example.com", 0},
	{"trailing dot", STR_INIT("app.example.com."), "app.example.com", 0},
	{"trailing dot and port", STR_INIT("app.example.com.:443"), "app.example.com", 443},
	{"underscore and hyphen", STR_INIT("_a-b.c_d"), "_a-b.c_d", 0},
	{"punycode", STR_INIT("XN--BCHER-KVA.example"), "xn--bcher-kva.example", 0},
	{"IPv4", STR_INIT("192.0.2.1"), "192.0.2.1", 0},
	{"IPv4 and port", STR_INIT("192.0.2.1:80"), "192.0.2.1", 80},
	{"IPv4, trailing dot", STR_INIT("192.0.2.1."), "192.0.2.1", 0},
	{"number in front", STR_INIT("1.2.3.example"), "1.2.3.example", 0},
	{"label that ends in digits", STR_INIT("host.a1"), "host.a1", 0},
	{"IPv6", STR_INIT("[2001:db8::1]"), "[2001:db8::1]", 0},
	{"IPv6 and port", STR_INIT("[::1]:8443"), "[::1]", 8443},
	{"IPv6 in another spelling", STR_INIT("[2001:0DB8:0:0::0001]"), "[2001:db8::1]", 0},
	{"v4-mapped IPv6 stays one", STR_INIT("[::FFFF:192.0.2.1]"), "[::ffff:192.0.2.1]", 0},
	{"label of 63", STR_INIT(LABEL63 ".a"), LABEL63 ".a", 0},
	{"host of 253", STR_INIT(HOST253), HOST253, 0},
	{"host of 253, trailing dot", STR_INIT(HOST253 "."), HOST253, 0},

	{"empty", STR_INIT(""), NULL, 0},
	{"dot alone", STR_INIT("."), NULL, 0},
	{"two trailing dots", STR_INIT("a.."), NULL, 0},
	{"leading dot", STR_INIT(".a"), NULL, 0},
	{"empty label", STR_INIT("a..b"), NULL, 0},
	{"label of 64", STR_INIT(LABEL63 "x.a"), NULL, 0},
	{"host of 254", STR_INIT(HOST253 "z"), NULL, 0},
	{"port alone", STR_INIT(":80"), NULL, 0},
	{"empty port", STR_INIT("a:"), NULL, 0},
	{"port 0", STR_INIT("a:0"), NULL, 0},
	{"port 65536", STR_INIT("a:65536"), NULL, 0},
	{"port 99999999999", STR_INIT("a:99999999999"), NULL, 0},
	{"port with leading zero", STR_INIT("a:080"), NULL, 0},
	{"signed port", STR_INIT("a:+80"), NULL, 0},
	{"negative port", STR_INIT("a:-80"), NULL, 0},
	{"hex port", STR_INIT("a:0x50"), NULL, 0},
	{"port and space", STR_INIT("a:80 "), NULL, 0},
	{"two ports", STR_INIT("a:80:80"), NULL, 0},
	{"user information", STR_INIT("portal.example.com@evil"), NULL, 0},
	{"user information with a port", STR_INIT("portal.example.com:443@evil"), NULL, 0},
	{"empty user information", STR_INIT("@a"), NULL, 0},
	{"space", STR_INIT("a b"), NULL, 0},
	{"space in front", STR_INIT(" a"), NULL, 0},
	{"HTAB", STR_INIT("a\t"), NULL, 0},
	{"NUL", STR_INIT("a\0.example"), NULL, 0},
	{"CR LF", STR_INIT("a\r\nb"), NULL, 0},
	{"two hosts", STR_INIT("a.example, b.example"), NULL, 0},
	{"slash", STR_INIT("a/b"), NULL, 0},
	{"backslash", STR_INIT("a\\b"), NULL, 0},
	{"query", STR_INIT("a?b"), NULL, 0},
	{"fragment", STR_INIT("a#b"), NULL, 0},
	{"percent", STR_INIT("a%2eb"), NULL, 0},
	{"raw UTF-8",
	 STR_INIT("b\xc3\xbc"
		  "cher.example"),
	 NULL, 0},
	{"asterisk", STR_INIT("*.example.com"), NULL, 0},
	{"comma", STR_INIT("a,b"), NULL, 0},
	{"IPv6 without brackets", STR_INIT("2001:db8::1"), NULL, 0},
	{"bracket open", STR_INIT("[::1"), NULL, 0},
	{"bracket only", STR_INIT("["), NULL, 0},
	{"empty brackets", STR_INIT("[]"), NULL, 0},
	{"closing bracket only", STR_INIT("::1]"), NULL, 0},
	{"IPv4 in brackets", STR_INIT("[192.0.2.1]"), NULL, 0},
	{"name in brackets", STR_INIT("[a.example]"), NULL, 0},
	{"zone", STR_INIT("[fe80::1%25eth0]"), NULL, 0},
	{"raw zone", STR_INIT("[fe80::1%eth0]"), NULL, 0},
	{"text behind brackets", STR_INIT("[::1]a"), NULL, 0},
	{"dot behind brackets", STR_INIT("[::1]."), NULL, 0},
	{"empty port behind brackets", STR_INIT("[::1]:"), NULL, 0},
	{"IPvFuture", STR_INIT("[v1.a]"), NULL, 0},
	{"IPv4 as one number", STR_INIT("2130706433"), NULL, 0},
	{"IPv4 as two numbers", STR_INIT("127.1"), NULL, 0},
	{"IPv4 in octal", STR_INIT("0177.0.0.1"), NULL, 0},
	{"IPv4 in hex", STR_INIT("0x7f.0.0.1"), NULL, 0},
	{"IPv4 as one hex number", STR_INIT("0X7F000001"), NULL, 0},
	{"IPv4 that ends in hex", STR_INIT("127.0.0.0x1"), NULL, 0},
	{"IPv4 out of range", STR_INIT("256.0.0.1"), NULL, 0},
	{"IPv4 of five", STR_INIT("1.2.3.4.5"), NULL, 0},
	{"name that ends in a number", STR_INIT("evil.example.1"), NULL, 0},
};

static void test_authority(void **state)
{
	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(authority_rows); i++) {
		const struct authority_row *row = &authority_rows[i];
		struct error err = {.kind = ERR_NONE};
		struct uri_authority got = {.host_len = 4711, .port = 4711};
		bool parsed = uri_parse_authority(row->raw, &got, &err);

		row_bool(row->name, "parses", row->host != NULL, parsed);
		if (parsed && row->host) {
			row_str(row->name, "host", str_from(row->host),
				str_from_len(got.host, got.host_len));
			row_u64(row->name, "closing NUL", 0, (unsigned char)got.host[got.host_len]);
			row_u64(row->name, "port", row->port, got.port);
		} else if (!parsed) {
			row_u64(row->name, "kind", ERR_SYNTAX, err.kind);
			row_bool(row->name, "untouched", true,
				 got.host_len == 4711 && got.port == 4711);
		}
	}
	rows_end();
}

static void test_loopback(void **state)
{
	static const struct {
		struct str raw;
		bool want;
	} rows[] = {
		{STR_INIT("localhost"), true},
		{STR_INIT("LOCALHOST.:8080"), true},
		{STR_INIT("127.0.0.1"), true},
		{STR_INIT("127.255.255.254:1"), true},
		{STR_INIT("[::1]:80"), true},
		{STR_INIT("[::ffff:127.0.0.1]"), true},
		{STR_INIT("localhost.example"), false},
		{STR_INIT("a.localhost"), false},
		{STR_INIT("128.0.0.1"), false},
		{STR_INIT("0.0.0.0"), false},
		{STR_INIT("[::]"), false},
		{STR_INIT("[::2]"), false},
	};

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct uri_authority authority;

		assert_true(uri_parse_authority(rows[i].raw, &authority, NULL));
		row_bool(rows[i].raw.ptr, "loopback", rows[i].want,
			 uri_authority_is_loopback(&authority));
	}
	rows_end();
}

static const struct url_row {
	const char *name;
	struct str raw;
	const char *host; /* NULL: refused */
	bool is_https;
	uint16_t port;
	const char *target;
} url_rows[] = {
	{"https", STR_INIT("https://a.example/b?c"), "a.example", true, 443, "/b?c"},
	{"http", STR_INIT("http://a.example/"), "a.example", false, 80, "/"},
	{"no path", STR_INIT("https://a.example"), "a.example", true, 443, "/"},
	{"port", STR_INIT("http://a.example:3000/x"), "a.example", false, 3000, "/x"},
	{"port, no path", STR_INIT("http://127.0.0.1:3000"), "127.0.0.1", false, 3000, "/"},
	{"default port given", STR_INIT("https://a.example:443/"), "a.example", true, 443, "/"},
	{"case (RFC 3986, 6.2.2.1)", STR_INIT("HTTPS://A.Example/B"), "a.example", true, 443, "/B"},
	{"IPv6", STR_INIT("http://[::1]:80/"), "[::1]", false, 80, "/"},
	{"path as written", STR_INIT("https://a/%7e/../b"), "a", true, 443, "/%7e/../b"},
	{"URL in the query", STR_INIT("https://a/?u=http://b/"), "a", true, 443, "/?u=http://b/"},
	{"empty", STR_INIT(""), NULL, false, 0, NULL},
	{"scheme alone", STR_INIT("https://"), NULL, false, 0, NULL},
	{"no host", STR_INIT("https:///a"), NULL, false, 0, NULL},
	{"one slash", STR_INIT("https:/a"), NULL, false, 0, NULL},
	{"no slash", STR_INIT("https:a"), NULL, false, 0, NULL},
	{"other scheme", STR_INIT("ftp://a/"), NULL, false, 0, NULL},
	{"file", STR_INIT("file:///etc/passwd"), NULL, false, 0, NULL},
	{"longer scheme", STR_INIT("httpss://a/"), NULL, false, 0, NULL},
	{"no scheme", STR_INIT("a.example/"), NULL, false, 0, NULL},
	{"scheme-relative", STR_INIT("//a.example/"), NULL, false, 0, NULL},
	{"backslashes", STR_INIT("https:\\\\a\\b"), NULL, false, 0, NULL},
	{"backslash behind the host", STR_INIT("https://a\\b"), NULL, false, 0, NULL},
	{"backslash in the path", STR_INIT("https://a/\\b"), NULL, false, 0, NULL},
	{"space in front", STR_INIT(" https://a/"), NULL, false, 0, NULL},
	{"space behind", STR_INIT("https://a/ "), NULL, false, 0, NULL},
	{"user", STR_INIT("https://user@a/"), NULL, false, 0, NULL},
	{"user and password", STR_INIT("https://portal.example.com:443@evil/"), NULL, false,
	 0, NULL},
	{"fragment", STR_INIT("https://a/#b"), NULL, false, 0, NULL},
	{"fragment behind the host", STR_INIT("https://a#b"), NULL, false, 0, NULL},
	{"query behind the host", STR_INIT("https://a?b"), NULL, false, 0, NULL},
	{"control byte", STR_INIT("https://a/\x01"), NULL, false, 0, NULL},
	{"line", STR_INIT("https://a/\r\nX: y"), NULL, false, 0, NULL},
	{"raw UTF-8", STR_INIT("https://a/\xc3\xa9"), NULL, false, 0, NULL},
	{"number as host", STR_INIT("https://2852039166/latest"), NULL, false, 0, NULL},
	{"bad port", STR_INIT("https://a:99999/"), NULL, false, 0, NULL},
};

static void test_url(void **state)
{
	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(url_rows); i++) {
		const struct url_row *row = &url_rows[i];
		struct error err = {.kind = ERR_NONE};
		struct uri_url got;
		bool parsed = uri_parse_url(row->raw, &got, &err);

		row_bool(row->name, "parses", row->host != NULL, parsed);
		if (!parsed)
			row_u64(row->name, "kind", ERR_SYNTAX, err.kind);
		if (!parsed || !row->host)
			continue;
		row_str(row->name, "host", str_from(row->host),
			str_from_len(got.authority.host, got.authority.host_len));
		row_bool(row->name, "is_https", row->is_https, got.is_https);
		row_u64(row->name, "port", row->port, got.port);
		row_str(row->name, "target", str_from(row->target), got.target);
	}
	rows_end();
}

static void test_url_limit(void **state)
{
	static char text[URI_MAX_TARGET + 1];
	struct error err = {.kind = ERR_NONE};
	struct uri_url url;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "https://a/", 10);
	assert_true(uri_parse_url(str_from_len(text, URI_MAX_TARGET), &url, &err));
	assert_false(uri_parse_url(str_from_len(text, URI_MAX_TARGET + 1), &url, &err));
	assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_authority),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_url_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
