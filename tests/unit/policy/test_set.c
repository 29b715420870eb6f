#include "policies.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define GOOD(name)                                                                        \
	"{\"policy\":\"" name                                                             \
	"\",\"rules\":[{\"id\":\"a\",\"effect\":\"allow\",\"when\":{\"path\":\"/**\"}}]," \
	"\"tests\":[{\"name\":\"t\",\"expect\":\"allow\"}]}"
#define FAILING(name)                                                                    \
	"{\"policy\":\"" name                                                            \
	"\",\"rules\":[{\"id\":\"a\",\"effect\":\"deny\",\"when\":{\"path\":\"/**\"}}]," \
	"\"tests\":[{\"name\":\"t\",\"expect\":\"allow\"}]}"

enum { MAX_FILES = 4 };
struct row {
	const char *name;
	const char *files[MAX_FILES], *texts[MAX_FILES];
	bool ok;
	size_t count; /* policies, when ok */
	size_t errors;
	const char *part; /* of the first fault's line, without the folder */
};

static const struct row rows[] = {
	{"an empty folder", {NULL}, {NULL}, true, 0, 0, ""},
	{"two policies", {"b.json", "a.json"}, {GOOD("x"), GOOD("y")}, true, 2, 0, ""},
	{"other files do not count",
	 {"a.json", "README.md", ".hidden.json", "b.json~"},
	 {GOOD("x"), "text", "text", "text"},
	 true,
	 1,
	 0,
	 ""},
	{"one name twice",
	 {"a.json", "b.json"},
	 {GOOD("x"), GOOD("x")},
	 false,
	 0,
	 1,
	 "b.json: /policy: the name \"x\" is taken"},
	{"a failing test",
	 {"a.json"},
	 {FAILING("x")},
	 false,
	 0,
	 1,
	 "a.json:1: /tests/0: test \"t\" expected allow, the answer is deny: denied by rule, rule "
	 "a"},
	{"every file is reported",
	 {"a.json", "b.json", "c.json"},
	 {"{", GOOD("x"), "[]"},
	 false,
	 0,
	 2,
	 "a.json:1: "},
};

static void path_of(char *out, size_t size, const char *folder, const char *name)
{
	assert_true(snprintf(out, size, "%s/%s", folder, name) < (int)size);
}

static void write_files(const struct row *row, const char *folder)
{
	for (size_t i = 0; i < MAX_FILES && row->files[i]; i++) {
		char path[200];
		struct error err = {0};

		path_of(path, sizeof(path), folder, row->files[i]);
		assert_true(file_write_atomic(path, str_from(row->texts[i]), 0644, &err));
	}
}

static void remove_files(const struct row *row, const char *folder)
{
	for (size_t i = 0; i < MAX_FILES && row->files[i]; i++) {
		char path[200];

		path_of(path, sizeof(path), folder, row->files[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(folder), 0);
}

static void check_set(const struct row *row, const struct policy_set *set)
{
	check_i64(row->name, "count", (int64_t)row->count, (int64_t)policy_set_count(set));
	check_i64(row->name, "tests run", (int64_t)row->count, (int64_t)policy_set_tests_run(set));
	for (size_t i = 0; i < policy_set_count(set); i++) {
		const struct policy *p = policy_set_at(set, i);

		CHECK(row->name, policy_set_find(set, str_from(policy_name(p))) == p);
		if (i)
			CHECK("sorted",
			      strcmp(policy_name(policy_set_at(set, i - 1)), policy_name(p)) < 0);
	}
	CHECK(row->name, !policy_set_find(set, STR("nothing")));
	CHECK(row->name, !policy_set_find(set, STR("")));
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		char folder[] = "/tmp/sallyport-policies-XXXXXX";
		char line[ERROR_FORMAT_MAX] = "";
		struct policy_set *set = NULL;
		struct faults faults;

		assert_non_null(mkdtemp(folder));
		write_files(row, folder);
		faults_init(&faults);
		check_i64(row->name, "loads", row->ok, policy_set_load(folder, &faults, &set));
		check_i64(row->name, "errors", (int64_t)row->errors, (int64_t)faults.errors);
		if (faults.count)
			error_format(&faults.items[0].error, line, sizeof(line));
		check_contains(row->name, row->part, line);
		if (set)
			check_set(row, set);
		policy_set_free(set);
		faults_done(&faults);
		remove_files(row, folder);
	}
	check_done();
}

/* A route keeps its policy when the set that it came from is gone. */
static void test_references_outlive_the_set(void **state)
{
	struct policy_set *set = NULL;
	struct faults faults;
	struct policy *p;

	(void)state;
	faults_init(&faults);
	assert_true(policy_set_load(TEST_SOURCE_DIR "/tests/unit/policy/cases", &faults, &set));
	p = policy_set_find(set, STR("staff"));
	assert_non_null(p);
	policy_ref(p);
	policy_set_free(set);
	check_cstr("kept", "name", "staff", policy_name(p));
	policy_unref(p);
	faults_done(&faults);
	policy_set_free(NULL);
	check_done();
}

static void test_no_folder(void **state)
{
	struct policy_set *set = NULL;
	struct faults faults;

	(void)state;
	faults_init(&faults);
	assert_false(policy_set_load("/nonexistent/policies", &faults, &set));
	check_i64("no folder", "errors", 1, (int64_t)faults.errors);
	check_cstr("no folder", "file", "/nonexistent/policies", faults.items[0].error.file);
	faults_done(&faults);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_references_outlive_the_set),
		cmocka_unit_test(test_no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
