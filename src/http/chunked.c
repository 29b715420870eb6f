/*
 * http/chunked.c - chunked coding (RFC 9112, section 7.1), decoded as it arrives.
 *
 *   SIZE_FIRST --> SIZE --> (EXTENSION) --> SIZE_LF --> DATA --> DATA_CR --> DATA_LF --> SIZE_FIRST
 *                                              \--size 0--> TRAILER_FIRST ... END_LF --> DONE
 *
 * SIZE_FIRST, SIZE      hex digits are added to remaining
 * BLANK, EXTENSION      the extension is skipped, its bytes counted in line_len
 * DATA                  remaining > 0 bytes of payload follow
 * TRAILER_*             fields are checked and dropped, counted in trailer_bytes
 * DONE, FAILED          nothing more is read
 *
 * Lines end in CRLF and nothing else. Decoders that took a bare LF or CR inside an
 * extension for something else than the next one did are a family of smuggling bugs.
 */
#include <string.h>

#include "http/response_head.h"

enum {
	CHUNK_MAX_LINE = 256, /* size and extension */
	CHUNK_MAX_TRAILERS = 8 * 1024,
};

enum state {
	SIZE_FIRST,
	SIZE,
	BLANK, /* before the ';' of an extension */
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER_FIRST,
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	END_LF,
	DONE,
	FAILED,
};

void chunked_init(struct chunked *c)
{
	*c = (struct chunked){.state = SIZE_FIRST};
}

static enum state size_add(struct chunked *c, int digit)
{
	if (digit < 0 || c->remaining > (uint64_t)INT64_MAX >> 4)
		return FAILED;
	c->remaining = c->remaining * 16 + (uint64_t)digit;
	return SIZE;
}

static bool byte_is_text(char c)
{
	return c == '\t' || ((unsigned char)c >= 0x20 && c != 0x7f);
}

static enum state size_step(struct chunked *c, char byte)
{
	switch (byte) {
	case '\r': return SIZE_LF;
	case ';': return EXTENSION;
	case ' ':
	case '\t': return BLANK;
	default: return size_add(c, ascii_hex_value(byte));
	}
}

static enum state size_lf_step(struct chunked *c, char byte)
{
	c->line_len = 0;
	if (byte != '\n')
		return FAILED;
	return c->remaining ? DATA : TRAILER_FIRST;
}

static enum state trailer_name_step(struct chunked *c, char byte)
{
	if (byte == ':' && c->state == TRAILER_NAME)
		return TRAILER_VALUE;
	return header_name_is_token(str_from_len(&byte, 1)) ? TRAILER_NAME : FAILED;
}

/* The state behind one byte that is no payload. */
static enum state byte_step(struct chunked *c, char byte)
{
	switch ((enum state)c->state) {
	case SIZE_FIRST: return size_add(c, ascii_hex_value(byte));
	case SIZE: return size_step(c, byte);
	case BLANK: return byte == ';' ? EXTENSION : byte == ' ' || byte == '\t' ? BLANK : FAILED;
	case EXTENSION: return byte == '\r' ? SIZE_LF : byte_is_text(byte) ? EXTENSION : FAILED;
	case SIZE_LF: return size_lf_step(c, byte);
	case DATA_CR: return byte == '\r' ? DATA_LF : FAILED;
	case DATA_LF: return byte == '\n' ? SIZE_FIRST : FAILED;
	case TRAILER_FIRST: return byte == '\r' ? END_LF : trailer_name_step(c, byte);
	case TRAILER_NAME: return trailer_name_step(c, byte);
	case TRAILER_VALUE:
		return byte == '\r' ? TRAILER_LF : byte_is_text(byte) ? TRAILER_VALUE : FAILED;
	case TRAILER_LF: return byte == '\n' ? TRAILER_FIRST : FAILED;
	case END_LF: return byte == '\n' ? DONE : FAILED;
	case DATA:
	case DONE:
	case FAILED: break;
	}
	return FAILED;
}

static bool bounds_hold(struct chunked *c)
{
	if (c->state <= SIZE_LF)
		return ++c->line_len <= CHUNK_MAX_LINE;
	if (c->state >= TRAILER_FIRST)
		return ++c->trailer_bytes <= CHUNK_MAX_TRAILERS;
	return true;
}

/* Move what there is of the payload from data[*in] to data[*out]. */
static void payload_move(struct chunked *c, char *data, size_t len, size_t *in, size_t *out)
{
	size_t n = len - *in;

	if (n > c->remaining)
		n = (size_t)c->remaining;
	memmove(data + *out, data + *in, n);
	*in += n;
	*out += n;
	c->remaining -= n;
	if (!c->remaining)
		c->state = DATA_CR;
}

int chunked_decode(struct chunked *c, char *data, size_t len, size_t *ret_consumed,
		   size_t *ret_payload)
{
	size_t in = 0;
	size_t out = 0;

	while (in < len && c->state != DONE && c->state != FAILED) {
		if (c->state == DATA)
			payload_move(c, data, len, &in, &out);
		else if (bounds_hold(c))
			c->state = byte_step(c, data[in++]);
		else
			c->state = FAILED;
	}
	*ret_consumed = in;
	*ret_payload = out;
	return c->state == DONE ? 1 : c->state == FAILED ? -1 : 0;
}
