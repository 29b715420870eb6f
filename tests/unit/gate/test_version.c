/* `sallyport version`, for people and for programs. */
#include "../base/check.h"

#include "base/json.h"
#include "gate/version.h"
#include "sallyport_version.h"

static struct str print(bool as_json)
{
	static char *text;
	size_t len = 0;
	FILE *out;

	free(text);
	text = NULL;
	out = open_memstream(&text, &len);
	assert_non_null(out);
	gate_version_print(as_json, out);
	assert_int_equal(fclose(out), 0);
	return str_from_len(text, len);
}

static const char *const libraries[] = {"openssl", "libmicrohttpd", "libcurl", "libjwt", "cjson"};

static void test_text(void **state)
{
	struct str text = print(false), line;

	(void)state;
	CHECK("the first line", str_starts_with(text, STR("sallyport " SALLYPORT_VERSION " (")));
	CHECK("the commit", str_find(text, STR("(" SALLYPORT_COMMIT ")\n")) != STR_NONE);
	for (size_t i = 0; i < ARRAY_LEN(libraries); i++)
		CHECK(libraries[i], str_find(text, str_from(libraries[i])) != STR_NONE);
	while (str_next(&text, '\n', &line))
		CHECK("no line ends in space", line.len && line.ptr[line.len - 1] != ' ');
	check_done();
}

static void test_json(void **state)
{
	struct str text = print(true);
	struct json_doc *doc = NULL;
	struct error err = {0};
	const struct json *root;

	(void)state;
	CHECK("one line",
	      str_ends_with(text, STR("}\n")) && str_find_char(text, '\n') == text.len - 1);
	if (!json_parse(text, 65536, NULL, &doc, &err))
		fail_msg("%s", err.text);
	root = json_root(doc);
	check_str("JSON", "version", STR(SALLYPORT_VERSION), json_str(json_get(root, "version")));
	check_str("JSON", "commit", STR(SALLYPORT_COMMIT), json_str(json_get(root, "commit")));
	for (size_t i = 0; i < ARRAY_LEN(libraries); i++) {
		struct str version = json_str(json_get(json_get(root, "libraries"), libraries[i]));

		CHECK(libraries[i], version.len >= 3 && ascii_is_digit(version.ptr[0]));
	}
	check_i64("JSON", "libraries", ARRAY_LEN(libraries),
		  (int64_t)json_count(json_get(root, "libraries")));
	CHECK("features", json_is(json_get(root, "features"), JSON_ARRAY) &&
				  json_count(json_get(root, "features")) > 0);
	json_doc_free(doc);
	(void)print(false);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_text),
					   cmocka_unit_test(test_json)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
