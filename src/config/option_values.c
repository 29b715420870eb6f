/*
 * config/option_values.c - texts, numbers, words, and lists and maps of them.
 *
 * What a message shows of a value that was found is cut and named by its kind, and
 * option_secret.c shows nothing at all: configuration errors end up in tickets.
 */
#include "config/option_values.h"

#include <stdio.h>
#include <string.h>

#include "base/ip.h"

enum { NAME_MAX_BYTES = 63, FOUND_MAX_BYTES = 48 };

const char *option_found(const struct json *value, char out[OPTION_FOUND_SIZE])
{
	struct str text = json_str(value);
	bool cut = text.len > FOUND_MAX_BYTES;
	int written;

	switch (json_type(value)) {
	case JSON_STRING:
		written = snprintf(out, OPTION_FOUND_SIZE, "\"%.*s%s\"",
				   (int)(cut ? FOUND_MAX_BYTES : text.len), text.ptr,
				   cut ? "..." : "");
		break;
	case JSON_NUMBER:
		written = snprintf(out, OPTION_FOUND_SIZE, "the number %.15g", json_number(value));
		break;
	case JSON_BOOL:
		written =
			snprintf(out, OPTION_FOUND_SIZE, "%s", json_bool(value) ? "true" : "false");
		break;
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
	default:
		written = snprintf(out, OPTION_FOUND_SIZE, "%s", json_type_name(json_type(value)));
		break;
	}
	if (written < 0)
		out[0] = '\0';
	return out;
}

bool option_expect(struct option_reader *r, const struct json *value, enum json_type type,
		   const char *wanted)
{
	char found[OPTION_FOUND_SIZE];

	if (json_is(value, type))
		return true;
	option_fault(r, NULL, "must be %s, found %s", wanted, option_found(value, found));
	return false;
}

bool option_expect_count(struct option_reader *r, const struct option *o, size_t count,
			 const char *noun)
{
	if ((int64_t)count < o->min && count == 0) {
		option_fault(r, NULL, "is empty: at least %lld %s needed", (long long)o->min,
			     o->min == 1 ? "is" : "are");
		return false;
	}
	if ((int64_t)count >= o->min && (o->max == 0 || (int64_t)count <= o->max))
		return true;
	option_fault(r, NULL, "must hold %lld to %lld entries (%s), found %zu", (long long)o->min,
		     (long long)o->max, noun, count);
	return false;
}

/* --- Texts */

bool option_read_text(struct option_reader *r, const struct json *value, const char *wanted,
		      struct str *ret)
{
	if (!option_expect(r, value, JSON_STRING, wanted))
		return false;
	if (str_is_empty(json_str(value))) {
		option_fault(r, NULL, "is empty: must be %s", wanted);
		return false;
	}
	*ret = json_str(value);
	return true;
}

bool option_read_string(struct option_reader *r, const struct option *o, const struct json *value,
			void *field)
{
	struct str text;

	if (!option_read_text(r, value, "a text", &text))
		return false;
	if (o->max > 0 && text.len > (uint64_t)o->max) {
		option_fault(r, NULL, "must be at most %lld bytes long, found %zu",
			     (long long)o->max, text.len);
		return false;
	}
	*(struct str *)field = arena_str(r->arena, text);
	return true;
}

static bool is_name(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (ascii_is_digit(c) || (ascii_is_alpha(c) && ascii_lower(c) == c))
			continue;
		if (i > 0 && (c == '.' || c == '_' || c == '-'))
			continue;
		return false;
	}
	return text.len > 0 && text.len <= NAME_MAX_BYTES;
}

bool option_read_name(struct option_reader *r, const struct option *o, const struct json *value,
		      void *field)
{
	char found[OPTION_FOUND_SIZE];
	struct str text;

	(void)o;
	if (!option_read_text(r, value, "a name", &text))
		return false;
	if (!is_name(text)) {
		option_fault(r, NULL,
			     "a name is 1 to %d of a-z, 0-9, '.', '_' and '-', and starts with a "
			     "letter or digit; found %s",
			     NAME_MAX_BYTES, option_found(value, found));
		return false;
	}
	*(struct str *)field = arena_str(r->arena, text);
	return true;
}

/* --- Numbers and words */

bool option_read_bool(struct option_reader *r, const struct option *o, const struct json *value,
		      void *field)
{
	(void)o;
	if (!option_expect(r, value, JSON_BOOL, "true or false"))
		return false;
	*(bool *)field = json_bool(value);
	return true;
}

bool option_read_integer(struct option_reader *r, const struct option *o, const struct json *value,
			 void *field)
{
	char found[OPTION_FOUND_SIZE];
	int64_t number;

	if (!option_expect(r, value, JSON_NUMBER, "a whole number"))
		return false;
	if (!json_i64(value, &number)) {
		option_fault(r, NULL, "must be a whole number, found %s",
			     option_found(value, found));
		return false;
	}
	if ((o->min != 0 || o->max != 0) && (number < o->min || number > o->max)) {
		option_fault(r, NULL, "must be within %lld and %lld, found %lld", (long long)o->min,
			     (long long)o->max, (long long)number);
		return false;
	}
	*(int64_t *)field = number;
	return true;
}

/* "a", "b" or "c" */
static void list_words(const char *const *words, char *out, size_t out_size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; words[i]; i++) {
		const char *joint = i == 0 ? "" : words[i + 1] ? ", " : " or ";
		int written = snprintf(out + used, out_size - used, "%s\"%s\"", joint, words[i]);

		if (written < 0 || (size_t)written >= out_size - used)
			return;
		used += (size_t)written;
	}
}

static bool read_word(struct option_reader *r, const struct option *o, const struct json *value,
		      int *ret)
{
	char list[160], found[OPTION_FOUND_SIZE], hint[OPTION_HINT_SIZE];
	size_t count = 0;

	for (; o->words[count]; count++) {
		if (json_is(value, JSON_STRING) &&
		    str_equal(json_str(value), str_from(o->words[count]))) {
			*ret = (int)count;
			return true;
		}
	}
	list_words(o->words, list, sizeof(list));
	option_hint(json_str(value), o->words, count, hint);
	option_fault(r, NULL, "must be %s, found %s%s", list, option_found(value, found), hint);
	return false;
}

bool option_read_enum(struct option_reader *r, const struct option *o, const struct json *value,
		      void *field)
{
	return read_word(r, o, value, field);
}

/* --- Lists and maps. Every entry is looked at, so that all its faults are reported. */

static bool report_repeat(struct option_reader *r, const struct json *value)
{
	char found[OPTION_FOUND_SIZE];

	option_fault(r, NULL, "%s is listed twice", option_found(value, found));
	return false;
}

bool option_read_enums(struct option_reader *r, const struct option *o, const struct json *value,
		       void *field)
{
	struct int_list list = {0};
	bool good = true;
	size_t place = 0;

	if (!option_expect(r, value, JSON_ARRAY, "a list of words") ||
	    !option_expect_count(r, o, json_count(value), "words"))
		return false;
	list.items = arena_alloc_array(r->arena, json_count(value) + 1, sizeof(*list.items));
	if (!list.items)
		return false;
	for (const struct json *v = json_first(value); v; v = json_next(v), place++) {
		size_t mark = option_enter_index(r, place);
		bool fine = read_word(r, o, v, &list.items[list.count]);

		for (size_t i = 0; fine && i < list.count; i++)
			if (list.items[i] == list.items[list.count])
				fine = report_repeat(r, v);
		option_leave(r, mark);
		if (fine)
			list.count++;
		else
			good = false;
	}
	if (good)
		*(struct int_list *)field = list;
	return good;
}

static bool read_list_entry(struct option_reader *r, const struct json *value,
			    struct str_list *list)
{
	struct str text;

	if (!option_read_text(r, value, "a text", &text))
		return false;
	for (size_t i = 0; i < list->count; i++)
		if (str_equal(list->items[i], text))
			return report_repeat(r, value);
	list->items[list->count++] = arena_str(r->arena, text);
	return true;
}

/* The entries of a list, or the one text that stands for a list of one. */
static bool read_texts(struct option_reader *r, const struct option *o, const struct json *value,
		       const char *wanted, struct str_list *ret)
{
	struct str_list list = {0};
	bool good = true;
	size_t place = 0;

	if (json_is(value, JSON_STRING)) {
		list.items = arena_alloc_array(r->arena, 1, sizeof(*list.items));
		good = list.items && read_list_entry(r, value, &list);
		if (good)
			*ret = list;
		return good;
	}
	if (!option_expect(r, value, JSON_ARRAY, wanted) ||
	    !option_expect_count(r, o, json_count(value), "texts"))
		return false;
	list.items = arena_alloc_array(r->arena, json_count(value) + 1, sizeof(*list.items));
	if (!list.items)
		return false;
	for (const struct json *v = json_first(value); v; v = json_next(v), place++) {
		size_t mark = option_enter_index(r, place);

		if (!read_list_entry(r, v, &list))
			good = false;
		option_leave(r, mark);
	}
	if (good)
		*ret = list;
	return good;
}

bool option_read_strings(struct option_reader *r, const struct option *o, const struct json *value,
			 void *field)
{
	return read_texts(r, o, value, "a text or a list of texts", field);
}

bool option_read_prefixes(struct option_reader *r, const struct option *o, const struct json *value,
			  void *field)
{
	bool is_list = json_is(value, JSON_ARRAY), good = true;
	struct ip_prefix_list list = {0};
	struct str_list texts;

	if (!read_texts(r, o, value, "a list of addresses and networks", &texts))
		return false;
	list.items = arena_alloc_array(r->arena, texts.count + 1, sizeof(*list.items));
	if (!list.items)
		return false;
	for (; list.count < texts.count; list.count++) {
		size_t mark = is_list ? option_enter_index(r, list.count) : strlen(r->pointer);
		struct error err = {0};

		if (!ip_prefix_parse(texts.items[list.count], &list.items[list.count], &err)) {
			option_fault(r, NULL, "%s", err.text);
			good = false;
		}
		option_leave(r, mark);
	}
	if (good)
		*(struct ip_prefix_list *)field = list;
	return good;
}

bool option_read_string_map(struct option_reader *r, const struct option *o,
			    const struct json *value, void *field)
{
	struct str_map map = {0};
	bool good = true;

	if (!option_expect(r, value, JSON_OBJECT, "an object of texts") ||
	    !option_expect_count(r, o, json_count(value), "texts"))
		return false;
	map.keys = arena_alloc_array(r->arena, json_count(value) + 1, sizeof(*map.keys));
	map.values = arena_alloc_array(r->arena, json_count(value) + 1, sizeof(*map.values));
	if (!map.keys || !map.values)
		return false;
	for (const struct json *v = json_first(value); v; v = json_next(v)) {
		size_t mark = option_enter(r, json_key(v));
		struct str text;

		if (option_read_text(r, v, "a text", &text)) {
			map.keys[map.count] = arena_str(r->arena, json_key(v));
			map.values[map.count++] = arena_str(r->arena, text);
		} else {
			good = false;
		}
		option_leave(r, mark);
	}
	if (good)
		*(struct str_map *)field = map;
	return good;
}
