/*
 * base/error.c - what went wrong.
 *
 * Errors quote input, and they end on terminals and in logs: nothing leaves here that
 * could forge a line or talk to a terminal.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

const char *error_kind_name(enum error_kind kind)
{
	switch (kind) {
	case ERR_NONE: return "none";
	case ERR_SYNTAX: return "syntax";
	case ERR_LIMIT: return "limit";
	case ERR_IO: return "io";
	case ERR_TIMEOUT: return "timeout";
	case ERR_PROTOCOL: return "protocol";
	case ERR_DENIED: return "denied";
	case ERR_NOT_FOUND: return "not_found";
	case ERR_NOMEM: return "nomem";
	case ERR_BUG: return "bug";
	}
	return "unknown";
}

/* Control characters, and bytes that are no UTF-8 (a character cut by the end too), become '?'. */
static void sanitize(char *text)
{
	size_t len = strlen(text);
	size_t at = 0;

	while (at < len) {
		uint32_t code_point = 0;
		size_t length = utf8_decode(str_from_len(text + at, len - at), &code_point);

		if (length == 0 || utf8_is_control(code_point)) {
			length = length ? length : 1;
			memset(text + at, '?', length);
		}
		at += length;
	}
}

static void set_text(struct error *err, enum error_kind kind, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

static void set_text(struct error *err, enum error_kind kind, const char *fmt, va_list args)
{
	/* An error of no kind would be overwritten by the next. */
	err->kind = kind != ERR_NONE ? kind : ERR_BUG;
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	sanitize(err->text);
}

bool error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
{
	va_list args;

	if (err && err->kind == ERR_NONE) {
		va_start(args, fmt);
		set_text(err, kind, fmt, args);
		va_end(args);
	}
	return false;
}

bool error_set_errno(struct error *err, int errnum, const char *fmt, ...)
{
	va_list args;
	char words[128];
	size_t len;

	if (!err || err->kind != ERR_NONE)
		return false;
	va_start(args, fmt);
	set_text(err, errnum == ENOMEM ? ERR_NOMEM : ERR_IO, fmt, args);
	va_end(args);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s",
		 strerror_r(errnum, words, sizeof(words)));
	return false;
}

void error_clear(struct error *err)
{
	if (err)
		*err = (struct error){.kind = ERR_NONE};
}

static void set_place(char *place, size_t size, const char *value)
{
	if (place[0] != '\0' || !value)
		return;
	snprintf(place, size, "%s", value);
	sanitize(place);
}

void error_at_file(struct error *err, const char *file)
{
	if (err)
		set_place(err->file, sizeof(err->file), file);
}

void error_at_pointer(struct error *err, const char *pointer)
{
	if (err)
		set_place(err->pointer, sizeof(err->pointer), pointer);
}

const char *error_format(const struct error *err, char *out, size_t out_size)
{
	const char *text = err->text[0] ? err->text : error_kind_name(err->kind);
	char place[sizeof(err->file) + 32] = "";

	if (err->file[0] && err->line)
		snprintf(place, sizeof(place), "%s:%u: ", err->file, err->line);
	else if (err->file[0])
		snprintf(place, sizeof(place), "%s: ", err->file);
	else if (err->line)
		snprintf(place, sizeof(place), "line %u: ", err->line);
	snprintf(out, out_size, "%s%s%s%s", place, err->pointer, err->pointer[0] ? ": " : "", text);
	return out;
}
