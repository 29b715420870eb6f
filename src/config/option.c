/*
 * config/option.c - the walk over an option table and the JSON it describes.
 *
 * Defaults are JSON text and take the same way as what is written, so a default that
 * the parser would refuse cannot exist. The walk never stops at a fault: an operator
 * wants all of them in one run.
 */
#include "config/option.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/option_values.h"

enum { DEFAULT_MAX_BYTES = 4096 };

/* --- Faults and the place of the walk */

static void report(struct option_reader *r, enum fault_severity severity, const char *key,
		   const char *fmt, va_list ap) __attribute__((format(printf, 4, 0)));

/*
 * Naming the line means reading the text up to there, so it is not done for faults
 * that nobody will see.
 */
static void report(struct option_reader *r, enum fault_severity severity, const char *key,
		   const char *fmt, va_list ap)
{
	char text[sizeof(((struct error *)NULL)->text)];
	size_t mark = strlen(r->pointer);

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	if (key)
		(void)option_enter(r, str_from(key));
	faults_addf(r->faults, severity, r->file,
		    r->faults->count < FAULTS_MAX ? json_line(r->doc, r->pointer) : 0, r->pointer,
		    "%s", text);
	option_leave(r, mark);
}

void option_fault(struct option_reader *r, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(r, FAULT_ERROR, key, fmt, ap);
	va_end(ap);
}

void option_warn(struct option_reader *r, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(r, FAULT_WARNING, key, fmt, ap);
	va_end(ap);
}

/* The mark is a length, not a count of tokens: a pointer that was cut is restored all the same. */
size_t option_enter(struct option_reader *r, struct str key)
{
	size_t mark = strlen(r->pointer);

	json_pointer_push(r->pointer, sizeof(r->pointer), key);
	return mark;
}

size_t option_enter_index(struct option_reader *r, size_t index)
{
	size_t mark = strlen(r->pointer);

	json_pointer_push_index(r->pointer, sizeof(r->pointer), index);
	return mark;
}

void option_leave(struct option_reader *r, size_t mark)
{
	r->pointer[mark] = '\0';
}

const char *option_hint(struct str written, const char *const *words, size_t count,
			char out[OPTION_HINT_SIZE])
{
	const char *nearest = str_nearest(written, words, count);

	out[0] = '\0';
	if (nearest && !str_equal(written, str_from(nearest)) &&
	    snprintf(out, OPTION_HINT_SIZE, "; did you mean \"%s\"?", nearest) >= OPTION_HINT_SIZE)
		out[0] = '\0';
	return out;
}

/* --- Objects and lists of objects */

static bool read_object(struct option_reader *r, const struct option *o, const struct json *value,
			void *field)
{
	if (!option_expect(r, value, JSON_OBJECT, "an object"))
		return false;
	option_read(r, o->table, value, field);
	return true;
}

/* The list is set before its entries are read, so that option_done() reaches their secrets. */
static bool read_objects(struct option_reader *r, const struct option *o, const struct json *value,
			 void *field)
{
	struct object_list *list = field;
	size_t count, i = 0;
	char *items;

	if (!option_expect(r, value, JSON_ARRAY, "a list of objects"))
		return false;
	count = json_count(value);
	if (!option_expect_count(r, o, count, o->table->name))
		return false;
	if (count == 0)
		return true;
	items = arena_alloc_array(r->arena, count, o->table->size);
	if (!items)
		return false;
	list->items = items;
	list->count = count;
	for (const struct json *v = json_first(value); v; v = json_next(v), i++) {
		size_t mark = option_enter_index(r, i);

		option_read(r, o->table, v, items + i * o->table->size);
		option_leave(r, mark);
	}
	return true;
}

static bool read_custom(struct option_reader *r, const struct option *o, const struct json *value,
			void *field)
{
	return o->read(r, value, field);
}

static option_reader_fn *const readers[] = {
	[OPTION_STRING] = option_read_string,
	[OPTION_NAME] = option_read_name,
	[OPTION_BOOL] = option_read_bool,
	[OPTION_INTEGER] = option_read_integer,
	[OPTION_DURATION] = option_read_duration,
	[OPTION_SIZE] = option_read_size,
	[OPTION_ENUM] = option_read_enum,
	[OPTION_SECRET] = option_read_secret,
	[OPTION_PATH] = option_read_path,
	[OPTION_STRINGS] = option_read_strings,
	[OPTION_PREFIXES] = option_read_prefixes,
	[OPTION_ENUMS] = option_read_enums,
	[OPTION_STRING_MAP] = option_read_string_map,
	[OPTION_OBJECT] = read_object,
	[OPTION_OBJECTS] = read_objects,
	[OPTION_CUSTOM] = read_custom,
};

/* --- One table */

/* Read a default. Its text is ours: that it cannot be parsed is a mistake in the table. */
static void read_standard(struct option_reader *r, const struct option *o, const char *text,
			  void *field)
{
	struct json_doc *doc;
	struct error err = {0};

	if (!json_parse(str_from(text), DEFAULT_MAX_BYTES, NULL, &doc, &err)) {
		ASSERT(err.kind == ERR_NOMEM);
		option_fault(r, NULL, "out of memory");
		return;
	}
	(void)readers[o->type](r, o, json_root(doc), field);
	json_doc_free(doc);
}

static void read_member(struct option_reader *r, const struct option *o, const struct json *object,
			void *into)
{
	const struct json *value = json_get(object, o->key);
	char *field = (char *)into + o->offset;
	size_t mark;

	if (!value && o->required) {
		option_fault(r, NULL, "\"%s\" is missing: %s", o->key, o->help);
		return;
	}
	mark = option_enter(r, str_from(o->key));
	if (value && readers[o->type](r, o, value, field)) {
		if (o->present)
			*(bool *)((char *)into + o->present) = true;
	} else if (o->standard) {
		read_standard(r, o, o->standard, field);
	} else if (!value && o->type == OPTION_OBJECT && !o->present) {
		read_standard(r, o, "{}", field);
	}
	option_leave(r, mark);
}

static const struct option *find_option(const struct option_table *table, struct str key)
{
	for (size_t i = 0; i < table->count; i++)
		if (str_equal(key, str_from(table->options[i].key)))
			return &table->options[i];
	return NULL;
}

static void report_unknown(struct option_reader *r, const struct option_table *table,
			   struct str key)
{
	const char *words[OPTION_TABLE_MAX];
	char hint[OPTION_HINT_SIZE];
	size_t mark;

	for (size_t i = 0; i < table->count; i++)
		words[i] = table->options[i].key;
	option_hint(key, words, table->count, hint);
	mark = option_enter(r, key);
	option_fault(r, NULL, "unknown key \"%.*s\"%s%s", (int)(key.len < 64 ? key.len : 64),
		     key.ptr, key.len > 64 ? "..." : "", hint);
	option_leave(r, mark);
}

void option_read(struct option_reader *r, const struct option_table *table,
		 const struct json *value, void *object)
{
	ASSERT(table->count <= OPTION_TABLE_MAX);
	if (!option_expect(r, value, JSON_OBJECT, "an object"))
		return;
	for (size_t i = 0; i < table->count; i++)
		read_member(r, &table->options[i], value, object);
	for (const struct json *v = json_first(value); v; v = json_next(v)) {
		struct str key = json_key(v);

		if (find_option(table, key))
			continue;
		if (r->pointer[0] == '\0' && str_equal(key, STR("$schema")))
			continue; /* for editors */
		report_unknown(r, table, key);
	}
	if (table->check)
		table->check(r, object);
}

void option_done(const struct option_table *table, void *object)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct option *o = &table->options[i];
		char *field = (char *)object + o->offset;

		if (o->type == OPTION_SECRET) {
			secret_done((struct secret *)(void *)field);
		} else if (o->type == OPTION_OBJECT) {
			option_done(o->table, field);
		} else if (o->type == OPTION_OBJECTS) {
			struct object_list *list = (struct object_list *)(void *)field;

			for (size_t j = 0; j < list->count; j++)
				option_done(o->table, (char *)list->items + j * o->table->size);
		}
	}
	if (table->done)
		table->done(object);
}
