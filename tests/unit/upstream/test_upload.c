/*
 * Bodies of requests: back-pressure, early answers, and upstreams that stop reading.
 */
#include "tests/unit/upstream/site.h"

#define OK_EMPTY  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define TOO_LARGE "HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\n"

enum { MEGABYTE = 1000 * 1000, PIECE = 251 * 401 };

/* Byte at of every body. 251 is prime: a piece lost or repeated shows. */
static const char *body_at(size_t at)
{
	static char bytes[PIECE + 251];

	if (!bytes[1])
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)(i % 251);
	return bytes + at % 251;
}

/* Write on from *at, until the call takes no more or all of total is written. */
static void write_on(struct caller *r, size_t *at, size_t total)
{
	size_t taken, len;

	r->in_call = true;
	while (*at < total) {
		len = total - *at < PIECE ? total - *at : PIECE;
		taken = upstream_call_write(r->call, body_at(*at), len);
		assert_true(taken <= len);
		*at += taken;
		if (taken < len)
			break;
	}
	r->in_call = false;
}

struct reader {
	int fd;
	bool is_chunked;
	bool has_head;
	bool is_end; /* of the chunks */
	struct chunked chunked;
	size_t got, wrong;
};

static void check_bytes(struct reader *r, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++, r->got++)
		r->wrong += data[i] != (char)(r->got % 251);
}

/* What has come, without waiting. The head comes in one piece with nothing behind it cut. */
static void reader_go_on(struct reader *r)
{
	static char data[200 * 1000];
	ssize_t n;

	while ((n = recv(r->fd, data, sizeof(data), 0)) > 0) {
		char *body = data;
		size_t len = (size_t)n;
		size_t used = 0, payload = 0;

		if (!r->has_head) {
			char *end = memmem(data, len, "\r\n\r\n", 4);

			assert_non_null(end);
			r->has_head = true;
			body = end + 4;
			len -= (size_t)(body - data);
		}
		if (!r->is_chunked) {
			check_bytes(r, body, len);
			continue;
		}
		switch (chunked_decode(&r->chunked, body, len, &used, &payload)) {
		case 1:
			r->is_end = true;
			assert_int_equal(used, len);
			break;
		case -1: fail_msg("malformed chunks behind %zu bytes", r->got);
		}
		check_bytes(r, body, payload);
	}
}

static const struct {
	const char *name;
	enum http_body body;
	size_t total;
} upload_rows[] = {
	{"length", HTTP_BODY_LENGTH, 20 * MEGABYTE},
	{"chunked", HTTP_BODY_CHUNKED, 20 * MEGABYTE},
	{"short", HTTP_BODY_LENGTH, 1},
	{"short, chunked", HTTP_BODY_CHUNKED, 1},
	{"empty, chunked", HTTP_BODY_CHUNKED, 0},
	{"a chunk and a byte", HTTP_BODY_CHUNKED, 32 * 1024 + 1},
};

static void check_upload(size_t row)
{
	const char *name = upload_rows[row].name;
	size_t total = upload_rows[row].total;
	struct reader reader = {.is_chunked = upload_rows[row].body == HTTP_BODY_CHUNKED};
	struct site s;
	struct caller r;
	size_t at = 0;

	chunked_init(&reader.chunked);
	site_open(&s, 1);
	caller_start_body(&r, &s, "POST", upload_rows[row].body, total);
	write_on(&r, &at, total);
	check_i64(name, "taken before the connection is up", 0, (int64_t)at);
	reader.fd = site_accept(&s, 0);
	assert_true(SITE_TURN_UNTIL(&s, r.writables));

	/* The upstream does not read: only so much is taken, and nothing is told meanwhile. */
	for (int quiet = 0; quiet < 5; quiet++) {
		size_t before = at;

		write_on(&r, &at, total);
		if (at != before)
			quiet = 0;
		r.writables = 0;
		loop_turn(s.loop, 2);
	}
	CHECK(name, at < 12 * MEGABYTE);
	check_i64(name, "told while blocked", 0, r.writables);

	while (at < total) {
		unsigned told = r.writables;

		reader_go_on(&reader);
		assert_true(SITE_TURN_UNTIL(&s, (reader_go_on(&reader), r.writables > told)));
		write_on(&r, &at, total);
	}
	upstream_call_write_end(r.call);
	assert_true(SITE_TURN_UNTIL(&s, (reader_go_on(&reader),
					 reader.has_head && reader.got == total &&
						 (reader.is_end || !reader.is_chunked))));
	check_i64(name, "wrong bytes", 0, (int64_t)reader.wrong);
	peer_send(&s, reader.fd, OK_EMPTY);
	caller_finish(&r);
	check_i64(name, "outcome", UPSTREAM_END, r.outcome);
	caller_done(&r);
	CHECK(name, peer_is_kept(&s, reader.fd));
	close(reader.fd);
	site_close(&s);
}

static void test_uploads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(upload_rows); i++)
		check_upload(i);
	check_done();
}

static int start_upload(struct site *s, struct caller *r, enum http_body body, size_t total)
{
	int peer;

	caller_start_body(r, s, "POST", body, total);
	peer = site_accept(s, 0);
	assert_true(SITE_TURN_UNTIL(s, r->writables));
	return peer;
}

/* Write until everything is taken, as an HTTP server does that has a body to get rid of. */
static bool write_all(struct site *s, struct caller *r, size_t *at, size_t total)
{
	return SITE_TURN_UNTIL(s, (write_on(r, at, total), *at == total));
}

enum { CLOSES, RESETS };

/* The answer comes early, and the upstream then stops reading in one way or another. */
static void test_early_answer(void **state)
{
	static const struct {
		const char *name;
		enum http_body body;
		int then;
	} rows[] = {
		{"413, then closed", HTTP_BODY_LENGTH, CLOSES},
		{"413, then closed, chunked", HTTP_BODY_CHUNKED, CLOSES},
		{"413, then reset", HTTP_BODY_LENGTH, RESETS},
		{"413, then reset, chunked", HTTP_BODY_CHUNKED, RESETS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const size_t total = 40 * MEGABYTE;
		struct site s;
		struct caller r;
		size_t at = 0;
		int peer;

		site_open(&s, 1);
		peer = start_upload(&s, &r, rows[i].body, total);
		write_on(&r, &at, PIECE);
		peer_send(&s, peer, TOO_LARGE "long");
		/* Into a socket of ours: a reset does not take back what has arrived. */
		if (rows[i].then == RESETS)
			site_turn(&s);
		if (rows[i].then == RESETS)
			peer_reset(peer);
		else
			close(peer);
		CHECK(rows[i].name, write_all(&s, &r, &at, total));
		upstream_call_write_end(r.call);
		caller_finish(&r);
		check_i64(rows[i].name, "failures", 0, r.failures);
		check_i64(rows[i].name, "outcome", UPSTREAM_END, r.outcome);
		check_i64(rows[i].name, "status", 413, r.head ? r.head->status : 0);
		check_str(rows[i].name, "body", STR("long"), buf_str(&r.body));
		caller_done(&r);
		CHECK(rows[i].name, nobody_connects(&s, 0));
		site_close(&s);
	}
	check_done();
}

/* A send that fails before the answer was looked at: it is there, and it is read. */
static void test_answer_behind_failed_write(void **state)
{
	const size_t total = 40 * MEGABYTE;
	struct site s;
	struct caller r;
	size_t at = 0;
	int peer;

	(void)state;
	site_open(&s, 1);
	peer = start_upload(&s, &r, HTTP_BODY_LENGTH, total);
	assert_int_equal(send(peer, TOO_LARGE "long", strlen(TOO_LARGE) + 4, MSG_NOSIGNAL),
			 strlen(TOO_LARGE) + 4);
	close(peer);		  /* nothing of the request was read yet */
	write_on(&r, &at, PIECE); /* the loop has not turned: answered by a reset */
	usleep(5000);
	write_on(&r, &at, total);
	check_i64("failed write", "heads", 0, r.heads);
	check_i64("failed write", "taken and dropped", (int64_t)total, (int64_t)at);
	upstream_call_write_end(r.call);
	caller_finish(&r);
	check_i64("failed write", "failures", 0, r.failures);
	check_i64("failed write", "status", 413, r.head ? r.head->status : 0);
	check_str("failed write", "body", STR("long"), buf_str(&r.body));
	caller_done(&r);
	site_close(&s);
	check_done();
}

/* Answered early by an upstream that reads on: the whole request arrives, and all is well. */
static void test_early_answer_read_on(void **state)
{
	const size_t total = 5 * MEGABYTE;
	struct reader reader = {0};
	struct site s;
	struct caller r;
	size_t at = 0;

	(void)state;
	site_open(&s, 1);
	reader.fd = start_upload(&s, &r, HTTP_BODY_LENGTH, total);
	write_on(&r, &at, PIECE);
	peer_send(&s, reader.fd, TOO_LARGE "long");
	assert_true(SITE_TURN_UNTIL(&s, r.heads));
	caller_read(&r);
	check_i64("read on", "outcome", UPSTREAM_END, r.outcome);
	assert_true(SITE_TURN_UNTIL(&s, (write_on(&r, &at, total), reader_go_on(&reader),
					 at == total)));
	assert_true(SITE_TURN_UNTIL(&s, (reader_go_on(&reader), reader.got == total)));
	check_i64("read on", "wrong bytes", 0, (int64_t)reader.wrong);
	caller_done(&r);
	CHECK("kept", peer_is_kept(&s, reader.fd));

	/* Not complete when it ends: not kept. */
	close(reader.fd);
	site_turn(&s);
	at = 0;
	reader.fd = start_upload(&s, &r, HTTP_BODY_LENGTH, total);
	write_on(&r, &at, PIECE);
	peer_send(&s, reader.fd, TOO_LARGE "long");
	caller_finish(&r);
	caller_done(&r);
	CHECK("not kept", peer_is_gone(&s, reader.fd));
	close(reader.fd);
	site_close(&s);
	check_done();
}

static void test_upstream_leaves(void **state)
{
	static const struct {
		const char *name;
		int then;
		enum http_body body;
	} rows[] = {
		{"closed", CLOSES, HTTP_BODY_LENGTH},
		{"reset", RESETS, HTTP_BODY_LENGTH},
		{"reset, chunked", RESETS, HTTP_BODY_CHUNKED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const size_t total = 40 * MEGABYTE;
		struct site s;
		struct caller r;
		size_t at = 0;
		int peer;

		site_open(&s, 1);
		peer = start_upload(&s, &r, rows[i].body, total);
		write_on(&r, &at, PIECE);
		site_turn(&s);
		if (rows[i].then == RESETS)
			peer_reset(peer);
		else
			close(peer);
		CHECK(rows[i].name, write_all(&s, &r, &at, total));
		upstream_call_write_end(r.call);
		caller_finish(&r);
		check_i64(rows[i].name, "failures", 1, r.failures);
		check_i64(rows[i].name, "failure", UPSTREAM_RESET, r.failure);
		caller_done(&r);
		CHECK(rows[i].name, nobody_connects(&s, 0));
		site_close(&s);
	}
	check_done();
}

/* Response_timeout measures the upstream, not the client's line. */
static void test_slow_client_is_no_timeout(void **state)
{
	struct reader reader = {0};
	struct site s;
	struct caller r;
	size_t at = 0;

	(void)state;
	site_prepare(&s, 1);
	s.config.response_timeout_ms = 60;
	site_start(&s);
	reader.fd = start_upload(&s, &r, HTTP_BODY_LENGTH, 10);
	for (int i = 0; i < 5; i++) {
		write_on(&r, &at, at + 1);
		for (int j = 0; j < 5; j++)
			loop_turn(s.loop, 20);
	}
	check_i64("slow client", "failures", 0, r.failures);
	write_on(&r, &at, 10);
	assert_true(SITE_TURN_UNTIL(&s, (reader_go_on(&reader), reader.got == 10)));
	/* Now it is the upstream's turn. */
	assert_true(SITE_TURN_UNTIL(&s, r.failures));
	check_i64("silent upstream", "failure", UPSTREAM_TIMEOUT, r.failure);
	caller_done(&r);
	close(reader.fd);
	site_close(&s);
	check_done();
}

static void test_upstream_that_does_not_read(void **state)
{
	const size_t total = 40 * MEGABYTE;
	struct site s;
	struct caller r;
	size_t at = 0;
	int peer;

	(void)state;
	site_prepare(&s, 1);
	s.config.response_timeout_ms = 80;
	site_start(&s);
	peer = start_upload(&s, &r, HTTP_BODY_LENGTH, total);
	assert_true(SITE_TURN_UNTIL(&s, (write_on(&r, &at, total), r.failures)));
	check_i64("does not read", "failure", UPSTREAM_TIMEOUT, r.failure);
	/* The rest of the body has somewhere to go. */
	write_on(&r, &at, total);
	check_i64("does not read", "taken", (int64_t)total, (int64_t)at);
	caller_done(&r);
	close(peer);
	site_close(&s);
	check_done();
}

/* Less body than announced never leaves the upstream waiting, nor in the pool. */
static void test_body_too_short(void **state)
{
	struct site s;
	struct caller r;
	int peer;

	(void)state;
	site_open(&s, 1);
	peer = start_upload(&s, &r, HTTP_BODY_LENGTH, 10);
	assert_int_equal(upstream_call_write(r.call, "12345", 5), 5);
	r.in_call = true;
	upstream_call_write_end(r.call);
	r.in_call = false;
	assert_true(SITE_TURN_UNTIL(&s, r.failures));
	check_i64("too short", "failure", UPSTREAM_INTERNAL, r.failure);
	CHECK("too short", peer_is_gone(&s, peer));
	caller_done(&r);
	close(peer);
	site_close(&s);
	check_done();
}

/* The head and the first bytes of a body at hand go out together. */
static void test_head_and_body_in_one_piece(void **state)
{
	char text[512];
	struct site s;
	struct caller r;
	size_t len = 0;
	int peer;

	(void)state;
	site_open(&s, 1);
	caller_start(&r, &s, "GET");
	peer = site_accept(&s, 0);
	peer_read(&s, peer, "\r\n\r\n");
	peer_send(&s, peer, OK_EMPTY);
	caller_finish(&r);
	caller_done(&r);

	caller_start_body(&r, &s, "POST", HTTP_BODY_LENGTH, 5);
	assert_true(peer_take(peer, text, sizeof(text), &len) < 0);
	assert_int_equal(upstream_call_write(r.call, "hello", 5), 5);
	peer_take(peer, text, sizeof(text), &len);
	check_contains("together", "\r\n\r\nhello", text);
	caller_done(&r);

	/* Without bytes the head does not wait longer than this turn. */
	close(peer);
	site_turn(&s);
	caller_start(&r, &s, "GET");
	peer = site_accept(&s, 0);
	peer_read(&s, peer, "\r\n\r\n");
	peer_send(&s, peer, OK_EMPTY);
	caller_finish(&r);
	caller_done(&r);
	caller_start_body(&r, &s, "POST", HTTP_BODY_LENGTH, 5);
	check_contains("alone", "Content-Length: 5", peer_read(&s, peer, "\r\n\r\n"));
	assert_true(SITE_TURN_UNTIL(&s, r.writables));
	caller_done(&r);
	close(peer);
	site_close(&s);
	check_done();
}

static void echo(const struct reader *r, size_t *echoed)
{
	size_t len = r->got - *echoed < PIECE ? r->got - *echoed : PIECE;
	ssize_t n = len ? send(r->fd, body_at(*echoed), len, MSG_NOSIGNAL) : 0;

	*echoed += n > 0 ? (size_t)n : 0;
}

/* Both directions at once: what is written comes back while more is written. */
static void test_echo(void **state)
{
	const size_t total = 3 * MEGABYTE;
	struct reader reader = {.is_chunked = true};
	size_t at = 0, echoed = 0;
	struct site s;
	struct caller r;

	(void)state;
	chunked_init(&reader.chunked);
	site_open(&s, 1);
	reader.fd = start_upload(&s, &r, HTTP_BODY_CHUNKED, 0);
	write_on(&r, &at, 1);
	peer_send(&s, reader.fd, "HTTP/1.1 200 OK\r\n\r\n");
	assert_true(SITE_TURN_UNTIL(&s, r.heads));
	assert_true(
		SITE_TURN_UNTIL(&s, (write_on(&r, &at, total), reader_go_on(&reader),
				     echo(&reader, &echoed), caller_read(&r), echoed == total)));
	upstream_call_write_end(r.call);
	assert_true(SITE_TURN_UNTIL(&s, (reader_go_on(&reader), reader.is_end)));
	close(reader.fd);
	caller_finish(&r);
	check_i64("echo", "outcome", UPSTREAM_END, r.outcome);
	check_i64("echo", "bytes", (int64_t)total, (int64_t)r.body.len);
	for (size_t i = 0; i < r.body.len; i += 4096)
		CHECK("echo", r.body.ptr[i] == (char)(i % 251));
	caller_done(&r);
	site_close(&s);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uploads),
		cmocka_unit_test(test_early_answer),
		cmocka_unit_test(test_answer_behind_failed_write),
		cmocka_unit_test(test_early_answer_read_on),
		cmocka_unit_test(test_upstream_leaves),
		cmocka_unit_test(test_slow_client_is_no_timeout),
		cmocka_unit_test(test_upstream_that_does_not_read),
		cmocka_unit_test(test_body_too_short),
		cmocka_unit_test(test_head_and_body_in_one_piece),
		cmocka_unit_test(test_echo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
