/*
 * http/fuzz/chunked.c - chunked coding: in one piece, byte by byte, and in two pieces
 * (cut where the first byte says) the payload and the end are the same.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "http/response_head.h"

struct decoded {
	int result;
	size_t consumed;
	char *payload; /* room for the whole input */
	size_t len;
};

/* Decode a copy of raw: the first piece of first bytes, the others of step. */
static struct decoded decode(struct str raw, size_t first, size_t step)
{
	struct decoded d = {.payload = malloc(raw.len + 1)};
	struct chunked c;
	size_t n = first;

	ASSERT(d.payload);
	chunked_init(&c);
	for (size_t at = 0; at < raw.len && d.result == 0; at += n, n = step) {
		char *piece;
		size_t consumed, payload;

		n = n < raw.len - at ? n : raw.len - at;
		piece = malloc(n + 1);
		ASSERT(piece);
		memcpy(piece, raw.ptr + at, n);
		d.result = chunked_decode(&c, piece, n, &consumed, &payload);
		ASSERT(consumed <= n && payload <= consumed);
		ASSERT(d.result != 0 || consumed == n);
		memcpy(d.payload + d.len, piece, payload);
		d.len += payload;
		d.consumed += consumed;
		free(piece);
	}
	return d;
}

static void check_same(const struct decoded *a, const struct decoded *b)
{
	ASSERT(a->result == b->result && a->consumed == b->consumed && a->len == b->len);
	ASSERT(memcmp(a->payload, b->payload, a->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str raw = str_after(fuzz_str(data, len), 1);
	struct decoded whole, bytes, halves;

	if (len < 2)
		return 0;
	whole = decode(raw, raw.len, raw.len);
	bytes = decode(raw, 1, 1);
	halves = decode(raw, 1 + data[0] % raw.len, raw.len);
	check_same(&whole, &bytes);
	check_same(&whole, &halves);
	if (whole.result == 1)
		ASSERT(raw.ptr[whole.consumed - 1] == '\n');
	free(whole.payload);
	free(bytes.payload);
	free(halves.payload);
	return 0;
}
