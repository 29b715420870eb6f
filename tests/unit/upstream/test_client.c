/*
 * What a call makes of what a server sends: every row is sent whole and byte by byte, and
 * is read in large pieces and in small ones.
 */
#include "tests/unit/upstream/site.h"

enum row_end { KEEP, CLOSE, RESET };
enum { COMPLETE = UPSTREAM_END, CUT = UPSTREAM_CUT, FAILED = -10 };

struct response_row {
	const char *name;
	const char *method;
	const char *answer;
	enum row_end end; /* behind the answer */
	int outcome;
	int detail;	  /* the status, or the failure */
	const char *body; /* of a failure or a cut: part of the error */
	bool is_kept;	  /* the connection serves another call */
};

#define HEAD_200 "HTTP/1.1 200 OK\r\n"
#define CHUNKED	 HEAD_200 "Transfer-Encoding: chunked\r\n\r\n"
#define INTERIM	 "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"

static const struct response_row responses[] = {
	{"length", "GET", HEAD_200 "Content-Length: 5\r\n\r\nhello", KEEP, COMPLETE, 200, "hello",
	 true},
	{"length, then closed", "GET", HEAD_200 "Content-Length: 5\r\n\r\nhello", CLOSE, COMPLETE,
	 200, "hello", false},
	{"empty body", "GET", HEAD_200 "Content-Length: 0\r\n\r\n", KEEP, COMPLETE, 200, "", true},
	{"HEAD", "HEAD", HEAD_200 "Content-Length: 5\r\n\r\n", KEEP, COMPLETE, 200, "", true},
	{"HEAD, chunked", "HEAD", CHUNKED, KEEP, COMPLETE, 200, "", true},
	{"204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", KEEP, COMPLETE, 204, "", true},
	{"304 with a length", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", KEEP,
	 COMPLETE, 304, "", true},
	{"chunked (RFC 9112, 7.1)", "GET", CHUNKED "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", KEEP,
	 COMPLETE, 200, "hello", true},
	{"chunked with trailers", "GET", CHUNKED "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", KEEP,
	 COMPLETE, 200, "hello", true},
	{"chunked, empty", "GET", CHUNKED "0\r\n\r\n", KEEP, COMPLETE, 200, "", true},
	{"until close", "GET", HEAD_200 "\r\nhello", CLOSE, COMPLETE, 200, "hello", false},
	{"HTTP/1.0, until close", "GET", "HTTP/1.0 200 OK\r\n\r\nhello", CLOSE, COMPLETE, 200,
	 "hello", false},
	{"HTTP/1.0 with a length", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", KEEP,
	 COMPLETE, 200, "hello", false},
	{"Connection: close", "GET", HEAD_200 "Connection: close\r\nContent-Length: 5\r\n\r\nhello",
	 KEEP, COMPLETE, 200, "hello", false},
	{"1xx before", "GET",
	 "HTTP/1.1 100 Continue\r\n\r\n" INTERIM HEAD_200 "Content-Length: 2\r\n\r\nok", KEEP,
	 COMPLETE, 200, "ok", true},
	{"500", "GET", "HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", KEEP, COMPLETE, 500, "no",
	 true},

	{"garbage behind the length", "GET",
	 HEAD_200 "Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n", KEEP, COMPLETE, 200, "ok",
	 false},
	{"a second response", "GET",
	 HEAD_200 "Content-Length: 2\r\n\r\nok" HEAD_200 "Content-Length: 4\r\n\r\nevil", KEEP,
	 COMPLETE, 200, "ok", false},
	{"garbage behind the chunks", "GET", CHUNKED "2\r\nok\r\n0\r\n\r\nX", KEEP, COMPLETE, 200,
	 "ok", false},
	{"garbage behind no body", "HEAD", HEAD_200 "Content-Length: 2\r\n\r\nok", KEEP, COMPLETE,
	 200, "", false},

	{"cut inside the length", "GET", HEAD_200 "Content-Length: 9\r\n\r\nhello", CLOSE, CUT, 200,
	 "inside its response body", false},
	{"reset inside the length", "GET", HEAD_200 "Content-Length: 9\r\n\r\nhello", RESET, CUT,
	 200, "reset", false},
	{"reset until close", "GET", HEAD_200 "\r\nhello", RESET, CUT, 200, "reset", false},
	{"cut inside a chunk", "GET", CHUNKED "5\r\nhel", CLOSE, CUT, 200,
	 "inside its response body", false},
	{"cut before the last chunk", "GET", CHUNKED "5\r\nhello\r\n", CLOSE, CUT, 200,
	 "inside its response body", false},
	{"cut inside the end of chunks", "GET", CHUNKED "5\r\nhello\r\n0\r\n", CLOSE, CUT, 200,
	 "inside its response body", false},
	{"malformed chunk", "GET", CHUNKED "5\r\nhelloX", KEEP, CUT, 200,
	 "malformed chunked coding", false},

	{"closed without a word", "GET", "", CLOSE, FAILED, UPSTREAM_RESET,
	 "before its response head", false},
	{"reset without a word", "GET", "", RESET, FAILED, UPSTREAM_RESET, "reset", false},
	{"closed inside the head", "GET", HEAD_200 "Content-", CLOSE, FAILED, UPSTREAM_RESET,
	 "before its response head", false},
	{"closed behind a 1xx", "GET", INTERIM, CLOSE, FAILED, UPSTREAM_RESET,
	 "before its response head", false},
	{"no HTTP", "GET", "SSH-2.0-OpenSSH\r\n", KEEP, FAILED, UPSTREAM_MALFORMED, "HTTP/1",
	 false},
	{"bare LF", "GET", "HTTP/1.1 200 OK\n\n", KEEP, FAILED, UPSTREAM_MALFORMED, "CR", false},
	{"length and chunked", "GET",
	 HEAD_200 "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", KEEP, FAILED,
	 UPSTREAM_MALFORMED, "Content-Length", false},
	{"two lengths", "GET", HEAD_200 "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", KEEP,
	 FAILED, UPSTREAM_MALFORMED, "Content-Length", false},
	{"NUL in a value", "GET",
	 HEAD_200 "X: a\x01"
		  "b\r\n\r\n",
	 KEEP, FAILED, UPSTREAM_MALFORMED, "control byte", false},
	{"101 unasked", "GET", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", KEEP,
	 FAILED, UPSTREAM_MALFORMED, "without being asked", false},
	{"1xx without end", "GET",
	 INTERIM INTERIM INTERIM INTERIM INTERIM INTERIM INTERIM INTERIM INTERIM, KEEP, FAILED,
	 UPSTREAM_MALFORMED, "interim", false},
};

static void answer(struct site *s, int peer, const struct response_row *row, bool in_bytes)
{
	size_t len = strlen(row->answer);

	if (!in_bytes)
		peer_send_len(s, peer, row->answer, len);
	for (size_t i = 0; in_bytes && i < len; i++) {
		if (send(peer, row->answer + i, 1, MSG_NOSIGNAL) != 1)
			break; /* closed on it already: rows of malformed heads */
		loop_turn(s->loop, 0);
	}
	/* A reset takes along what was not read yet. */
	if (row->end == RESET)
		site_turn(s);
}

static int outcome_of(const struct caller *r)
{
	return r->failures ? FAILED : (int)r->outcome;
}

static void check_response(const struct response_row *row, bool in_bytes, size_t read_size)
{
	struct site s;
	struct caller r;
	int peer;
	bool is_good;

	site_open(&s, 1);
	caller_start(&r, &s, row->method);
	r.read_size = read_size;
	peer = site_accept(&s, 0);
	peer_read(&s, peer, "\r\n\r\n");
	answer(&s, peer, row, in_bytes);
	if (row->end == RESET && r.heads)
		caller_read(&r);
	if (row->end == CLOSE)
		close(peer);
	else if (row->end == RESET)
		peer_reset(peer);
	caller_finish(&r);

	is_good = row->outcome == outcome_of(&r);
	check_i64(row->name, "outcome", row->outcome, outcome_of(&r));
	check_i64(row->name, "heads", row->outcome == FAILED ? 0 : 1, r.heads);
	check_i64(row->name, "failures", row->outcome == FAILED ? 1 : 0, r.failures);
	if (is_good && row->outcome == FAILED) {
		check_i64(row->name, "failure", row->detail, r.failure);
		check_contains(row->name, row->body, r.error.text);
	} else if (is_good) {
		check_i64(row->name, "status", row->detail, r.head->status);
	}
	if (is_good && row->outcome == CUT) {
		check_contains(row->name, row->body, upstream_call_error(r.call)->text);
		check_contains(row->name,
			       "upstream \"wiki\" 127.0.0.1:", upstream_call_error(r.call)->text);
	} else if (is_good && row->outcome == COMPLETE) {
		check_str(row->name, "body", str_from(row->body), buf_str(&r.body));
	}
	caller_done(&r);
	if (row->end == KEEP) {
		check_i64(row->name, "is kept", row->is_kept, peer_is_kept(&s, peer));
		close(peer);
	}
	site_close(&s);
}

static void test_responses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(responses); i++) {
		check_response(&responses[i], false, 0);
		check_response(&responses[i], true, 0);
		check_response(&responses[i], false, 1);
		check_response(&responses[i], true, 1);
	}
	check_done();
}

static void test_request_bytes(void **state)
{
	struct header items[] = {{STR("Accept"), STR("*/*")}, {STR("X-Empty"), STR("")}};
	struct headers headers = {.items = items, .count = 2};
	static const struct {
		const char *name;
		const char *method;
		enum http_body body;
		uint64_t length;
		int host;
		const char *want; /* "@" stands for the server's authority */
	} rows[] = {
		{"GET", "GET", HTTP_BODY_NONE, 0, UPSTREAM_HOST_PRESERVE,
		 "GET /a?b=c HTTP/1.1\r\nHost: wiki.example\r\nAccept: */*\r\nX-Empty: \r\n\r\n"},
		{"host of the upstream", "GET", HTTP_BODY_NONE, 0, UPSTREAM_HOST_UPSTREAM,
		 "GET /a?b=c HTTP/1.1\r\nHost: @\r\nAccept: */*\r\nX-Empty: \r\n\r\n"},
		{"empty body", "POST", HTTP_BODY_LENGTH, 0, UPSTREAM_HOST_PRESERVE,
		 "POST /a?b=c HTTP/1.1\r\nHost: wiki.example\r\nAccept: */*\r\nX-Empty: \r\n"
		 "Content-Length: 0\r\n\r\n"},
		{"length", "POST", HTTP_BODY_LENGTH, 3, UPSTREAM_HOST_PRESERVE,
		 "POST /a?b=c HTTP/1.1\r\nHost: wiki.example\r\nAccept: */*\r\nX-Empty: \r\n"
		 "Content-Length: 3\r\n\r\nabc"},
		{"chunked", "PUT", HTTP_BODY_CHUNKED, 0, UPSTREAM_HOST_UPSTREAM,
		 "PUT /a?b=c HTTP/1.1\r\nHost: @\r\nAccept: */*\r\nX-Empty: \r\n"
		 "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct site s;
		struct caller r;
		struct buf want;
		int peer;

		site_prepare(&s, 1);
		s.config.host = rows[i].host;
		site_start(&s);
		buf_init(&want, 1024);
		for (const char *c = rows[i].want; *c; c++) {
			if (*c == '@')
				buf_append(&want, s.servers[0].authority);
			else
				buf_append_char(&want, *c);
		}
		caller_start_request(&r, &s,
				     (struct upstream_request){
					     .method = str_from(rows[i].method),
					     .target = STR("/a?b=c"),
					     .headers = &headers,
					     .body = rows[i].body,
					     .content_length = rows[i].length,
				     });
		if (rows[i].length || rows[i].body == HTTP_BODY_CHUNKED) {
			assert_true(SITE_TURN_UNTIL(&s, r.writables));
			assert_int_equal(upstream_call_write(r.call, "abc", 3), 3);
			upstream_call_write_end(r.call);
		}
		peer = site_accept(&s, 0);
		check_cstr(rows[i].name, "request", want.ptr, peer_read(&s, peer, want.ptr));
		check_cstr(rows[i].name, "address", s.texts[0][0] + strlen("http://"),
			   upstream_call_address(r.call));
		caller_done(&r);
		buf_done(&want);
		close(peer);
		site_close(&s);
	}
	check_done();
}

/* CVE class: an outgoing value with a line end becomes a header of somebody else's choice. */
static void test_line_ends_are_not_sent(void **state)
{
	static const struct str values[] = {
		STR_INIT("a\r\nX-Admin: 1"),
		STR_INIT("a\rX-Admin: 1"),
		STR_INIT("a\nX-Admin: 1"),
		STR_INIT("a\0b"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct header item = {STR("X-User"), values[i]};
		struct headers headers = {.items = &item, .count = 1};
		struct site s;
		struct caller r;

		site_open(&s, 1);
		caller_start_request(&r, &s,
				     (struct upstream_request){.method = STR("GET"),
							       .target = STR("/"),
							       .headers = &headers});
		assert_true(SITE_TURN_UNTIL(&s, r.failures));
		CHECK("failure", r.failure == UPSTREAM_INTERNAL);
		CHECK("untouched", nobody_connects(&s, 0));
		caller_done(&r);
		site_close(&s);
	}
	check_done();
}

static void test_head_too_large(void **state)
{
	static const struct {
		const char *name;
		size_t head;
		bool is_good;
	} rows[] = {
		{"longest", RESPONSE_MAX_HEAD, true},
		{"a byte longer", RESPONSE_MAX_HEAD + 1, false},
		{"twice as long", 2 * RESPONSE_MAX_HEAD, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static const char start[] = HEAD_200 "Content-Length: 2\r\nX: ";
		static const char end[] = "\r\n\r\n";
		char *text = malloc(rows[i].head + 3);
		struct site s;
		struct caller r;
		int peer;

		assert_non_null(text);
		memset(text, 'x', rows[i].head);
		memcpy(text, start, strlen(start));
		memcpy(text + rows[i].head - strlen(end), end, strlen(end));
		memcpy(text + rows[i].head, "ok", 3);
		site_open(&s, 1);
		caller_start(&r, &s, "GET");
		peer = site_accept(&s, 0);
		peer_read(&s, peer, "\r\n\r\n");
		for (size_t at = 0; at < rows[i].head + 2; at += 10000) {
			size_t len = rows[i].head + 2 - at;

			if (send(peer, text + at, len < 10000 ? len : 10000, MSG_NOSIGNAL) < 0)
				break;
			site_turn(&s);
		}
		caller_finish(&r);
		check_i64(rows[i].name, "outcome", rows[i].is_good ? COMPLETE : FAILED,
			  outcome_of(&r));
		if (rows[i].is_good)
			check_str(rows[i].name, "body", STR("ok"), buf_str(&r.body));
		else
			check_i64(rows[i].name, "failure", UPSTREAM_MALFORMED, r.failure);
		caller_done(&r);
		close(peer);
		free(text);
		site_close(&s);
	}
	check_done();
}

/* The head outlives the call: it is the exchange's. */
static void test_head_outlives_call(void **state)
{
	struct site s;
	struct caller r;
	const struct response_head *head;
	int peer;

	(void)state;
	site_open(&s, 1);
	caller_start(&r, &s, "GET");
	assert_int_equal(upstream_call_head_us(r.call), -1);
	peer = site_accept(&s, 0);
	peer_read(&s, peer, "\r\n\r\n");
	peer_send(&s, peer, HEAD_200 "X-A: one\r\nContent-Length: 0\r\n\r\n");
	caller_finish(&r);
	assert_true(upstream_call_head_us(r.call) >= 0);
	head = r.head;
	caller_done(&r);
	close(peer);
	upstream_free(s.upstream);
	s.upstream = NULL;
	check_i64("head", "headers", 2, (int64_t)head->headers.count);
	check_str("head", "X-A", STR("one"), *headers_get(&head->headers, STR("X-A")));
	site_close(&s);
	check_done();
}

static void test_exchange_without_memory(void **state)
{
	struct site s;
	struct caller r;
	int peer;

	(void)state;
	site_open(&s, 1);
	arena_free(s.arena);
	s.arena = arena_new(32);
	assert_non_null(s.arena);
	caller_start(&r, &s, "GET");
	peer = site_accept(&s, 0);
	peer_read(&s, peer, "\r\n\r\n");
	peer_send(&s, peer, HEAD_200 "Content-Length: 0\r\n\r\n");
	caller_finish(&r);
	check_i64("no memory", "outcome", FAILED, outcome_of(&r));
	check_i64("no memory", "failure", UPSTREAM_INTERNAL, r.failure);
	caller_done(&r);
	close(peer);
	site_close(&s);
	check_done();
}

/* Byte at of the large body. 251 is prime: a piece lost or repeated shows. */
static char large_byte(size_t at)
{
	return (char)(at % 251);
}

/* Send what the socket takes of the body from *sent on. */
static bool large_send(int peer, size_t total, size_t *sent)
{
	static char piece[251 * 512];
	size_t skip = *sent % 251;
	size_t len = sizeof(piece) - skip;
	ssize_t n;

	if (!piece[1])
		for (size_t i = 0; i < sizeof(piece); i++)
			piece[i] = large_byte(i);
	if (len > total - *sent)
		len = total - *sent;
	n = len ? send(peer, piece + skip, len, MSG_NOSIGNAL) : 0;
	*sent += n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* 100 MB through small memory: bytes that nobody reads stay in the socket. */
static void test_large_body(void **state)
{
	enum { TOTAL = 100 * 1000 * 1000 };
	static char out[1 << 16];
	struct site s;
	struct caller r;
	size_t sent = 0, got = 0, wrong = 0;
	ssize_t n;
	int peer;

	(void)state;
	site_open(&s, 1);
	caller_start(&r, &s, "GET");
	peer = site_accept(&s, 0);
	peer_read(&s, peer, "\r\n\r\n");
	peer_send(&s, peer, HEAD_200 "Content-Length: 100000000\r\n\r\n");

	for (int quiet = 0; quiet < 10; quiet++) {
		while (large_send(peer, TOTAL, &sent))
			quiet = 0;
		loop_turn(s.loop, 1);
	}
	CHECK("nobody reads, and the server is held back", sent < 32 * 1000 * 1000);
	check_i64("large", "heads", 1, r.heads);
	while ((n = upstream_call_read(r.call, out, sizeof(out))) >= 0) {
		for (ssize_t i = 0; i < n; i++)
			wrong += out[i] != large_byte(got + (size_t)i);
		got += (size_t)n;
		large_send(peer, TOTAL, &sent);
		if (n == 0)
			loop_turn(s.loop, 2);
	}
	check_i64("large", "end", UPSTREAM_END, n);
	check_i64("large", "bytes", TOTAL, (int64_t)got);
	check_i64("large", "wrong bytes", 0, (int64_t)wrong);
	caller_done(&r);
	CHECK("kept", peer_is_kept(&s, peer));
	close(peer);
	site_close(&s);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_request_bytes),
		cmocka_unit_test(test_line_ends_are_not_sent),
		cmocka_unit_test(test_head_too_large),
		cmocka_unit_test(test_head_outlives_call),
		cmocka_unit_test(test_exchange_without_memory),
		cmocka_unit_test(test_large_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
