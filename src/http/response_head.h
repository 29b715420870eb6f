/*
 * http/response_head.h - the head of an upstream's response, parsed strictly (RFC 9112).
 *
 * An upstream is not trusted with our framing: a head that two readers could read in
 * two ways is an error, its connection is closed and the client gets 502.
 */
#ifndef SALLYPORT_HTTP_RESPONSE_HEAD_H
#define SALLYPORT_HTTP_RESPONSE_HEAD_H

#include "http/message.h"

enum { RESPONSE_MAX_HEAD = 64 * 1024, RESPONSE_MAX_HEADERS = 256 };

struct response_head {
	unsigned status;		/* 100..599 */
	unsigned minor_version;
	struct headers headers;		/* all of them, hop-by-hop ones too */
	enum http_body body;		/* as framing says, for the request's method */
	uint64_t content_length;
	bool keep_alive;		/* the connection may be used again after the body */
};

/*
 * Parse one complete head, up to and with its empty line.
 *
 *   raw              starts at the status line; borrowed by the result's strings
 *   request_method   HEAD, and statuses 1xx, 204 and 304, have no body whatever is said
 *   ret_len          bytes of the head
 *
 * Returns 1 when parsed, 0 when the empty line has not come yet (call again with
 * more), -1 on error: ERR_SYNTAX, ERR_LIMIT.
 */
int response_head_parse(struct arena *a, struct str raw, struct str request_method,
			struct response_head *ret, size_t *ret_len, struct error *err);

/*
 * Chunked coding (RFC 9112, section 7.1), decoded in place as bytes arrive. Extensions
 * are skipped up to a bound, trailers are parsed for well-formedness and dropped.
 */
struct chunked {
	uint64_t remaining;	/* data bytes left of this chunk */
	unsigned state;
	unsigned line_len;	/* bytes of the current line, bounded */
	unsigned trailer_bytes;
};
void chunked_init(struct chunked *c);
/*
 * Decode data[0..len): payload is moved to the front of data. ret_consumed counts raw
 * bytes used, ret_payload those of payload. Returns 1 when the last chunk and its
 * trailers ended, 0 for more, -1 on malformed input.
 */
int chunked_decode(struct chunked *c, char *data, size_t len, size_t *ret_consumed,
		   size_t *ret_payload);

#endif
