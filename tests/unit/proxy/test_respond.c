/* The gate's own answers: for people and programs, kept by nobody, framed by nobody. */
#include "tests/support/proxy_world.h"

#include "proxy/respond.h"

static struct proxy_world w;

static struct exchange *begin(const char *more)
{
	char head[512];

	snprintf(head, sizeof(head), "GET /x HTTP/1.1\nHost: public.example%s", more);
	world_begin(&w, head);
	return w.e;
}

static void finish(void)
{
	world_note_response(&w);
	world_end(&w, EXCHANGE_COMPLETE);
	world_skip_logs(&w);
}

static const struct {
	const char *name, *accept;
	bool html;
} rows[] = {
	{"a browser", "\nAccept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", true},
	{"a program", "\nAccept: application/json", false},
	{"anything", "\nAccept: */*", false},
	{"nothing said", "", false},
};

static void test_html_or_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json_doc *doc = NULL;
		char id[EXCHANGE_ID_SIZE];

		memcpy(id, begin(rows[i].accept)->id, sizeof(id));
		assert_int_equal(respond_error(w.e, 403, REASON_DENIED, "<no> \"you\" & 'me'"),
				 STEP_ANSWERED);
		finish();
		check_i64(rows[i].name, "status", 403, w.status);
		check_str(rows[i].name, "type",
			  rows[i].html ? STR("text/html; charset=utf-8") : STR("application/json"),
			  world_field(&w, "Content-Type"));
		CHECK(rows[i].name, str_find(buf_str(&w.body), str_from(id)) != STR_NONE);
		if (rows[i].html) {
			CHECK("escaped", str_find(buf_str(&w.body), STR("&lt;no&gt;")) != STR_NONE);
			CHECK("no markup", str_find(buf_str(&w.body), STR("<no>")) == STR_NONE);
			continue;
		}
		assert_true(json_parse(buf_str(&w.body), 65536, NULL, &doc, NULL));
		check_i64(rows[i].name, "status", 403,
			  (int64_t)json_number(json_get(json_root(doc), "status")));
		check_str(rows[i].name, "title", STR("Forbidden"),
			  json_str(json_get(json_root(doc), "title")));
		check_str(rows[i].name, "text", STR("<no> \"you\" & 'me'"),
			  json_str(json_get(json_root(doc), "text")));
		check_str(rows[i].name, "id", str_from(id),
			  json_str(json_get(json_root(doc), "request_id")));
		json_doc_free(doc);
	}
	check_done();
}

static enum step_result make_error(struct exchange *e)
{
	return respond_error(e, 404, REASON_NO_ROUTE, "x");
}
static enum step_result make_data(struct exchange *e)
{
	return respond_data(e, 200, REASON_OWN_PAGE, "text/css", STR("b{}"));
}
static enum step_result make_redirect(struct exchange *e)
{
	return respond_redirect(e, 302, REASON_LOGIN_STARTED, STR("/x"));
}
static enum step_result make_page(struct exchange *e)
{
	return respond_page(e, 200, REASON_OWN_PAGE, PAGE_SIGNED_OUT, NULL, 0);
}
static enum step_result make_internal(struct exchange *e)
{
	return respond_internal(e, "the secret cause");
}
static enum step_result make_500(struct exchange *e)
{
	return respond_error(e, 500, REASON_INTERNAL, "the secret cause");
}

static const struct {
	const char *name;
	enum step_result (*make)(struct exchange *e);
	unsigned status;
} kinds[] = {
	{"an error", make_error, 404},	    {"data", make_data, 200},
	{"a redirect", make_redirect, 302}, {"a page", make_page, 200},
	{"internal", make_internal, 500},   {"500", make_500, 500},
};

/* Every answer of ours, once each. */
static void test_fields(void **state)
{
	static const struct {
		const char *name, *value;
	} fields[] = {
		{"Cache-Control", "no-store"},
		{"X-Content-Type-Options", "nosniff"},
		{"Content-Security-Policy", PAGE_CONTENT_SECURITY_POLICY},
		{"X-Frame-Options", "DENY"},
		{"Referrer-Policy", "no-referrer"},
	};

	(void)state;
	log_set_level(LOG_ERROR + 1);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t wanted = kinds[i].make == make_internal ? 1 : ARRAY_LEN(fields);

		begin("\nAccept: text/html");
		assert_int_equal(kinds[i].make(w.e), STEP_ANSWERED);
		check_i64(kinds[i].name, "length is known", 1, exchange_response(w.e)->has_length);
		check_i64(kinds[i].name, "length", (int64_t)exchange_response(w.e)->data.len,
			  (int64_t)exchange_response(w.e)->length);
		finish();
		check_i64(kinds[i].name, "status", kinds[i].status, w.status);
		for (size_t f = 0; f < wanted; f++) {
			check_str(kinds[i].name, fields[f].name, str_from(fields[f].value),
				  world_field(&w, fields[f].name));
			check_i64(kinds[i].name, "copies", 1,
				  (int64_t)head_count(buf_str(&w.head), fields[f].name));
		}
		CHECK(kinds[i].name, str_find(buf_str(&w.body), STR("secret cause")) == STR_NONE);
	}
	log_set_level(LOG_ERROR);
	check_done();
}

/* A later answer replaces an earlier one whole: no field of the first is left. */
static void test_replaced(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR + 1);
	begin("");
	(void)respond_redirect(w.e, 302, REASON_LOGIN_STARTED, STR("/first"));
	respond_add_header(w.e, "Set-Cookie", STR("first=1"));
	(void)respond_error(w.e, 503, REASON_OVERLOADED, "busy");
	check_i64("replaced", "reason", REASON_OVERLOADED, w.e->reason);
	finish();
	log_set_level(LOG_ERROR);
	check_i64("replaced", "status", 503, w.status);
	check_str("replaced", "Location", STR("(none)"), world_field(&w, "Location"));
	check_str("replaced", "Set-Cookie", STR("(none)"), world_field(&w, "Set-Cookie"));
	check_i64("replaced", "Cache-Control", 1,
		  (int64_t)head_count(buf_str(&w.head), "Cache-Control"));
	check_done();
}

static void test_session_cookie_is_cleared(void **state)
{
	(void)state;
	begin("");
	(void)respond_error(w.e, 200, REASON_OWN_PAGE, "bye");
	respond_clear_cookie(w.e, STR(SESSION_COOKIE));
	finish();
	check_str("cleared", "Set-Cookie",
		  STR("__Host-sallyport=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"),
		  world_field(&w, "Set-Cookie"));
	check_done();
}

static int open_world(void **state)
{
	(void)state;
	world_open(&w, NULL);
	return 0;
}

static int close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_html_or_json),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_session_cookie_is_cleared),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
