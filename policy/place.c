/*
 * policy/place.c - where a walk through a policy file is.
 */
#include "policy/place.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/compiled.h"

size_t place_enter(struct place *at, struct str key)
{
	size_t mark = strlen(at->pointer);

	json_pointer_push(at->pointer, sizeof(at->pointer), key);
	return mark;
}

size_t place_enter_index(struct place *at, size_t index)
{
	size_t mark = strlen(at->pointer);

	json_pointer_push_index(at->pointer, sizeof(at->pointer), index);
	return mark;
}

void place_leave(struct place *at, size_t mark)
{
	at->pointer[mark] = '\0';
}

static void report(struct place *at, enum fault_severity severity, const char *fmt, va_list args)
{
	char text[sizeof(((struct error *)NULL)->text)];
	unsigned line = 0;

	vsnprintf(text, sizeof(text), fmt, args);
	if (at->faults->count < FAULTS_MAX) /* the others are only counted */
		line = json_line(at->doc, at->pointer);
	faults_addf(at->faults, severity, at->file, line, at->pointer, "%s", text);
}

void place_fault(struct place *at, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	report(at, FAULT_ERROR, fmt, args);
	va_end(args);
	at->errors++;
}

void place_warn(struct place *at, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	report(at, FAULT_WARNING, fmt, args);
	va_end(args);
}

struct str place_excerpt(struct str s)
{
	return str_slice(s, 0, 80);
}

void place_unknown(struct place *at, const char *kind, struct str written, const char *const *words,
		   size_t count)
{
	const char *nearest = str_nearest(written, words, count);

	if (nearest)
		place_fault(at, "unknown %s \"%.*s\"; did you mean \"%s\"?", kind,
			    STR_ARG(place_excerpt(written)), nearest);
	else
		place_fault(at, "unknown %s \"%.*s\"", kind, STR_ARG(place_excerpt(written)));
}

bool place_expect(struct place *at, const struct json *v, enum json_type type)
{
	if (json_is(v, type))
		return true;
	if (v)
		place_fault(at, "%s belongs here, not %s", json_type_name(type),
			    json_type_name(json_type(v)));
	else
		place_fault(at, "%s is missing here", json_type_name(type));
	return false;
}

bool place_expect_some(struct place *at, const struct json *v, enum json_type type)
{
	if (!place_expect(at, v, type))
		return false;
	if (json_count(v))
		return true;
	place_fault(at, "%s that is empty is likely a slip: name at least one member",
		    json_type_name(type));
	return false;
}

void place_check_keys(struct place *at, const struct json *object, const struct key_table *table)
{
	const char *words[PLACE_MAX_KEYS];
	size_t count = table->count;

	ASSERT(count <= ARRAY_LEN(words));
	for (size_t i = 0; i < count; i++)
		words[i] = table->keys[i].name;
	for (const struct json *m = json_first(object); m; m = json_next(m)) {
		struct str key = json_key(m);
		size_t i = 0, mark;

		while (i < count && !str_equal(key, str_from(words[i])))
			i++;
		if (i < count)
			continue;
		mark = place_enter(at, key);
		place_unknown(at, "key", key, words, count);
		place_leave(at, mark);
	}
}

bool place_expect_name(struct place *at, struct str name)
{
	bool ok = name.len > 0 && name.len <= POLICY_MAX_NAME;

	for (size_t i = 0; i < name.len && ok; i++) {
		char c = name.ptr[i];

		ok = (c >= 'a' && c <= 'z') || ascii_is_digit(c) || c == '-' || c == '_' ||
		     c == '.';
	}
	if (!ok)
		place_fault(at, "a name is 1 to %d of the characters a-z, 0-9, '-', '_' and '.'",
			    POLICY_MAX_NAME);
	return ok;
}

/* The next string from walk->item on; the place is left standing at it. */
static bool strings_advance(struct place *at, struct place_strings *walk, struct str *ret)
{
	for (; walk->item; walk->item = json_next(walk->item), walk->index++) {
		walk->mark = place_enter_index(at, walk->index);
		if (place_expect(at, walk->item, JSON_STRING)) {
			*ret = json_str(walk->item);
			return true;
		}
		place_leave(at, walk->mark);
	}
	return false;
}

bool place_strings_first(struct place *at, const struct json *v, struct place_strings *walk,
			 struct str *ret)
{
	*walk = (struct place_strings){.is_list = json_is(v, JSON_ARRAY)};
	if (!walk->is_list) {
		if (!json_is(v, JSON_STRING)) {
			place_fault(at, "a string or a list of strings belongs here, not %s",
				    v ? json_type_name(json_type(v)) : "nothing");
			return false;
		}
		*ret = json_str(v);
		return true;
	}
	if (!place_expect_some(at, v, JSON_ARRAY))
		return false;
	walk->item = json_first(v);
	return strings_advance(at, walk, ret);
}

bool place_strings_next(struct place *at, struct place_strings *walk, struct str *ret)
{
	if (!walk->is_list)
		return false;
	place_leave(at, walk->mark);
	walk->item = json_next(walk->item);
	walk->index++;
	return strings_advance(at, walk, ret);
}
