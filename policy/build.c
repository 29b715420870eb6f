/*
 * policy/build.c - the arrays of a policy while it is being read.
 *
 * They grow in the policy's arena by doubling; what is left behind is at most as much
 * again, and build_arrange() copies the nodes into arrays that fit.
 */
#include "policy/build.h"

#include <string.h>

#include "http/header.h"

void build_out_of_memory(struct build *b)
{
	if (!b->is_full)
		place_fault(&b->at, "out of memory");
	b->is_full = true;
}

bool build_grow(struct build *b, void **items, size_t count, size_t *capacity, size_t size)
{
	size_t wanted = *capacity ? *capacity * 2 : 8;
	void *larger;

	if (count < *capacity)
		return true;
	larger = arena_alloc_array(b->p->arena, wanted, size);
	if (!larger) {
		build_out_of_memory(b);
		return false;
	}
	if (count)
		memcpy(larger, *items, count * size);
	*items = larger;
	*capacity = wanted;
	return true;
}

bool build_node(struct build *b, enum node_kind kind, unsigned detail, size_t *ret_at)
{
	struct policy *p = b->p;
	void *items = p->nodes;

	if (b->is_full)
		return false;
	if (p->nodes_count == POLICY_MAX_NODES) {
		place_fault(&b->at, "a policy has at most %d conditions", POLICY_MAX_NODES);
		b->is_full = true;
		return false;
	}
	if (!build_grow(b, &items, p->nodes_count, &b->nodes_capacity, sizeof(*p->nodes)))
		return false;
	p->nodes = items;
	*ret_at = p->nodes_count++;
	p->nodes[*ret_at] = (struct node){
		.kind = (uint8_t)kind,
		.detail = (uint8_t)detail,
		.first = (uint32_t)p->operands_count,
	};
	return true;
}

void build_close(struct build *b, size_t at)
{
	b->p->nodes[at].count = (uint32_t)(b->p->nodes_count - at);
}

void build_operand(struct build *b, size_t node, const union operand *operand)
{
	struct policy *p = b->p;
	void *items = p->operands;

	if (!build_grow(b, &items, p->operands_count, &b->operands_capacity, sizeof(*p->operands)))
		return;
	p->operands = items;
	p->operands[p->operands_count++] = *operand;
	p->nodes[node].count++;
}

static bool same_subject(const struct subject *s, enum subject_kind kind, struct str name)
{
	if (s->kind != kind)
		return false;
	return kind == SUBJECT_HEADER ? header_name_fold_equal(s->name, name)
				      : str_equal(s->name, name);
}

/* "realm_access/roles" goes from object to object; a URL is one name, as some providers use. */
static bool split_claim(struct build *b, struct subject *s)
{
	bool is_url = str_find(s->name, STR("://")) != STR_NONE;
	struct str rest = s->name, part;
	size_t count = 1;
	struct str *parts;

	for (size_t i = 0; i < s->name.len; i++)
		count += !is_url && s->name.ptr[i] == '/';
	parts = arena_alloc_array(b->p->arena, count, sizeof(*parts));
	if (!parts)
		return false;
	s->parts = parts;
	if (is_url)
		parts[s->parts_count++] = s->name;
	while (!is_url && str_next(&rest, '/', &part))
		parts[s->parts_count++] = part;
	return true;
}

bool build_subject(struct build *b, enum subject_kind kind, struct str name, uint16_t *ret_index)
{
	struct policy *p = b->p;
	struct subject *s;
	void *items = p->subjects;

	for (size_t i = 0; i < p->subjects_count; i++) {
		if (same_subject(&p->subjects[i], kind, name)) {
			*ret_index = (uint16_t)i;
			return true;
		}
	}
	if (b->is_full)
		return false;
	if (p->subjects_count == POLICY_MAX_SUBJECTS) {
		place_fault(&b->at,
			    "a policy judges at most %d different claims, headers, "
			    "parameters and device facts",
			    POLICY_MAX_SUBJECTS);
		b->is_full = true;
		return false;
	}
	if (!build_grow(b, &items, p->subjects_count, &b->subjects_capacity, sizeof(*p->subjects)))
		return false;
	p->subjects = items;
	s = &p->subjects[p->subjects_count];
	*s = (struct subject){.kind = kind, .name = arena_str(p->arena, name)};
	s->is_email = kind == SUBJECT_CLAIM && str_equal(name, STR("email"));
	if (kind == SUBJECT_CLAIM && !split_claim(b, s)) {
		build_out_of_memory(b);
		return false;
	}
	*ret_index = (uint16_t)p->subjects_count++;
	return true;
}

bool build_value(struct build *b, uint16_t subject, struct str text, uint32_t *ret)
{
	if (b->is_full)
		return false;
	*ret = policy_add_value(b->p, subject, text);
	if (*ret != VALUE_NONE)
		return true;
	if (b->p->values_count == POLICY_MAX_VALUES)
		place_fault(&b->at, "a policy compares with at most %d different strings",
			    POLICY_MAX_VALUES);
	else
		build_out_of_memory(b);
	b->is_full = true;
	return false;
}

bool build_zone(struct build *b, struct str name, uint16_t *ret_index)
{
	struct policy *p = b->p;
	struct error err = {0};

	for (size_t i = 0; i < p->zones_count; i++) {
		if (str_equal(p->zones[i].name, name)) {
			*ret_index = (uint16_t)i;
			return true;
		}
	}
	if (p->zones_count == POLICY_MAX_ZONES) {
		place_fault(&b->at, "a policy names at most %d time zones", POLICY_MAX_ZONES);
		return false;
	}
	if (!p->zones)
		p->zones = arena_alloc_array(p->arena, POLICY_MAX_ZONES, sizeof(*p->zones));
	if (!p->zones) {
		build_out_of_memory(b);
		return false;
	}
	if (!zone_load(p->arena, name, &p->zones[p->zones_count], &err)) {
		place_fault(&b->at, "%s", err.text);
		return false;
	}
	*ret_index = (uint16_t)p->zones_count++;
	return true;
}

/* The size of a node with all that belongs to it. */
static size_t node_span(const struct node *n)
{
	return n->kind == NODE_ALL || n->kind == NODE_ANY || n->kind == NODE_NOT ? n->count : 1;
}

/* Copy the tree at from[at] behind to[*count]. The depth is that of the JSON text. */
static void arrange(const struct node *from, size_t at, struct node *to, size_t *count)
{
	size_t span = node_span(&from[at]);
	size_t here;

	if ((from[at].kind == NODE_ALL || from[at].kind == NODE_ANY) && span > 1 &&
	    span == 1 + node_span(&from[at + 1])) {
		arrange(from, at + 1, to, count); /* a group of one is that one */
		return;
	}
	here = (*count)++;
	to[here] = from[at];
	if (span == 1)
		return;
	for (unsigned kind = 0; kind <= NODE_REFERENCE; kind++) {
		for (size_t m = at + 1; m < at + span; m += node_span(&from[m])) {
			if (from[m].kind == kind)
				arrange(from, m, to, count);
		}
	}
	to[here].count = (uint32_t)(*count - here);
}

void build_arrange(struct build *b)
{
	struct policy *p = b->p;
	struct node *nodes = arena_alloc_array(p->arena, p->nodes_count, sizeof(*nodes));
	size_t count = 0, at;

	if (!nodes) {
		build_out_of_memory(b);
		return;
	}
	for (size_t i = 0; i < p->conditions_count; i++) {
		at = count;
		arrange(p->nodes, p->conditions[i], nodes, &count);
		p->conditions[i] = (uint32_t)at;
	}
	for (size_t i = 0; i < p->rules_count; i++) {
		at = count;
		arrange(p->nodes, p->rules[i].node, nodes, &count);
		p->rules[i].node = (uint32_t)at;
	}
	p->nodes = nodes;
	p->nodes_count = count;
}
