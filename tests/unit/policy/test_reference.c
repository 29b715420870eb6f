/*
 * docs/policy.md must name every word that the reader knows, and its examples must load.
 */
#include "policies.h"

#include "base/file.h"
#include "policy/condition.h"

static void read_page(struct buf *page)
{
	struct error err = {0};

	buf_init(page, POLICY_MAX_BYTES);
	assert_true(file_read(TEST_SOURCE_DIR "/docs/policy.md", POLICY_MAX_BYTES, page, &err));
}

/* The first cell of some row must hold the word in backquotes. */
static bool is_in_first_cell(struct str page, const char *word)
{
	struct str line;
	char quoted[40];

	snprintf(quoted, sizeof(quoted), "`%s`", word);
	while (str_next(&page, '\n', &line)) {
		size_t end;

		if (!str_starts_with(line, STR("| `")))
			continue;
		end = str_find_char(str_after(line, 1), '|');
		if (end != STR_NONE &&
		    str_find(str_slice(line, 0, end), str_from(quoted)) != STR_NONE)
			return true;
	}
	return false;
}

static void test_every_word_is_named(void **state)
{
	static const size_t counts[CONDITION_TABLES] = {15, 10, 6, 5, 5};
	struct buf page;

	(void)state;
	read_page(&page);
	for (unsigned table = 0; table < CONDITION_TABLES; table++) {
		const char *word;
		size_t i;

		for (i = 0; (word = condition_word(table, i)); i++)
			CHECK(word, is_in_first_cell(buf_str(&page), word));
		check_i64("table", "words", (int64_t)counts[table], (int64_t)i);
	}
	CHECK("nothing", !condition_word(CONDITION_TABLES, 0));
	buf_done(&page);
	check_done();
}

static void test_examples_load(void **state)
{
	size_t examples = 0;
	struct buf page;

	(void)state;
	read_page(&page);
	for (const char *at = page.ptr; (at = strstr(at, "```json\n"));) {
		const char *end;
		struct faults faults;
		struct policy *p = NULL;
		size_t run = 0, failed = 0;

		at += strlen("```json\n");
		end = strstr(at, "```");
		assert_non_null(end);
		faults_init(&faults);
		CHECK("example",
		      policy_parse(str_from_len(at, (size_t)(end - at)), "policy.md", &faults, &p));
		if (p)
			policy_run_tests(p, &faults, &run, &failed);
		CHECK("it has tests", run > 0);
		check_i64("example", "faults", 0, (int64_t)(faults.errors + faults.warnings));
		faults_print(&faults);
		faults_done(&faults);
		policy_unref(p);
		examples++;
		at = end + 3;
	}
	CHECK("examples", examples > 0);
	buf_done(&page);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_word_is_named),
		cmocka_unit_test(test_examples_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
