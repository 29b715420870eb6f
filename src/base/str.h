/*
 * base/str.h - borrowed byte strings: a pointer and a length.
 *
 * A struct str owns nothing and need not end in NUL. It may hold any byte; the
 * functions below never look past len. The empty string may have a NULL ptr.
 * Case folding is ASCII only: the protocols here define it so, and a locale must
 * not change what a header name is.
 */
#ifndef SALLYPORT_BASE_STR_H
#define SALLYPORT_BASE_STR_H

#include "base/base.h"

struct str {
	const char *ptr;
	size_t len;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_INIT(literal) {"" literal, sizeof(literal) - 1}	/* for static tables */

/* For printf: "%.*s" with STR_ARG(s). Only for text already known to be printable. */
#define STR_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

#define STR_NONE SIZE_MAX		/* "not found" of the find functions */

struct str str_from(const char *cstr);	/* NULL gives the empty string */
struct str str_from_len(const char *ptr, size_t len);
struct str str_slice(struct str s, size_t from, size_t len);	/* clipped to s */
struct str str_after(struct str s, size_t from);		/* s without its first from bytes */

bool str_is_empty(struct str s);
bool str_equal(struct str a, struct str b);
bool str_equal_fold(struct str a, struct str b);
bool str_starts_with(struct str s, struct str prefix);
bool str_ends_with(struct str s, struct str suffix);
int str_compare(struct str a, struct str b);			/* by bytes, like memcmp; for sorting */

size_t str_find_char(struct str s, char c);			/* index or STR_NONE */
size_t str_find_last_char(struct str s, char c);
size_t str_find(struct str s, struct str needle);

struct str str_trim(struct str s);				/* without SP and HTAB at both ends */

/*
 * Take the part of *rest before the next separator and move *rest behind it.
 * False when *rest is used up. "a,,b" gives "a", "", "b"; "" gives nothing, and
 * "a," gives "a" alone: whoever must see a separator at the end looks for it.
 */
bool str_next(struct str *rest, char separator, struct str *ret_part);

/* Decimal digits only, no sign, no space, no overflow; false otherwise. */
MUST_CHECK bool str_to_u64(struct str s, uint64_t *ret_value);

/* Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing past U+10FFFF. */
bool str_is_utf8(struct str s);

/* Copy with a closing NUL. False, and dst is "", when it does not fit. */
MUST_CHECK bool str_copy(char *dst, size_t dst_size, struct str s);

char ascii_lower(char c);
bool ascii_is_digit(char c);
bool ascii_is_alpha(char c);
bool ascii_is_alnum(char c);
int ascii_hex_value(char c);					/* 0..15, or -1 */

/*
 * The word of words[0..count) nearest to what was written, for "did you mean";
 * NULL when none is within a third of its length (edit distance, case folded).
 */
const char *str_nearest(struct str written, const char *const *words, size_t count);

#endif
