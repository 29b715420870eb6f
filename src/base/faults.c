/*
 * base/faults.c - a list of faults, for input that is checked whole in one run.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

enum { FIRST_CAPACITY = 8 };

void faults_init(struct faults *f)
{
	*f = (struct faults){.items = NULL};
}

void faults_done(struct faults *f)
{
	free(f->items);
	faults_init(f);
}

static bool make_room(struct faults *f)
{
	size_t capacity = f->capacity ? f->capacity * 2 : FIRST_CAPACITY;
	struct fault *items;

	if (f->count < f->capacity)
		return true;
	if (capacity > FAULTS_MAX)
		capacity = FAULTS_MAX;
	items = realloc(f->items, capacity * sizeof(*items));
	if (!items)
		return false;
	f->items = items;
	f->capacity = capacity;
	return true;
}

void faults_add(struct faults *f, enum fault_severity severity, const struct error *err)
{
	struct fault fault = {.severity = severity, .error = *err}; /* err may be one of items */

	/* Counted first: without memory for its words a fault must still be one. */
	if (severity == FAULT_ERROR)
		f->errors++;
	else
		f->warnings++;
	if (f->count >= FAULTS_MAX || !make_room(f))
		return;
	f->items[f->count++] = fault;
}

void faults_addf(struct faults *f, enum fault_severity severity, const char *file, unsigned line,
		 const char *pointer, const char *fmt, ...)
{
	struct error err = {.kind = ERR_NONE};
	char text[sizeof(err.text)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	error_set(&err, ERR_SYNTAX, "%s", text);
	error_at_file(&err, file);
	error_at_pointer(&err, pointer);
	err.line = line;
	faults_add(f, severity, &err);
}

bool faults_has_errors(const struct faults *f)
{
	return f->errors > 0;
}
