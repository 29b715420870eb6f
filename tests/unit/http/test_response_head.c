/*
 * Heads of responses: good ones, and all that an upstream could try with our framing.
 */
#include "http/response_head.h"
#include "rows.h"

#define OK "HTTP/1.1 200 OK\r\n"

static const struct good {
	const char *name;
	const char *method;
	struct str raw;
	unsigned status;
	unsigned minor;
	enum http_body body;
	uint64_t length;
	bool keep_alive;
} good[] = {
	{"length", "GET", STR_INIT(OK "Content-Length: 5\r\n\r\n"), 200, 1, HTTP_BODY_LENGTH, 5,
	 true},
	{"length 0", "GET", STR_INIT(OK "content-length:0\r\n\r\n"), 200, 1, HTTP_BODY_LENGTH, 0,
	 true},
	{"chunked", "GET", STR_INIT(OK "Transfer-Encoding: CHUNKED\r\n\r\n"), 200, 1,
	 HTTP_BODY_CHUNKED, 0, true},
	{"neither: until close (RFC 9112, 6.3)", "GET", STR_INIT(OK "\r\n"), 200, 1,
	 HTTP_BODY_UNTIL_CLOSE, 0, false},
	{"HTTP/1.0", "GET", STR_INIT("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n"), 200, 0,
	 HTTP_BODY_LENGTH, 5, false},
	{"HTTP/1.0, keep-alive", "GET",
	 STR_INIT("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: Keep-Alive\r\n\r\n"), 200, 0,
	 HTTP_BODY_LENGTH, 5, true},
	{"close", "GET", STR_INIT(OK "Content-Length: 5\r\nConnection: Close\r\n\r\n"), 200, 1,
	 HTTP_BODY_LENGTH, 5, false},
	{"close in a list on the second line", "GET",
	 STR_INIT(OK "Connection: keep-alive\r\nConnection: x, close\r\nContent-Length: 5\r\n\r\n"),
	 200, 1, HTTP_BODY_LENGTH, 5, false},
	{"HEAD with a length", "HEAD", STR_INIT(OK "Content-Length: 5\r\n\r\n"), 200, 1,
	 HTTP_BODY_NONE, 5, true},
	{"HEAD chunked", "HEAD", STR_INIT(OK "Transfer-Encoding: chunked\r\n\r\n"), 200, 1,
	 HTTP_BODY_NONE, 0, true},
	{"HEAD without either", "HEAD", STR_INIT(OK "\r\n"), 200, 1, HTTP_BODY_NONE, 0, true},
	{"head is no HEAD", "head", STR_INIT(OK "Content-Length: 5\r\n\r\n"), 200, 1,
	 HTTP_BODY_LENGTH, 5, true},
	{"204", "GET", STR_INIT("HTTP/1.1 204 No Content\r\n\r\n"), 204, 1, HTTP_BODY_NONE, 0,
	 true},
	{"204 with length 0", "GET", STR_INIT("HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n"), 204,
	 1, HTTP_BODY_NONE, 0, true},
	{"204 that announces a body", "GET",
	 STR_INIT("HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n"), 204, 1, HTTP_BODY_NONE, 5, false},
	{"204 that announces chunks", "GET",
	 STR_INIT("HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n"), 204, 1, HTTP_BODY_NONE,
	 0, false},
	{"304 with the length of the other", "GET",
	 STR_INIT("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), 304, 1, HTTP_BODY_NONE,
	 5, true},
	{"304 that announces chunks", "GET",
	 STR_INIT("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"), 304, 1,
	 HTTP_BODY_NONE, 0, false},
	{"100", "POST", STR_INIT("HTTP/1.1 100 Continue\r\n\r\n"), 100, 1, HTTP_BODY_NONE, 0, true},
	{"103", "GET", STR_INIT("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), 103, 1,
	 HTTP_BODY_NONE, 0, true},
	{"101 ends HTTP here", "GET", STR_INIT("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
	 101, 1, HTTP_BODY_NONE, 0, false},
	{"205 is framed like any", "GET", STR_INIT("HTTP/1.1 205 x\r\nContent-Length: 0\r\n\r\n"),
	 205, 1, HTTP_BODY_LENGTH, 0, true},
	{"599", "GET", STR_INIT("HTTP/1.1 599 x\r\nContent-Length: 0\r\n\r\n"), 599, 1,
	 HTTP_BODY_LENGTH, 0, true},
	{"empty reason", "GET", STR_INIT("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"), 200, 1,
	 HTTP_BODY_LENGTH, 0, true},
	{"no reason and no space", "GET", STR_INIT("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"),
	 200, 1, HTTP_BODY_LENGTH, 0, true},
	{"reason with obs-text", "GET",
	 STR_INIT("HTTP/1.1 200 \xc3\xa9\t!\r\nContent-Length: 0\r\n\r\n"), 200, 1,
	 HTTP_BODY_LENGTH, 0, true},
	{"names as long as those that frame", "GET",
	 STR_INIT(OK "Set-Cookie: close\r\nContent-Locale: 5\r\nX-Powered-By-Name: chunked\r\n"
		     "Content-Length: 7\r\n\r\n"),
	 200, 1, HTTP_BODY_LENGTH, 7, true},
	{"greatest length", "GET", STR_INIT(OK "Content-Length: 9223372036854775807\r\n\r\n"), 200,
	 1, HTTP_BODY_LENGTH, INT64_MAX, true},
};

static void test_good(void **state)
{
	struct arena *a = rows_arena();

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		const struct good *row = &good[i];
		struct error err = {.kind = ERR_NONE};
		struct response_head head;
		size_t len = 0;

		if (!row_u64(row->name, "returns", 1,
			     (uint64_t)response_head_parse(a, row->raw, str_from(row->method),
							   &head, &len, &err)))
			continue;
		row_u64(row->name, "length of the head", row->raw.len, len);
		row_u64(row->name, "status", row->status, head.status);
		row_u64(row->name, "minor_version", row->minor, head.minor_version);
		row_u64(row->name, "body", row->body, head.body);
		row_u64(row->name, "content_length", row->length, head.content_length);
		row_bool(row->name, "keep_alive", row->keep_alive, head.keep_alive);
	}
	rows_end();
	arena_free(a);
}

static const struct bad {
	const char *name;
	struct str raw;
} bad[] = {
	{"no HTTP", STR_INIT("SSH-2.0-OpenSSH\r\n")},
	{"HTTP/0.9 body", STR_INIT("<html>")},
	{"ICY", STR_INIT("ICY 200 OK\r\n\r\n")},
	{"lower case", STR_INIT("http/1.1 200 OK\r\n\r\n")},
	{"HTTP/2", STR_INIT("HTTP/2 200\r\n\r\n")},
	{"HTTP/1.2", STR_INIT("HTTP/1.2 200 OK\r\n\r\n")},
	{"HTTP/1.11", STR_INIT("HTTP/1.11 200 OK\r\n\r\n")},
	{"empty line in front", STR_INIT("\r\n" OK "\r\n")},
	{"no status", STR_INIT("HTTP/1.1 \r\n\r\n")},
	{"two spaces", STR_INIT("HTTP/1.1  200 OK\r\n\r\n")},
	{"HTAB", STR_INIT("HTTP/1.1\t200 OK\r\n\r\n")},
	{"two digits", STR_INIT("HTTP/1.1 20 OK\r\n\r\n")},
	{"four digits", STR_INIT("HTTP/1.1 2000 OK\r\n\r\n")},
	{"signed status", STR_INIT("HTTP/1.1 +20 OK\r\n\r\n")},
	{"hex status", STR_INIT("HTTP/1.1 2a0 OK\r\n\r\n")},
	{"status 099", STR_INIT("HTTP/1.1 099 x\r\n\r\n")},
	{"status 600", STR_INIT("HTTP/1.1 600 x\r\n\r\n")},
	{"status 000", STR_INIT("HTTP/1.1 000 x\r\n\r\n")},
	{"CR in the reason", STR_INIT("HTTP/1.1 200 a\rb\r\n\r\n")},
	{"NUL in the reason", STR_INIT("HTTP/1.1 200 a\0b\r\n\r\n")},
	{"status line ends in LF", STR_INIT("HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n")},
	{"header ends in LF", STR_INIT(OK "A: b\nContent-Length: 0\r\n\r\n")},
	{"empty line is LF", STR_INIT(OK "Content-Length: 0\r\n\n")},
	{"LF before the rest is there", STR_INIT("HTTP/1.1 200 OK\n")},
	{"CR alone in a value", STR_INIT(OK "A: b\rContent-Length: 0\r\n\r\n")},
	{"two CR", STR_INIT(OK "A: b\r\r\n\r\n")},
	{"NUL in a value", STR_INIT(OK "A: b\0c\r\n\r\n")},
	{"DEL in a value", STR_INIT(OK "A: \x7f\r\n\r\n")},
	{"NUL in a name", STR_INIT(OK "A\0: b\r\n\r\n")},
	{"fold (RFC 9112, 5.2)", STR_INIT(OK "A: b\r\n c: d\r\n\r\n")},
	{"fold with HTAB", STR_INIT(OK "A: b\r\n\tContent-Length: 5\r\n\r\n")},
	{"fold behind the status line", STR_INIT(OK " A: b\r\n\r\n")},
	{"space before the colon (RFC 9112, 5.1)", STR_INIT(OK "Content-Length : 5\r\n\r\n")},
	{"no colon", STR_INIT(OK "A b\r\n\r\n")},
	{"no name", STR_INIT(OK ": b\r\n\r\n")},
	{"name with a space", STR_INIT(OK "A B: c\r\n\r\n")},
	{"high byte in a name", STR_INIT(OK "A\xff: c\r\n\r\n")},
	{"two lengths", STR_INIT(OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n")},
	{"two equal lengths", STR_INIT(OK "Content-Length: 5\r\ncontent-length: 5\r\n\r\n")},
	{"length list", STR_INIT(OK "Content-Length: 5, 5\r\n\r\n")},
	{"empty length", STR_INIT(OK "Content-Length:\r\n\r\n")},
	{"negative length", STR_INIT(OK "Content-Length: -5\r\n\r\n")},
	{"signed length", STR_INIT(OK "Content-Length: +5\r\n\r\n")},
	{"hex length", STR_INIT(OK "Content-Length: 0x5\r\n\r\n")},
	{"length of 2^63", STR_INIT(OK "Content-Length: 9223372036854775808\r\n\r\n")},
	{"length past 2^64", STR_INIT(OK "Content-Length: 18446744073709551617\r\n\r\n")},
	{"both", STR_INIT(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n")},
	{"both, turned", STR_INIT(OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n")},
	{"both, length 0", STR_INIT(OK "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n")},
	{"two codings",
	 STR_INIT(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n")},
	{"coding list", STR_INIT(OK "Transfer-Encoding: gzip, chunked\r\n\r\n")},
	{"other coding", STR_INIT(OK "Transfer-Encoding: identity\r\n\r\n")},
	{"empty coding", STR_INIT(OK "Transfer-Encoding:\r\n\r\n")},
	{"odd coding", STR_INIT(OK "Transfer-Encoding: xchunked\r\n\r\n")},
	{"coding in HTTP/1.0", STR_INIT("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")},
	{"100 with a body", STR_INIT("HTTP/1.1 100 x\r\nContent-Length: 5\r\n\r\n")},
	{"101 with chunks", STR_INIT("HTTP/1.1 101 x\r\nTransfer-Encoding: chunked\r\n\r\n")},
};

static void test_bad(void **state)
{
	static const char *const methods[] = {"GET", "HEAD"};
	struct arena *a = rows_arena();

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(bad) * ARRAY_LEN(methods); i++) {
		const struct bad *row = &bad[i / ARRAY_LEN(methods)];
		struct str method = str_from(methods[i % ARRAY_LEN(methods)]);
		struct error err = {.kind = ERR_NONE};
		struct response_head head = {.status = 4711};
		size_t len = 4711;

		row_u64(row->name, "returns", (uint64_t)-1,
			(uint64_t)response_head_parse(a, row->raw, method, &head, &len, &err));
		row_u64(row->name, "kind", ERR_SYNTAX, err.kind);
		row_bool(row->name, "untouched", true, head.status == 4711 && len == 4711);
	}
	rows_end();
	arena_free(a);
}

/* Whatever is cut off a good head: more is asked for, and no memory taken. */
static void test_partial(void **state)
{
	struct str raw = STR(OK "Content-Length: 5\r\nA: b\r\n\r\nhello");
	struct arena *a = rows_arena();
	struct response_head head;
	size_t before = arena_used(a);
	size_t len;

	(void)state;
	for (size_t n = 0; n < raw.len - 5; n++)
		assert_int_equal(response_head_parse(a, str_slice(raw, 0, n), STR("GET"), &head,
						     &len, NULL),
				 0);
	assert_int_equal(arena_used(a), before);
	assert_int_equal(response_head_parse(a, raw, STR("GET"), &head, &len, NULL), 1);
	assert_int_equal(len, raw.len - 5);
	assert_int_equal(head.headers.count, 2);
	assert_true(str_equal(head.headers.items[1].name, STR("A")));
	assert_true(str_equal(*headers_get(&head.headers, STR("a")), STR("b")));
	arena_free(a);
}

static void test_limits(void **state)
{
	struct arena *a = rows_arena();
	struct arena *small = arena_new(64);
	struct error err = {.kind = ERR_NONE};
	struct response_head head;
	struct buf b;
	size_t len;

	(void)state;
	assert_non_null(small);
	buf_init(&b, 128 * 1024);
	buf_append(&b, STR(OK));
	for (int i = 0; i < RESPONSE_MAX_HEADERS; i++)
		buf_append(&b, STR("A: b\r\n"));
	buf_append(&b, STR("\r\n"));
	assert_int_equal(response_head_parse(a, buf_str(&b), STR("GET"), &head, &len, &err), 1);
	assert_int_equal(head.headers.count, RESPONSE_MAX_HEADERS);
	assert_int_equal(response_head_parse(small, buf_str(&b), STR("GET"), &head, &len, &err),
			 -1);
	assert_int_equal(err.kind, ERR_LIMIT);

	error_clear(&err);
	b.len -= 2;
	buf_append(&b, STR("A: b\r\n\r\n"));
	assert_int_equal(response_head_parse(a, buf_str(&b), STR("GET"), &head, &len, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);

	/* A head of exactly the most that is read, one byte more, and one that never ends. */
	buf_clear(&b);
	buf_append(&b, STR(OK "A: "));
	while (b.len < RESPONSE_MAX_HEAD - 4)
		buf_append_char(&b, 'a');
	buf_append(&b, STR("\r\n\r\n"));
	error_clear(&err);
	assert_int_equal(response_head_parse(a, buf_str(&b), STR("GET"), &head, &len, &err), 1);
	assert_int_equal(len, RESPONSE_MAX_HEAD);
	b.len -= 4;
	assert_int_equal(response_head_parse(a, buf_str(&b), STR("GET"), &head, &len, &err), 0);
	buf_append(&b, STR("a\r\n\r\n"));
	assert_int_equal(response_head_parse(a, buf_str(&b), STR("GET"), &head, &len, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	error_clear(&err);
	assert_int_equal(response_head_parse(a, str_slice(buf_str(&b), 0, RESPONSE_MAX_HEAD),
					     STR("GET"), &head, &len, &err),
			 -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	buf_done(&b);
	arena_free(small);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_partial),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
