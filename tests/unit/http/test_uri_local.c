/*
 * Where a login may send the browser back to. The hostile values are a file of their
 * own, tests/corpus/local_path_hostile.txt, which says how it is written.
 */
#include "http/uri.h"
#include "rows.h"

static void test_local_good(void **state)
{
	static const char *const rows[] = {
		"/",
		"/a",
		"/a/b?c=d#e",
		"/a/",
		"/?",
		"/#",
		"/?a",
		"/#a",
		"/#/spa/route",
		"/#/../spa",
		"/index.html",
		"/.well-known/x",
		"/.a",
		"/..a",
		"/...",
		"/a..",
		"/a.b/c..d",
		"/~user/",
		"/-_.!~*'()",
		"/a%20b",
		"/caf%c3%a9",
		"/%e2%80%a8",
		"/%41",
		"/100%25",
		"/a%3fb",
		"/a%23b",
		"/a;b=c",
		"/a//b",
		"/@evil.example",
		"/:80",
		"/evil.example",
		"/https://evil.example",
		"/a?rd=https://evil.example/",
		"/a?rd=//evil.example",
		"/a?b=/../c",
		"/a?b=%2f%2fevil.example",
		"/a?b=%0d%0a",
		"/a?b=%e9",
		"/a?b=\"<>|{}^`",
		"/a?b?c",
		"/a#b#c",
		"/a#%zz",
		"/job/feature%252Fx",
		"/grafana/d/abc/name?orgId=1&from=now-1h&to=now",
	};

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		row_bool(rows[i], "is local", true, uri_is_local_path(str_from(rows[i])));
	rows_end();
}

/* Undo "\xNN" and "\\" in place. */
static struct str line_unescape(char *line)
{
	size_t out = 0;

	for (size_t i = 0; line[i]; i++) {
		if (line[i] != '\\') {
			line[out++] = line[i];
		} else if (line[i + 1] == '\\') {
			line[out++] = '\\';
			i++;
		} else {
			assert_int_equal(line[i + 1], 'x');
			line[out++] = (char)(ascii_hex_value(line[i + 2]) * 16 +
					     ascii_hex_value(line[i + 3]));
			i += 3;
		}
	}
	return str_from_len(line, out);
}

static void test_local_hostile(void **state)
{
	FILE *file = fopen(TEST_SOURCE_DIR "/tests/corpus/local_path_hostile.txt", "r");
	char line[512], name[512];

	(void)state;
	assert_non_null(file);
	rows_begin();
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (!line[0] || strncmp(line, ";;", 2) == 0)
			continue;
		memcpy(name, line, sizeof(name));
		row_bool(name, "is local", false, uri_is_local_path(line_unescape(line)));
	}
	fclose(file);
	assert_true(rows_checked >= 500);
	row_bool("empty", "is local", false, uri_is_local_path(STR("")));
	row_bool("NULL", "is local", false, uri_is_local_path(str_from(NULL)));
	rows_end();
}

/* Every two bytes behind the first slash: what may follow is a short list. */
static void test_local_second_byte(void **state)
{
	char text[] = "/?evil.example";
	char name[8];

	(void)state;
	rows_begin();
	for (int c = 0; c < 256; c++) {
		bool want = c > 0x20 && c < 0x7f && !strchr("/\\\"<>^`{|}%", c);

		text[1] = (char)c;
		snprintf(name, sizeof(name), "%%x%02X", (unsigned)c);
		row_bool(name, "behind the slash", want,
			 uri_is_local_path(str_from_len(text, sizeof(text) - 1)));
	}
	rows_end();
}

static void test_local_limits(void **state)
{
	static char text[URI_MAX_TARGET + 1];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[0] = '/';
	assert_true(uri_is_local_path(str_from_len(text, URI_MAX_TARGET)));
	assert_false(uri_is_local_path(str_from_len(text, URI_MAX_TARGET + 1)));
	memcpy(text + 1, "%41.", 4);
	assert_true(uri_is_local_path(str_from_len(text, URI_MAX_TARGET)));

	/* "%25252525..." as long as may be: given up on, and quickly. */
	text[1] = '%';
	for (size_t i = 2; i + 1 < URI_MAX_TARGET; i += 2)
		memcpy(text + i, "25", 2);
	assert_false(uri_is_local_path(str_from_len(text, URI_MAX_TARGET)));
	assert_true(uri_is_local_path(str_from_len(text, 10)));
	assert_false(uri_is_local_path(str_from_len(text, 12)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_local_good),
		cmocka_unit_test(test_local_hostile),
		cmocka_unit_test(test_local_second_byte),
		cmocka_unit_test(test_local_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
