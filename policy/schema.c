/*
 * policy/schema.c - policy files as a JSON Schema.
 *
 * Keys and words come from the tables that read them; each row names, as its form, one of
 * the definitions here. Patterns keep to what POSIX and ECMA-262 both understand: no
 * lookahead, no classes by backslash.
 */
#include "policy/schema.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "config/schema.h"
#include "policy/calendar.h"
#include "policy/condition.h"
#include "policy/parse.h"
#include "policy/subject.h"
#include "policy/test.h"

enum { TEXT_MAX_BYTES = 4096 };

#define DATE   "(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
#define CLOCK  "([01][0-9]|2[0-3]):[0-5][0-9]"
#define OFFSET "[+-]" CLOCK
#define TIME   "[Tt]" CLOCK ":([0-5][0-9]|60)([.][0-9]+)?([Zz]|" OFFSET ")"
#define OCTET  "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define IPV4   OCTET "([.]" OCTET "){3}"
#define IPV6   "[0-9A-Fa-f]*:[0-9A-Fa-f:.]+"
#define LABEL  "[A-Za-z0-9_-]{1,63}"

#define STRING		    "\"type\":\"string\""
#define PATTERN(expression) "{" STRING ",\"pattern\":\"" expression "\"}"
#define LIST_OF(name) \
	"{\"type\":\"array\",\"minItems\":1,\"items\":{\"$ref\":\"#/$defs/" name "\"}}"
#define STRING_OR_LIST "\"type\":[\"string\",\"array\"],\"items\":{" STRING "}"

/* --- Words that the reader has as functions; NULL behind the last. */

static const char *day_word(size_t index)
{
	return calendar_day_name((unsigned)index);
}

static const char *method_word(size_t index)
{
	return index <= FACTS_CLIENT_CERTIFICATE ? facts_method_name((enum facts_method)index)
						 : NULL;
}

/* Of somebody who is signed in: all but "none", the first. */
static const char *identity_method_word(size_t index)
{
	return method_word(index + 1);
}

/* --- What stands behind a key. */

struct definition {
	const char *name;
	const char *help;
	const char *text;		   /* an object with the members of its schema, or ... */
	const char *item;		   /* ... one of that definition or a list of it, or ... */
	const char *(*word)(size_t index); /* ... what it may be */
	const char *limit;		   /* beside text: a keyword and its value */
	int64_t most;
};

static const struct definition definitions[] = {
	/* plain ones */
	{.name = "string", .text = "{" STRING "}"},
	{.name = "text", .text = "{" STRING ",\"minLength\":1}"},
	{.name = "texts", .help = "A string, or a list that means any of them.", .item = "text"},
	{.name = "string_list", .text = LIST_OF("string")},
	{.name = "string_or_list", .text = "{" STRING_OR_LIST "}"},
	{.name = "flag", .text = "{\"type\":\"boolean\"}"},
	{.name = "number", .text = "{\"type\":\"number\"}"},
	{.name = "object", .text = "{\"type\":\"object\"}"},
	{.name = "scalar", .text = "{\"type\":[\"string\",\"number\",\"boolean\"]}"},
	{.name = "scalar_list", .text = LIST_OF("scalar")},

	/* the file */
	{.name = "name",
	 .help = "Of the characters a-z, 0-9, '-', '_' and '.'.",
	 .text = PATTERN("^[a-z0-9._-]+$"),
	 .limit = "maxLength",
	 .most = POLICY_MAX_NAME},
	{.name = "named_conditions",
	 .help = "Conditions that rules and other conditions refer to by name.",
	 .text = "{\"type\":\"object\",\"propertyNames\":{\"$ref\":\"#/$defs/name\"},"
		 "\"additionalProperties\":{\"$ref\":\"#/$defs/condition\"}}",
	 .limit = "maxProperties",
	 .most = POLICY_MAX_CONDITIONS},
	{.name = "rules",
	 .help = "Their order changes nothing: a matching deny beats every allow.",
	 .text = LIST_OF("rule"),
	 .limit = "maxItems",
	 .most = POLICY_MAX_RULES},
	{.name = "message",
	 .help = "One line that the person is shown who is denied.",
	 .text = PATTERN("^[^\\u0001-\\u001f]+$"),
	 .limit = "maxLength",
	 .most = POLICY_MAX_MESSAGE},

	/* conditions */
	{.name = "condition_list", .text = LIST_OF("condition")},
	{.name = "claim_path",
	 .help = "A claim; \"realm_access/roles\" reaches into an object.",
	 .text = PATTERN("://|^[^/]+(/[^/]+)*$")},
	{.name = "header_name",
	 .help = "The name of a header, such as \"X-Team\".",
	 .text = PATTERN("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")},
	{.name = "method",
	 .help = "The request's method, in upper case.",
	 .text = PATTERN("^[!#$%&'*+.^_`|~0-9A-Z-]+$")},
	{.name = "methods", .item = "method"},
	{.name = "host",
	 .help = "A name without port, or \"*.example.com\" for every name below.",
	 .text = PATTERN("^(([*][.])?" LABEL "([.]" LABEL ")*|\\\\[[0-9A-Fa-f:.]{2,}\\\\])[.]?$")},
	{.name = "hosts", .item = "host"},
	{.name = "path",
	 .help = "By whole segments, decoded: '*' is one segment, \"**\" at the end any tail.",
	 .text = "{" STRING ",\"pattern\":\"^/\",\"not\":{\"pattern\":\""
		 "//|/[.][.]?(/|$)|[?#\\\\\\\\\\u0001-\\u001f]|%[0-9A-Fa-f]{2}|"
		 "[^/*][*]|[*][^/*]|[*]{3}|[*]{2}/\"}}"},
	{.name = "paths", .item = "path"},
	{.name = "prefix",
	 .help = "An address or a prefix, such as \"10.0.0.0/8\" or \"2001:db8::/32\".",
	 .text = PATTERN("^(" IPV4 "(/([0-9]|[12][0-9]|3[0-2]))?|" IPV6
			 "(/([0-9]|[1-9][0-9]|1[01][0-9]|12[0-8]))?)$")},
	{.name = "prefixes", .item = "prefix"},
	{.name = "fingerprint",
	 .help = "The SHA-256 of a certificate, 64 hex digits without separators.",
	 .text = PATTERN("^[0-9A-Fa-f]{64}$")},
	{.name = "fingerprints", .item = "fingerprint"},
	{.name = "authentication_method",
	 .help = "How the client proved who it is; \"none\": not at all.",
	 .word = method_word},
	{.name = "authentication_methods", .item = "authentication_method"},
	{.name = "duration",
	 .help = "Whole seconds, more than none, with a unit: \"30s\", \"12h\", \"7d\".",
	 .text = PATTERN("^0*[1-9][0-9]*(s|m|h|d|000ms)$")},
	{.name = "device",
	 .help = "Facts about the device, and the value that each must have.",
	 .text = "{\"type\":\"object\",\"minProperties\":1,"
		 "\"additionalProperties\":{\"$ref\":\"#/$defs/scalar\"}}"},
	{.name = "moment",
	 .help = "A date, \"2027-01-31\", or a date-time with its offset (RFC 3339).",
	 .text = PATTERN("^" DATE "(" TIME ")?$")},
	{.name = "day", .word = day_word},
	{.name = "days", .item = "day"},
	{.name = "hours",
	 .help = "Such as \"09:00-17:30\"; \"22:00-06:00\" goes over midnight.",
	 .text = PATTERN("^" CLOCK "-(00:(0[1-9]|[1-5][0-9])|(0[1-9]|1[0-9]|2[0-3]):[0-5][0-9]"
			 "|24:00)$")},
	{.name = "zone",
	 .help = "\"UTC\", an offset such as \"+02:00\", or a name such as \"Europe/Berlin\".",
	 .text = PATTERN("^(" OFFSET "|[A-Za-z][A-Za-z0-9_+/-]{0,63})$")},

	/* tests */
	{.name = "tests",
	 .help = "They run whenever the file is loaded; one that fails keeps it from being used.",
	 .text = "{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/test\"}}"},
	{.name = "identity",
	 .help = "The claims of who is signed in, and how; absent: nobody is.",
	 .text = "{\"type\":\"object\",\"properties\":{"
		 "\"method\":{\"$ref\":\"#/$defs/identity_method\"},"
		 "\"provider\":{" STRING "},\"acr\":{" STRING "},"
		 "\"amr\":{\"$ref\":\"#/$defs/string_or_list\"},"
		 "\"auth_age\":{\"$ref\":\"#/$defs/age\"}}}"},
	{.name = "identity_method", .word = identity_method_word},
	{.name = "age",
	 .help = "How long ago, with a unit: \"30s\", \"12h\".",
	 .text = PATTERN("^([0-9]+(ms|s|m|h|d))?$")},
	{.name = "deciding_rule",
	 .help = "The id of the rule that must decide.",
	 .text = PATTERN("^[a-z0-9._-]*$"),
	 .limit = "maxLength",
	 .most = POLICY_MAX_NAME},
	{.name = "request_path",
	 .help = "Decoded; what stands behind '?' is the \"query\".",
	 .text = PATTERN("^/[^?]*$")},
	{.name = "request_address", .text = PATTERN("^(" IPV4 "|" IPV6 ")?$")},
	{.name = "request_time",
	 .help = "A date-time with its offset, \"2027-01-31T09:00:00Z\" (RFC 3339).",
	 .text = PATTERN("^(" DATE TIME ")?$")},
	{.name = "request_headers",
	 .help = "From names to a value or a list of values.",
	 .text = "{\"type\":\"object\",\"propertyNames\":{\"$ref\":\"#/$defs/header_name\"},"
		 "\"additionalProperties\":{" STRING_OR_LIST ",\"minItems\":1}}"},
};

/* --- Objects of a key table. */

struct object {
	const char *name;
	const char *help;
	const struct key_table *keys;
	const char *text; /* what one key demands of another; NULL: nothing */
};

static const struct object objects[] = {
	{"rule", "It allows or denies the requests of which its condition is true.",
	 &parse_rule_keys,
	 "{\"if\":{\"properties\":{\"mode\":{\"const\":\"shadow\"}},\"required\":[\"mode\"]},"
	 "\"then\":{\"required\":[\"until\"]},\"else\":{\"properties\":{\"until\":false}},"
	 "\"dependentSchemas\":{\"message\":"
	 "{\"properties\":{\"effect\":{\"const\":\"deny\"}}}}}"},
	{"test", "A request, who makes it, and the answer that is expected.", &test_test_keys,
	 NULL},
	{"request", "What the test leaves out has its usual value.", &test_request_keys, NULL},
	{"presented_certificate", "The verified certificate of the client.", &test_certificate_keys,
	 NULL},
};

/* --- Objects whose members must all hold. */

struct members {
	const char *name;
	const char *help;
	enum condition_table table;
	const char *text;
};

static const struct members members[] = {
	{"client_certificate", "What the client's verified certificate says.",
	 CONDITION_CERTIFICATE, NULL},
	{"authentication", "How, where and when the person authenticated.",
	 CONDITION_AUTHENTICATION, NULL},
	{"time", "The day and the hour, read in the zone.", CONDITION_TIME,
	 "{\"dependentSchemas\":{\"zone\":{\"minProperties\":2}}}"},
};

/* --- Writing. */

static void write_type(struct json_writer *w, const char *type)
{
	json_write_str(w, "type", str_from(type));
}

static void write_help(struct json_writer *w, const char *help)
{
	if (help)
		json_write_str(w, "description", str_from(help));
}

/* The members of an object of the tables above; NULL: none. */
static void write_text(struct json_writer *w, const char *text)
{
	struct json_doc *doc;
	struct error err = {0};

	if (!text)
		return;
	if (!json_parse(str_from(text), TEXT_MAX_BYTES, NULL, &doc, &err)) {
		ASSERT(err.kind == ERR_NOMEM);
		w->buf->failed = true;
		return;
	}
	for (const struct json *m = json_first(json_root(doc)); m; m = json_next(m))
		json_write_value(w, json_key(m).ptr, m);
	json_doc_free(doc);
}

static void write_reference(struct json_writer *w, const char *key, const char *name)
{
	char target[64];

	snprintf(target, sizeof(target), "#/$defs/%s", name);
	json_write_object(w, key);
	json_write_str(w, "$ref", str_from(target));
	json_write_end(w);
}

static void write_required(struct json_writer *w, const char *name)
{
	json_write_array(w, "required");
	json_write_str(w, NULL, str_from(name));
	json_write_end(w);
}

static void write_one_or_list(struct json_writer *w, const char *item)
{
	json_write_array(w, "anyOf");
	write_reference(w, NULL, item);
	json_write_object(w, NULL);
	write_type(w, "array");
	json_write_i64(w, "minItems", 1);
	write_reference(w, "items", item);
	json_write_end(w);
	json_write_end(w);
}

static void write_definition(struct json_writer *w, const struct definition *d)
{
	json_write_object(w, d->name);
	write_help(w, d->help);
	write_text(w, d->text);
	if (d->limit)
		json_write_i64(w, d->limit, d->most);
	if (d->item)
		write_one_or_list(w, d->item);
	if (d->word) {
		json_write_array(w, "enum");
		for (size_t i = 0; d->word(i); i++)
			json_write_str(w, NULL, str_from(d->word(i)));
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_key(struct json_writer *w, const struct key *k)
{
	if (k->form) {
		write_reference(w, k->name, k->form);
		return;
	}
	json_write_object(w, k->name);
	json_write_array(w, "enum");
	for (size_t i = 0; i < k->words_count; i++)
		json_write_str(w, NULL, str_from(k->words[i]));
	json_write_end(w);
	json_write_end(w);
}

static void write_keys(struct json_writer *w, const struct key_table *table)
{
	bool any = false;

	write_type(w, "object");
	json_write_object(w, "properties");
	for (size_t i = 0; i < table->count; i++) {
		write_key(w, &table->keys[i]);
		any = any || table->keys[i].is_required;
	}
	json_write_end(w);
	if (any) {
		json_write_array(w, "required");
		for (size_t i = 0; i < table->count; i++)
			if (table->keys[i].is_required)
				json_write_str(w, NULL, str_from(table->keys[i].name));
		json_write_end(w);
	}
	json_write_bool(w, "additionalProperties", false);
}

static void write_words(struct json_writer *w, enum condition_table table)
{
	for (size_t i = 0; condition_word(table, i); i++)
		write_reference(w, condition_word(table, i), condition_form(table, i));
}

static void write_members(struct json_writer *w, const struct members *m)
{
	json_write_object(w, m->name);
	write_help(w, m->help);
	write_type(w, "object");
	json_write_object(w, "properties");
	write_words(w, m->table);
	json_write_end(w);
	json_write_i64(w, "minProperties", 1);
	json_write_bool(w, "additionalProperties", false);
	write_text(w, m->text);
	json_write_end(w);
}

/* --- One condition: exactly one word, and beside some of them exactly one operator. */

/* The operators whose operand is another one, or none, than that of a claim. */
static void write_operators(struct json_writer *w, enum subject_kind kind)
{
	json_write_object(w, "properties");
	for (size_t i = 0; condition_word(CONDITION_OPERATORS, i); i++) {
		const char *word = condition_word(CONDITION_OPERATORS, i);
		const char *form = subject_operator_form(i, kind);

		if (!form)
			json_write_bool(w, word, false);
		else if (strcmp(form, condition_form(CONDITION_OPERATORS, i)) != 0)
			write_reference(w, word, form);
	}
	json_write_end(w);
}

static void write_word_demands(struct json_writer *w)
{
	json_write_object(w, "dependentSchemas");
	for (size_t i = 0; condition_word(CONDITION_WORDS, i); i++) {
		enum subject_kind kind;

		json_write_object(w, condition_word(CONDITION_WORDS, i));
		if (!condition_takes_operator(i, &kind)) {
			json_write_i64(w, "maxProperties", 1);
		} else {
			json_write_i64(w, "minProperties", 2);
			if (kind != SUBJECT_CLAIM)
				write_operators(w, kind);
		}
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_condition(struct json_writer *w)
{
	json_write_object(w, "condition");
	write_help(w, "Exactly one word; beside \"claim\", \"header\" and \"query\" one operator.");
	write_type(w, "object");
	json_write_object(w, "properties");
	write_words(w, CONDITION_WORDS);
	write_words(w, CONDITION_OPERATORS);
	json_write_end(w);
	json_write_bool(w, "additionalProperties", false);
	json_write_i64(w, "maxProperties", 2);
	json_write_array(w, "oneOf");
	for (size_t i = 0; condition_word(CONDITION_WORDS, i); i++) {
		json_write_object(w, NULL);
		write_required(w, condition_word(CONDITION_WORDS, i));
		json_write_end(w);
	}
	json_write_end(w);
	write_word_demands(w);
	json_write_end(w);
}

static void write_definitions(struct json_writer *w)
{
	json_write_object(w, "$defs");
	for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
		json_write_object(w, objects[i].name);
		write_help(w, objects[i].help);
		write_keys(w, objects[i].keys);
		write_text(w, objects[i].text);
		json_write_end(w);
	}
	write_condition(w);
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		write_members(w, &members[i]);
	for (size_t i = 0; i < ARRAY_LEN(definitions); i++)
		write_definition(w, &definitions[i]);
	json_write_end(w);
}

void policy_schema_append(struct buf *out)
{
	struct json_writer w;
	struct buf compact;

	buf_init(&compact, POLICY_SCHEMA_MAX_BYTES);
	json_write_begin(&w, &compact);
	json_write_object(&w, NULL);
	json_write_str(&w, "$schema", STR("https://json-schema.org/draft/2020-12/schema"));
	json_write_str(&w, "title", STR("Sallyport policy"));
	write_keys(&w, &parse_file_keys);
	write_definitions(&w);
	json_write_end(&w);
	if (buf_failed(&compact))
		out->failed = true;
	else
		config_json_indent(out, buf_str(&compact));
	buf_done(&compact);
}
