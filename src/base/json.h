/*
 * base/json.h - strict JSON (RFC 8259), read and written.
 *
 * cJSON does the parsing, behind this door: it alone is too lenient (duplicate keys,
 * leading zeros, 1e999, raw control characters, bad UTF-8, and a \u0000 that cuts a
 * string short), so each text is checked before and after. Values are read-only and
 * live as long as their document.
 */
#ifndef SALLYPORT_BASE_JSON_H
#define SALLYPORT_BASE_JSON_H

#include "base/base.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

enum { JSON_MAX_DEPTH = 32 };

struct json_doc;	/* a parsed text and all its values */
struct json;		/* one value of it */

/*
 * Parse a whole text.
 *
 *   text      UTF-8; copied, so that lines can be named later
 *   max       ceiling in bytes (ERR_LIMIT beyond)
 *   file      named in errors; NULL when it is no file
 *   err       ERR_SYNTAX with line and, for a duplicate key, its pointer; ERR_LIMIT; ERR_NOMEM
 *
 * Refused: invalid UTF-8, a byte order mark, control characters, \u0000, lone
 * surrogates, nesting over JSON_MAX_DEPTH, duplicate keys, numbers that overflow,
 * anything behind the value.
 */
MUST_CHECK bool json_parse(struct str text, size_t max, const char *file, struct json_doc **ret_doc,
			   struct error *err);
void json_doc_free(struct json_doc *doc);		/* wipes the text; NULL is fine */
const struct json *json_root(const struct json_doc *doc);

/*
 * The line (1-based) on which the value at an RFC 6901 pointer starts; for a pointer
 * whose last token is missing, that of its nearest ancestor. 0 when unknown.
 */
unsigned json_line(const struct json_doc *doc, const char *pointer);

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };
enum json_type json_type(const struct json *v);
const char *json_type_name(enum json_type type);	/* "a string", "an object" ... */

/* The member of an object, or NULL (also when v is NULL or no object). Exact case. */
const struct json *json_get(const struct json *v, const char *key);
const struct json *json_get_str(const struct json *v, struct str key);
struct str json_str(const struct json *v);		/* of a string; else empty. Ends in NUL. */
bool json_is(const struct json *v, enum json_type type);	/* false for NULL */
bool json_bool(const struct json *v);			/* of a bool; else false */
double json_number(const struct json *v);		/* of a number; else 0 */
/* A whole number between -2^53 and 2^53, both excluded; false otherwise, NULL too. */
MUST_CHECK bool json_i64(const struct json *v, int64_t *ret_value);

/* Members and elements, in the order of the text. */
size_t json_count(const struct json *v);
const struct json *json_first(const struct json *v);	/* NULL when empty or no container */
const struct json *json_next(const struct json *v);
struct str json_key(const struct json *v);		/* of a member of an object */

/* Write a value compactly, members in their order. */
void json_append_value(struct buf *b, const struct json *v);
/* Write a string with its quotes; control bytes escaped, invalid UTF-8 as \ufffd. */
void json_append_string(struct buf *b, struct str s);

/*
 * Write objects and arrays into a buf, commas kept right:
 *
 *     struct json_writer w;
 *     json_write_begin(&w, &buf);
 *     json_write_object(&w, NULL);
 *     json_write_str(&w, "user", user);
 *     json_write_end(&w);
 *
 * key is NULL inside an array and at the top. Overflow shows as buf_failed().
 */
struct json_writer {
	struct buf *buf;
	unsigned depth;
	bool first[JSON_MAX_DEPTH];
	char close[JSON_MAX_DEPTH];
};
void json_write_begin(struct json_writer *w, struct buf *b);
void json_write_object(struct json_writer *w, const char *key);
void json_write_array(struct json_writer *w, const char *key);
void json_write_end(struct json_writer *w);		/* closes the innermost */
void json_write_str(struct json_writer *w, const char *key, struct str value);
void json_write_i64(struct json_writer *w, const char *key, int64_t value);
/* Microseconds, not negative, as a number of seconds: 1234567 is written 1.234567. */
void json_write_micros(struct json_writer *w, const char *key, int64_t us);
void json_write_bool(struct json_writer *w, const char *key, bool value);
void json_write_null(struct json_writer *w, const char *key);
void json_write_value(struct json_writer *w, const char *key, const struct json *v);

/*
 * Append "/key" or "/index" to a pointer, escaped as RFC 6901 section 3 asks; cut when
 * full. A walk remembers the length before a push and cuts back to it: what did not fit
 * left no token to look for.
 */
void json_pointer_push(char *pointer, size_t size, struct str key);
void json_pointer_push_index(char *pointer, size_t size, size_t index);

/* The version of cJSON that runs, "1.7.15". */
const char *json_library_version(void);

#endif
