/*
 * What is written about exchanges is in step with the code: docs/internals/request.md has
 * a row for each step and each reason, docs/operations.md one for each field of the two
 * logs and for each metric, and neither has rows for what is not there any more.
 */
#include "../base/check.h"

#include "base/file.h"
#include "proxy/exchange_state.h"

#define REQUEST	     TEST_SOURCE_DIR "/docs/internals/request.md"
#define OPERATIONS   TEST_SOURCE_DIR "/docs/operations.md"
#define LOG_SOURCE   TEST_SOURCE_DIR "/src/proxy/access_log.c"
#define ADMIN_SOURCE TEST_SOURCE_DIR "/src/proxy/admin.c"

enum { FILE_MAX_BYTES = 1024 * 1024, NAMES_MAX = 64 };

struct names {
	struct str items[NAMES_MAX];
	size_t count;
};

static struct buf read_whole(const char *path)
{
	struct error err = {0};
	struct buf text;

	buf_init(&text, FILE_MAX_BYTES);
	if (!file_read(path, FILE_MAX_BYTES, &text, &err))
		fail_msg("%s", err.text);
	return text;
}

/* From a heading to the next of its kind. */
static struct str section(struct str text, const char *heading)
{
	size_t start = str_find(text, str_from(heading));
	size_t end;

	if (start == STR_NONE)
		fail_msg("there is no section \"%s\"", heading);
	text = str_after(text, start + strlen(heading));
	end = str_find(text, STR("\n## "));
	return end == STR_NONE ? text : str_slice(text, 0, end);
}

static bool has_row(struct str text, const char *row)
{
	struct str line;

	while (str_next(&text, '\n', &line))
		if (str_starts_with(line, str_from(row)))
			return true;
	return false;
}

/* Rows of the tables in a text, without their headings and rules. */
static size_t count_rows(struct str text)
{
	struct str line;
	size_t rows = 0, tables = 0;

	while (str_next(&text, '\n', &line)) {
		tables += str_starts_with(line, STR("| ---"));
		rows += str_starts_with(line, STR("| "));
	}
	return rows - 2 * tables;
}

static void check_row(struct str text, const char *document, const char *row)
{
	if (has_row(text, row))
		return;
	check_failures++;
	print_error("%s: want a row that starts with \"%s\", got none\n", document, row);
}

/* --- docs/internals/request.md */

static void test_steps(void **state)
{
	static const char *const rows[] = {
#define X(name, function, words) "| " #name " | " words " |",
		EXCHANGE_STEPS(X)
#undef X
	};
	struct buf text = read_whole(REQUEST);
	struct str steps = section(buf_str(&text), "\n## Steps\n");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(steps, "steps", rows[i]);
	check_i64("steps", "number of rows", ARRAY_LEN(rows), (int64_t)count_rows(steps));
	buf_done(&text);
	check_done();
}

static void test_reasons(void **state)
{
	static const char *const rows[] = {
#define X(name, word, meaning) "| `" word "` | " meaning " |",
		EXCHANGE_REASONS(X)
#undef X
	};
	struct buf text = read_whole(REQUEST);
	struct str reasons = section(buf_str(&text), "\n## Reasons\n");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(reasons, "reasons", rows[i]);
	check_i64("reasons", "number of rows", ARRAY_LEN(rows), (int64_t)count_rows(reasons));
	buf_done(&text);
	check_done();
}

/* --- docs/operations.md */

static bool has_name(const struct names *names, struct str name)
{
	for (size_t i = 0; i < names->count; i++)
		if (str_equal(names->items[i], name))
			return true;
	return false;
}

static void add_name(struct names *names, struct str name)
{
	if (has_name(names, name))
		return;
	assert_true(names->count < NAMES_MAX);
	names->items[names->count++] = name;
}

/* The second argument, where it is a text in quotes, of each call of what starts with call. */
static void find_names(struct str source, const char *call, struct names *names)
{
	size_t at;

	while ((at = str_find(source, str_from(call))) != STR_NONE) {
		size_t comma, end;
		struct str rest;

		source = str_after(source, at + strlen(call));
		comma = str_find(source, STR(", "));
		end = str_find(source, STR(";"));
		if (comma == STR_NONE || end == STR_NONE || comma > end)
			continue;
		rest = str_after(source, comma + 2);
		if (!str_starts_with(rest, STR("\"")))
			continue;
		rest = str_after(rest, 1);
		add_name(names, str_slice(rest, 0, str_find_char(rest, '"')));
	}
}

static void find_fields(struct str source, struct names *names)
{
	find_names(source, "json_write_", names);
	find_names(source, "write_seconds(", names);
}

/* One function of a source that is laid out as ours are: its end is a brace in the first column. */
static struct str function_body(struct str source, const char *head, size_t *ret_start)
{
	size_t start = str_find(source, str_from(head));
	size_t len;

	if (start == STR_NONE)
		fail_msg("there is no function \"%s\"", head);
	len = str_find(str_after(source, start), STR("\n}\n"));
	assert_true(len != STR_NONE);
	*ret_start = start;
	return str_slice(source, start, len);
}

/* A row for each name, and no row for anything else. */
static void check_names(struct str text, const char *document, const struct names *names)
{
	char row[128];

	for (size_t i = 0; i < names->count; i++) {
		snprintf(row, sizeof(row), "| `%.*s` |", STR_ARG(names->items[i]));
		check_row(text, document, row);
	}
	check_i64(document, "number of rows", (int64_t)names->count, (int64_t)count_rows(text));
}

static void test_log_fields(void **state)
{
	struct buf text = read_whole(OPERATIONS), source = read_whole(LOG_SOURCE);
	struct names access = {.count = 0}, decision = {.count = 0}, own = {.count = 0};
	struct str all = buf_str(&source), body;
	size_t start;

	(void)state;
	body = function_body(all, "static void append_decision_line(", &start);
	find_fields(str_slice(all, 0, start), &access);
	find_fields(str_after(all, start + body.len), &access);
	find_fields(body, &decision);
	for (size_t i = 0; i < decision.count; i++)
		if (!has_name(&access, decision.items[i]))
			add_name(&own, decision.items[i]);
	assert_true(has_name(&access, STR("request_id"))); /* the scan finds what it should */
	assert_true(has_name(&access, STR("upstream_time")));
	assert_true(has_name(&own, STR("because")));
	check_names(section(buf_str(&text), "\n## The access log\n"), "access log", &access);
	check_names(section(buf_str(&text), "\n## The decision log\n"), "decision log", &own);
	buf_done(&text);
	buf_done(&source);
	check_done();
}

static void test_metrics(void **state)
{
	struct buf text = read_whole(OPERATIONS), source = read_whole(ADMIN_SOURCE);
	struct names names = {.count = 0};
	struct str table;

	(void)state;
	find_names(buf_str(&source), "metric(", &names);
	assert_true(has_name(&names, STR("sallyport_sessions")));
	table = section(buf_str(&text), "\n## Admin address\n");
	table = str_after(table, str_find(table, STR("| metric |")));
	check_names(table, "metrics", &names);
	buf_done(&text);
	buf_done(&source);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_log_fields),
		cmocka_unit_test(test_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
