/*
 * base/json_write.c - JSON written, and the pointers of RFC 6901.
 */
#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* --- Strings and values */

/* The letter of a two-character escape, or 0. */
static char short_escape(uint32_t code_point)
{
	switch (code_point) {
	case '"': return '"';
	case '\\': return '\\';
	case '\b': return 'b';
	case '\f': return 'f';
	case '\n': return 'n';
	case '\r': return 'r';
	case '\t': return 't';
	}
	return 0;
}

static void append_escaped(struct buf *b, uint32_t code_point)
{
	char letter = short_escape(code_point);

	if (letter) {
		buf_append_char(b, '\\');
		buf_append_char(b, letter);
	} else {
		buf_appendf(b, "\\u%04" PRIx32, code_point);
	}
}

void json_append_string(struct buf *b, struct str s)
{
	size_t plain = 0; /* bytes at the start of s that need no escape and are not written yet */

	buf_append_char(b, '"');
	while (plain < s.len) {
		uint32_t code_point = 0xfffd;
		size_t length = utf8_decode(str_after(s, plain), &code_point);

		if (length > 0 && !utf8_is_control(code_point) && !short_escape(code_point)) {
			plain += length;
			continue;
		}
		buf_append(b, str_slice(s, 0, plain));
		append_escaped(b, code_point);
		s = str_after(s, plain + (length ? length : 1));
		plain = 0;
	}
	buf_append(b, s);
	buf_append_char(b, '"');
}

static void append_number(struct buf *b, const struct json *v)
{
	char text[32];
	double number = json_number(v);
	int64_t whole;

	if (json_i64(v, &whole)) {
		buf_appendf(b, "%" PRId64, whole);
		return;
	}
	/* The shorter form, where it reads back as the same number. */
	snprintf(text, sizeof(text), "%.15g", number);
	if (strtod(text, NULL) < number || strtod(text, NULL) > number)
		snprintf(text, sizeof(text), "%.17g", number);
	buf_append_cstr(b, text);
}

static void append_scalar(struct buf *b, const struct json *v)
{
	switch (json_type(v)) {
	case JSON_BOOL: buf_append_cstr(b, json_bool(v) ? "true" : "false"); return;
	case JSON_NUMBER: append_number(b, v); return;
	case JSON_STRING: json_append_string(b, json_str(v)); return;
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT: break;
	}
	buf_append_cstr(b, "null");
}

static void append_key(struct buf *b, struct str key)
{
	json_append_string(b, key);
	buf_append_char(b, ':');
}

void json_append_value(struct buf *b, const struct json *v)
{
	const struct json *parents[JSON_MAX_DEPTH];
	unsigned depth = 0;

	for (;;) {
		bool is_object = json_is(v, JSON_OBJECT);

		if (depth > 0 && json_is(parents[depth - 1], JSON_OBJECT))
			append_key(b, json_key(v));
		if (!is_object && !json_is(v, JSON_ARRAY)) {
			append_scalar(b, v);
		} else if (!json_first(v)) {
			buf_append_cstr(b, is_object ? "{}" : "[]");
		} else {
			ASSERT(depth < JSON_MAX_DEPTH);
			buf_append_char(b, is_object ? '{' : '[');
			parents[depth++] = v;
			v = json_first(v);
			continue;
		}
		while (depth > 0 && !json_next(v)) {
			v = parents[--depth];
			buf_append_char(b, json_is(v, JSON_OBJECT) ? '}' : ']');
		}
		if (depth == 0)
			return;
		buf_append_char(b, ',');
		v = json_next(v);
	}
}

/* --- The writer */

void json_write_begin(struct json_writer *w, struct buf *b)
{
	w->buf = b;
	w->depth = 0;
}

/* What stands before a value: the comma, the key. */
static void begin_value(struct json_writer *w, const char *key)
{
	bool in_object = w->depth > 0 && w->close[w->depth - 1] == '}';

	ASSERT(in_object == (key != NULL));
	if (w->depth > 0) {
		if (!w->first[w->depth - 1])
			buf_append_char(w->buf, ',');
		w->first[w->depth - 1] = false;
	}
	if (key)
		append_key(w->buf, str_from(key));
}

static void open_container(struct json_writer *w, const char *key, char open, char close)
{
	begin_value(w, key);
	ASSERT(w->depth < JSON_MAX_DEPTH);
	w->first[w->depth] = true;
	w->close[w->depth] = close;
	w->depth++;
	buf_append_char(w->buf, open);
}

void json_write_object(struct json_writer *w, const char *key)
{
	open_container(w, key, '{', '}');
}

void json_write_array(struct json_writer *w, const char *key)
{
	open_container(w, key, '[', ']');
}

void json_write_end(struct json_writer *w)
{
	ASSERT(w->depth > 0);
	buf_append_char(w->buf, w->close[--w->depth]);
}

void json_write_str(struct json_writer *w, const char *key, struct str value)
{
	begin_value(w, key);
	json_append_string(w->buf, value);
}

void json_write_i64(struct json_writer *w, const char *key, int64_t value)
{
	begin_value(w, key);
	if (value < 0)
		buf_append_char(w->buf, '-');
	buf_append_u64(w->buf, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void json_write_micros(struct json_writer *w, const char *key, int64_t us)
{
	uint64_t fraction = (uint64_t)us % 1000000;

	begin_value(w, key);
	buf_append_u64(w->buf, (uint64_t)us / 1000000);
	buf_append_char(w->buf, '.');
	for (uint64_t unit = 100000; unit > 0; unit /= 10)
		buf_append_char(w->buf, (char)('0' + fraction / unit % 10));
}

void json_write_bool(struct json_writer *w, const char *key, bool value)
{
	begin_value(w, key);
	buf_append_cstr(w->buf, value ? "true" : "false");
}

void json_write_null(struct json_writer *w, const char *key)
{
	begin_value(w, key);
	buf_append_cstr(w->buf, "null");
}

void json_write_value(struct json_writer *w, const char *key, const struct json *v)
{
	begin_value(w, key);
	json_append_value(w->buf, v);
}

/* --- Pointers */

void json_pointer_push(char *pointer, size_t size, struct str key)
{
	size_t at = strlen(pointer);

	if (at + 1 >= size)
		return;
	pointer[at++] = '/';
	while (key.len > 0) {
		struct str piece = str_slice(key, 0, utf8_decode(key, NULL));

		if (piece.len == 0)
			piece = STR("?");
		key = str_after(key, piece.len);
		if (piece.ptr[0] == '~')
			piece = STR("~0");
		else if (piece.ptr[0] == '/')
			piece = STR("~1");
		if (piece.len >= size - at)
			break; /* never half a character, never half an escape */
		memcpy(pointer + at, piece.ptr, piece.len);
		at += piece.len;
	}
	pointer[at] = '\0';
}

void json_pointer_push_index(char *pointer, size_t size, size_t index)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%zu", index);
	json_pointer_push(pointer, size, str_from(digits));
}
