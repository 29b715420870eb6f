/* The walk over option tables, with a table that has an option of every type. */
#include "tests/support/config_case.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/ip.h"

struct part {
	struct str label;
	int64_t weight;
	struct secret token;
};

struct whole {
	struct str text, name, path;
	bool flag, has_extra;
	int64_t number, wait_ms;
	uint64_t size;
	int colour;
	struct secret secret;
	struct str_list texts;
	struct ip_prefix_list networks;
	struct int_list colours;
	struct str_map map;
	struct part part, extra;
	struct object_list parts;
	int custom;
};

static int done_calls, check_calls;

static void part_check(struct option_reader *r, void *object)
{
	const struct part *part = object;

	check_calls++;
	if (part->weight == 13)
		option_fault(r, "weight", "is unlucky");
	if (part->weight == 7)
		option_warn(r, NULL, "is lucky");
}

static void part_done(void *object)
{
	(void)object;
	done_calls++;
}

static bool read_custom(struct option_reader *r, const struct json *value, void *field)
{
	if (!json_is(value, JSON_NULL)) {
		option_fault(r, NULL, "must be null");
		return false;
	}
	*(int *)field = 42;
	return true;
}

static const struct option part_rows[] = {
	{.key = "label",
	 .type = OPTION_STRING,
	 .offset = offsetof(struct part, label),
	 .max = 8,
	 .help = "A label."},
	{.key = "weight",
	 .type = OPTION_INTEGER,
	 .offset = offsetof(struct part, weight),
	 .min = 1,
	 .max = 100,
	 .standard = "5",
	 .help = "A weight."},
	{.key = "token",
	 .type = OPTION_SECRET,
	 .offset = offsetof(struct part, token),
	 .help = "A token."},
};
static const struct option_table part_table = {
	.name = "part",
	.options = part_rows,
	.count = ARRAY_LEN(part_rows),
	.size = sizeof(struct part),
	.check = part_check,
	.done = part_done,
};

static const char *const colours[] = {"red", "green", "blue", NULL};

#define FIELD(member) .offset = offsetof(struct whole, member)

static const struct option whole_rows[] = {
	{.key = "text", .type = OPTION_STRING, FIELD(text), .standard = "\"plain\"", .help = "T."},
	{.key = "name", .type = OPTION_NAME, FIELD(name), .required = true, .help = "The name."},
	{.key = "path", .type = OPTION_PATH, FIELD(path), .standard = "\"state\"", .help = "P."},
	{.key = "flag", .type = OPTION_BOOL, FIELD(flag), .standard = "true", .help = "F."},
	{.key = "number", .type = OPTION_INTEGER, FIELD(number), .help = "N."},
	{.key = "wait",
	 .type = OPTION_DURATION,
	 FIELD(wait_ms),
	 .min = 1000,
	 .max = 3600000,
	 .standard = "\"30s\"",
	 .help = "W."},
	{.key = "size",
	 .type = OPTION_SIZE,
	 FIELD(size),
	 .min = 1024,
	 .max = 1 << 20,
	 .standard = "\"64KiB\"",
	 .help = "S."},
	{.key = "colour",
	 .type = OPTION_ENUM,
	 FIELD(colour),
	 .words = colours,
	 .standard = "\"green\"",
	 .help = "C."},
	{.key = "secret", .type = OPTION_SECRET, FIELD(secret), .help = "S."},
	{.key = "texts",
	 .type = OPTION_STRINGS,
	 FIELD(texts),
	 .min = 1,
	 .max = 3,
	 .standard = "[\"a\", \"b\"]",
	 .help = "T."},
	{.key = "networks",
	 .type = OPTION_PREFIXES,
	 FIELD(networks),
	 .standard = "[]",
	 .max = 4,
	 .help = "N."},
	{.key = "colours",
	 .type = OPTION_ENUMS,
	 FIELD(colours),
	 .words = colours,
	 .max = 3,
	 .help = "C."},
	{.key = "map", .type = OPTION_STRING_MAP, FIELD(map), .max = 2, .help = "M."},
	{.key = "part", .type = OPTION_OBJECT, FIELD(part), .table = &part_table, .help = "P."},
	{.key = "extra",
	 .type = OPTION_OBJECT,
	 FIELD(extra),
	 .table = &part_table,
	 .present = offsetof(struct whole, has_extra),
	 .help = "E."},
	{.key = "parts",
	 .type = OPTION_OBJECTS,
	 FIELD(parts),
	 .table = &part_table,
	 .max = 2,
	 .help = "P."},
	{.key = "custom",
	 .type = OPTION_CUSTOM,
	 FIELD(custom),
	 .read = read_custom,
	 .standard = "null",
	 .help = "C."},
};
static const struct option_table whole_table = {
	.name = "whole",
	.options = whole_rows,
	.count = ARRAY_LEN(whole_rows),
	.size = sizeof(struct whole),
};

static const struct config_case faults[] = {
	{"nothing written but what is required", "{'name': 'a'}", ""},
	{"required", "{}", "1 : \"name\" is missing: The name."},
	{"not an object", "[]", "1 : must be an object, found an array"},
	{"unknown key, near", "{'name': 'a',\n'colur': 1}",
	 "2 /colur: unknown key \"colur\"; did you mean \"colour\"?"},
	{"unknown key, far", "{'name': 'a', 'zzzzzzzz': 1}",
	 "1 /zzzzzzzz: unknown key \"zzzzzzzz\""},
	{"unknown key, escaped in the pointer", "{'name': 'a', 'x/y~z zzzzz': 1}",
	 "1 /x~1y~0z zzzzz: unknown key \"x/y~z zzzzz\""},
	{"$schema at the top", "{'$schema': 'x', 'name': 'a'}", ""},
	{"$schema below", "{'name': 'a', 'part': {'$schema': 'x'}}",
	 "1 /part/$schema: unknown key \"$schema\""},
	{"all faults in one run, each at its line",
	 "{\n'text': 1,\n'flag': 'true',\n'name': 'A',\n'wait': '2h',\n'part': {\n'weight': 0}}",
	 "2 /text: must be a text, found the number 1\n"
	 "4 /name: a name is 1 to 63 of a-z, 0-9, '.', '_' and '-', and starts with a letter or "
	 "digit; found \"A\"\n"
	 "3 /flag: must be true or false, found \"true\"\n"
	 "5 /wait: must be within \"1s\" and \"1h\", found \"2h\"\n"
	 "7 /part/weight: must be within 1 and 100, found 0"},
	{"empty text", "{'name': 'a', 'text': ''}", "1 /text: is empty: must be a text"},
	{"too long a text", "{'name': 'a', 'part': {'label': '123456789'}}",
	 "1 /part/label: must be at most 8 bytes long, found 9"},
	{"a long text is cut",
	 "{'name': 'a', 'colour': "
	 "'0123456789012345678901234567890123456789012345678901234567890123456789'}",
	 "1 /colour: must be \"red\", \"green\" or \"blue\", found "
	 "\"012345678901234567890123456789012345678901234567...\""},
	{"names", "{'name': '-a'}", "1 /name: a name is 1 to 63..."},
	{"name of a number", "{'name': 5}", "1 /name: must be a name, found the number 5"},
	{"empty name", "{'name': ''}", "1 /name: is empty: must be a name"},
	{"null is no text", "{'name': 'a', 'text': null}", "1 /text: must be a text, found null"},
	{"not whole", "{'name': 'a', 'number': 1.5}",
	 "1 /number: must be a whole number, found the number 1.5"},
	{"a number in quotes", "{'name': 'a', 'number': '5'}",
	 "1 /number: must be a whole number, found \"5\""},
	{"number without limits", "{'name': 'a', 'number': -5000000000}", ""},
	{"a bare duration", "{'name': 'a', 'wait': 30}",
	 "1 /wait: must be a whole number and one of the units ms, s, m, h, d, such as \"30s\"; "
	 "found the number 30"},
	{"a duration without unit", "{'name': 'a', 'wait': '30'}",
	 "1 /wait: must be a whole number..."},
	{"a duration that is short", "{'name': 'a', 'wait': '999ms'}",
	 "1 /wait: must be within \"1s\" and \"1h\", found \"999ms\""},
	{"a size of another unit", "{'name': 'a', 'size': '64KB'}",
	 "1 /size: must be a whole number and one of the units B, KiB, MiB, GiB, TiB, such as "
	 "\"64KiB\"; found \"64KB\""},
	{"a size that is large", "{'name': 'a', 'size': '2MiB'}",
	 "1 /size: must be within \"1KiB\" and \"1MiB\", found \"2MiB\""},
	{"a word, near", "{'name': 'a', 'colour': 'gren'}",
	 "1 /colour: must be \"red\", \"green\" or \"blue\", found \"gren\"; did you mean "
	 "\"green\"?"},
	{"a word of another type", "{'name': 'a', 'colour': 1}",
	 "1 /colour: must be \"red\", \"green\" or \"blue\", found the number 1"},
	{"words", "{'name': 'a', 'colours': ['red', 'red', 'bleu', 4]}",
	 "1 /colours: must hold 0 to 3 entries (words), found 4"},
	{"words, each", "{'name': 'a', 'colours': ['red', 'red', 'bluee']}",
	 "1 /colours/1: \"red\" is listed twice\n"
	 "1 /colours/2: must be \"red\", \"green\" or \"blue\", found \"bluee\"; did you mean "
	 "\"blue\"?"},
	{"one word is no list", "{'name': 'a', 'colours': 'red'}",
	 "1 /colours: must be a list of words, found \"red\""},
	{"texts", "{'name': 'a', 'texts': ['x', 3, 'x']}",
	 "1 /texts/1: must be a text, found the number 3\n1 /texts/2: \"x\" is listed twice"},
	{"no texts", "{'name': 'a', 'texts': []}", "1 /texts: is empty: at least 1 is needed"},
	{"too many texts", "{'name': 'a', 'texts': ['1','2','3','4']}",
	 "1 /texts: must hold 1 to 3 entries (texts), found 4"},
	{"texts of another type", "{'name': 'a', 'texts': {}}",
	 "1 /texts: must be a text or a list of texts, found an object"},
	{"networks", "{'name': 'a', 'networks': ['10.0.0.0/8',\n'10.0.0.1/8',\n'house']}",
	 "2 /networks/1: ...\n3 /networks/2: ..."},
	{"one network", "{'name': 'a', 'networks': '10.0.0.1/8'}", "1 /networks: ..."},
	{"map", "{'name': 'a', 'map': {'x': 'y', 'z': 1}}",
	 "1 /map/z: must be a text, found the number 1"},
	{"map, too large", "{'name': 'a', 'map': {'x': 'y', 'z': 'a', 'b': 'c'}}",
	 "1 /map: must hold 0 to 2 entries (texts), found 3"},
	{"map of another type", "{'name': 'a', 'map': ['x']}",
	 "1 /map: must be an object of texts, found an array"},
	{"objects", "{'name': 'a', 'parts': [{'weigth': 1}, 5]}",
	 "1 /parts/0/weigth: unknown key \"weigth\"; did you mean \"weight\"?\n"
	 "1 /parts/1: must be an object, found the number 5"},
	{"objects, too many", "{'name': 'a', 'parts': [{}, {}, {}]}",
	 "1 /parts: must hold 0 to 2 entries (part), found 3"},
	{"one object is no list", "{'name': 'a', 'parts': {}}",
	 "1 /parts: must be a list of objects, found an object"},
	{"object of another type", "{'name': 'a', 'part': false}",
	 "1 /part: must be an object, found false"},
	{"check of an object", "{'name': 'a',\n'parts': [{'weight': 7},\n{'weight': 13}]}",
	 "2 warning /parts/0: is lucky\n3 /parts/1/weight: is unlucky"},
	{"custom", "{'name': 'a', 'custom': 1}", "1 /custom: must be null"},
	{"secret in place", "{'name': 'a', 'secret': 'hush'}",
	 "1 warning /secret: a secret in the configuration is read by all who read that..."},
	{"secret of another type is not shown", "{'name': 'a', 'secret': 123456}",
	 "1 /secret: must be {\"file\": \"path\"} or {\"env\": \"NAME\"}"},
	{"empty secret", "{'name': 'a', 'secret': ''}", "1 /secret: must be {\"file\"..."},
	{"secret of two sources", "{'name': 'a', 'secret': {'file': 'x', 'env': 'y'}}",
	 "1 /secret: must be {\"file\"..."},
	{"secret of another source", "{'name': 'a', 'secret': {'fil': 'x'}}",
	 "1 /secret: must be {\"file\"..."},
	{"secret of a source of another type", "{'name': 'a', 'secret': {'file': ['x']}}",
	 "1 /secret: must be {\"file\"..."},
	{"secret in a file that is not there", "{'name': 'a', 'secret': {'file': 'missing'}}",
	 "1 /secret/file: ..."},
	{"secret of a variable that is not set",
	 "{'name': 'a', 'secret': {'env': 'SALLYPORT_NONE'}}",
	 "1 /secret/env: the environment variable SALLYPORT_NONE is not set"},
	{"secret of a variable that is empty",
	 "{'name': 'a', 'secret': {'env': 'SALLYPORT_EMPTY'}}",
	 "1 /secret/env: the environment variable SALLYPORT_EMPTY is empty"},
};

static void test_faults(void **state)
{
	(void)state;
	assert_int_equal(setenv("SALLYPORT_EMPTY", "", 1), 0);
	config_run(faults, ARRAY_LEN(faults), &whole_table, "conf/whole.json");
}

static void read_whole(const char *text, const char *want, struct arena **ret_arena,
		       struct whole *whole)
{
	const struct config_case row = {text, text, want};

	config_cases_failed = 0;
	*ret_arena = arena_new(1 << 20);
	assert_non_null(*ret_arena);
	config_read(&row, &whole_table, "conf/whole.json", *ret_arena, whole);
	assert_int_equal(config_cases_failed, 0);
}

#define ASSERT_STR(got, want) assert_string_equal((got).ptr, want)

static void test_defaults(void **state)
{
	struct arena *arena;
	struct whole w;

	(void)state;
	read_whole("{'name': 'a.b_c-9'}", "", &arena, &w);
	ASSERT_STR(w.name, "a.b_c-9");
	ASSERT_STR(w.text, "plain");
	ASSERT_STR(w.path, "conf/state");
	assert_true(w.flag);
	assert_int_equal(w.number, 0);
	assert_int_equal(w.wait_ms, 30000);
	assert_int_equal(w.size, 65536);
	assert_int_equal(w.colour, 1);
	assert_false(secret_is_set(&w.secret));
	assert_int_equal(w.texts.count, 2);
	ASSERT_STR(w.texts.items[1], "b");
	assert_int_equal(w.part.weight, 5);
	assert_false(w.has_extra);
	assert_int_equal(w.extra.weight, 0);
	assert_int_equal(w.parts.count, 0);
	assert_int_equal(w.custom, 42);
	option_done(&whole_table, &w);
	arena_free(arena);
}

static void test_values(void **state)
{
	struct arena *arena;
	struct whole w;
	struct part *parts;

	(void)state;
	check_calls = 0;
	read_whole("{'name': 'a', 'text': 'caf\\u00e9', 'path': '/abs', 'flag': false, 'number': "
		   "-3,'wait': '1h', 'size': '1MiB', 'colour': 'blue', 'texts': 'one','networks': "
		   "['10.0.0.0/8', '::1'], 'colours': ['blue', 'red'],'map': {'k': 'v', 'l': 'w'}, "
		   "'part': {'label': 'x'}, 'extra': {},'parts': [{}, {'weight': 100}]}",
		   "", &arena, &w);
	ASSERT_STR(w.text, "caf\xc3\xa9");
	ASSERT_STR(w.path, "/abs");
	assert_false(w.flag);
	assert_int_equal(w.number, -3);
	assert_int_equal(w.wait_ms, 3600000);
	assert_int_equal(w.size, 1 << 20);
	assert_int_equal(w.colour, 2);
	assert_int_equal(w.texts.count, 1);
	ASSERT_STR(w.texts.items[0], "one");
	assert_int_equal(w.networks.count, 2);
	assert_int_equal(w.networks.items[0].bits, 8);
	assert_int_equal(w.networks.items[1].bits, 128);
	assert_int_equal(w.colours.count, 2);
	assert_int_equal(w.colours.items[0], 2);
	assert_int_equal(w.colours.items[1], 0);
	assert_int_equal(w.map.count, 2);
	ASSERT_STR(w.map.keys[1], "l");
	ASSERT_STR(w.map.values[1], "w");
	ASSERT_STR(w.part.label, "x");
	assert_true(w.has_extra);
	assert_int_equal(w.extra.weight, 5);
	assert_int_equal(w.parts.count, 2);
	parts = w.parts.items;
	assert_int_equal(parts[0].weight, 5);
	assert_int_equal(parts[1].weight, 100);
	assert_int_equal(check_calls, 4); /* part, extra and two parts */
	option_done(&whole_table, &w);
	arena_free(arena);
}

/* What is wrong leaves the default, so that checks see something sound. */
static void test_default_after_fault(void **state)
{
	struct arena *arena;
	struct whole w;

	(void)state;
	read_whole("{'name': 'a', 'wait': 3, 'texts': [1], 'part': {'weight': 'x'}, 'extra': []}",
		   "1 /wait: must be...\n1 /texts/0: must be...\n1 /part/weight: must be...\n"
		   "1 /extra: must be...",
		   &arena, &w);
	assert_int_equal(w.wait_ms, 30000);
	assert_int_equal(w.texts.count, 2);
	assert_int_equal(w.part.weight, 5);
	assert_false(w.has_extra);
	option_done(&whole_table, &w);
	arena_free(arena);
}

static void test_secrets(void **state)
{
	char folder[] = "/tmp/sallyport-option-XXXXXX", text[512], file[128];
	struct error err = {0};
	struct arena *arena;
	struct whole w;
	struct part *parts;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/good", folder);
	assert_true(file_write_atomic(file, STR("line one\nline two\r\n"), 0600, &err));
	assert_int_equal(setenv("SALLYPORT_TOKEN", "of the environment\n", 1), 0);
	snprintf(text, sizeof(text),
		 "{'name': 'a', 'secret': {'file': '%s'}, 'parts': [{'token': {'env': "
		 "'SALLYPORT_TOKEN'}}]}",
		 file);
	done_calls = 0;
	read_whole(text, "", &arena, &w);
	assert_true(str_equal(secret_str(&w.secret), STR("line one\nline two")));
	parts = w.parts.items;
	assert_true(str_equal(secret_str(&parts[0].token), STR("of the environment\n")));
	option_done(&whole_table, &w);
	assert_false(secret_is_set(&w.secret));
	assert_false(secret_is_set(&parts[0].token));
	assert_int_equal(done_calls, 3);
	arena_free(arena);

	assert_int_equal(chmod(file, 0640), 0);
	read_whole(text, "1 /secret/file: ...", &arena, &w);
	assert_false(secret_is_set(&w.secret));
	option_done(&whole_table, &w);
	arena_free(arena);

	assert_true(file_write_atomic(file, STR("\n"), 0600, &err));
	read_whole(text, "1 /secret/file: the file /tmp/...", &arena, &w);
	option_done(&whole_table, &w);
	arena_free(arena);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(folder), 0);
}

/* A pointer that was cut is whole again once the walk is back. */
static void test_deep_place(void **state)
{
	char key[200];
	struct faults list;
	struct json_doc *doc;
	struct error err = {0};
	struct option_reader r = {.file = "x"};
	size_t mark;

	(void)state;
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	assert_true(json_parse(STR("{}"), 10, NULL, &doc, &err));
	faults_init(&list);
	r.doc = doc;
	r.faults = &list;
	mark = option_enter(&r, STR("top"));
	(void)option_enter(&r, str_from(key));
	(void)option_enter_index(&r, 7);
	assert_true(strlen(r.pointer) < sizeof(r.pointer));
	option_leave(&r, mark);
	assert_string_equal(r.pointer, "");
	option_fault(&r, key, "%s%s", key, key);
	assert_string_equal(r.pointer, "");
	assert_int_equal(list.errors, 1);
	faults_done(&list);
	json_doc_free(doc);
}

/* Without room the walk ends in overflow, not in a half-read object that looks whole. */
static void test_small_arena(void **state)
{
	struct str text = config_text("{'name': 'a', 'texts': ['1', '2'], 'map': {'a': "
				      "'b'},'parts': [{}], 'colours': ['red']}");
	struct faults list;
	struct json_doc *doc;
	struct error err = {0};

	(void)state;
	assert_true(json_parse(text, 4096, NULL, &doc, &err));
	for (size_t size = 1; size < 600; size += 7) {
		struct arena *arena = arena_new(size);
		struct option_reader r = {.file = "x", .doc = doc, .arena = arena, .faults = &list};
		struct whole w;

		assert_non_null(arena);
		faults_init(&list);
		memset(&w, 0, sizeof(w));
		option_read(&r, &whole_table, json_root(doc), &w);
		assert_true(arena_overflowed(arena) || (w.parts.count == 1 && w.texts.count == 2));
		option_done(&whole_table, &w);
		faults_done(&list);
		arena_free(arena);
	}
	json_doc_free(doc);
}

static void test_hint(void **state)
{
	static const char *const words[] = {"issuer", "insecure"};
	char out[OPTION_HINT_SIZE];

	(void)state;
	assert_string_equal(option_hint(STR("isuer"), words, 2, out), "; did you mean \"issuer\"?");
	assert_string_equal(option_hint(STR("zebra"), words, 2, out), "");
	assert_string_equal(option_hint(STR("issuer"), words, 2, out), "");
	assert_string_equal(option_hint(STR("isuer"), words, 0, out), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),	    cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),	    cmocka_unit_test(test_default_after_fault),
		cmocka_unit_test(test_secrets),	    cmocka_unit_test(test_deep_place),
		cmocka_unit_test(test_small_arena), cmocka_unit_test(test_hint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
