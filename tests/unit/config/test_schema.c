/* The schema and the page of the manual that are made from a table. */
#include "tests/support/config_case.h"

#include "config/reference.h"
#include "config/schema.h"

struct leaf {
	struct str text;
};
struct root {
	struct str name, path;
	bool flag;
	int64_t number, wait_ms;
	uint64_t size;
	int colour;
	struct secret secret;
	struct str_list texts;
	struct int_list colours;
	struct str_map map;
	struct leaf leaf;
	struct object_list leaves;
	int custom, named;
};

static const char *const colours[] = {"red", "green", NULL};

static const struct option leaf_rows[] = {
	{.key = "text", .type = OPTION_STRING, .max = 9, .required = true, .help = "Text."},
};
static const struct option_table leaf_table = {
	.name = "leaf",
	.options = leaf_rows,
	.count = 1,
	.size = sizeof(struct leaf),
};

#define FIELD(member) .offset = offsetof(struct root, member)

static const struct option root_rows[] = {
	{.key = "name", .type = OPTION_NAME, FIELD(name), .required = true, .help = "Name."},
	{.key = "flag", .type = OPTION_BOOL, FIELD(flag), .standard = "false", .help = "Flag."},
	{.key = "number",
	 .type = OPTION_INTEGER,
	 FIELD(number),
	 .min = 1,
	 .max = 5,
	 .standard = "3",
	 .help = "Number."},
	{.key = "wait",
	 .type = OPTION_DURATION,
	 FIELD(wait_ms),
	 .min = 0,
	 .max = 60000,
	 .standard = "\"5s\"",
	 .help = "Wait."},
	{.key = "size", .type = OPTION_SIZE, FIELD(size), .help = "Size."},
	{.key = "colour", .type = OPTION_ENUM, FIELD(colour), .words = colours, .help = "Colour."},
	{.key = "colours",
	 .type = OPTION_ENUMS,
	 FIELD(colours),
	 .words = colours,
	 .max = 2,
	 .help = "Colours."},
	{.key = "secret", .type = OPTION_SECRET, FIELD(secret), .help = "Secret."},
	{.key = "texts",
	 .type = OPTION_STRINGS,
	 FIELD(texts),
	 .min = 1,
	 .max = 2,
	 .help = "Texts."},
	{.key = "map", .type = OPTION_STRING_MAP, FIELD(map), .help = "Map."},
	{.key = "path", .type = OPTION_PATH, FIELD(path), .help = "Path."},
	{.key = "leaf", .type = OPTION_OBJECT, FIELD(leaf), .table = &leaf_table, .help = "Leaf."},
	{.key = "leaves",
	 .type = OPTION_OBJECTS,
	 FIELD(leaves),
	 .table = &leaf_table,
	 .max = 4,
	 .help = "Leaves."},
	{.key = "custom",
	 .type = OPTION_CUSTOM,
	 FIELD(custom),
	 .form = "{\"type\":\"null\"}",
	 .help = "Custom."},
	{.key = "named",
	 .type = OPTION_CUSTOM,
	 FIELD(named),
	 .table = &leaf_table,
	 .help = "Named."},
};
static const struct option_table root_table = {
	.name = "root",
	.options = root_rows,
	.count = ARRAY_LEN(root_rows),
	.size = sizeof(struct root),
};

#define LEAF                                                                           \
	"'type':'object','properties':{'text':{'description':'Text.','type':'string'," \
	"'minLength':1,'maxLength':9}},'required':['text'],'additionalProperties':false"
#define TEXT "{'type':'string','minLength':1}"

struct row {
	const char *pointer; /* of a key below "properties" */
	const char *want;
};

static const struct row rows[] = {
	{"$schema", TEXT},
	{"name", "{'description':'Name.','type':'string','pattern':'^[a-z0-9][a-z0-9._-]{0,62}$'}"},
	{"flag", "{'description':'Flag.','type':'boolean','default':false}"},
	{"number",
	 "{'description':'Number.','type':'integer','minimum':1,'maximum':5,'default':3}"},
	{"wait",
	 "{'description':'Wait.','type':'string','pattern':'^[0-9]+(ms|s|m|h|d)$','default':'5s'}"},
	{"size", "{'description':'Size.','type':'string','pattern':'^[0-9]+(B|KiB|MiB|GiB|TiB)$'}"},
	{"colour", "{'description':'Colour.','enum':['red','green']}"},
	{"colours",
	 "{'description':'Colours.','type':'array','maxItems':2,'items':{'enum':['red','green']}}"},
	{"secret",
	 "{'description':'Secret.','oneOf':[" TEXT ",{'type':'object','properties':{'file':" TEXT
	 "},'required':['file'],'additionalProperties':false},{'type':'object','properties':{'env'"
	 ":" TEXT "},'required':['env'],'additionalProperties':false}]}"},
	{"texts", "{'description':'Texts.','oneOf':[" TEXT ",{'type':'array','items':" TEXT
		  ",'uniqueItems':true,'minItems':1,'maxItems':2}]}"},
	{"map", "{'description':'Map.','type':'object','additionalProperties':" TEXT "}"},
	{"path", "{'description':'Path.','type':'string','minLength':1}"},
	{"leaf", "{'description':'Leaf.'," LEAF "}"},
	{"leaves", "{'description':'Leaves.','type':'array','maxItems':4,'items':{" LEAF "}}"},
	{"custom", "{'description':'Custom.','allOf':[{'type':'null'}]}"},
	{"named", "{'description':'Named.','type':'object','additionalProperties':{" LEAF "}}"},
};

static void test_schema(void **state)
{
	const struct json *properties;
	struct error err = {0};
	struct json_doc *doc;
	struct buf schema, got;
	unsigned failed = 0;

	(void)state;
	buf_init(&schema, 65536);
	buf_init(&got, 65536);
	config_schema_append(&schema, &root_table, "A title");
	assert_false(buf_failed(&schema));
	if (!json_parse(buf_str(&schema), 65536, NULL, &doc, &err))
		fail_msg("%s", err.text);
	properties = json_get(json_root(doc), "properties");
	assert_int_equal(json_count(properties), ARRAY_LEN(rows));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str want = config_text(rows[i].want);

		buf_clear(&got);
		json_append_value(&got, json_get(properties, rows[i].pointer));
		if (!str_equal(buf_str(&got), want)) {
			print_error("%s:\n  want %s\n  got  %s\n", rows[i].pointer, want.ptr,
				    got.ptr);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
	assert_true(str_equal(json_str(json_get(json_root(doc), "$schema")),
			      STR("https://json-schema.org/draft/2020-12/schema")));
	assert_true(str_equal(json_str(json_get(json_root(doc), "title")), STR("A title")));
	assert_int_equal(json_count(json_get(json_root(doc), "required")), 1);
	assert_true(json_is(json_get(json_root(doc), "additionalProperties"), JSON_BOOL));
	json_doc_free(doc);
	buf_done(&schema);
	buf_done(&got);
}

static void test_indent(void **state)
{
	static const char compact[] = "{\"a\":[1,{}],\"b\":{\"c\":\"{[,:\\\"]}\"},\"d\":[]}";
	static const char want[] =
		"{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": \"{[,:\\\"]}\"\n  },\n"
		"  \"d\": []\n}\n";
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	config_json_indent(&out, str_from(compact));
	assert_string_equal(out.ptr, want);
	buf_done(&out);
}

static void test_page(void **state)
{
	static const char *const parts[] = {
		"# Configuration\n",
		"\n## The file\n\n| option | value | default | meaning |\n| --- | --- | --- | --- "
		"|\n"
		"| `name` | name | **required** | Name. |\n"
		"| `flag` | `true` or `false` | `false` | Flag. |\n"
		"| `number` | whole number, 1 to 5 | `3` | Number. |\n"
		"| `wait` | duration, `0s` to `1m` | `\"5s\"` | Wait. |\n"
		"| `size` | size | none | Size. |\n"
		"| `colour` | `\"red\"` or `\"green\"` | none | Colour. |\n"
		"| `colours` | list of words, 0 to 2: `\"red\"` or `\"green\"` | none | Colours. "
		"|\n"
		"| `secret` | secret | none | Secret. |\n",
		"| `leaf` | object, see below | as below | Leaf. |\n"
		"| `leaves` | list of objects, see below, 0 to 4 | none | Leaves. |\n",
		"\n## `leaf`\n\nLeaf.\n\n| option | value | default | meaning |\n| --- | --- | --- "
		"| --- |\n"
		"| `text` | text | **required** | Text. |\n",
		"\n## `leaves[]`\n\nLeaves.\n",
		"\n## `named.NAME`\n\nNamed.\n",
	};
	const char *place;
	struct buf page;

	(void)state;
	buf_init(&page, 65536);
	config_reference_append(&page, &root_table);
	assert_false(buf_failed(&page));
	place = page.ptr;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		place = strstr(place, parts[i]);
		if (!place)
			fail_msg("not in the page, or not in its place:\n%s\n%s", parts[i],
				 page.ptr);
	}
	buf_done(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_indent),
		cmocka_unit_test(test_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
