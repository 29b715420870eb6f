/*
 * tests/support/config_case.h - configuration texts and the faults they must give.
 *
 * In a text, ' stands for ". What is wanted is a line per fault, in the order found:
 *
 *     1 /issuer: must be a URL...          line, pointer, text; "..." at the end: and so on
 *     1 warning /insecure: has no effect
 */
#ifndef SALLYPORT_TESTS_SUPPORT_CONFIG_CASE_H
#define SALLYPORT_TESTS_SUPPORT_CONFIG_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/option.h"

struct config_case {
	const char *name;
	const char *text;
	const char *want; /* lines, "" for no fault */
};

static unsigned config_cases_failed;

/* A text with its quotes, in storage that the next call but three uses again. */
static inline struct str config_text(const char *single_quoted)
{
	static char storage[4][16384];
	static unsigned next;
	char *text = storage[next++ % 4];

	assert_true(str_copy(text, sizeof(storage[0]), str_from(single_quoted)));
	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	return str_from(text);
}

static inline bool config_line_matches(struct str want, struct str got)
{
	if (str_ends_with(want, STR("...")))
		return str_starts_with(got, str_slice(want, 0, want.len - 3));
	return str_equal(want, got);
}

/* Compare; on a difference print the row's name and all there is. file is cut off. */
static inline void config_expect(const char *name, const struct faults *faults, const char *want)
{
	struct str rest = str_from(want), line;
	bool good = true;
	char got[1024];

	for (size_t i = 0; i < faults->count; i++) {
		const struct error *e = &faults->items[i].error;

		snprintf(got, sizeof(got), "%u %s%s: %s", e->line,
			 faults->items[i].severity == FAULT_WARNING ? "warning " : "", e->pointer,
			 e->text);
		if (!str_next(&rest, '\n', &line) || !config_line_matches(line, str_from(got)))
			good = false;
	}
	good = good && rest.len == 0;
	if (good)
		return;
	config_cases_failed++;
	print_error("%s\n  want:\n%s\n  got:\n", name, want);
	for (size_t i = 0; i < faults->count; i++) {
		const struct error *e = &faults->items[i].error;

		print_error("%u %s%s: %s\n", e->line,
			    faults->items[i].severity == FAULT_WARNING ? "warning " : "",
			    e->pointer, e->text);
	}
}

/*
 * Read a text with a table into object (zeroed by this), as a file of that name; the
 * arena keeps the result. Faults are compared with want.
 */
static inline void config_read(const struct config_case *row, const struct option_table *table,
			       const char *file, struct arena *arena, void *object)
{
	struct option_reader r = {.file = file, .arena = arena};
	struct json_doc *doc = NULL;
	struct error err = {0};
	struct faults faults;

	memset(object, 0, table->size);
	faults_init(&faults);
	if (!json_parse(config_text(row->text), 65536, file, &doc, &err))
		fail_msg("%s: %s", row->name, err.text);
	r.doc = doc;
	r.faults = &faults;
	option_read(&r, table, json_root(doc), object);
	config_expect(row->name, &faults, row->want);
	assert_false(arena_overflowed(arena));
	faults_done(&faults);
	json_doc_free(doc);
}

/* Every row, each with a fresh object; fails at the end. */
static inline void config_run(const struct config_case *rows, size_t count,
			      const struct option_table *table, const char *file)
{
	void *object = calloc(1, table->size);

	assert_non_null(object);
	config_cases_failed = 0;
	for (size_t i = 0; i < count; i++) {
		struct arena *arena = arena_new(1 << 20);

		assert_non_null(arena);
		config_read(&rows[i], table, file, arena, object);
		option_done(table, object);
		arena_free(arena);
	}
	free(object);
	assert_int_equal(config_cases_failed, 0);
}

#endif
