#include "../base/check.h"

#include "proxy/page.h"

static void check_escaped(const char *name, struct str value, const char *want)
{
	struct buf out;

	buf_init(&out, 4096);
	page_append_escaped(&out, value);
	check_str("escaped", name, str_from(want), buf_str(&out));
	buf_done(&out);
}

static void test_escaping(void **state)
{
	(void)state;
	check_escaped("plain", STR("Ada Lovelace"), "Ada Lovelace");
	check_escaped("markup", STR("\"><script>alert('x')</script>&"),
		      "&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;");
	check_escaped("UTF-8 stays", STR("Zo\xc3\xab"), "Zo\xc3\xab");
	check_escaped("a line separator stays text", STR("a\xe2\x80\xa8" "b"), "a\xe2\x80\xa8" "b");
	check_escaped("invalid bytes", STR("a\xff\xfe" "b"), "a\xef\xbf\xbd\xef\xbf\xbd" "b");
	check_escaped("an overlong slash", STR("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd");
	check_escaped("a cut sequence", STR("\xe2\x80"), "\xef\xbf\xbd\xef\xbf\xbd");
	check_escaped("controls", STR("a\0b\x1b" "c"), "a\xef\xbf\xbd" "b\xef\xbf\xbd" "c");
	check_done();
}

static const char hostile[] = "\"><img src=x onerror=alert(1)>'{{user}}";

/* Every page, every value hostile: nothing of it may stand in the page unescaped. */
static void test_every_page(void **state)
{
	static const char *const names[] = {"status", "title", "text", "message", "user", "name",
					    "email", "groups", "provider", "request_id", "host",
					    "retry", "sign_out", "authenticated_by", "signed_in_at",
					    "expires_at"};
	struct page_value values[ARRAY_LEN(names)];
	struct error err = {.kind = ERR_NONE};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		values[i] = (struct page_value){names[i], str_from(hostile)};
	assert_true(page_load(&err));
	for (enum page page = 0; page < PAGE_COUNT; page++) {
		struct buf out;

		buf_init(&out, 64 * 1024);
		page_render(&out, page, values, ARRAY_LEN(values));
		CHECK("it fits", !buf_failed(&out));
		CHECK("it is a page", str_starts_with(buf_str(&out), STR("<!doctype html>")));
		CHECK("the value is there", str_find(buf_str(&out), STR("&lt;img src=x")) != STR_NONE);
		CHECK("and only escaped", str_find(buf_str(&out), STR("<img")) == STR_NONE);
		CHECK("no script", str_find(buf_str(&out), STR("<script")) == STR_NONE);
		CHECK("no inline style", str_find(buf_str(&out), STR("style=")) == STR_NONE);
		CHECK("values are not templates",
		      str_find(buf_str(&out), STR("{{user}}")) != STR_NONE);
		buf_done(&out);
	}
	check_done();
}

static void test_parts(void **state)
{
	struct page_value given[] = {{"message", STR_INIT("Use the partner portal.")}};
	struct error err = {.kind = ERR_NONE};
	struct buf out;

	(void)state;
	assert_true(page_load(&err));
	buf_init(&out, 64 * 1024);
	page_render(&out, PAGE_DENIED, NULL, 0);
	CHECK("a part without its value is left out",
	      str_find(buf_str(&out), STR("class=\"message\"")) == STR_NONE);
	CHECK("no sign-out for nobody", str_find(buf_str(&out), STR("<form")) == STR_NONE);
	CHECK("no placeholder is left", str_find(buf_str(&out), STR("{{")) == STR_NONE);
	buf_clear(&out);
	page_render(&out, PAGE_DENIED, given, 1);
	CHECK("with it the part is there",
	      str_find(buf_str(&out), STR("<p class=\"message\">Use the partner portal.</p>")) !=
		      STR_NONE);
	buf_clear(&out);
	page_render(&out, PAGE_WHOAMI, NULL, 0);
	CHECK("the part for an empty value", str_find(buf_str(&out), STR("<dd>none</dd>")) != STR_NONE);
	buf_done(&out);
	check_done();
}

static void test_static_files(void **state)
{
	const char *type = NULL;
	struct str data;

	(void)state;
	CHECK("the style", page_static_file(STR("style.css"), &data, &type));
	check_str("type", "of the style", STR("text/css; charset=utf-8"), str_from(type));
	CHECK("is not empty", data.len > 100);
	CHECK("a template is no file", !page_static_file(STR("error.html"), &data, &type));
	CHECK("a path is no name", !page_static_file(STR("../style.css"), &data, &type));
	CHECK("nothing", !page_static_file(STR(""), &data, &type));
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escaping),
		cmocka_unit_test(test_every_page),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_static_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
