/*
 * policy/policy.c - a compiled policy: its life, its names, its table of values.
 */
#include <string.h>

#include "policy/compiled.h"

struct policy *policy_ref(struct policy *p)
{
	p->references++;
	return p;
}

void policy_unref(struct policy *p)
{
	if (p && --p->references == 0)
		arena_free(p->arena); /* p itself is in there */
}

const char *policy_name(const struct policy *p)
{
	return p->name;
}

const char *policy_file(const struct policy *p)
{
	return p->file;
}

const char *policy_hash(const struct policy *p)
{
	return p->hash;
}

const char *decision_answer_name(enum decision_answer answer)
{
	switch (answer) {
	case DECISION_DENY: return "deny";
	case DECISION_ALLOW: return "allow";
	case DECISION_LOGIN: return "login";
	case DECISION_STEP_UP: return "step_up";
	}
	return "deny";
}

const char *facts_method_name(enum facts_method method)
{
	switch (method) {
	case FACTS_ANONYMOUS: return "none";
	case FACTS_SESSION: return "session";
	case FACTS_BEARER: return "bearer";
	case FACTS_CLIENT_CERTIFICATE: return "client_certificate";
	}
	return "none";
}

int scalar_compare(const struct scalar *a, const struct scalar *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->type == SCALAR_STRING)
		return a->value < b->value ? -1 : a->value > b->value;
	return a->number < b->number ? -1 : a->number > b->number;
}

/*
 * FNV-1a. No seed is needed: only the policy's author puts values into the table, so no
 * client can lengthen the way to an empty place.
 */
static uint32_t value_hash(uint32_t subject, struct str text)
{
	uint32_t hash = 2166136261u ^ subject;

	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.ptr[i]) * 16777619u;
	return hash ^ hash >> 15;
}

/* The place of a value in the table, or the empty place where it belongs. */
static uint32_t *value_place(const struct policy *p, uint32_t subject, struct str text)
{
	size_t mask = p->value_table_size - 1;

	for (size_t i = value_hash(subject, text) & mask;; i = (i + 1) & mask) {
		uint32_t *place = &p->value_table[i];
		const struct value *v;

		if (!*place)
			return place;
		v = &p->values[*place - 1];
		if (v->subject == subject && str_equal(v->text, text))
			return place;
	}
}

uint32_t policy_find_value(const struct policy *p, uint32_t subject, struct str text)
{
	return p->value_table_size ? *value_place(p, subject, text) - 1 : VALUE_NONE;
}

static bool value_table_grow(struct policy *p)
{
	size_t size = p->value_table_size ? p->value_table_size * 2 : 16;
	uint32_t *table = arena_alloc_array(p->arena, size, sizeof(*table));
	struct value *values = arena_alloc_array(p->arena, size / 2, sizeof(*values));

	if (!table || !values)
		return false;
	if (p->values_count)
		memcpy(values, p->values, p->values_count * sizeof(*values));
	p->values = values;
	p->value_table = table;
	p->value_table_size = size;
	for (uint32_t i = 0; i < p->values_count; i++)
		*value_place(p, values[i].subject, values[i].text) = i + 1;
	return true;
}

uint32_t policy_add_value(struct policy *p, uint32_t subject, struct str text)
{
	uint32_t found = policy_find_value(p, subject, text);
	struct value *v;

	if (found != VALUE_NONE)
		return found;
	if (p->values_count == POLICY_MAX_VALUES)
		return VALUE_NONE;
	if (p->values_count == p->value_table_size / 2 && !value_table_grow(p))
		return VALUE_NONE;
	v = &p->values[p->values_count];
	*v = (struct value){subject, arena_str(p->arena, text)};
	if (arena_overflowed(p->arena))
		return VALUE_NONE;
	*value_place(p, subject, text) = (uint32_t)++p->values_count;
	return (uint32_t)p->values_count - 1;
}
