/*
 * config/schema.c - the option tables as a JSON Schema.
 *
 * Kept as strict as the loader where a schema can be: what an editor accepts and the
 * loader then refuses teaches people to ignore the editor.
 */
#include "config/schema.h"

#include "base/error.h"

enum { VALUE_MAX_BYTES = 4096 };

static void write_table(struct json_writer *w, const struct option_table *table, bool is_root);

/* A JSON text of a table, as a value. */
static void write_text(struct json_writer *w, const char *key, const char *text)
{
	struct json_doc *doc;
	struct error err = {0};

	if (!json_parse(str_from(text), VALUE_MAX_BYTES, NULL, &doc, &err)) {
		ASSERT(err.kind == ERR_NOMEM);
		w->buf->failed = true;
		return;
	}
	json_write_value(w, key, json_root(doc));
	json_doc_free(doc);
}

static void write_type(struct json_writer *w, const char *type)
{
	json_write_str(w, "type", str_from(type));
}

static void write_limits(struct json_writer *w, const struct option *o, const char *low,
			 const char *high)
{
	if (o->min != 0)
		json_write_i64(w, low, o->min);
	if (o->max != 0)
		json_write_i64(w, high, o->max);
}

static void write_words(struct json_writer *w, const struct option *o)
{
	json_write_array(w, "enum");
	for (size_t i = 0; o->words[i]; i++)
		json_write_str(w, NULL, str_from(o->words[i]));
	json_write_end(w);
}

static void write_pattern(struct json_writer *w, const char *pattern)
{
	write_type(w, "string");
	json_write_str(w, "pattern", str_from(pattern));
}

static void write_text_item(struct json_writer *w, const char *key)
{
	json_write_object(w, key);
	write_type(w, "string");
	json_write_i64(w, "minLength", 1);
	json_write_end(w);
}

/* One text, or a list of them. */
static void write_texts(struct json_writer *w, const struct option *o)
{
	json_write_array(w, "oneOf");
	write_text_item(w, NULL);
	json_write_object(w, NULL);
	write_type(w, "array");
	write_text_item(w, "items");
	json_write_bool(w, "uniqueItems", true);
	write_limits(w, o, "minItems", "maxItems");
	json_write_end(w);
	json_write_end(w);
}

static void write_secret(struct json_writer *w)
{
	static const char *const sources[] = {"file", "env"};

	json_write_array(w, "oneOf");
	write_text_item(w, NULL);
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		json_write_object(w, NULL);
		write_type(w, "object");
		json_write_object(w, "properties");
		write_text_item(w, sources[i]);
		json_write_end(w);
		json_write_array(w, "required");
		json_write_str(w, NULL, str_from(sources[i]));
		json_write_end(w);
		json_write_bool(w, "additionalProperties", false);
		json_write_end(w);
	}
	json_write_end(w);
}

/* Either the schema of its row, or that of a map of objects. */
static void write_custom(struct json_writer *w, const struct option *o)
{
	if (o->table) {
		write_type(w, "object");
		json_write_object(w, "additionalProperties");
		write_table(w, o->table, false);
		json_write_end(w);
	} else {
		json_write_array(w, "allOf");
		write_text(w, NULL, o->form);
		json_write_end(w);
	}
}

static void write_items(struct json_writer *w, const struct option *o)
{
	write_type(w, "array");
	write_limits(w, o, "minItems", "maxItems");
	json_write_object(w, "items");
	if (o->type == OPTION_OBJECTS)
		write_table(w, o->table, false);
	else
		write_words(w, o);
	json_write_end(w);
}

static void write_form(struct json_writer *w, const struct option *o)
{
	switch (o->type) {
	case OPTION_NAME: write_pattern(w, "^[a-z0-9][a-z0-9._-]{0,62}$"); break;
	case OPTION_DURATION: write_pattern(w, "^[0-9]+(ms|s|m|h|d)$"); break;
	case OPTION_SIZE: write_pattern(w, "^[0-9]+(B|KiB|MiB|GiB|TiB)$"); break;
	case OPTION_BOOL: write_type(w, "boolean"); break;
	case OPTION_ENUM: write_words(w, o); break;
	case OPTION_SECRET: write_secret(w); break;
	case OPTION_STRINGS:
	case OPTION_PREFIXES: write_texts(w, o); break;
	case OPTION_OBJECT: write_table(w, o->table, false); break;
	case OPTION_CUSTOM: write_custom(w, o); break;
	case OPTION_ENUMS:
	case OPTION_OBJECTS: write_items(w, o); break;
	case OPTION_STRING:
	case OPTION_PATH:
		write_type(w, "string");
		json_write_i64(w, "minLength", 1);
		write_limits(w, o, "minLength", "maxLength");
		break;
	case OPTION_INTEGER:
		write_type(w, "integer");
		write_limits(w, o, "minimum", "maximum");
		break;
	case OPTION_STRING_MAP:
		write_type(w, "object");
		write_limits(w, o, "minProperties", "maxProperties");
		write_text_item(w, "additionalProperties");
		break;
	}
}

static void write_required(struct json_writer *w, const struct option_table *table)
{
	bool any = false;

	for (size_t i = 0; i < table->count; i++)
		any = any || table->options[i].required;
	if (!any)
		return;
	json_write_array(w, "required");
	for (size_t i = 0; i < table->count; i++)
		if (table->options[i].required)
			json_write_str(w, NULL, str_from(table->options[i].key));
	json_write_end(w);
}

static void write_table(struct json_writer *w, const struct option_table *table, bool is_root)
{
	write_type(w, "object");
	json_write_object(w, "properties");
	if (is_root)
		write_text_item(w, "$schema");
	for (size_t i = 0; i < table->count; i++) {
		const struct option *o = &table->options[i];

		json_write_object(w, o->key);
		json_write_str(w, "description", str_from(o->help));
		write_form(w, o);
		if (o->standard)
			write_text(w, "default", o->standard);
		json_write_end(w);
	}
	json_write_end(w);
	write_required(w, table);
	json_write_bool(w, "additionalProperties", false);
}

void config_schema_append(struct buf *out, const struct option_table *root, const char *title)
{
	struct json_writer w;
	struct buf compact;

	buf_init(&compact, CONFIG_SCHEMA_MAX_BYTES);
	json_write_begin(&w, &compact);
	json_write_object(&w, NULL);
	json_write_str(&w, "$schema", STR("https://json-schema.org/draft/2020-12/schema"));
	json_write_str(&w, "title", str_from(title));
	write_table(&w, root, true);
	json_write_end(&w);
	if (buf_failed(&compact))
		out->failed = true;
	else
		config_json_indent(out, buf_str(&compact));
	buf_done(&compact);
}

/* --- Indentation */

static void break_line(struct buf *out, unsigned depth)
{
	buf_append_char(out, '\n');
	for (unsigned i = 0; i < depth; i++)
		buf_append_cstr(out, "  ");
}

/* The end of the string that starts at text[at]: the place behind its closing quote. */
static size_t string_end(struct str text, size_t at)
{
	for (at++; at < text.len && text.ptr[at] != '"'; at++)
		if (text.ptr[at] == '\\')
			at++;
	return at < text.len ? at + 1 : text.len;
}

void config_json_indent(struct buf *out, struct str compact)
{
	unsigned depth = 0;
	size_t at = 0;

	while (at < compact.len) {
		char c = compact.ptr[at];
		bool is_empty = at + 1 < compact.len &&
				(compact.ptr[at + 1] == '}' || compact.ptr[at + 1] == ']');
		size_t end = c == '"' ? string_end(compact, at) : at + 1;

		if (c == '}' || c == ']')
			break_line(out, --depth);
		if ((c == '{' || c == '[') && is_empty)
			end = at + 2;
		buf_append(out, str_slice(compact, at, end - at));
		if (c == ':')
			buf_append_char(out, ' ');
		if (c == ',' || ((c == '{' || c == '[') && !is_empty)) {
			depth += c != ',';
			break_line(out, depth);
		}
		at = end;
	}
	buf_append_char(out, '\n');
}
