/* `sallyport schema`: JSON Schemas that name what the loader takes. */
#include "../base/check.h"

#include "base/json.h"
#include "gate/config.h"
#include "gate/schema.h"

static char *text;
static size_t text_len;

static bool print(const char *which)
{
	FILE *out;
	bool ok;

	free(text);
	text = NULL;
	out = open_memstream(&text, &text_len);
	assert_non_null(out);
	ok = gate_schema_print(which, out);
	assert_int_equal(fclose(out), 0);
	return ok;
}

static void test_config(void **state)
{
	struct json_doc *doc = NULL;
	const struct json *properties;
	struct error err = {0};

	(void)state;
	assert_true(print("config"));
	if (!json_parse(str_from_len(text, text_len), 1024 * 1024, NULL, &doc, &err))
		fail_msg("%u: %s", err.line, err.text);
	check_str("config", "$schema", STR("https://json-schema.org/draft/2020-12/schema"),
		  json_str(json_get(json_root(doc), "$schema")));
	properties = json_get(json_root(doc), "properties");
	for (size_t i = 0; i < gate_options.count; i++)
		CHECK(gate_options.options[i].key,
		      json_get(properties, gate_options.options[i].key));
	CHECK("unknown keys are refused",
	      json_is(json_get(json_root(doc), "additionalProperties"), JSON_BOOL) &&
		      !json_bool(json_get(json_root(doc), "additionalProperties")));
	json_doc_free(doc);
	check_done();
}

static void test_policy(void **state)
{
	static const char *const words[] = {"\"rules\"",     "\"conditions\"", "\"tests\"",
					    "\"shadow\"",    "\"until\"",      "\"starts_with\"",
					    "\"source_ip\"", "\"max_age\""};
	struct json_doc *doc = NULL;
	struct error err = {0};

	(void)state;
	assert_true(print("policy"));
	if (!json_parse(str_from_len(text, text_len), 1024 * 1024, NULL, &doc, &err))
		fail_msg("%u: %s", err.line, err.text);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		check_contains(words[i], words[i], text);
	json_doc_free(doc);
	check_done();
}

static void test_other_words(void **state)
{
	static const char *const words[] = {"", "Config", "configs", "policy.json"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		CHECK(words[i], !print(words[i]));
		check_i64(words[i], "bytes", 0, (int64_t)text_len);
	}
	free(text);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_other_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
