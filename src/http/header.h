/*
 * http/header.h - field lines (RFC 9110, section 5; RFC 9112, section 5).
 *
 * Names are compared by length and case-folded bytes. The fold of identity headers
 * is stronger: applications behind CGI, WSGI and the like read '-' and '_' alike, so
 * X_Forwarded-User must count as X-Forwarded-User.
 */
#ifndef SALLYPORT_HTTP_HEADER_H
#define SALLYPORT_HTTP_HEADER_H

#include "base/arena.h"
#include "base/str.h"

struct header {
	struct str name;	/* as received; a token */
	struct str value;	/* trimmed; VCHAR, SP, HTAB, obs-text */
};

/* A list in the order received. Borrowed names and values; the array lives in an arena. */
struct headers {
	struct header *items;
	size_t count;
	size_t capacity;
};

/* Append; the array grows in the arena. False on overflow. */
MUST_CHECK bool headers_add(struct arena *a, struct headers *h, struct str name, struct str value);
/* The first value of a name; NULL when absent. */
const struct str *headers_get(const struct headers *h, struct str name);
size_t headers_count(const struct headers *h, struct str name);
/* Remove every line of that name. Returns how many there were. */
size_t headers_remove(struct headers *h, struct str name);

bool header_name_is_token(struct str name);		/* 1*tchar, RFC 9110 section 5.6.2 */
/* No control byte but HTAB, nothing to trim at the ends. Bytes over 0x7f pass: obs-text. */
bool header_value_is_valid(struct str value);

/*
 * Equal under the fold of identity headers: case folded, every byte that is not a
 * letter or digit read as '-'.
 */
bool header_name_fold_equal(struct str a, struct str b);
/* Does the folded name start with the folded prefix? */
bool header_name_fold_starts_with(struct str name, struct str prefix);

/*
 * Connection-specific: never forwarded in either direction (RFC 9110, section 7.6.1):
 * Connection, Keep-Alive, Proxy-Connection, Proxy-Authenticate, Proxy-Authorization,
 * Proxy-Authentication-Info, TE, Trailer, Transfer-Encoding, Upgrade, HTTP2-Settings.
 */
bool header_is_hop_by_hop(struct str name);

/* Is name one of the comma-separated tokens of value? Case folded. For Connection and the like. */
bool header_list_has(struct str value, struct str token);
/* Take the next element of a comma-separated list, trimmed; empty elements are skipped. */
bool header_list_next(struct str *rest, struct str *ret_element);

#endif
