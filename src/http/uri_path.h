/*
 * http/uri_path.h - the parts of reading a path that targets and redirects share.
 *
 * Internal to src/http.
 */
#ifndef SALLYPORT_HTTP_URI_PATH_H
#define SALLYPORT_HTTP_URI_PATH_H

#include "http/uri.h"

/* A path read byte by byte: what it decodes to and how it is written canonically. */
struct uri_path {
	char *decoded;		/* room for the raw path's length, the caller's */
	char *canonical;	/* likewise; NULL when not wanted */
	size_t decoded_len;
	size_t canonical_len;
	unsigned ambiguities;
};

enum uri_path_look {
	URI_PATH_HAS_TRIPLET = 1 << 0,	/* a '%': else the path is its own canonical form */
	URI_PATH_HAS_MARK = 1 << 1,	/* '.', ';' or "//": it may be ambiguous */
};

/*
 * The length of the path at the start of raw: up to '?' or '#' or the end, and what to
 * look at more closely. False when it holds a byte that no path may have.
 */
MUST_CHECK bool uri_path_scan(struct str raw, size_t *ret_len, unsigned *ret_look);

/* Decode every triplet of a scanned path, once. */
MUST_CHECK bool uri_path_decode(struct str path, struct uri_path *ret, struct error *err);

/* The ambiguities that show in decoded text: all but those of a triplet's spelling. */
unsigned uri_path_ambiguities(struct str decoded);

/* A query: visible ASCII but '#', whole triplets, no %00. */
bool uri_query_is_valid(struct str query);

/* The byte of the triplet at s.ptr[at], which holds '%'; -1 when it has no two hex digits. */
int uri_triplet_value(struct str s, size_t at);

#endif
