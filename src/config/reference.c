/*
 * config/reference.c - the option tables as a page of the manual.
 *
 * The page is a file of the repository, so that it can be read and searched there; a
 * test writes it anew and compares, so that it cannot fall behind the tables.
 */
#include "config/reference.h"

#include <stdio.h>
#include <string.h>

enum { PLACE_MAX = 128 };

static const char introduction[] =
	"# Configuration\n"
	"\n"
	"One JSON file, read as a whole: `sallyport run --config FILE`. This page is made from the "
	"tables\n"
	"that read the file (`SALLYPORT_UPDATE=1` and the unit test `test_gate_reference` write it "
	"anew), and\n"
	"so is the schema that `sallyport schema config` prints for editors. `conf/sallyport.json` "
	"names every\n"
	"option. `sallyport check --config FILE` reports every fault of a file, each with line and "
	"place.\n"
	"\n"
	"- **Strict**: unknown keys, keys given twice, wrong types, values out of range and names "
	"that refer\n"
	"  to nothing are errors. `$schema` is accepted at the top, for editors.\n"
	"- **Names** are 1 to 63 of `a-z`, `0-9`, `.`, `_` and `-`, and start with a letter or "
	"digit.\n"
	"- **Paths** are relative to the folder of the configuration file.\n"
	"- **Durations** are a whole number and a unit: `ms`, `s`, `m`, `h`, `d`. **Sizes** "
	"likewise: `B`,\n"
	"  `KiB`, `MiB`, `GiB`, `TiB`.\n"
	"- **Secrets** are `{\"file\": \"path\"}` (refused when others can read the file; one "
	"newline at its end\n"
	"  does not count) or `{\"env\": \"NAME\"}`. A text in place is accepted with a warning.\n"
	"- Where a list of texts is expected, one text alone stands for a list of one.\n";

/* --- What a value may be */

static void append_words(struct buf *out, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		buf_appendf(out, "%s`\"%s\"`",
			    i == 0	   ? ""
			    : words[i + 1] ? ", "
					   : " or ",
			    words[i]);
}

static void append_range(struct buf *out, const struct option *o, const char *kind)
{
	char low[OPTION_UNIT_SIZE], high[OPTION_UNIT_SIZE];

	buf_append_cstr(out, kind);
	if (o->min == 0 && o->max == 0)
		return;
	if (o->type == OPTION_DURATION)
		buf_appendf(out, ", `%s` to `%s`", option_format_duration(o->min, low),
			    option_format_duration(o->max, high));
	else if (o->type == OPTION_SIZE)
		buf_appendf(out, ", `%s` to `%s`", option_format_size((uint64_t)o->min, low),
			    option_format_size((uint64_t)o->max, high));
	else
		buf_appendf(out, ", %lld to %lld", (long long)o->min, (long long)o->max);
}

static void append_kind(struct buf *out, const struct option *o)
{
	switch (o->type) {
	case OPTION_STRING: buf_append_cstr(out, "text"); break;
	case OPTION_NAME: buf_append_cstr(out, "name"); break;
	case OPTION_BOOL: buf_append_cstr(out, "`true` or `false`"); break;
	case OPTION_INTEGER: append_range(out, o, "whole number"); break;
	case OPTION_DURATION: append_range(out, o, "duration"); break;
	case OPTION_SIZE: append_range(out, o, "size"); break;
	case OPTION_ENUM: append_words(out, o->words); break;
	case OPTION_SECRET: buf_append_cstr(out, "secret"); break;
	case OPTION_PATH: buf_append_cstr(out, "path"); break;
	case OPTION_STRINGS: append_range(out, o, "list of texts"); break;
	case OPTION_PREFIXES: append_range(out, o, "list of networks"); break;
	case OPTION_STRING_MAP: append_range(out, o, "object of texts"); break;
	case OPTION_OBJECT: buf_append_cstr(out, "object, see below"); break;
	case OPTION_OBJECTS: append_range(out, o, "list of objects, see below"); break;
	case OPTION_ENUMS:
		append_range(out, o, "list of words");
		buf_append_cstr(out, ": ");
		append_words(out, o->words);
		break;
	case OPTION_CUSTOM:
		buf_append_cstr(out, o->table ? "object of objects, see below" : "see meaning");
		break;
	}
}

static void append_default(struct buf *out, const struct option *o)
{
	if (o->required)
		buf_append_cstr(out, "**required**");
	else if (o->standard)
		buf_appendf(out, "`%s`", o->standard);
	else if (o->type == OPTION_OBJECT && !o->present)
		buf_append_cstr(out, "as below");
	else
		buf_append_cstr(out, "none");
}

/* --- Sections */

static bool has_section(const struct option *o)
{
	return o->table != NULL;
}

static void append_rows(struct buf *out, const struct option_table *table)
{
	buf_append_cstr(out,
			"\n| option | value | default | meaning |\n| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < table->count; i++) {
		const struct option *o = &table->options[i];

		buf_appendf(out, "| `%s` | ", o->key);
		append_kind(out, o);
		buf_append_cstr(out, " | ");
		append_default(out, o);
		buf_appendf(out, " | %s |\n", o->help);
	}
}

/* The sections below place come after its rows, each with its own below it. */
static void append_sections(struct buf *out, const struct option_table *table,
			    char place[PLACE_MAX])
{
	size_t length = strlen(place);

	append_rows(out, table);
	for (size_t i = 0; i < table->count; i++) {
		const struct option *o = &table->options[i];
		const char *list = o->type == OPTION_OBJECTS  ? "[]"
				   : o->type == OPTION_CUSTOM ? ".NAME"
							      : "";
		int written;

		if (!has_section(o))
			continue;
		written = snprintf(place + length, PLACE_MAX - length, "%s%s%s", length ? "." : "",
				   o->key, list);
		ASSERT(written > 0 && (size_t)written < PLACE_MAX - length);
		buf_appendf(out, "\n## `%s`\n\n%s\n", place, o->help);
		append_sections(out, o->table, place);
		place[length] = '\0';
	}
}

void config_reference_append(struct buf *out, const struct option_table *root)
{
	char place[PLACE_MAX] = "";

	buf_append_cstr(out, introduction);
	buf_append_cstr(out, "\n## The file\n");
	append_sections(out, root, place);
}
