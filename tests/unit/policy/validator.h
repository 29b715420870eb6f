/*
 * tests/unit/policy/validator.h - is a value valid by a JSON Schema?
 *
 * It knows the keywords that are emitted and no others: a new one fails the test until it
 * is checked here as well.
 */
#ifndef TESTS_UNIT_POLICY_VALIDATOR_H
#define TESTS_UNIT_POLICY_VALIDATOR_H

#include <regex.h>

#include "tests/unit/base/check.h"

#include "policy/policy.h"

static inline bool validate(const struct json *root, const struct json *schema,
			    const struct json *v);

/* A keyword: does v satisfy it? value is what stands behind it in schema. */
typedef bool keyword_check(const struct json *root, const struct json *schema,
			   const struct json *value, const struct json *v);

static bool check_annotation(const struct json *root, const struct json *schema,
			     const struct json *value, const struct json *v)
{
	(void)root, (void)schema, (void)value, (void)v;
	return true;
}

static bool check_ref(const struct json *root, const struct json *schema, const struct json *value,
		      const struct json *v)
{
	struct str target = json_str(value);
	const struct json *definition;

	(void)schema;
	assert_true(str_starts_with(target, STR("#/$defs/")));
	definition = json_get_str(json_get(root, "$defs"), str_after(target, strlen("#/$defs/")));
	if (!definition)
		fail_msg("nothing defines %s", target.ptr);
	return validate(root, definition, v);
}

static bool is_type(struct str name, const struct json *v)
{
	static const char *const names[] = {"null",   "boolean", "number",
					    "string", "array",	 "object"};

	return str_equal(name, str_from(names[json_type(v)]));
}

static bool check_type(const struct json *root, const struct json *schema, const struct json *value,
		       const struct json *v)
{
	(void)root, (void)schema;
	if (json_is(value, JSON_STRING))
		return is_type(json_str(value), v);
	for (const struct json *m = json_first(value); m; m = json_next(m)) {
		if (is_type(json_str(m), v))
			return true;
	}
	return false;
}

static bool check_const(const struct json *root, const struct json *schema,
			const struct json *value, const struct json *v)
{
	(void)root, (void)schema;
	assert_true(json_is(value, JSON_STRING));
	return json_is(v, JSON_STRING) && str_equal(json_str(value), json_str(v));
}

static bool check_enum(const struct json *root, const struct json *schema, const struct json *value,
		       const struct json *v)
{
	for (const struct json *m = json_first(value); m; m = json_next(m)) {
		if (check_const(root, schema, m, v))
			return true;
	}
	return false;
}

static bool check_pattern(const struct json *root, const struct json *schema,
			  const struct json *value, const struct json *v)
{
	regex_t expression;
	bool ok;

	(void)root, (void)schema;
	if (regcomp(&expression, json_str(value).ptr, REG_EXTENDED | REG_NOSUB) != 0)
		fail_msg("no expression: %s", json_str(value).ptr);
	ok = !json_is(v, JSON_STRING) || regexec(&expression, json_str(v).ptr, 0, NULL, 0) == 0;
	regfree(&expression);
	return ok;
}

/* A limit, and what it is of: strings are counted in bytes, which is enough for ASCII. */
static const struct limit {
	const char *keyword;
	enum json_type type;
	bool is_least;
} limits[] = {
	{"minLength", JSON_STRING, true},     {"maxLength", JSON_STRING, false},
	{"minItems", JSON_ARRAY, true},	      {"maxItems", JSON_ARRAY, false},
	{"minProperties", JSON_OBJECT, true}, {"maxProperties", JSON_OBJECT, false},
};

static bool check_limit(const struct json *root, const struct json *schema,
			const struct json *value, const struct json *v)
{
	int64_t limit, size = (int64_t)(json_is(v, JSON_STRING) ? json_str(v).len : json_count(v));

	(void)root, (void)schema;
	assert_true(json_i64(value, &limit));
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		if (!str_equal(json_key(value), str_from(limits[i].keyword)) ||
		    !json_is(v, limits[i].type))
			continue;
		return limits[i].is_least ? size >= limit : size <= limit;
	}
	return true;
}

static bool check_items(const struct json *root, const struct json *schema,
			const struct json *value, const struct json *v)
{
	(void)schema;
	for (const struct json *m = json_is(v, JSON_ARRAY) ? json_first(v) : NULL; m;
	     m = json_next(m)) {
		if (!validate(root, value, m))
			return false;
	}
	return true;
}

static bool check_required(const struct json *root, const struct json *schema,
			   const struct json *value, const struct json *v)
{
	(void)root, (void)schema;
	for (const struct json *m = json_first(value); m; m = json_next(m)) {
		if (json_is(v, JSON_OBJECT) && !json_get_str(v, json_str(m)))
			return false;
	}
	return true;
}

static bool check_properties(const struct json *root, const struct json *schema,
			     const struct json *value, const struct json *v)
{
	(void)schema;
	for (const struct json *m = json_first(value); m; m = json_next(m)) {
		const struct json *member = json_get_str(v, json_key(m));

		if (member && !validate(root, m, member))
			return false;
	}
	return true;
}

static bool check_additional(const struct json *root, const struct json *schema,
			     const struct json *value, const struct json *v)
{
	const struct json *named = json_get(schema, "properties");

	for (const struct json *m = json_is(v, JSON_OBJECT) ? json_first(v) : NULL; m;
	     m = json_next(m)) {
		if (!json_get_str(named, json_key(m)) && !validate(root, value, m))
			return false;
	}
	return true;
}

/* Names are no values of the document, so each is made one. */
static bool check_names(const struct json *root, const struct json *schema,
			const struct json *value, const struct json *v)
{
	bool ok = true;

	(void)schema;
	for (const struct json *m = json_is(v, JSON_OBJECT) ? json_first(v) : NULL; m;
	     m = json_next(m)) {
		struct json_doc *doc;
		struct error err = {0};
		struct buf text;

		buf_init(&text, POLICY_MAX_BYTES);
		json_append_string(&text, json_key(m));
		assert_true(json_parse(buf_str(&text), POLICY_MAX_BYTES, NULL, &doc, &err));
		ok = ok && validate(root, value, json_root(doc));
		json_doc_free(doc);
		buf_done(&text);
	}
	return ok;
}

static bool check_dependent(const struct json *root, const struct json *schema,
			    const struct json *value, const struct json *v)
{
	(void)schema;
	for (const struct json *m = json_first(value); m; m = json_next(m)) {
		if (json_get_str(v, json_key(m)) && !validate(root, m, v))
			return false;
	}
	return true;
}

static size_t count_valid(const struct json *root, const struct json *list, const struct json *v)
{
	size_t count = 0;

	for (const struct json *m = json_first(list); m; m = json_next(m))
		count += validate(root, m, v);
	return count;
}

static bool check_any_of(const struct json *root, const struct json *schema,
			 const struct json *value, const struct json *v)
{
	(void)schema;
	return count_valid(root, value, v) > 0;
}

static bool check_one_of(const struct json *root, const struct json *schema,
			 const struct json *value, const struct json *v)
{
	(void)schema;
	return count_valid(root, value, v) == 1;
}

static bool check_not(const struct json *root, const struct json *schema, const struct json *value,
		      const struct json *v)
{
	(void)schema;
	return !validate(root, value, v);
}

static bool check_if(const struct json *root, const struct json *schema, const struct json *value,
		     const struct json *v)
{
	const struct json *next = json_get(schema, validate(root, value, v) ? "then" : "else");

	return !next || validate(root, next, v);
}

static const struct {
	const char *name;
	keyword_check *check;
} keywords[] = {
	{"$schema", check_annotation},
	{"$defs", check_annotation},
	{"title", check_annotation},
	{"description", check_annotation},
	{"then", check_annotation}, /* by "if" */
	{"else", check_annotation},
	{"$ref", check_ref},
	{"type", check_type},
	{"const", check_const},
	{"enum", check_enum},
	{"pattern", check_pattern},
	{"minLength", check_limit},
	{"maxLength", check_limit},
	{"minItems", check_limit},
	{"maxItems", check_limit},
	{"minProperties", check_limit},
	{"maxProperties", check_limit},
	{"items", check_items},
	{"required", check_required},
	{"properties", check_properties},
	{"additionalProperties", check_additional},
	{"propertyNames", check_names},
	{"dependentSchemas", check_dependent},
	{"anyOf", check_any_of},
	{"oneOf", check_one_of},
	{"not", check_not},
	{"if", check_if},
};

static inline bool validate(const struct json *root, const struct json *schema,
			    const struct json *v)
{
	bool ok = true;

	if (json_is(schema, JSON_BOOL))
		return json_bool(schema);
	for (const struct json *m = json_first(schema); m && ok; m = json_next(m)) {
		size_t i = 0;

		while (i < ARRAY_LEN(keywords) &&
		       !str_equal(json_key(m), str_from(keywords[i].name)))
			i++;
		if (i == ARRAY_LEN(keywords))
			fail_msg("the keyword \"%s\" is not known here", json_key(m).ptr);
		ok = keywords[i].check(root, schema, m, v);
	}
	return ok;
}

#endif
