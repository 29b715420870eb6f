/*
 * What is written about the configuration is in step with the tables that read it:
 * docs/configuration.md and conf/sallyport.schema.json are what the tables give, and
 * conf/sallyport.json names every option, with its default where it has one, and loads.
 *
 * SALLYPORT_UPDATE=1 writes the first two anew.
 */
#include "tests/support/certificates.h"
#include "tests/support/config_case.h"
#include "tests/support/folder.h"

#include "base/file.h"
#include "config/reference.h"
#include "config/schema.h"
#include "gate/config.h"

#define REFERENCE TEST_SOURCE_DIR "/docs/configuration.md"
#define SCHEMA	  TEST_SOURCE_DIR "/conf/sallyport.schema.json"
#define EXAMPLE	  TEST_SOURCE_DIR "/conf/sallyport.json"
#define POLICY	  TEST_SOURCE_DIR "/conf/policies/staff.json"

enum { FILE_MAX_BYTES = 1024 * 1024 };

static struct buf read_whole(const char *path)
{
	struct error err = {0};
	struct buf text;

	buf_init(&text, FILE_MAX_BYTES);
	if (!file_read(path, FILE_MAX_BYTES, &text, &err))
		fail_msg("%s", err.text);
	return text;
}

static void expect_file(const char *path, struct buf *made)
{
	struct error err = {0};
	struct buf text;

	assert_false(buf_failed(made));
	if (getenv("SALLYPORT_UPDATE"))
		assert_true(file_write_atomic(path, buf_str(made), 0644, &err));
	text = read_whole(path);
	if (!str_equal(buf_str(&text), buf_str(made)))
		fail_msg("%s is behind the option tables: run this test with SALLYPORT_UPDATE=1",
			 path);
	buf_done(&text);
	buf_done(made);
}

static void test_page(void **state)
{
	struct buf page;

	(void)state;
	buf_init(&page, CONFIG_REFERENCE_MAX_BYTES);
	config_reference_append(&page, &gate_options);
	expect_file(REFERENCE, &page);
}

static void test_schema(void **state)
{
	struct error err = {0};
	struct json_doc *doc;
	struct buf schema;

	(void)state;
	buf_init(&schema, CONFIG_SCHEMA_MAX_BYTES);
	config_schema_append(&schema, &gate_options, "Sallyport configuration");
	assert_true(json_parse(buf_str(&schema), FILE_MAX_BYTES, NULL, &doc, &err));
	json_doc_free(doc);
	expect_file(SCHEMA, &schema);
}

/* --- conf/sallyport.json */

static unsigned missing;

static void look_for(const struct option_table *table, const struct json *object,
		     const char *place);

static void look_at_value(const struct option *o, const struct json *value, const char *place)
{
	struct buf want, got;
	struct error err = {0};
	struct json_doc *doc;

	if (o->table && (o->type == OPTION_OBJECT))
		look_for(o->table, value, place);
	else if (o->table)
		look_for(o->table, json_first(value), place);
	if (o->table || !o->standard || o->required || o->type == OPTION_STRING_MAP)
		return;
	buf_init(&want, 4096);
	buf_init(&got, 4096);
	assert_true(json_parse(str_from(o->standard), 4096, NULL, &doc, &err));
	json_append_value(&want, json_root(doc));
	json_append_value(&got, value);
	/* "none" would make the authorities beside it useless */
	if (!str_equal(buf_str(&want), buf_str(&got)) && strcmp(o->key, "mode") != 0) {
		print_error("%s/%s: the default is %s, the example says %s\n", place, o->key,
			    want.ptr, got.ptr);
		missing++;
	}
	json_doc_free(doc);
	buf_done(&want);
	buf_done(&got);
}

/* The first entry of a list must name every option of its table. */
static void look_for(const struct option_table *table, const struct json *object, const char *place)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct option *o = &table->options[i];
		const struct json *value = json_get(object, o->key);
		char below[256];

		snprintf(below, sizeof(below), "%s/%s", place, o->key);
		if (value) {
			look_at_value(o, value, below);
		} else {
			print_error("%s is not in the example\n", below);
			missing++;
		}
	}
}

static void test_example_is_complete(void **state)
{
	struct buf text = read_whole(EXAMPLE);
	struct error err = {0};
	struct json_doc *doc;

	(void)state;
	missing = 0;
	assert_true(json_parse(buf_str(&text), FILE_MAX_BYTES, NULL, &doc, &err));
	look_for(&gate_options, json_root(doc), "");
	assert_int_equal(missing, 0);
	json_doc_free(doc);
	buf_done(&text);
}

static void copy(const struct test_folder *folder, const char *from, const char *to)
{
	struct buf text = read_whole(from);

	test_folder_write(folder, to, text.ptr, 0644);
	buf_done(&text);
}

static void make_files(const struct test_folder *folder)
{
	struct test_certificate site = test_certificate_make("site", test_key_ec(), NULL, 10);

	test_folder_below(folder, "tls");
	test_folder_below(folder, "secrets");
	test_folder_below(folder, "policies");
	test_chain_write(folder->path, "tls/site.pem", &site, NULL);
	test_chain_write(folder->path, "tls/clients-ca.pem", &site, NULL);
	test_chain_write(folder->path, "tls/corp-ca.pem", &site, NULL);
	test_chain_write(folder->path, "tls/upstreams-ca.pem", &site, NULL);
	test_key_write(folder->path, "tls/site.key", site.key, 0600, NULL);
	test_folder_write(folder, "secrets/corp", "of the test\n", 0600);
	copy(folder, EXAMPLE, "sallyport.json");
	copy(folder, POLICY, "policies/staff.json");
	test_certificate_done(&site);
}

/* A shadow rule of the example runs out one day and then warns, so its warnings are let pass. */
static void test_example_loads(void **state)
{
	struct test_folder folder = test_folder_make();
	struct gate_config *c = NULL;
	struct faults faults;

	(void)state;
	make_files(&folder);
	faults_init(&faults);
	if (!gate_config_load(test_folder_path(&folder, "sallyport.json"), &faults, &c))
		config_expect("conf/sallyport.json", &faults, "");
	assert_non_null(c);
	for (size_t i = 0; i < faults.count; i++)
		assert_non_null(strstr(faults.items[i].error.file, "policies/"));
	assert_int_equal(policy_set_tests_run(c->policies), 3);
	faults_done(&faults);
	gate_config_free(c);
	test_folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_example_is_complete),
		cmocka_unit_test(test_example_loads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
