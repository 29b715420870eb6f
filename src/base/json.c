/*
 * base/json.c - parsed JSON; the one user of cJSON.
 *
 * A struct json is a cJSON node under another name. Strings need no length of their
 * own: \u0000 was refused before cJSON saw the text. The text is kept, because a fault
 * found in a value must be named by its line, and few values are ever at fault: lines
 * are counted when asked for.
 */
#include "base/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_check.h"
#include "base/secret.h"

struct json_doc {
	char *text; /* ends in NUL */
	size_t len;
	cJSON *root;
};

static const cJSON *node_of(const struct json *v)
{
	return (const cJSON *)(const void *)v;
}

static const struct json *value_of(const cJSON *node)
{
	return (const struct json *)(const void *)node;
}

/* All nodes of a tree, parents first. Begins with the root; NULL at the end. */
struct walk {
	cJSON *parents[JSON_MAX_DEPTH];
	unsigned depth;
};

static cJSON *walk_next(struct walk *w, cJSON *node)
{
	if (node->child) {
		ASSERT(w->depth < JSON_MAX_DEPTH); /* json_check() saw to it */
		w->parents[w->depth++] = node;
		return node->child;
	}
	while (!node->next && w->depth > 0)
		node = w->parents[--w->depth];
	return node->next;
}

static void wipe_strings(cJSON *root)
{
	struct walk w = {.depth = 0};

	for (cJSON *node = root; node; node = walk_next(&w, node)) {
		if (cJSON_IsString(node))
			secret_wipe(node->valuestring, strlen(node->valuestring));
	}
}

void json_doc_free(struct json_doc *doc)
{
	if (!doc)
		return;
	wipe_strings(doc->root);
	cJSON_Delete(doc->root);
	secret_wipe(doc->text, doc->len);
	free(doc->text);
	free(doc);
}

/* --- Duplicate keys */

struct member {
	const cJSON *node;
	size_t position;
};

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = strcmp(x->node->string, y->node->string);

	return order ? order : (x->position > y->position) - (x->position < y->position);
}

enum { SORT_FROM = 16 }; /* below, comparing all pairs is cheaper than sorting */

static const cJSON *duplicate_among_few(const cJSON *object)
{
	for (const cJSON *later = object->child; later; later = later->next) {
		for (const cJSON *earlier = object->child; earlier != later;
		     earlier = earlier->next) {
			if (strcmp(earlier->string, later->string) == 0)
				return later;
		}
	}
	return NULL;
}

/* Sorted: a document of many keys must not cost the square of their number. */
static bool duplicate_among_many(const cJSON *object, size_t count, const cJSON **ret_second)
{
	struct member *members = calloc(count, sizeof(*members));
	size_t i = 0;

	if (!members)
		return false;
	for (const cJSON *node = object->child; node; node = node->next, i++)
		members[i] = (struct member){node, i};
	qsort(members, count, sizeof(*members), compare_members);
	for (i = 1; i < count && !*ret_second; i++) {
		if (strcmp(members[i - 1].node->string, members[i].node->string) == 0)
			*ret_second = members[i].node;
	}
	free(members);
	return true;
}

static size_t position_in(const cJSON *parent, const cJSON *child)
{
	size_t position = 0;

	for (const cJSON *node = parent->child; node != child; node = node->next)
		position++;
	return position;
}

static bool fault_duplicate(const struct json_doc *doc, const struct walk *w, const cJSON *object,
			    const cJSON *second, struct error *err)
{
	char pointer[sizeof(err->pointer)] = "";
	size_t steps[JSON_MAX_DEPTH + 1];
	size_t count = 0;
	const cJSON *parent = doc->root;

	for (unsigned i = 1; i <= w->depth + 1; i++) {
		const cJSON *child = i < w->depth ? w->parents[i] : i == w->depth ? object : second;

		steps[count] = position_in(parent, child);
		if (cJSON_IsObject(parent))
			json_pointer_push(pointer, sizeof(pointer), str_from(child->string));
		else
			json_pointer_push_index(pointer, sizeof(pointer), steps[count]);
		count++;
		parent = child;
	}
	error_set(err, ERR_SYNTAX, "the key stands twice in this object");
	error_at_pointer(err, pointer);
	if (err && err->line == 0) {
		struct str text = str_from_len(doc->text, doc->len);

		err->line = json_line_of(text, json_locate(text, steps, count));
	}
	return false;
}

static bool check_duplicates(const struct json_doc *doc, struct error *err)
{
	struct walk w = {.depth = 0};

	for (cJSON *node = doc->root; node; node = walk_next(&w, node)) {
		const cJSON *second = NULL;
		size_t count = cJSON_IsObject(node) ? json_count(value_of(node)) : 0;

		if (count < SORT_FROM)
			second = count ? duplicate_among_few(node) : NULL;
		else if (!duplicate_among_many(node, count, &second))
			return error_set(err, ERR_NOMEM,
					 "no memory to check the keys of an object");
		if (second)
			return fault_duplicate(doc, &w, node, second, err);
	}
	return true;
}

/* --- Parsing */

static bool copy_text(struct json_doc *doc, struct str text)
{
	doc->text = malloc(text.len + 1);
	if (!doc->text)
		return false;
	if (text.len > 0)
		memcpy(doc->text, text.ptr, text.len);
	doc->text[text.len] = '\0';
	doc->len = text.len;
	return true;
}

static bool parse(struct json_doc *doc, struct str text, struct error *err)
{
	const char *end = NULL;

	if (!json_check(text, err))
		return false;
	if (!copy_text(doc, text))
		return error_set(err, ERR_NOMEM, "no memory to keep the text");
	/* What passed the check is JSON to cJSON too: it can only fail for memory. */
	doc->root = cJSON_ParseWithLengthOpts(doc->text, doc->len + 1, &end, true);
	if (!doc->root)
		return error_set(err, ERR_NOMEM, "no memory to parse the text");
	return check_duplicates(doc, err);
}

bool json_parse(struct str text, size_t max, const char *file, struct json_doc **ret_doc,
		struct error *err)
{
	struct json_doc *doc = NULL;

	if (text.len > max) {
		error_set(err, ERR_LIMIT, "larger than %zu bytes", max);
		goto fail;
	}
	doc = calloc(1, sizeof(*doc));
	if (!doc) {
		error_set(err, ERR_NOMEM, "no memory for a document");
		goto fail;
	}
	if (!parse(doc, text, err))
		goto fail;
	*ret_doc = doc;
	return true;
fail:
	error_at_file(err, file);
	json_doc_free(doc);
	return false;
}

const struct json *json_root(const struct json_doc *doc)
{
	return value_of(doc->root);
}

/* --- Lines */

/* Is token, with its ~0 and ~1, this key? */
static bool token_is(struct str token, const char *key)
{
	for (; token.len > 0; token = str_after(token, 1), key++) {
		char c = token.ptr[0];

		if (c == '~' && token.len > 1 && (token.ptr[1] == '0' || token.ptr[1] == '1')) {
			c = token.ptr[1] == '0' ? '~' : '/';
			token = str_after(token, 1);
		}
		if (c != *key)
			return false;
	}
	return *key == '\0';
}

/* The child of parent that token names, and its position; NULL when there is none. */
static const cJSON *child_at(const cJSON *parent, struct str token, size_t *ret_position)
{
	bool is_object = cJSON_IsObject(parent);
	uint64_t index = 0;
	size_t position = 0;

	if (!is_object && (!str_to_u64(token, &index) || (token.len > 1 && token.ptr[0] == '0')))
		return NULL;
	for (const cJSON *node = parent->child; node; node = node->next, position++) {
		if (is_object ? token_is(token, node->string) : position == index) {
			*ret_position = position;
			return node;
		}
	}
	return NULL;
}

unsigned json_line(const struct json_doc *doc, const char *pointer)
{
	struct str text = str_from_len(doc->text, doc->len);
	const cJSON *node = doc->root;
	size_t steps[JSON_MAX_DEPTH];
	size_t count = 0;

	if (pointer[0] != '\0' && pointer[0] != '/')
		return 0;
	while (pointer[0] == '/' && node && count < ARRAY_LEN(steps)) {
		size_t len = strcspn(pointer + 1, "/");

		node = child_at(node, str_from_len(pointer + 1, len), &steps[count]);
		if (node)
			count++;
		pointer += 1 + len;
	}
	return json_line_of(text, json_locate(text, steps, count));
}

/* --- Values */

enum json_type json_type(const struct json *v)
{
	const cJSON *node = node_of(v);

	if (cJSON_IsBool(node))
		return JSON_BOOL;
	if (cJSON_IsNumber(node))
		return JSON_NUMBER;
	if (cJSON_IsString(node))
		return JSON_STRING;
	if (cJSON_IsArray(node))
		return JSON_ARRAY;
	return cJSON_IsObject(node) ? JSON_OBJECT : JSON_NULL;
}

const char *json_type_name(enum json_type type)
{
	switch (type) {
	case JSON_NULL: return "null";
	case JSON_BOOL: return "true or false";
	case JSON_NUMBER: return "a number";
	case JSON_STRING: return "a string";
	case JSON_ARRAY: return "an array";
	case JSON_OBJECT: return "an object";
	}
	return "no value";
}

bool json_is(const struct json *v, enum json_type type)
{
	return v && json_type(v) == type;
}

const struct json *json_get(const struct json *v, const char *key)
{
	return json_get_str(v, str_from(key));
}

const struct json *json_get_str(const struct json *v, struct str key)
{
	if (!json_is(v, JSON_OBJECT))
		return NULL;
	for (const cJSON *node = node_of(v)->child; node; node = node->next) {
		if (str_equal(str_from(node->string), key))
			return value_of(node);
	}
	return NULL;
}

struct str json_str(const struct json *v)
{
	return json_is(v, JSON_STRING) ? str_from(node_of(v)->valuestring) : STR("");
}

bool json_bool(const struct json *v)
{
	return cJSON_IsTrue(node_of(v));
}

double json_number(const struct json *v)
{
	return json_is(v, JSON_NUMBER) ? node_of(v)->valuedouble : 0;
}

bool json_i64(const struct json *v, int64_t *ret_value)
{
	const double limit = 9007199254740992; /* 2^53: from here on doubles skip whole numbers */
	double number = json_number(v);

	if (!json_is(v, JSON_NUMBER) || fabs(number) >= limit || floor(number) != number)
		return false;
	*ret_value = (int64_t)number;
	return true;
}

size_t json_count(const struct json *v)
{
	size_t count = 0;

	for (const struct json *child = json_first(v); child; child = json_next(child))
		count++;
	return count;
}

const struct json *json_first(const struct json *v)
{
	return v ? value_of(node_of(v)->child) : NULL;
}

const struct json *json_next(const struct json *v)
{
	return value_of(node_of(v)->next);
}

struct str json_key(const struct json *v)
{
	return str_from(node_of(v)->string);
}

const char *json_library_version(void)
{
	return cJSON_Version();
}
