/*
 * policy/subject.c - reading conditions on claims, headers, parameters and device facts.
 *
 * What is compared is a string, a number or a bool; strings are numbered per subject, so
 * that a decision looks each seen string up once, however many conditions name it.
 */
#include "policy/subject.h"

#include <stdlib.h>

#include "http/header.h"
#include "policy/operand.h"

/* What stands behind an operator. */
enum shape { SHAPE_SCALAR, SHAPE_SCALARS, SHAPE_STRING, SHAPE_STRINGS, SHAPE_BOOL, SHAPE_NUMBER };
struct operator_word {
	const char *key;
	enum subject_operator operator;
	enum shape shape;
};
static const struct operator_word operators[] = {
	{"is", OPERATOR_IS, SHAPE_SCALAR},
	{"in", OPERATOR_IN, SHAPE_SCALARS},
	{"has", OPERATOR_HAS, SHAPE_STRING},
	{"has_any", OPERATOR_HAS_ANY, SHAPE_STRINGS},
	{"has_all", OPERATOR_HAS_ALL, SHAPE_STRINGS},
	{"exists", OPERATOR_EXISTS, SHAPE_BOOL},
	{"starts_with", OPERATOR_STARTS_WITH, SHAPE_STRING},
	{"ends_with", OPERATOR_ENDS_WITH, SHAPE_STRING},
	{"at_least", OPERATOR_AT_LEAST, SHAPE_NUMBER},
	{"at_most", OPERATOR_AT_MOST, SHAPE_NUMBER},
};

bool subject_is_operator(struct str key)
{
	for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
		if (str_equal(key, str_from(operators[i].key)))
			return true;
	}
	return false;
}

const char *subject_operator_word(size_t index)
{
	return index < ARRAY_LEN(operators) ? operators[index].key : NULL;
}

const char *subject_operator_form(size_t index, enum subject_kind kind)
{
	bool is_text = kind == SUBJECT_HEADER || kind == SUBJECT_QUERY;

	switch (operators[index].shape) {
	case SHAPE_SCALAR: return is_text ? "string" : "scalar";
	case SHAPE_SCALARS: return is_text ? "string_list" : "scalar_list";
	case SHAPE_STRING: return operators[index].operator== OPERATOR_HAS ? "string" : "text";
	case SHAPE_STRINGS: return "string_list";
	case SHAPE_BOOL: return "flag";
	case SHAPE_NUMBER: return is_text ? NULL : "number";
	}
	return NULL;
}

static bool read_scalar(struct build *b, uint16_t subject, const struct json *v, struct scalar *ret)
{
	switch (json_type(v)) {
	case JSON_STRING:
		ret->type = SCALAR_STRING;
		return build_value(b, subject, json_str(v), &ret->value);
	case JSON_NUMBER:
		*ret = (struct scalar){.type = SCALAR_NUMBER, .number = json_number(v)};
		break;
	case JSON_BOOL: *ret = (struct scalar){.type = SCALAR_BOOL, .number = json_bool(v)}; break;
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		place_fault(&b->at, "a string, a number, true or false belongs here, not %s",
			    json_type_name(json_type(v)));
		return false;
	}
	if (b->p->subjects[subject].kind == SUBJECT_HEADER ||
	    b->p->subjects[subject].kind == SUBJECT_QUERY) {
		place_fault(&b->at, "headers and parameters are strings: write \"...\"");
		return false;
	}
	return true;
}

static void add_scalar(struct build *b, size_t at, uint16_t subject, const struct json *v)
{
	union operand operand = {0};

	if (read_scalar(b, subject, v, &operand.scalar))
		build_operand(b, at, &operand);
}

static int compare_operands(const void *a, const void *b)
{
	return scalar_compare(&((const union operand *)a)->scalar,
			      &((const union operand *)b)->scalar);
}

static void read_scalars(struct build *b, size_t at, uint16_t subject, const struct json *v)
{
	struct node *n;
	size_t index = 0;

	if (!place_expect_some(&b->at, v, JSON_ARRAY))
		return;
	for (const struct json *m = json_first(v); m; m = json_next(m)) {
		size_t mark = place_enter_index(&b->at, index++);

		add_scalar(b, at, subject, m);
		place_leave(&b->at, mark);
	}
	n = &b->p->nodes[at];
	if (n->count)
		qsort(b->p->operands + n->first, n->count, sizeof(*b->p->operands),
		      compare_operands);
}

static void read_members_of_list(struct build *b, size_t at, uint16_t subject, const struct json *v)
{
	struct place_strings walk;
	struct str text;

	if (!json_is(v, JSON_ARRAY)) {
		place_expect(&b->at, v, JSON_ARRAY);
		return;
	}
	for (bool ok = place_strings_first(&b->at, v, &walk, &text); ok;
	     ok = place_strings_next(&b->at, &walk, &text)) {
		union operand operand = {.scalar = {.type = SCALAR_STRING}};

		if (build_value(b, subject, text, &operand.scalar.value))
			build_operand(b, at, &operand);
	}
}

/* "has" compares with values, "starts_with" and "ends_with" with the text itself. */
static void read_one_string(struct build *b, size_t at, uint16_t subject,
			    const struct operator_word *o, const struct json *v)
{
	union operand operand = {0};

	if (!place_expect(&b->at, v, JSON_STRING))
		return;
	if (o->operator== OPERATOR_HAS)
		add_scalar(b, at, subject, v);
	else if (operand_text(b, json_str(v), &operand))
		build_operand(b, at, &operand);
}

static void read_operand(struct build *b, size_t at, uint16_t subject,
			 const struct operator_word *o, const struct json *v)
{
	union operand operand = {0};

	switch (o->shape) {
	case SHAPE_SCALAR: add_scalar(b, at, subject, v); break;
	case SHAPE_SCALARS: read_scalars(b, at, subject, v); break;
	case SHAPE_STRING: read_one_string(b, at, subject, o, v); break;
	case SHAPE_STRINGS: read_members_of_list(b, at, subject, v); break;
	case SHAPE_BOOL:
		if (place_expect(&b->at, v, JSON_BOOL))
			b->p->nodes[at].first = json_bool(v);
		break;
	case SHAPE_NUMBER:
		operand.scalar = (struct scalar){.type = SCALAR_NUMBER, .number = json_number(v)};
		if (place_expect(&b->at, v, JSON_NUMBER))
			build_operand(b, at, &operand);
		break;
	}
}

static bool subject_name_check(struct build *b, enum subject_kind kind, struct str name)
{
	bool is_url = str_find(name, STR("://")) != STR_NONE;

	if (!name.len) {
		place_fault(&b->at, "an empty name is likely a slip");
		return false;
	}
	if (kind == SUBJECT_HEADER && !header_name_is_token(name)) {
		place_fault(&b->at, "a header name is a token such as \"X-Team\"");
		return false;
	}
	if (kind == SUBJECT_CLAIM && !is_url &&
	    (name.ptr[0] == '/' || name.ptr[name.len - 1] == '/' ||
	     str_find(name, STR("//")) != STR_NONE)) {
		place_fault(&b->at, "a claim path is names with '/' between them: "
				    "\"realm_access/roles\"");
		return false;
	}
	return true;
}

/* The one operator of the object; NULL, and a fault, when there is none or more. */
static const struct operator_word *find_operator(struct build *b, const struct json *object,
						 enum subject_kind kind)
{
	const struct operator_word *found = NULL;
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
		if (!json_get(object, operators[i].key))
			continue;
		found = &operators[i];
		count++;
	}
	if (count != 1) {
		place_fault(&b->at,
			    count ? "one condition has exactly one operator: join two with \"all\""
				  : "an operator is missing, such as \"is\", \"has\" or "
				    "\"exists\"");
		return NULL;
	}
	if (found->shape == SHAPE_NUMBER && kind != SUBJECT_CLAIM) {
		place_fault(&b->at, "\"%s\" compares numbers; headers and parameters are strings",
			    found->key);
		return NULL;
	}
	return found;
}

void subject_read(struct build *b, enum subject_kind kind, const char *key,
		  const struct json *object)
{
	const struct json *name = json_get(object, key);
	const struct operator_word *o = find_operator(b, object, kind);
	size_t mark = place_enter(&b->at, str_from(key)), at;
	uint16_t subject;
	bool ok = place_expect(&b->at, name, JSON_STRING) &&
		  subject_name_check(b, kind, json_str(name)) && o &&
		  build_subject(b, kind, json_str(name), &subject) &&
		  build_node(b, NODE_SUBJECT, o->operator, & at);

	place_leave(&b->at, mark);
	if (!ok)
		return;
	b->p->nodes[at].index = subject;
	mark = place_enter(&b->at, str_from(o->key));
	read_operand(b, at, subject, o, json_get(object, o->key));
	place_leave(&b->at, mark);
}

void subject_read_device(struct build *b, const struct json *v)
{
	size_t group, at;
	uint16_t subject;

	if (!place_expect_some(&b->at, v, JSON_OBJECT) || !build_node(b, NODE_ALL, 0, &group))
		return;
	for (const struct json *m = json_first(v); m; m = json_next(m)) {
		size_t mark = place_enter(&b->at, json_key(m));

		if (build_subject(b, SUBJECT_DEVICE, json_key(m), &subject) &&
		    build_node(b, NODE_SUBJECT, OPERATOR_IS, &at)) {
			b->p->nodes[at].index = subject;
			add_scalar(b, at, subject, m);
		}
		place_leave(&b->at, mark);
	}
	build_close(b, group);
}
