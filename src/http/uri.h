/*
 * http/uri.h - request targets, authorities and absolute URLs (RFC 3986; RFC 9112, section 3).
 *
 * One reading only. A target is parsed once into a canonical form; what two readers
 * could read in two ways is either refused outright (URI errors) or marked with an
 * ambiguity bit, and a marked target is refused with 400 before a route is looked for.
 * Nothing is ever repaired.
 *
 * Refused outright: anything but origin-form (and "*", see uri_parse_target); bytes
 * below 0x21 or above 0x7e; '#'; a '%' without two hex digits; %00. In the path also
 * '"', '<', '>', '\\' '^' '`' '{' '|' '}', an encoded control byte (%00-%1f, %7f) and
 * decoded bytes that are not UTF-8 (so overlong forms too). Forms put all of those into
 * queries, which are passed on as they came.
 */
#ifndef SALLYPORT_HTTP_URI_H
#define SALLYPORT_HTTP_URI_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum {
	URI_MAX_TARGET = 8 * 1024,
	URI_MAX_HOST = 253,
};

/* Ambiguities of a path: legal bytes that readers treat in different ways. */
enum uri_ambiguity {
	URI_DOT_SEGMENT = 1 << 0,	/* a segment "." or "..", also behind %2e; also before ';' */
	URI_ENCODED_DOT = 1 << 1,	/* %2e anywhere */
	URI_ENCODED_SLASH = 1 << 2,	/* %2f */
	URI_ENCODED_BACKSLASH = 1 << 3,	/* %5c */
	URI_PATH_PARAMETER = 1 << 4,	/* ';' or %3b: some servers cut the segment there */
	URI_DOUBLE_ENCODING = 1 << 5,	/* %25 followed by two hex digits */
	URI_EMPTY_SEGMENT = 1 << 6,	/* "//": some servers merge slashes */
};

/* "encoded_slash" and so on, for log and errors; NULL for no such single bit. */
const char *uri_ambiguity_name(unsigned bit);

struct uri_target {
	bool is_asterisk;	/* "*", of an OPTIONS request: both paths are "*", no route's */
	struct str path;	/* canonical: encoded unreserved letters, digits, '-', '_', '~'
				   decoded; other triplets in upper-case hex; starts with '/' */
	struct str path_decoded;	/* every triplet decoded: what policy and routes judge */
	struct str query;	/* behind the first '?', as received */
	bool has_query;
	unsigned ambiguities;	/* enum uri_ambiguity bits */
};

/*
 * Parse a request target in origin-form or "*". An absolute-form target (RFC 9112,
 * section 3.2.2) is split by uri_parse_url first. The strings are in arena a (or
 * borrow raw where nothing changed). ERR_SYNTAX, ERR_LIMIT.
 */
MUST_CHECK bool uri_parse_target(struct arena *a, struct str raw, struct uri_target *ret,
				 struct error *err);

/*
 * A host with an optional port, as in Host and :authority (RFC 9110, section 7.2).
 * The host comes out lower case, one trailing dot removed, an IPv6 address in
 * brackets in its canonical text form. User information, empty hosts, labels over 63
 * bytes, bytes outside [a-z0-9.-_], hosts that end in a number and are no IPv4 address,
 * empty ports, ports with a leading zero or outside 1..65535 are refused.
 */
struct uri_authority {
	char host[URI_MAX_HOST + 3];	/* ends in NUL */
	size_t host_len;
	uint16_t port;		/* 0 when none was given */
};
MUST_CHECK bool uri_parse_authority(struct str raw, struct uri_authority *ret, struct error *err);
/* Is the host "localhost" or a loopback address? As it is spelled: nothing is resolved. */
bool uri_authority_is_loopback(const struct uri_authority *authority);

/*
 * An absolute http or https URL, for configuration, discovery and absolute-form targets.
 * User information, fragments, backslashes and a query right behind the host are refused;
 * the path is not judged further: that is uri_parse_target's.
 */
struct uri_url {
	bool is_https;
	struct uri_authority authority;
	uint16_t port;		/* the given or the scheme's default one */
	struct str target;	/* path and query as written, borrowed; "/" when empty */
};
MUST_CHECK bool uri_parse_url(struct str raw, struct uri_url *ret, struct error *err);

/*
 * May a login or logout send the browser to this place of the same origin? True for a
 * path such as "/a/b?c=d#e" only: starts with one '/', then neither '/' nor '\', no
 * byte under 0x21 or over 0x7e, no backslash anywhere, no dot segment in any encoding,
 * no encoded slash, backslash or control byte in the path, at most URI_MAX_TARGET bytes.
 * Without its fragment it is a target that uri_parse_target accepts. What decodes more
 * than once must stay local at each depth.
 */
bool uri_is_local_path(struct str s);

/* Append s with every byte but unreserved ones percent-encoded: a query value. */
struct buf;
void uri_append_encoded(struct buf *b, struct str s);
/* Decode percent-triplets (and '+' as space when plus_is_space). False on a bad triplet or %00. */
MUST_CHECK bool uri_decode(struct arena *a, struct str s, bool plus_is_space, struct str *ret);

#endif
