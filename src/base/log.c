/*
 * base/log.c - the operator's log.
 *
 * Lines carry what clients sent. A line break would forge an entry, an escape sequence
 * would drive the terminal of whoever reads the log: control characters and bytes that
 * are no UTF-8 are written as \xNN.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/utf8.h"

static _Atomic int lowest_level = LOG_INFO;

void log_set_level(enum log_level lowest)
{
	atomic_store_explicit(&lowest_level, (int)lowest, memory_order_relaxed);
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_DEBUG: return "debug";
	case LOG_INFO: return "info";
	case LOG_WARNING: return "warning";
	case LOG_ERROR: return "error";
	}
	return "error";
}

/* For eyes only: a file or a journal gets none. See no-color.org for the variable. */
static const char *level_colour(enum log_level level)
{
	if (level < LOG_WARNING || !isatty(STDERR_FILENO) || getenv("NO_COLOR"))
		return "";
	return level == LOG_ERROR ? "\x1b[31m" : "\x1b[33m";
}

/* Read now, not per turn: a log that lags behind misleads, and lines are few. */
static int64_t wall_ms_now(void)
{
	struct timespec now = {.tv_sec = 0};

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct line {
	char bytes[LOG_LINE_MAX];
	size_t len;
};

enum { LINE_END = 4 }; /* "...\n" must always fit */

/* All of piece or nothing, leaving room for the end. */
static bool add(struct line *line, struct str piece)
{
	if (piece.len > sizeof(line->bytes) - LINE_END - line->len)
		return false;
	memcpy(line->bytes + line->len, piece.ptr, piece.len);
	line->len += piece.len;
	return true;
}

/* The character text begins with, escaped if it must be; its bytes in *ret_length. */
static bool add_character(struct line *line, struct str text, size_t *ret_length)
{
	char escaped[4 * 4 + 1] = "";
	uint32_t code_point = 0;
	size_t length = utf8_decode(text, &code_point);

	*ret_length = length ? length : 1;
	if (length > 0 && !utf8_is_control(code_point))
		return add(line, str_slice(text, 0, length));
	for (size_t i = 0; i < *ret_length; i++)
		snprintf(escaped + 4 * i, sizeof(escaped) - 4 * i, "\\x%02x",
			 (unsigned char)text.ptr[i]);
	return add(line, str_from(escaped));
}

static void add_message(struct line *line, struct str text, bool was_cut)
{
	size_t length;

	for (; text.len > 0; text = str_after(text, length)) {
		if (!add_character(line, text, &length)) {
			was_cut = true;
			break;
		}
	}
	if (was_cut) {
		memcpy(line->bytes + line->len, "...", 3);
		line->len += 3;
	}
	line->bytes[line->len++] = '\n';
}

static void add_head(struct line *line, enum log_level level)
{
	char time[CLOCK_RFC3339_SIZE], head[CLOCK_RFC3339_SIZE + 32];
	const char *colour = level_colour(level);

	snprintf(head, sizeof(head), "%s %s%s%s ", clock_rfc3339(wall_ms_now(), time), colour,
		 level_name(level), colour[0] ? "\x1b[0m" : "");
	add(line, str_from(head));
}

void log_write(enum log_level level, const char *fmt, ...)
{
	int saved_errno = errno;
	char message[LOG_LINE_MAX];
	struct line line;
	va_list args;
	int len;

	if ((int)level < atomic_load_explicit(&lowest_level, memory_order_relaxed))
		return;
	va_start(args, fmt);
	len = vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	line.len = 0;
	add_head(&line, level);
	add_message(&line, str_from(message), len < 0 || (size_t)len >= sizeof(message));
	/* One write, lest lines of two threads mix. When it fails there is nobody to tell. */
	while (write(STDERR_FILENO, line.bytes, line.len) < 0 && errno == EINTR)
		continue;
	errno = saved_errno;
}
