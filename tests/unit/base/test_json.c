#include "check.h"

#include "base/json.h"

static struct json_doc *parse(const char *text)
{
	struct json_doc *doc = NULL;
	struct error err = {.kind = ERR_NONE};

	if (!json_parse(str_from(text), SIZE_MAX, NULL, &doc, &err))
		fail_msg("%s: %s", text, err.text);
	return doc;
}

static void test_accepted(void **state)
{
	static const struct {
		const char *name;
		struct str text;
	} rows[] = {
		{"any value may be the text (RFC 8259, 2)", STR_INIT("null")},
		{"white space of all four kinds (2)", STR_INIT(" \t\r\n[ \t\r\n1 \t\r\n, 2 ] \n")},
		{"words (3)", STR_INIT("[true,false,null]")},
		{"empty ones (4, 5)", STR_INIT("{\"a\":{},\"b\":[]}")},
		{"the same key in two objects", STR_INIT("{\"a\":{\"a\":1},\"b\":{\"a\":1}}")},
		{"keys that differ in case", STR_INIT("{\"a\":1,\"A\":2}")},
		{"an empty key", STR_INIT("{\"\":1}")},
		{"numbers (6)", STR_INIT("[0,-0,1,-1,10.25,1e5,1E+5,1e-5,0.5e0]")},
		{"the largest double", STR_INIT("1.7976931348623157e308")},
		{"so small that it is 0", STR_INIT("1e-999")},
		{"escapes (7)", STR_INIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\"")},
		{"a pair of surrogates (7)", STR_INIT("\"\\uD834\\uDD1E\"")},
		{"the first and the last pair", STR_INIT("\"\\ud800\\udc00 \\udbff\\udfff\"")},
		{"beside the surrogates", STR_INIT("\"\\ud7ff\\ue000\"")},
		{"a space and all that is printable", STR_INIT("\" !#~\"")},
		{"DEL is no control character (7)", STR_INIT("\"\x7f\"")},
		{"UTF-8 (8.1)", STR_INIT("\"\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e\"")},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json_doc *doc = NULL;
		struct error err = {.kind = ERR_NONE};
		bool ok = json_parse(rows[i].text, 1000, NULL, &doc, &err);

		check_i64(rows[i].name, err.text, true, ok);
		json_doc_free(doc);
	}
	json_doc_free(NULL);
	check_done();
}

static void test_refused(void **state)
{
	static const struct {
		const char *name;
		struct str text;
		unsigned line;
		const char *fault;
	} rows[] = {
		{"nothing", STR_INIT(""), 1, "a value is missing"},
		{"only space", STR_INIT(" \n\n"), 3, "a value is missing"},
		{"something behind", STR_INIT("{}\n{}"), 2, "behind the value"},
		{"a NUL behind", STR_INIT("{}\0"), 1, "behind the value"},
		{"a byte order mark (8.1)", STR_INIT("\xef\xbb\xbf{}"), 1, "byte order mark"},
		{"UTF-16", STR_INIT("{\0}\0"), 1, "expected a key"},
		{"a comment", STR_INIT("/* */ 1"), 1, "expected a value"},
		{"a form feed is no space", STR_INIT("\f1"), 1, "expected a value"},
		{"single quotes", STR_INIT("'a'"), 1, "expected a value"},
		{"a word in capitals", STR_INIT("True"), 1, "expected a value"},
		{"half a word", STR_INIT("tru"), 1, "expected a value"},
		{"too much of a word", STR_INIT("[truex]"), 1, "expected ',' or ']'"},
		{"NaN", STR_INIT("NaN"), 1, "expected a value"},
		{"Infinity", STR_INIT("-Infinity"), 1, "without digits"},

		{"a missing comma is on the line before",
		 STR_INIT("{\n\"issuer\": \"x\"\n\"b\": 1}"), 2, "after \"issuer\""},
		{"a missing comma in an array", STR_INIT("[1 2]"), 1, "',' or ']'"},
		{"a comma before }", STR_INIT("{\"a\":1,\n}"), 2, "comma stands before"},
		{"a comma before ]", STR_INIT("[1,]"), 1, "expected a value"},
		{"two commas", STR_INIT("[1,,2]"), 1, "expected a value"},
		{"the wrong end", STR_INIT("[1}"), 1, "expected ',' or ']'"},
		{"the other wrong end", STR_INIT("{\"a\":1]"), 1, "expected ',' or '}'"},
		{"no end", STR_INIT("[[1]"), 1, "expected ',' or ']'"},
		{"no end of an empty one", STR_INIT("{"), 1, "expected a key"},
		{"an end alone", STR_INIT("]"), 1, "expected a value"},
		{"no colon", STR_INIT("{\"a\" 1}"), 1, "expected ':'"},
		{"no value", STR_INIT("{\"a\":}"), 1, "expected a value"},
		{"a key without quotes", STR_INIT("{a:1}"), 1, "expected a key"},
		{"a number as key", STR_INIT("{1:1}"), 1, "expected a key"},

		{"leading zero (6)", STR_INIT("01"), 1, "leading zero"},
		{"leading zeros (6)", STR_INIT("-00"), 1, "leading zero"},
		{"plus sign", STR_INIT("+1"), 1, "expected a value"},
		{"minus alone", STR_INIT("-"), 1, "without digits"},
		{"no digit before the point", STR_INIT(".5"), 1, "expected a value"},
		{"no digit behind the point", STR_INIT("1."), 1, "behind its point"},
		{"no digit between point and e", STR_INIT("1.e5"), 1, "behind its point"},
		{"no digit in the exponent", STR_INIT("1e"), 1, "exponent"},
		{"no digit behind the sign", STR_INIT("1e+"), 1, "exponent"},
		{"hexadecimal", STR_INIT("0x10"), 1, "behind the value"},
		{"overflow", STR_INIT("1e999"), 1, "too large"},
		{"negative overflow", STR_INIT("[-1e999]"), 1, "too large"},
		{"64 characters",
		 STR_INIT("1000000000000000000000000000000000000000000000000000000000000000"), 1,
		 "63 characters"},

		{"no end of a string", STR_INIT("\"abc"), 1, "not closed"},
		{"a backslash at the end", STR_INIT("\"\\"), 1, "not closed"},
		{"a line break in a string", STR_INIT("\n\"a\nb\""), 2, "not closed on its line"},
		{"a tab in a string (7)", STR_INIT("\"\t\""), 1, "control character"},
		{"a NUL in a string (7)", STR_INIT("\"a\0b\""), 1, "control character"},
		{"\\u0000", STR_INIT("\"admin\\u0000x\""), 1, "\\u0000"},
		{"\\u0000 in a key", STR_INIT("{\"a\\u0000\":1}"), 1, "\\u0000"},
		{"unknown escape", STR_INIT("\"\\x41\""), 1, "unknown escape"},
		{"escape of a NUL", STR_INIT("\"\\\0\""), 1, "unknown escape"},
		{"capital U", STR_INIT("\"\\U0041\""), 1, "unknown escape"},
		{"three digits", STR_INIT("\"\\u004\""), 1, "four hexadecimal"},
		{"no hexadecimal digit", STR_INIT("\"\\u00g0\""), 1, "four hexadecimal"},
		{"high surrogate alone", STR_INIT("\"\\ud800\""), 1, "surrogate"},
		{"high surrogate and a letter", STR_INIT("\"\\ud800a\""), 1, "surrogate"},
		{"two high surrogates", STR_INIT("\"\\ud800\\ud800\""), 1, "surrogate"},
		{"high surrogate and U+E000", STR_INIT("\"\\ud800\\ue000\""), 1, "surrogate"},
		{"high surrogate, cut", STR_INIT("\"\\ud800\\u"), 1, "surrogate"},
		{"low surrogate alone", STR_INIT("\"\\udc00\""), 1, "surrogate"},
		{"low surrogate first", STR_INIT("\"\\udc00\\ud800\""), 1, "surrogate"},
		{"two low surrogates", STR_INIT("\"\\udc00\\udc00\""), 1, "surrogate"},
		{"no UTF-8", STR_INIT("\"\xff\""), 1, "not valid UTF-8"},
		{"overlong UTF-8", STR_INIT("\"\xc0\xaf\""), 1, "not valid UTF-8"},
		{"a surrogate in UTF-8", STR_INIT("\"\xed\xa0\x80\""), 1, "not valid UTF-8"},
		{"UTF-8 cut by the quote", STR_INIT("\"\xc3\""), 1, "not valid UTF-8"},
		{"UTF-8 cut by the end", STR_INIT("\"\xe2\x82"), 1, "not valid UTF-8"},
		{"UTF-8 outside of strings", STR_INIT("[\xc2\xa0]"), 1, "expected a value"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json_doc *doc = NULL;
		struct error err = {.kind = ERR_NONE};

		/* In a block of its own size: the sanitizer sees a look past the end. */
		char *block = malloc(rows[i].text.len ? rows[i].text.len : 1);

		assert_non_null(block);
		memcpy(block, rows[i].text.ptr, rows[i].text.len);
		CHECK(rows[i].name,
		      !json_parse(str_from_len(block, rows[i].text.len), 1000, "f", &doc, &err));
		free(block);
		check_i64(rows[i].name, "kind", ERR_SYNTAX, err.kind);
		check_i64(rows[i].name, "line", rows[i].line, err.line);
		check_contains(rows[i].name, rows[i].fault, err.text);
		check_cstr(rows[i].name, "file", "f", err.file);
		CHECK(rows[i].name, doc == NULL);
	}
	check_done();
}

/* The key that is named: the one before the fault, in its own object, and no endless one. */
static void test_key_in_message(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"{\"issuer\": 1 2}", "expected ',' or '}' after \"issuer\""},
		{"{\"a\": {\"b\": 1} \"c\"}", "expected ',' or '}' after \"a\""},
		{"{\"a\": [{\"b\": 1}, {\"c\": 1;", "expected ',' or '}' after \"c\""},
		{"{\"0123456789012345678901234567890123456789012345678901234567890\":1;",
		 "expected ',' or '}' after a value"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json_doc *doc;
		struct error err = {.kind = ERR_NONE};

		CHECK(rows[i].text, !json_parse(str_from(rows[i].text), 1000, NULL, &doc, &err));
		check_cstr(rows[i].text, "text", rows[i].want, err.text);
	}
	check_done();
}

static void test_duplicate_keys(void **state)
{
	static const struct {
		const char *name, *text, *pointer;
		unsigned line;
	} rows[] = {
		{"at the top", "{\"a\":1,\n\"a\":2}", "/a", 2},
		{"deeper", "{\"x\":[0,\n{\"b\":1,\n\"c\":0,\"b\":2}]}", "/x/1/b", 3},
		{"by another spelling", "{\"a\":1,\"\\u0061\":2}", "/a", 1},
		{"the third", "{\"c\":1,\"a\":1,\"b\":1,\n\n\"b\":1}", "/b", 3},
		{"a key that needs escapes", "{\"a/b~\":1,\"a/b~\":1}", "/a~1b~0", 1},
		{"empty keys", "{\"\":1,\"\":1}", "/", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json_doc *doc = NULL;
		struct error err = {.kind = ERR_NONE};

		CHECK(rows[i].name, !json_parse(str_from(rows[i].text), 1000, NULL, &doc, &err));
		check_i64(rows[i].name, "kind", ERR_SYNTAX, err.kind);
		check_cstr(rows[i].name, "pointer", rows[i].pointer, err.pointer);
		check_i64(rows[i].name, "line", rows[i].line, err.line);
		check_contains(rows[i].name, "twice", err.text);
	}
	check_done();
}

/* Objects of every size around the change from comparing to sorting, and a large one. */
static void test_duplicates_among_many(void **state)
{
	static const size_t sizes[] = {2, 14, 15, 16, 17, 18, 100, 20000};
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct json_doc *doc = NULL;
		struct error err = {.kind = ERR_NONE};
		char name[32];

		snprintf(name, sizeof(name), "%zu keys", sizes[i]);
		buf_clear(&b);
		for (size_t j = 0; j < sizes[i]; j++)
			buf_appendf(&b, "%s\"k%zu\":%zu", j ? ",\n" : "{", j, j);
		buf_append_cstr(&b, "}");
		CHECK(name, json_parse(buf_str(&b), SIZE_MAX, NULL, &doc, &err));
		json_doc_free(doc);
		b.len--;
		buf_append_cstr(&b, ",\n\"k1\":0}");
		CHECK(name, !json_parse(buf_str(&b), SIZE_MAX, NULL, &doc, &err));
		check_cstr(name, "pointer", "/k1", err.pointer);
		check_i64(name, "line", (int64_t)sizes[i] + 1, err.line);
	}
	buf_done(&b);
	check_done();
}

static void test_limits(void **state)
{
	char text[2 * JSON_MAX_DEPTH + 10];
	struct json_doc *doc = NULL;
	struct error err = {.kind = ERR_NONE};

	(void)state;
	CHECK("one byte over", !json_parse(STR("[1,2]"), 4, "f", &doc, &err));
	CHECK("limit", err.kind == ERR_LIMIT && strcmp(err.file, "f") == 0);
	CHECK("exactly", json_parse(STR("[1,2]"), 5, "f", &doc, NULL));
	json_doc_free(doc);
	error_clear(&err);
	memset(text, '[', JSON_MAX_DEPTH);
	memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
	CHECK("deep",
	      json_parse(str_from_len(text, 2 * JSON_MAX_DEPTH), SIZE_MAX, NULL, &doc, &err));
	json_doc_free(doc);
	memset(text, '[', JSON_MAX_DEPTH + 1);
	memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
	CHECK("deeper",
	      !json_parse(str_from_len(text, 2 * JSON_MAX_DEPTH + 2), SIZE_MAX, NULL, &doc, &err));
	CHECK("limit", err.kind == ERR_LIMIT && err.line == 1);
	error_clear(&err);
	memset(text + JSON_MAX_DEPTH, '{', 1);
	CHECK("object",
	      !json_parse(str_from_len(text, JSON_MAX_DEPTH + 1), SIZE_MAX, NULL, &doc, &err));
	CHECK("limit", err.kind == ERR_LIMIT);
	CHECK("without err", !json_parse(STR("["), 10, NULL, &doc, NULL));
	CHECK("without err", !json_parse(STR("{\"a\":1,\"a\":1}"), 100, NULL, &doc, NULL));
	check_done();
}

static void test_values(void **state)
{
	struct json_doc *doc =
		parse("{\"s\":\"a\\u00e9\",\"n\":1.5,\"t\":true,\"f\":false,\"z\":null,"
		      "\"a\":[1,2,3],\"o\":{},\"S\":\"other\"}");
	const struct json *root = json_root(doc);
	const struct json *v;
	size_t index = 0;

	(void)state;
	check_str("string", "value", STR("a\xc3\xa9"), json_str(json_get(root, "s")));
	check_str("string", "by exact case", STR("other"), json_str(json_get(root, "S")));
	CHECK("ends in NUL", json_str(json_get(root, "s")).ptr[3] == '\0');
	check_str("by str", "value", STR("other"),
		  json_str(json_get_str(root, str_slice(STR("Sx"), 0, 1))));
	CHECK("a NUL hides nothing", !json_get_str(root, STR("s\0x")));
	CHECK("number",
	      json_number(json_get(root, "n")) >= 1.5 && json_number(json_get(root, "n")) <= 1.5);
	CHECK("bools", json_bool(json_get(root, "t")) && !json_bool(json_get(root, "f")));
	CHECK("missing",
	      !json_get(root, "x") && !json_get(NULL, "s") && !json_get(json_get(root, "a"), "s"));
	CHECK("of another type", json_str(json_get(root, "n")).len == 0 &&
					 json_str(NULL).len == 0 &&
					 !json_bool(json_get(root, "s")) && !json_bool(NULL));
	CHECK("no number", json_number(json_get(root, "s")) <= 0 && json_number(NULL) <= 0);
	CHECK("is", json_is(json_get(root, "z"), JSON_NULL) && !json_is(NULL, JSON_NULL));
	check_i64("count", "members", 8, (int64_t)json_count(root));
	check_i64("count", "elements", 3, (int64_t)json_count(json_get(root, "a")));
	CHECK("count of others", json_count(NULL) == 0 && json_count(json_get(root, "s")) == 0 &&
					 json_count(json_get(root, "o")) == 0);
	for (v = json_first(root); v; v = json_next(v), index++)
		check_str("order", "key", str_slice(STR("sntfzaoS"), index, 1), json_key(v));
	check_str("key", "of an element", STR(""), json_key(json_first(json_get(root, "a"))));
	check_cstr("type", "name", "an object", json_type_name(json_type(root)));
	json_doc_free(doc);
	check_done();
}

static void test_i64(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t want;
	} rows[] = {
		{"0", true, 0},
		{"-0", true, 0},
		{"1e3", true, 1000},
		{"-5.0", true, -5},
		{"9007199254740991", true, 9007199254740991},
		{"-9007199254740991", true, -9007199254740991},
		{"9007199254740992", false, 0},
		{"9007199254740993", false, 0},
		{"-9007199254740992", false, 0},
		{"1e300", false, 0},
		{"1.5", false, 0},
		{"\"1\"", false, 0},
		{"null", false, 0},
		{"true", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json_doc *doc = parse(rows[i].text);
		int64_t value = 77;

		check_i64(rows[i].text, "ok", rows[i].ok, json_i64(json_root(doc), &value));
		check_i64(rows[i].text, "value", rows[i].ok ? rows[i].want : 77, value);
		json_doc_free(doc);
	}
	{
		int64_t value = 77;

		CHECK("NULL", !json_i64(NULL, &value) && value == 77);
	}
	check_done();
}

static void test_lines(void **state)
{
	static const char text[] = "\n{\n"			     /* 2 */
				   "  \"a\": [ 1, \"}]\\\"\\\\\",\n" /* 3 */
				   "    { \"b\": true },\n"	     /* 4 */
				   "    [\n"			     /* 5 */
				   "      -1.5e3 ] ],\n"	     /* 6 */
				   "  \"x/y~z\":\n"		     /* 7 */
				   "    \"v\",\n"		     /* 8 */
				   "  \"\": {},\n"		     /* 9 */
				   "  \"e\": [], \"10\": null\n}\n"; /* 10 */
	static const struct {
		const char *pointer;
		unsigned line;
	} rows[] = {
		{"", 2},	 {"/a", 3},
		{"/a/0", 3},	 {"/a/1", 3},
		{"/a/2", 4},	 {"/a/2/b", 4},
		{"/a/3", 5},	 {"/a/3/0", 6},
		{"/x~1y~0z", 8}, {"/", 9},
		{"/e", 10},	 {"/10", 10},
		{"/missing", 2}, {"/a/9", 3},
		{"/a/2/x", 4},	 {"/a/2/x/y", 4},
		{"/a/b", 3},	 {"/a/00", 3},
		{"/a/03", 3},	 {"/a/3/0/x", 6},
		{"/e/0", 10},	 {"/a/99999999999999999999", 3},
		{"a", 0},
	};
	struct json_doc *doc = NULL;

	(void)state;
	assert_true(json_parse(str_from(text), 1000, "conf/a.json", &doc, NULL));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_i64(rows[i].pointer, "line", rows[i].line, json_line(doc, rows[i].pointer));
	json_doc_free(doc);
	check_done();
}

/* Without a space anywhere but the line breaks that are counted. */
static void test_lines_of_compact_text(void **state)
{
	static const struct {
		const char *pointer;
		unsigned line;
	} rows[] = {{"/a", 1}, {"/a/1/0", 1}, {"/a/1/1", 2}, {"/a/2", 3}, {"/b", 4}, {"/c/1", 5}};
	struct json_doc *doc =
		parse("{\"a\":[1,[2,\n3],\n4],\"x\":\"{\",\"b\":\n\"\",\"c\":[true,\n{}]}");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_i64(rows[i].pointer, "line", rows[i].line, json_line(doc, rows[i].pointer));
	json_doc_free(doc);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_key_in_message),
		cmocka_unit_test(test_duplicate_keys),
		cmocka_unit_test(test_duplicates_among_many),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_i64),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lines_of_compact_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
