#include "check.h"

#include <errno.h>

#include "base/error.h"

static void test_first_counts(void **state)
{
	struct error err = {.kind = ERR_NONE};

	(void)state;
	CHECK("answers false", !error_set(&err, ERR_SYNTAX, "bad %s", "thing"));
	CHECK("again", !error_set(&err, ERR_IO, "later"));
	CHECK("errno too", !error_set_errno(&err, ENOENT, "later"));
	check_i64("kind", "first", ERR_SYNTAX, err.kind);
	check_cstr("text", "first", "bad thing", err.text);
	CHECK("NULL is fine", !error_set(NULL, ERR_IO, "x") && !error_set_errno(NULL, 1, "x"));
	error_at_file(NULL, "x");
	error_at_pointer(NULL, "x");
	error_clear(NULL);
	error_clear(&err);
	CHECK("cleared", err.kind == ERR_NONE && err.text[0] == '\0');
	error_set(&err, ERR_NONE, "no kind");
	check_i64("kind", "none is a bug", ERR_BUG, err.kind);
	check_done();
}

static void test_sanitized(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
		{"line break", "a\nb\r", "a?b?"},
		{"escape sequence", "\x1b[31m", "?[31m"},
		{"DEL", "a\x7f", "a?"},
		{"C1 in UTF-8",
		 "a\xc2\x9b"
		 "b",
		 "a??b"},
		{"UTF-8 stays", "caf\xc3\xa9", "caf\xc3\xa9"},
		{"no UTF-8", "a\xff\xc0\xaf", "a???"},
	};
	char long_text[400];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = {.kind = ERR_NONE};

		error_set(&err, ERR_SYNTAX, "%s", rows[i].text);
		check_cstr(rows[i].name, "text", rows[i].want, err.text);
		error_at_pointer(&err, rows[i].text);
		check_cstr(rows[i].name, "pointer", rows[i].want, err.pointer);
		error_at_file(&err, rows[i].text);
		check_cstr(rows[i].name, "file", rows[i].want, err.file);
	}
	for (size_t i = 0; i < sizeof(long_text) - 1; i += 2)
		memcpy(long_text + i, "\xc3\xa9", 2);
	long_text[398] = '\0';
	{
		struct error err = {.kind = ERR_NONE};

		error_set(&err, ERR_SYNTAX, "%s", long_text);
		check_i64("cut", "length", sizeof(err.text) - 1, (int64_t)strlen(err.text));
		CHECK("cut in a character", str_is_utf8(str_from(err.text)));
	}
	check_done();
}

static void test_errno(void **state)
{
	struct error err = {.kind = ERR_NONE};

	(void)state;
	CHECK("answers false", !error_set_errno(&err, EACCES, "cannot open %s", "x"));
	check_cstr("errno", "text", "cannot open x: Permission denied", err.text);
	check_i64("errno", "kind", ERR_IO, err.kind);
	error_clear(&err);
	error_set_errno(&err, ENOMEM, "x");
	check_i64("ENOMEM", "kind", ERR_NOMEM, err.kind);
	error_clear(&err);
	error_set_errno(&err, EACCES, "%0*d", 300, 1);
	check_i64("full", "length", sizeof(err.text) - 1, (int64_t)strlen(err.text));
	check_done();
}

static void test_format(void **state)
{
	static const struct {
		const char *want, *file;
		unsigned line;
		const char *pointer, *text;
	} rows[] = {
		{"proxy.json:41: /a/b: bad", "proxy.json", 41, "/a/b", "bad"},
		{"proxy.json:41: bad", "proxy.json", 41, NULL, "bad"},
		{"proxy.json: /a: bad", "proxy.json", 0, "/a", "bad"},
		{"line 3: /a: bad", NULL, 3, "/a", "bad"},
		{"bad", NULL, 0, NULL, "bad"},
		{"limit", NULL, 0, NULL, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = {.kind = ERR_NONE};
		char out[ERROR_FORMAT_MAX], small[8];

		error_set(&err, ERR_LIMIT, "%s", rows[i].text);
		error_at_file(&err, rows[i].file);
		error_at_file(&err, "another");
		if (!rows[i].file)
			err.file[0] = '\0';
		error_at_pointer(&err, rows[i].pointer);
		err.line = rows[i].line;
		check_cstr("format", "text", rows[i].want, error_format(&err, out, sizeof(out)));
		error_format(&err, small, sizeof(small));
		check_str("format", "cut", str_slice(str_from(rows[i].want), 0, 7),
			  str_from(small));
	}
	check_cstr("kind", "name", "not_found", error_kind_name(ERR_NOT_FOUND));
	check_done();
}

static void test_faults(void **state)
{
	struct faults f;

	(void)state;
	faults_init(&f);
	CHECK("none", !faults_has_errors(&f));
	faults_addf(&f, FAULT_WARNING, NULL, 0, NULL, "unused %s", "x");
	CHECK("a warning is no error", !faults_has_errors(&f) && f.warnings == 1);
	faults_addf(&f, FAULT_ERROR, "f.json", 7, "/a", "bad\n");
	CHECK("an error is", faults_has_errors(&f) && f.errors == 1 && f.count == 2);
	check_cstr("fault", "text", "bad?", f.items[1].error.text);
	check_cstr("fault", "file", "f.json", f.items[1].error.file);
	check_cstr("fault", "pointer", "/a", f.items[1].error.pointer);
	check_i64("fault", "line", 7, f.items[1].error.line);
	CHECK("its kind", f.items[1].error.kind == ERR_SYNTAX);
	for (int i = 0; i < 300; i++)
		faults_add(&f, FAULT_ERROR, &f.items[1].error);
	check_i64("many", "kept", FAULTS_MAX, (int64_t)f.count);
	check_i64("many", "counted", 301, (int64_t)f.errors);
	check_cstr("the last kept", "text", "bad?", f.items[FAULTS_MAX - 1].error.text);
	faults_done(&f);
	CHECK("done", f.count == 0 && f.items == NULL);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_counts), cmocka_unit_test(test_sanitized),
		cmocka_unit_test(test_errno),	     cmocka_unit_test(test_format),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
