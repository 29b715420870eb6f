/*
 * Chunked coding. Each row is decoded whole, byte by byte, and in every two pieces: the
 * answer must not depend on how the bytes arrive.
 */
#include "http/response_head.h"
#include "rows.h"

static const struct row {
	const char *name;
	struct str raw;
	int want; /* as chunked_decode returns */
	const char *payload;
	size_t rest; /* bytes behind the end that are not ours */
} rows[] = {
	{"RFC 9112, 7.1", STR_INIT("4\r\nWiki\r\n7\r\npedia i\r\nB\r\nn \r\nchunks.\r\n0\r\n\r\n"),
	 1, "Wikipedia in \r\nchunks.", 0},
	{"empty body", STR_INIT("0\r\n\r\n"), 1, "", 0},
	{"hex in both cases", STR_INIT("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"), 1,
	 "01234567890123456789", 0},
	{"leading zeros", STR_INIT("0003\r\nabc\r\n000\r\n\r\n"), 1, "abc", 0},
	{"extension", STR_INIT("3;a=b\r\nabc\r\n0;c\r\n\r\n"), 1, "abc", 0},
	{"extension behind blanks (RFC 9112, 7.1.1)",
	 STR_INIT("3 \t; a=\"b;c\"\r\nabc\r\n0\r\n\r\n"), 1, "abc", 0},
	{"trailer", STR_INIT("0\r\nDigest: abc\r\n\r\n"), 1, "", 0},
	{"two trailers, one empty", STR_INIT("1\r\na\r\n0\r\nA:\r\nB:\tc\xff\r\n\r\n"), 1, "a", 0},
	{"bytes behind the end", STR_INIT("1\r\na\r\n0\r\n\r\nHTTP/1.1 200 OK"), 1, "a", 15},
	{"CR LF in the data", STR_INIT("4\r\n\r\n\r\n\r\n0\r\n\r\n"), 1, "\r\n\r\n", 0},
	{"more to come: nothing yet", STR_INIT(""), 0, "", 0},
	{"more to come: size", STR_INIT("1"), 0, "", 0},
	{"more to come: data", STR_INIT("5\r\nab"), 0, "ab", 0},
	{"more to come: last chunk", STR_INIT("1\r\na\r\n0\r\n"), 0, "a", 0},
	{"more to come: last LF", STR_INIT("0\r\n\r"), 0, "", 0},
	{"no size", STR_INIT("\r\n"), -1, "", 0},
	{"no hex", STR_INIT("g\r\n"), -1, "", 0},
	{"signed", STR_INIT("+1\r\na\r\n"), -1, "", 0},
	{"negative", STR_INIT("-1\r\n"), -1, "", 0},
	{"0x", STR_INIT("0x1\r\na\r\n"), -1, "", 0},
	{"blank in front", STR_INIT(" 1\r\na\r\n"), -1, "", 0},
	{"blank behind the size", STR_INIT("1 \r\na\r\n"), -1, "", 0},
	{"two sizes", STR_INIT("1 1\r\na\r\n"), -1, "", 0},
	{"comma", STR_INIT("1,1\r\na\r\n"), -1, "", 0},
	{"size ends in LF", STR_INIT("1\na\r\n0\r\n\r\n"), -1, "", 0},
	{"size ends in CR and more", STR_INIT("1\ra\r\n0\r\n\r\n"), -1, "", 0},
	{"LF in an extension", STR_INIT("1;a\n0\r\n\r\n"), -1, "", 0},
	{"CR in an extension", STR_INIT("1;a\rb\r\na\r\n"), -1, "", 0},
	{"NUL in an extension", STR_INIT("1;\0\r\na\r\n"), -1, "", 0},
	{"no CR LF behind the data", STR_INIT("1\r\nab\r\n0\r\n\r\n"), -1, "a", 0},
	{"LF alone behind the data", STR_INIT("1\r\na\n0\r\n\r\n"), -1, "a", 0},
	{"CR alone behind the data", STR_INIT("1\r\na\r0\r\n\r\n"), -1, "a", 0},
	{"greatest size", STR_INIT("7fffffffffffffff\r\nab"), 0, "ab", 0},
	{"size of 2^63", STR_INIT("8000000000000000\r\n"), -1, "", 0},
	{"size of 2^64 + 1", STR_INIT("10000000000000001\r\na\r\n"), -1, "", 0},
	{"last chunk ends in LF", STR_INIT("0\n\r\n"), -1, "", 0},
	{"the end is LF", STR_INIT("0\r\n\n"), -1, "", 0},
	{"the end is CR and more", STR_INIT("0\r\n\rX"), -1, "", 0},
	{"trailer without colon", STR_INIT("0\r\nabc\r\n\r\n"), -1, "", 0},
	{"trailer without name", STR_INIT("0\r\n: a\r\n\r\n"), -1, "", 0},
	{"trailer with space before the colon", STR_INIT("0\r\na : b\r\n\r\n"), -1, "", 0},
	{"folded trailer", STR_INIT("0\r\na: b\r\n c\r\n\r\n"), -1, "", 0},
	{"trailer ends in LF", STR_INIT("0\r\na: b\n\r\n"), -1, "", 0},
	{"CR in a trailer", STR_INIT("0\r\na: b\rc\r\n\r\n"), -1, "", 0},
	{"NUL in a trailer", STR_INIT("0\r\na: \0\r\n\r\n"), -1, "", 0},
	{"another response as trailer", STR_INIT("0\r\nHTTP/1.1 200 OK\r\n\r\n"), -1, "", 0},
};

/* Decode raw in pieces: the first of size first, then all of size step. */
static int decode(struct str raw, size_t first, size_t step, struct buf *payload, size_t *ret_rest)
{
	char piece[512];
	struct chunked c;
	int result = 0;

	chunked_init(&c);
	buf_clear(payload);
	for (size_t at = 0, n = first; at < raw.len && result == 0; at += n, n = step) {
		size_t consumed = 4711, len;

		n = n < raw.len - at ? n : raw.len - at;
		assert_true(n <= sizeof(piece));
		memcpy(piece, raw.ptr + at, n);
		result = chunked_decode(&c, piece, n, &consumed, &len);
		assert_true(consumed <= n && len <= consumed);
		assert_true(result != 0 || consumed == n);
		buf_append(payload, str_from_len(piece, len));
		*ret_rest = raw.len - at - consumed;
	}
	return result;
}

static void row_check(const struct row *row, size_t first, size_t step, struct buf *payload)
{
	size_t rest = 0;

	row_u64(row->name, "returns", (uint64_t)row->want,
		(uint64_t)decode(row->raw, first, step, payload, &rest));
	row_str(row->name, "payload", str_from(row->payload), buf_str(payload));
	if (row->want == 1)
		row_u64(row->name, "bytes behind the end", row->rest, rest);
}

static void test_rows(void **state)
{
	struct buf payload;

	(void)state;
	buf_init(&payload, 4096);
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		row_check(&rows[i], 1, 1, &payload);
		row_check(&rows[i], 1, 2, &payload);
		for (size_t first = 1; first <= rows[i].raw.len; first++)
			row_check(&rows[i], first, 512, &payload);
	}
	rows_end();
	buf_done(&payload);
}

static int feed(struct chunked *c, const char *text)
{
	char bytes[64];
	size_t consumed, payload;

	assert_true(strlen(text) <= sizeof(bytes));
	memcpy(bytes, text, strlen(text));
	return chunked_decode(c, bytes, strlen(text), &consumed, &payload);
}

static void test_ends_stay(void **state)
{
	size_t consumed = 1, payload = 1;
	struct chunked c;
	char more[] = "1\r\na";

	(void)state;
	chunked_init(&c);
	assert_int_equal(feed(&c, "0\r\n\r\n"), 1);
	assert_int_equal(chunked_decode(&c, more, 4, &consumed, &payload), 1);
	assert_int_equal(consumed, 0);
	assert_int_equal(payload, 0);

	chunked_init(&c);
	assert_int_equal(feed(&c, "x"), -1);
	assert_int_equal(feed(&c, "0\r\n\r\n"), -1);
}

/* Lines and trailers have ends, however little comes at a time. */
static void test_bounds(void **state)
{
	struct chunked c;
	int fed = 0;

	(void)state;
	chunked_init(&c);
	assert_int_equal(feed(&c, "1;"), 0);
	while (feed(&c, "a") == 0 && fed < 100000)
		fed++;
	assert_true(fed > 200 && fed < 300);

	chunked_init(&c);
	for (fed = 0; feed(&c, "0") == 0 && fed < 100000; fed++)
		;
	assert_true(fed > 200 && fed < 300);

	chunked_init(&c);
	assert_int_equal(feed(&c, "0\r\n"), 0);
	for (fed = 0; feed(&c, "A: b\r\n") == 0 && fed < 100000; fed++)
		;
	assert_true(fed > 1000 && fed < 1500);

	/* The bound is for each line, not for all together. */
	chunked_init(&c);
	for (fed = 0; fed < 1000; fed++)
		assert_int_equal(feed(&c, "1;abcdefghijklmnopqrstuvwxyz\r\na\r\n"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_ends_stay),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
