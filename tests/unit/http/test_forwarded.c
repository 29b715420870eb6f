/*
 * Who is at the far end. 10.0.0.0/8 and 2001:db8:a::/48 are trusted; the peer is
 * 10.0.0.1 unless a row says otherwise. Rows named "row N" are the attacks of the same
 * name on other gates.
 */
#include "http/forwarded.h"
#include "rows.h"

#define XFF "X-Forwarded-For"
#define XFP "X-Forwarded-Proto"
#define FWD "Forwarded"

static const struct row {
	const char *name;
	const char *peer;     /* NULL: 10.0.0.1 */
	const char *lines[8]; /* names and values */
	const char *client;
	bool is_https;
	const char *chain;
} rows[] = {
	{"nothing said", NULL, {NULL}, "10.0.0.1", false, ""},
	{"client", NULL, {XFF, "192.0.2.1"}, "192.0.2.1", false, "192.0.2.1"},
	{"client and scheme",
	 NULL,
	 {XFF, "192.0.2.1", XFP, "https"},
	 "192.0.2.1",
	 true,
	 "192.0.2.1"},
	{"a stranger's word",
	 "192.0.2.9",
	 {XFF, "10.1.2.3", XFP, "https", FWD, "for=10.1.2.3"},
	 "192.0.2.9",
	 false,
	 ""},
	{"private is not trusted",
	 "192.168.1.1",
	 {XFF, "192.0.2.1"},
	 "192.168.1.1",
	 false,
	 ""},
	{"what the client forged is left out",
	 NULL,
	 {XFF, "10.9.9.9, 192.0.2.1"},
	 "192.0.2.1",
	 false,
	 "192.0.2.1"},
	{"two proxies",
	 NULL,
	 {XFF, "6.6.6.6, 192.0.2.1, 10.0.0.2"},
	 "192.0.2.1",
	 false,
	 "192.0.2.1, 10.0.0.2"},
	{"all trusted", NULL, {XFF, "10.0.0.3,10.0.0.2"}, "10.0.0.3", false, "10.0.0.3, 10.0.0.2"},
	{"two lines",
	 NULL,
	 {XFF, "6.6.6.6, 192.0.2.1", XFF, "10.0.0.2"},
	 "192.0.2.1",
	 false,
	 "192.0.2.1, 10.0.0.2"},
	{"other case",
	 NULL,
	 {"x-FORWARDED-for", "192.0.2.1", "X-FORWARDED-proto", "HTTPS"},
	 "192.0.2.1",
	 true,
	 "192.0.2.1"},
	{"IPv6", NULL, {XFF, "2001:DB8::0:1"}, "2001:db8::1", false, "2001:db8::1"},
	{"IPv6 in brackets", NULL, {XFF, "[2001:db8::1]"}, "2001:db8::1", false, "2001:db8::1"},
	{"IPv6 and port", NULL, {XFF, "[2001:db8::1]:4711"}, "2001:db8::1", false, "2001:db8::1"},
	{"IPv4 and port", NULL, {XFF, "192.0.2.1:4711"}, "192.0.2.1", false, "192.0.2.1"},
	{"v4-mapped", NULL, {XFF, "::ffff:192.0.2.1"}, "192.0.2.1", false, "192.0.2.1"},
	{"v4-mapped and trusted",
	 NULL,
	 {XFF, "192.0.2.1, ::ffff:10.0.0.2"},
	 "192.0.2.1",
	 false,
	 "192.0.2.1, 10.0.0.2"},
	{"IPv6 peer",
	 "2001:db8:a::1",
	 {XFF, "2001:db8:b::1"},
	 "2001:db8:b::1",
	 false,
	 "2001:db8:b::1"},
	{"IPv6 peer that is not trusted",
	 "2001:db8:b::1",
	 {XFF, "192.0.2.1"},
	 "2001:db8:b::1",
	 false,
	 ""},
	{"empty elements", NULL, {XFF, ",, 192.0.2.1 ,, "}, "192.0.2.1", false, "192.0.2.1"},
	{"unreadable", NULL, {XFF, "a"}, "10.0.0.1", false, ""},
	{"unreadable behind a proxy",
	 NULL,
	 {XFF, "192.0.2.1, unknown, 10.0.0.2"},
	 "10.0.0.2",
	 false,
	 "10.0.0.2"},
	{"unreadable in front of the client",
	 NULL,
	 {XFF, "<script>, 192.0.2.1"},
	 "192.0.2.1",
	 false,
	 "192.0.2.1"},
	{"a quote of the client hides nothing",
	 NULL,
	 {XFF, "\"6.6.6.6, 192.0.2.1"},
	 "192.0.2.1",
	 false,
	 "192.0.2.1"},
	{"empty", NULL, {XFF, ""}, "10.0.0.1", false, ""},
	{"octal", NULL, {XFF, "0300.0.2.1"}, "10.0.0.1", false, ""},
	{"zone", NULL, {XFF, "fe80::1%eth0"}, "10.0.0.1", false, ""},
	{"port without a number", NULL, {XFF, "192.0.2.1:"}, "10.0.0.1", false, ""},
	{"port of letters", NULL, {XFF, "192.0.2.1:x"}, "10.0.0.1", false, ""},
	{"bracket left open", NULL, {XFF, "[2001:db8::1"}, "10.0.0.1", false, ""},
	{"bracket and text", NULL, {XFF, "[2001:db8::1]x"}, "10.0.0.1", false, ""},
	{"bracket closed only", NULL, {XFF, "2001:db8::1]"}, "10.0.0.1", false, ""},
	{"two words", NULL, {XFF, "192.0.2.1 192.0.2.2"}, "10.0.0.1", false, ""},

	{"scheme alone", NULL, {XFP, "https"}, "10.0.0.1", true, ""},
	{"scheme http over TLS",
	 "tls",
	 {XFF, "192.0.2.1", XFP, "http"},
	 "192.0.2.1",
	 false,
	 "192.0.2.1"},
	{"no scheme over TLS", "tls", {XFF, "192.0.2.1"}, "192.0.2.1", true, "192.0.2.1"},
	{"unknown scheme over TLS",
	 "tls",
	 {XFF, "192.0.2.1", XFP, "gopher"},
	 "192.0.2.1",
	 true,
	 "192.0.2.1"},
	{"wss", NULL, {XFF, "192.0.2.1", XFP, "wss"}, "192.0.2.1", true, "192.0.2.1"},
	{"ws over TLS", "tls", {XFF, "192.0.2.1", XFP, "ws"}, "192.0.2.1", false, "192.0.2.1"},
	{"a forged scheme is left of the proxy's",
	 NULL,
	 {XFF, "192.0.2.1", XFP, "https, http"},
	 "192.0.2.1",
	 false,
	 "192.0.2.1"},
	{"a forged scheme on a line of its own",
	 NULL,
	 {XFP, "https", XFF, "192.0.2.1", XFP, "http"},
	 "192.0.2.1",
	 false,
	 "192.0.2.1"},
	{"a scheme for each hop",
	 NULL,
	 {XFF, "192.0.2.1, 10.0.0.2", XFP, "https, http"},
	 "192.0.2.1",
	 true,
	 "192.0.2.1, 10.0.0.2"},
	{"one scheme for two hops",
	 NULL,
	 {XFF, "192.0.2.1, 10.0.0.2", XFP, "https"},
	 "192.0.2.1",
	 true,
	 "192.0.2.1, 10.0.0.2"},

	{"RFC 7239: client", NULL, {FWD, "for=192.0.2.1"}, "192.0.2.1", false, "192.0.2.1"},
	{"RFC 7239, 4: names fold",
	 NULL,
	 {FWD, "For=\"[2001:db8:cafe::17]:4711\""},
	 "2001:db8:cafe::17",
	 false,
	 "2001:db8:cafe::17"},
	{"RFC 7239, 4: all of it",
	 NULL,
	 {FWD, "for=192.0.2.60;proto=https;by=203.0.113.43;host=\"a:1\""},
	 "192.0.2.60",
	 true,
	 "192.0.2.60"},
	{"RFC 7239: two hops",
	 NULL,
	 {FWD, "for=6.6.6.6, for=192.0.2.1;proto=https, for=10.0.0.2;proto=http"},
	 "192.0.2.1",
	 true,
	 "192.0.2.1, 10.0.0.2"},
	{"RFC 7239: two lines",
	 NULL,
	 {FWD, "for=192.0.2.1;proto=https", FWD, "for=10.0.0.2;proto=http"},
	 "192.0.2.1",
	 true,
	 "192.0.2.1, 10.0.0.2"},
	{"RFC 7239, 6.2: unknown, but the scheme is",
	 NULL,
	 {FWD, "for=unknown;proto=https"},
	 "10.0.0.1",
	 true,
	 ""},
	{"RFC 7239, 6.3: obfuscated",
	 NULL,
	 {FWD, "for=192.0.2.1, for=_gazonk"},
	 "10.0.0.1",
	 false,
	 ""},
	{"blanks around ';'",
	 NULL,
	 {FWD, " for=192.0.2.1 ; proto=https "},
	 "192.0.2.1",
	 true,
	 "192.0.2.1"},
	{"a lone quote of the client swallows nothing",
	 NULL,
	 {FWD, "for=\"6.6.6.6, for=192.0.2.1"},
	 "192.0.2.1",
	 false,
	 "192.0.2.1"},
	{"comma and ';' in quotes",
	 NULL,
	 {FWD, "for=6.6.6.6, host=\"a, for=1.1.1.1;\";for=192.0.2.1"},
	 "192.0.2.1",
	 false,
	 "192.0.2.1"},
	{"for twice",
	 NULL,
	 {FWD, "for=192.0.2.1;for=192.0.2.2;proto=https"},
	 "10.0.0.1",
	 false,
	 ""},
	{"proto twice", NULL, {FWD, "for=192.0.2.1;proto=http;PROTO=https"}, "10.0.0.1", false, ""},
	{"no '='", NULL, {FWD, "for"}, "10.0.0.1", false, ""},
	{"no value", NULL, {FWD, "for="}, "10.0.0.1", false, ""},
	{"no name", NULL, {FWD, "=192.0.2.1"}, "10.0.0.1", false, ""},
	{"name in quotes", NULL, {FWD, "\"for\"=192.0.2.1"}, "10.0.0.1", false, ""},
	{"escape in quotes", NULL, {FWD, "for=\"192.0.2\\.1\""}, "10.0.0.1", false, ""},
	{"text behind quotes", NULL, {FWD, "for=\"192.0.2.1\"x"}, "10.0.0.1", false, ""},
	{"IPv6 without quotes", NULL, {FWD, "for=[2001:db8::1]"}, "10.0.0.1", false, ""},
	{"space around '='", NULL, {FWD, "for = 192.0.2.1"}, "10.0.0.1", false, ""},
	{"';' at the end", NULL, {FWD, "for=192.0.2.1;"}, "192.0.2.1", false, "192.0.2.1"},
	{"both kinds",
	 NULL,
	 {FWD, "for=6.6.6.6;proto=https", XFF, "192.0.2.1"},
	 "192.0.2.1",
	 false,
	 "192.0.2.1"},
	{"Forwarded is not mixed with the other's scheme",
	 NULL,
	 {FWD, "for=192.0.2.1", XFP, "https"},
	 "192.0.2.1",
	 false,
	 "192.0.2.1"},
};

static void test_read(void **state)
{
	struct arena *a = rows_arena();
	struct ip_prefix trusted[2];

	(void)state;
	assert_true(ip_prefix_parse(STR("2001:db8:a::/48"), &trusted[0], NULL));
	assert_true(ip_prefix_parse(STR("10.0.0.0/8"), &trusted[1], NULL));
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		bool is_tls = row->peer && strcmp(row->peer, "tls") == 0;
		struct headers h = {NULL, 0, 0};
		char text[IP_TEXT_SIZE];
		struct forwarded got;
		struct ip peer;

		assert_true(
			ip_parse(str_from(row->peer && !is_tls ? row->peer : "10.0.0.1"), &peer));
		assert_true(headers_add(a, &h, STR("Accept"), STR("1.1.1.1")));
		for (size_t k = 0; k < ARRAY_LEN(row->lines) && row->lines[k]; k += 2)
			assert_true(headers_add(a, &h, str_from(row->lines[k]),
						str_from(row->lines[k + 1])));
		forwarded_read(a, &h, &peer, is_tls, trusted, ARRAY_LEN(trusted), &got);
		row_str(row->name, "client", str_from(row->client),
			str_from(ip_format(&got.client, text)));
		row_bool(row->name, "is_https", row->is_https, got.is_https);
		row_str(row->name, "chain", str_from(row->chain), got.chain);
	}
	rows_end();
	arena_free(a);
}

/* Row 5: without a trusted list nobody is believed. */
static void test_read_trusts_nobody(void **state)
{
	struct arena *a = rows_arena();
	struct headers h = {NULL, 0, 0};
	struct forwarded got;
	struct ip peer;

	(void)state;
	assert_true(ip_parse(STR("10.0.0.1"), &peer));
	assert_true(headers_add(a, &h, STR("X-Forwarded-For"), STR("192.0.2.1")));
	assert_true(headers_add(a, &h, STR("X-Forwarded-Proto"), STR("https")));
	forwarded_read(a, &h, &peer, false, NULL, 0, &got);
	assert_true(ip_equal(&got.client, &peer));
	assert_false(got.is_https);
	assert_int_equal(got.chain.len, 0);
	arena_free(a);
}

/* A chain without end is read to the bound. */
static void test_read_bounds(void **state)
{
	struct arena *a = rows_arena();
	struct headers h = {NULL, 0, 0};
	struct ip_prefix trusted;
	struct forwarded got;
	struct ip peer;
	struct buf b;

	(void)state;
	assert_true(ip_prefix_parse(STR("10.0.0.0/8"), &trusted, NULL));
	assert_true(ip_parse(STR("10.0.0.1"), &peer));
	buf_init(&b, 64 * 1024);
	for (int i = 0; i < 2000; i++)
		buf_append(&b, STR("10.0.0.2,"));
	assert_true(headers_add(a, &h, STR("X-Forwarded-For"), buf_str(&b)));
	forwarded_read(a, &h, &peer, false, &trusted, 1, &got);
	assert_int_equal(got.chain.len, 32 * strlen("10.0.0.2, ") - 2);
	buf_done(&b);
	arena_free(a);
}

static void test_append(void **state)
{
	static const struct {
		const char *name;
		const char *client;
		bool is_https;
		struct str host;
		const char *want;
	} appends[] = {
		{"IPv4 (RFC 7239, 4)", "192.0.2.1", true, STR_INIT("a.example:8443"),
		 "for=192.0.2.1;proto=https;host=\"a.example:8443\""},
		{"IPv6 (RFC 7239, 6)", "2001:db8::1", false, STR_INIT("[::1]"),
		 "for=\"[2001:db8::1]\";proto=http;host=\"[::1]\""},
		{"no way out of the quotes", "192.0.2.1", false,
		 STR_INIT("a\";for=6.6.6.6\\,\r\n\0x"),
		 "for=192.0.2.1;proto=http;host=\"afor6.6.6.6x\""},
	};
	struct buf b;

	(void)state;
	buf_init(&b, 1024);
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(appends); i++) {
		struct ip client;

		assert_true(ip_parse(str_from(appends[i].client), &client));
		buf_clear(&b);
		forwarded_append(&b, &client, appends[i].is_https, appends[i].host);
		row_str(appends[i].name, "written", str_from(appends[i].want), buf_str(&b));
	}
	rows_end();
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_trusts_nobody),
		cmocka_unit_test(test_read_bounds),
		cmocka_unit_test(test_append),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
