#include "check.h"

#include "base/json.h"

static void test_strings(void **state)
{
	static const struct {
		const char *name;
		struct str text;
		const char *want;
	} rows[] = {
		{"plain", STR_INIT("abc"), "\"abc\""},
		{"empty", {NULL, 0}, "\"\""},
		{"quotes and backslashes", STR_INIT("\"\\\"/"), "\"\\\"\\\\\\\"/\""},
		{"control characters", STR_INIT("\b\f\n\r\t\x01\x1f"),
		 "\"\\b\\f\\n\\r\\t\\u0001\\u001f\""},
		{"NUL", STR_INIT("a\0b"), "\"a\\u0000b\""},
		{"DEL and C1", STR_INIT("\x7f\xc2\x9b"), "\"\\u007f\\u009b\""},
		{"UTF-8", STR_INIT("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\""},
		{"no UTF-8",
		 STR_INIT("a\xff"
			  "b\xc3"),
		 "\"a\\ufffdb\\ufffd\""},
		{"each wrong byte", STR_INIT("\xc0\xaf"), "\"\\ufffd\\ufffd\""},
	};
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&b);
		json_append_string(&b, rows[i].text);
		check_str(rows[i].name, "string", str_from(rows[i].want), buf_str(&b));
	}
	buf_done(&b);
	check_done();
}

static void test_values(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{" [ ] ", "[]"},
		{"{ }", "{}"},
		{"{\"b\" : 1, \"a\" : [ true, false , null, {} ] }",
		 "{\"b\":1,\"a\":[true,false,null,{}]}"},
		{"[[[1],2],3]", "[[[1],2],3]"},
		{"{\"a\":{\"b\":{\"c\":[]}},\"d\":\"\\u000a\"}",
		 "{\"a\":{\"b\":{\"c\":[]}},\"d\":\"\\n\"}"},
		{"[0.1,1e2,-1.5,1e300,123456789012345678]",
		 "[0.1,100,-1.5,1e+300,1.2345678901234568e+17]"},
		{"[9007199254740991,0.30000000000000004]",
		 "[9007199254740991,0.30000000000000004]"},
		{"{\"a\\\"b\":\"\\\\\"}", "{\"a\\\"b\":\"\\\\\"}"},
	};
	struct json_doc *doc;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(json_parse(str_from(rows[i].text), 1000, NULL, &doc, NULL));
		buf_clear(&b);
		json_append_value(&b, json_root(doc));
		check_str(rows[i].text, "value", str_from(rows[i].want), buf_str(&b));
		json_doc_free(doc);
	}
	/* A value in the middle is written alone: without its key, without what follows. */
	assert_true(json_parse(STR("{\"a\":[1,[2],3],\"b\":4}"), 100, NULL, &doc, NULL));
	buf_clear(&b);
	json_append_value(&b, json_get(json_root(doc), "a"));
	buf_append_char(&b, ' ');
	json_append_value(&b, json_get(json_root(doc), "b"));
	buf_append_char(&b, ' ');
	json_append_value(&b, NULL);
	check_str("a part", "value", STR("[1,[2],3] 4 null"), buf_str(&b));
	json_doc_free(doc);
	buf_done(&b);
	check_done();
}

static void test_writer(void **state)
{
	struct json_writer w;
	struct json_doc *doc;
	struct buf b;

	(void)state;
	assert_true(json_parse(STR("{\"x\":[1]}"), 100, NULL, &doc, NULL));
	buf_init(&b, 1000);
	json_write_begin(&w, &b);
	json_write_object(&w, NULL);
	json_write_str(&w, "s\"", STR("v\n"));
	json_write_array(&w, "a");
	json_write_i64(&w, NULL, INT64_MIN);
	json_write_i64(&w, NULL, INT64_MAX);
	json_write_object(&w, NULL);
	json_write_end(&w);
	json_write_array(&w, NULL);
	json_write_end(&w);
	json_write_value(&w, NULL, json_root(doc));
	json_write_end(&w);
	json_write_bool(&w, "t", true);
	json_write_bool(&w, "f", false);
	json_write_null(&w, "n");
	json_write_value(&w, "v", json_root(doc));
	json_write_i64(&w, "z", 0);
	json_write_end(&w);
	check_str("writer", "text",
		  STR("{\"s\\\"\":\"v\\n\",\"a\":[-9223372036854775808,9223372036854775807,{},[],"
		      "{\"x\":[1]}],\"t\":true,\"f\":false,\"n\":null,\"v\":{\"x\":[1]},\"z\":0}"),
		  buf_str(&b));
	buf_clear(&b);
	json_write_begin(&w, &b);
	json_write_str(&w, NULL, STR("alone"));
	check_str("writer", "a value at the top", STR("\"alone\""), buf_str(&b));
	buf_done(&b);
	buf_init(&b, 5);
	json_write_begin(&w, &b);
	json_write_str(&w, NULL, STR("too long"));
	CHECK("overflow shows", buf_failed(&b));
	buf_done(&b);
	json_doc_free(doc);
	check_done();
}

static void test_micros(void **state)
{
	static const struct {
		int64_t us;
		const char *want;
	} rows[] = {{0, "0.000000"},
		    {7, "0.000007"},
		    {1234567, "1.234567"},
		    {60000000, "60.000000"}};
	struct json_writer w;
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&b);
		json_write_begin(&w, &b);
		json_write_micros(&w, NULL, rows[i].us);
		check_str("micros", "number", str_from(rows[i].want), buf_str(&b));
	}
	buf_done(&b);
	check_done();
}

static void test_pointers(void **state)
{
	/* RFC 6901, section 5. */
	static const struct {
		struct str key;
		const char *want;
	} rows[] = {
		{STR_INIT("foo"), "/foo"}, {STR_INIT(""), "/"},	       {STR_INIT("a/b"), "/a~1b"},
		{STR_INIT("c%d"), "/c%d"}, {STR_INIT("m~n"), "/m~0n"}, {STR_INIT(" "), "/ "},
		{STR_INIT("~1"), "/~01"},  {STR_INIT("\xff"), "/?"},
	};
	char pointer[64] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_pointer_push(pointer, sizeof(pointer), rows[i].key);
		check_cstr(rows[i].key.ptr, "pushed", rows[i].want, pointer);
		pointer[0] = '\0';
	}
	json_pointer_push(pointer, sizeof(pointer), STR("a/b"));
	json_pointer_push_index(pointer, sizeof(pointer), 12);
	check_cstr("two", "pushed", "/a~1b/12", pointer);
	check_done();
}

static void test_full_pointers(void **state)
{
	static const struct {
		const char *name;
		struct str key;
		const char *want;
	} rows[] = {
		{"fits exactly", STR_INIT("abcdef"), "/abcdef"},
		{"one too many", STR_INIT("abcdefg"), "/abcdef"},
		{"no half escape", STR_INIT("abcde/"), "/abcde"},
		{"no half character", STR_INIT("abcde\xc3\xa9"), "/abcde"},
		{"a whole escape", STR_INIT("abcd/"), "/abcd~1"},
	};
	char pointer[9];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		memset(pointer, '#', sizeof(pointer));
		pointer[0] = '\0';
		json_pointer_push(pointer, 8, rows[i].key);
		check_cstr(rows[i].name, "pushed", rows[i].want, pointer);
		CHECK(rows[i].name, pointer[8] == '#');
	}
	memcpy(pointer, "/abcdef", 8);
	json_pointer_push(pointer, 8, STR("x"));
	check_cstr("no room", "pushed", "/abcdef", pointer);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),	 cmocka_unit_test(test_values),
		cmocka_unit_test(test_writer),	 cmocka_unit_test(test_micros),
		cmocka_unit_test(test_pointers), cmocka_unit_test(test_full_pointers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
