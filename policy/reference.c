/*
 * policy/reference.c - named conditions: who refers to whom, how deep, and whether in a circle.
 *
 * A policy may be written by anyone who can open a pull request, so nothing here
 * recurses along references: heights spread in rounds, one per level.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "policy/build.h"

static int compare_named(const void *a, const void *b)
{
	return strcmp(((const struct named_condition *)a)->name,
		      ((const struct named_condition *)b)->name);
}

bool build_names(struct build *b, const struct json *conditions)
{
	struct arena *a = b->p->arena;
	size_t count = json_count(conditions);
	uint32_t index = 0;

	b->named = arena_alloc_array(a, count, sizeof(*b->named));
	b->names = arena_alloc_array(a, count, sizeof(*b->names));
	b->heights = arena_alloc_array(a, count + 1, sizeof(*b->heights));
	b->p->conditions = arena_alloc_array(a, count, sizeof(*b->p->conditions));
	if (!b->named || !b->names || !b->heights || !b->p->conditions) {
		build_out_of_memory(b);
		return false;
	}
	for (const struct json *m = json_first(conditions); m; m = json_next(m), index++) {
		char *name = arena_cstr(a, json_key(m));

		if (!name) {
			build_out_of_memory(b);
			return false;
		}
		b->named[index] = (struct named_condition){name, index};
	}
	b->named_count = count;
	b->p->conditions_count = count;
	if (count)
		qsort(b->named, count, sizeof(*b->named), compare_named);
	for (size_t i = 0; i < count; i++)
		b->names[i] = b->named[i].name;
	return true;
}

static const struct named_condition *find_named(const struct build *b, struct str name)
{
	size_t low = 0, high = b->named_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = str_compare(name, str_from(b->named[middle].name));

		if (!order)
			return &b->named[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

void build_reference(struct build *b, struct str name)
{
	const struct named_condition *named = find_named(b, name);
	void *items = b->references;
	size_t at;

	if (!named) {
		place_unknown(&b->at, "condition", name, b->names, b->named_count);
		return;
	}
	if (!build_node(b, NODE_REFERENCE, 0, &at))
		return;
	b->p->nodes[at].index = (uint16_t)named->index;
	if (!build_grow(b, &items, b->references_count, &b->references_capacity,
			sizeof(*b->references)))
		return;
	b->references = items;
	b->references[b->references_count++] = (struct reference){b->owner, named->index, b->depth};
}

static const char *name_of(const struct build *b, uint32_t index)
{
	for (size_t i = 0; i < b->named_count; i++) {
		if (b->named[i].index == index)
			return b->named[i].name;
	}
	return "";
}

static void enter_condition(struct build *b, uint32_t index, size_t *ret_mark)
{
	*ret_mark = place_enter(&b->at, STR("conditions"));
	(void)place_enter(&b->at, str_from(name_of(b, index)));
}

/* A condition that from refers to and whose height is not known. */
static uint32_t open_target(const struct build *b, const bool *done, uint32_t from)
{
	for (size_t i = 0; i < b->references_count; i++) {
		const struct reference *r = &b->references[i];

		if (r->from == from && !done[r->to])
			return r->to;
	}
	return from;
}

/* From any condition that cannot be settled, following open references leads into a circle. */
static void report_circle(struct build *b, const bool *done)
{
	uint32_t start = 0, next;
	struct buf path;
	size_t mark;

	while (done[start])
		start++;
	for (size_t i = 0; i <= b->named_count; i++)
		start = open_target(b, done, start);
	buf_init(&path, 160); /* what does not fit is left out */
	next = start;
	do {
		next = open_target(b, done, next);
		buf_appendf(&path, " -> %s", name_of(b, next));
	} while (next != start);
	enter_condition(b, start, &mark);
	place_fault(&b->at, "conditions refer to each other in a circle: %s%.*s", name_of(b, start),
		    STR_ARG(buf_str(&path)));
	place_leave(&b->at, mark);
	buf_done(&path);
}

static void report_depth(struct build *b)
{
	size_t mark = place_enter(&b->at, STR("conditions"));

	place_fault(&b->at, "conditions are nested, references followed, more than %d deep",
		    POLICY_MAX_DEPTH);
	place_leave(&b->at, mark);
}

/*
 * One round: settle every owner whose references are all settled. The owner behind the
 * last condition stands for the rules. Returns how many were settled.
 */
static size_t settle(struct build *b, bool *done, bool *blocked)
{
	size_t owners = b->named_count + 1, settled = 0;

	memset(blocked, 0, owners * sizeof(*blocked));
	for (size_t i = 0; i < b->references_count; i++) {
		const struct reference *r = &b->references[i];
		uint32_t height = r->depth + b->heights[r->to];

		if (!done[r->to])
			blocked[r->from] = true;
		else if (b->heights[r->from] < height)
			b->heights[r->from] = height;
	}
	for (size_t i = 0; i < owners; i++) {
		if (!done[i] && !blocked[i]) {
			done[i] = true;
			settled++;
		}
	}
	return settled;
}

static void warn_unused(struct build *b, bool *used)
{
	memset(used, 0, b->named_count * sizeof(*used));
	for (size_t i = 0; i < b->references_count; i++)
		used[b->references[i].to] = true;
	for (uint32_t i = 0; i < b->named_count; i++) {
		size_t mark;

		if (used[i])
			continue;
		enter_condition(b, i, &mark);
		place_warn(&b->at, "nothing refers to this condition");
		place_leave(&b->at, mark);
	}
}

void build_check_references(struct build *b)
{
	size_t owners = b->named_count + 1, open = owners;
	bool *done = arena_alloc_array(b->p->arena, owners, sizeof(*done));
	bool *blocked = arena_alloc_array(b->p->arena, owners, sizeof(*blocked));
	uint32_t highest = 0;

	if (!done || !blocked) {
		build_out_of_memory(b);
		return;
	}
	for (unsigned round = 0; open && round <= POLICY_MAX_DEPTH; round++) {
		size_t settled = settle(b, done, blocked);

		if (!settled) {
			report_circle(b, done);
			return;
		}
		open -= settled;
	}
	for (size_t i = 0; i < owners; i++)
		highest = b->heights[i] > highest ? b->heights[i] : highest;
	if (open || highest > POLICY_MAX_DEPTH)
		report_depth(b);
	warn_unused(b, blocked);
}
