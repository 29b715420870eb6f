/*
 * The access log: the same fields for every way an exchange can end, each once and of its
 * type, no line forged by what a client sends, and nothing in it that could be replayed.
 */
#include "tests/support/proxy_world.h"

static struct proxy_world w;
static char ada[SESSION_ID_TEXT + 1];

static const struct {
	const char *name;
	enum json_type type;
	bool may_be_null;
} fields[] = {
	{"time", JSON_STRING, false},
	{"request_id", JSON_STRING, false},
	{"client_ip", JSON_STRING, false},
	{"method", JSON_STRING, false},
	{"host", JSON_STRING, false},
	{"request_uri", JSON_STRING, false},
	{"status", JSON_NUMBER, false},
	{"route", JSON_STRING, false},
	{"upstream_addr", JSON_STRING, false},
	{"request_time", JSON_NUMBER, false},
	{"upstream_time", JSON_NUMBER, true},
	{"bytes_sent", JSON_NUMBER, false},
	{"bytes_received", JSON_NUMBER, false},
	{"user", JSON_STRING, false},
	{"provider", JSON_STRING, false},
	{"authenticated_by", JSON_STRING, false},
	{"decision", JSON_STRING, false},
	{"rule", JSON_STRING, false},
	{"would", JSON_ARRAY, false},
	{"policy_hash", JSON_STRING, false},
	{"tls", JSON_STRING, false},
	{"user_agent", JSON_STRING, false},
	{"reason", JSON_STRING, false},
};

static void check_line(const char *name, const struct json *line)
{
	if (!line) {
		check_i64(name, "lines", 1, 0);
		return;
	}
	check_i64(name, "fields", ARRAY_LEN(fields), (int64_t)json_count(line));
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const struct json *v = json_get(line, fields[i].name);

		if (!v || (!json_is(v, fields[i].type) &&
			   !(fields[i].may_be_null && json_is(v, JSON_NULL))))
			check_cstr(name, fields[i].name, json_type_name(fields[i].type),
				   v ? json_type_name(json_type(v)) : "nothing");
	}
	CHECK("a time", log_text(line, "time").len == strlen("2026-11-20T21:42:07.123Z"));
}

/* --- every ending */

static const struct {
	const char *name, *head;
	enum loop_server_mode mode;
	const char *answer;
	enum exchange_outcome outcome;
	int status;
	const char *reason;
} endings[] = {
	{"served", "GET / HTTP/1.1\nHost: public.example", SERVER_ANSWERS, NULL, EXCHANGE_COMPLETE,
	 200, "served"},
	{"own page", "GET /.sallyport/jwks.json HTTP/1.1\nHost: public.example", SERVER_ANSWERS,
	 NULL, EXCHANGE_COMPLETE, 200, "own_page"},
	{"no route", "GET / HTTP/1.1\nHost: evil.example", SERVER_ANSWERS, NULL, EXCHANGE_COMPLETE,
	 404, "no_route"},
	{"malformed", "GET / HTTP/1.1\nHost: a b", SERVER_ANSWERS, NULL, EXCHANGE_COMPLETE, 400,
	 "bad_request"},
	{"a method", "TRACE / HTTP/1.1\nHost: public.example", SERVER_ANSWERS, NULL,
	 EXCHANGE_COMPLETE, 501, "not_implemented"},
	{"not signed in", "GET / HTTP/1.1\nHost: wiki.example", SERVER_ANSWERS, NULL,
	 EXCHANGE_COMPLETE, 401, "not_signed_in"},
	{"login", "GET / HTTP/1.1\nHost: wiki.example\nAccept: text/html", SERVER_ANSWERS, NULL,
	 EXCHANGE_COMPLETE, 302, "login_started"},
	{"cross site",
	 "POST /.sallyport/logout HTTP/1.1\nHost: wiki.example\nOrigin: null\nContent-Length: 0",
	 SERVER_ANSWERS, NULL, EXCHANGE_COMPLETE, 403, "cross_site"},
	{"upstream closed", "POST / HTTP/1.1\nHost: public.example\nContent-Length: 0",
	 SERVER_CLOSES, NULL, EXCHANGE_COMPLETE, 502, "upstream_reset"},
	{"upstream silent", "GET / HTTP/1.1\nHost: public.example", SERVER_HOLDS, NULL,
	 EXCHANGE_COMPLETE, 504, "upstream_timeout"},
	{"upstream malformed", "POST / HTTP/1.1\nHost: public.example\nContent-Length: 0",
	 SERVER_CUTS, "what?\r\n\r\n", EXCHANGE_COMPLETE, 502, "upstream_malformed"},
	{"upstream cut", "GET / HTTP/1.1\nHost: public.example", SERVER_CUTS,
	 "HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\nab", EXCHANGE_COMPLETE, 200,
	 "upstream_cut"},
	{"client gone, answered", "GET / HTTP/1.1\nHost: public.example", SERVER_ANSWERS, NULL,
	 EXCHANGE_CLIENT_GONE, 200, "client_gone"},
	{"client slow, answered", "GET / HTTP/1.1\nHost: public.example", SERVER_ANSWERS, NULL,
	 EXCHANGE_CLIENT_TIMEOUT, 200, "client_timeout"},
};

static void test_endings(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR + 1);
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		const struct json *line;

		w.app.mode = endings[i].mode;
		loop_server_say(&w.app, endings[i].answer
						? endings[i].answer
						: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
		world_begin(&w, endings[i].head);
		assert_true(world_answer(&w, "", 0));
		if (exchange_response(w.e)->is_stream)
			world_read_stream(&w);
		world_end(&w, endings[i].outcome);
		line = world_log(&w);
		check_line(endings[i].name, line);
		check_i64(endings[i].name, "status", endings[i].status,
			  (int64_t)json_number(json_get(line, "status")));
		check_cstr(endings[i].name, "reason", endings[i].reason,
			   log_text(line, "reason").ptr);
		check_cstr(endings[i].name, "tls", "TLSv1.3", log_text(line, "tls").ptr);
		while (w.app.clients)
			loop_server_drop(w.app.clients);
	}
	w.app.mode = SERVER_ANSWERS;
	log_set_level(LOG_ERROR);
	check_done();
}

static void test_unanswered(void **state)
{
	(void)state;
	w.e = exchange_new(&w.worker, &w.peer, &world_transport, &w);
	world_end(&w, EXCHANGE_CLIENT_GONE);
	check_line("before the head", world_log(&w));
	w.app.mode = SERVER_HOLDS;
	world_begin(&w, "GET /slow HTTP/1.1\nHost: public.example");
	assert_int_equal(exchange_run(w.e), EXCHANGE_WAITS);
	world_end(&w, EXCHANGE_CLIENT_GONE);
	w.app.mode = SERVER_ANSWERS;
	check_line("while waiting", world_log(&w));
	check_i64("while waiting", "status", 499,
		  (int64_t)json_number(json_get(json_root(w.line), "status")));
	check_i64("while waiting", "bytes_sent", 0,
		  (int64_t)json_number(json_get(json_root(w.line), "bytes_sent")));
	CHECK("no upstream time", json_is(json_get(json_root(w.line), "upstream_time"), JSON_NULL));
	check_done();
}

static void test_values(void **state)
{
	const struct json *line;
	double seconds;

	(void)state;
	loop_server_forget(&w.app);
	loop_server_say(&w.app, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	world_ask_as(&w, "GET /p?q=1 HTTP/1.1\nHost: WIKI.example:8443\nUser-Agent: curl/8", ada);
	line = world_log(&w);
	check_cstr("values", "client_ip", "192.0.2.7", log_text(line, "client_ip").ptr);
	check_cstr("values", "method", "GET", log_text(line, "method").ptr);
	check_cstr("values", "host", "wiki.example", log_text(line, "host").ptr);
	check_cstr("values", "request_uri", "/p?q=1", log_text(line, "request_uri").ptr);
	check_cstr("values", "route", "wiki", log_text(line, "route").ptr);
	check_i64("values", "bytes_sent", 5, (int64_t)json_number(json_get(line, "bytes_sent")));
	check_cstr("values", "user", "ada", log_text(line, "user").ptr);
	check_cstr("values", "provider", "corp", log_text(line, "provider").ptr);
	check_cstr("values", "by", "session", log_text(line, "authenticated_by").ptr);
	check_cstr("values", "decision", "allow", log_text(line, "decision").ptr);
	check_cstr("values", "rule", "engineers", log_text(line, "rule").ptr);
	check_cstr("values", "user_agent", "curl/8", log_text(line, "user_agent").ptr);
	seconds = json_number(json_get(line, "request_time"));
	CHECK("seconds, not milliseconds", seconds > 0 && seconds < 5);
	check_str("values", "X-Request-Id is the log's", log_text(line, "request_id"),
		  head_field(buf_str(&w.app.seen), "X-Request-Id"));
	check_done();
}

/* --- what is not written */

static const struct {
	const char *name, *target, *want;
} targets[] = {
	{"nothing secret", "/a?b=c&d", "/a?b=c&d"},
	{"a token", "/a?access_token=s3cret&b=c", "/a?access_token=[redacted]&b=c"},
	{"in another case", "/a?ACCESS_TOKEN=s3cret", "/a?ACCESS_TOKEN=[redacted]"},
	{"a spelling with percents", "/a?%61ccess_token=s3cret", "/a?%61ccess_token=[redacted]"},
	{"several", "/a?code=s3cret&state=s3cret&x=1&sig=s3cret",
	 "/a?code=[redacted]&state=[redacted]&x=1&sig=[redacted]"},
	{"with equals signs inside", "/a?token=s3c=ret", "/a?token=[redacted]"},
	{"empty", "/a?token=", "/a?token=[redacted]"},
	{"the name alone", "/a?token", "/a?token"},
	{"a longer name", "/a?tokens=x", "/a?tokens=x"},
	{"our callback", "/.sallyport/callback?code=s3cret&state=s3cret", "/.sallyport/callback"},
	{"our callback, in absolute-form", "https://public.example/.sallyport/callback?code=s3cret",
	 "https://public.example/.sallyport/callback?code=[redacted]"},
	{"a password in an absolute-form", "https://u:s3cret@public.example/", NULL},
	{"the value encoded", "/a?token=%73%33cret", "/a?token=[redacted]"},
	{"JWT", "/a?jwt=s3cret&id_token=s3cret&client_secret=s3cret&password=s3cret",
	 "/a?jwt=[redacted]&id_token=[redacted]&client_secret=[redacted]&password=[redacted]"},
};

static void test_redaction(void **state)
{
	char head[512];

	(void)state;
	log_set_level(LOG_ERROR + 1);
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		const struct json *line;

		snprintf(head, sizeof(head),
			 "GET %s HTTP/1.1\nHost: public.example\nAuthorization: Bearer s3cret\n"
			 "Cookie: a=s3cret",
			 targets[i].target);
		world_ask(&w, head);
		line = world_log(&w);
		check_line(targets[i].name, line);
		if (targets[i].want)
			check_cstr(targets[i].name, "request_uri", targets[i].want,
				   log_text(line, "request_uri").ptr);
		CHECK(targets[i].name, !strstr(log_text(line, "request_uri").ptr, "s3cret"));
	}
	log_set_level(LOG_ERROR);
	check_done();
}

/* No id, token or cookie of a whole signed-in life is in either log. */
static void test_nothing_to_replay(void **state)
{
	struct buf text;

	(void)state;
	world_ask_as(&w, "GET / HTTP/1.1\nHost: wiki.example\nAuthorization: Basic c2VjcmV0", ada);
	world_ask_as(&w, "GET /.sallyport/whoami HTTP/1.1\nHost: wiki.example", ada);
	world_ask(&w, "GET / HTTP/1.1\nHost: wiki.example\nAccept: text/html");
	world_skip_logs(&w);
	buf_init(&text, WORLD_LOG_MAX);
	for (int i = 0; i < 2; i++) {
		buf_clear(&text);
		assert_true(file_read(test_folder_path(&w.folder,
						       i ? "decisions.jsonl" : "access.jsonl"),
				      WORLD_LOG_MAX, &text, NULL));
		CHECK("no session id", !strstr(text.ptr, ada));
		CHECK("no credentials", !strstr(text.ptr, "c2VjcmV0"));
		CHECK("no cookie", !strstr(text.ptr, "__Host-"));
		CHECK("no client secret", !strstr(text.ptr, "the-clients-secret"));
		CHECK("no assertion", !strstr(text.ptr, "eyJ"));
	}
	buf_done(&text);
	check_done();
}

/* --- what would break a line */

static void test_escaping(void **state)
{
	static char agent[4000];
	char head[8192];
	const struct json *line;

	(void)state;
	/* What the parser takes, and what it refuses: both are written. */
	world_ask(&w, "GET /' HTTP/1.1\nHost: public.example\nUser-Agent: \"},{\"x\":\"\\");
	line = world_log(&w);
	check_line("quotes", line);
	check_cstr("quotes", "user_agent", "\"},{\"x\":\"\\", log_text(line, "user_agent").ptr);
	world_ask(&w, "GET / HTTP/1.1\nHost: public.example\nUser-Agent: a\xff\xc3\xbc\tb");
	line = world_log(&w);
	check_line("bytes", line);
	check_cstr("bytes", "user_agent", "a\xef\xbf\xbd\xc3\xbc\tb",
		   log_text(line, "user_agent").ptr);
	world_ask(&w, "GET /\"},{\"x\":\"\xff\x01\x7f HTTP/1.1\nHost: public.example");
	line = world_log(&w);
	check_line("a target that is refused", line);
	check_i64("a target that is refused", "status", 400,
		  (int64_t)json_number(json_get(line, "status")));
	check_cstr("a target that is refused", "request_uri", "/\"},{\"x\":\"\xef\xbf\xbd\x01\x7f",
		   log_text(line, "request_uri").ptr);
	memset(agent, 'a', sizeof(agent) - 1);
	snprintf(head, sizeof(head), "GET /%s HTTP/1.1\nHost: public.example\nUser-Agent: %s",
		 agent, agent);
	world_ask(&w, head);
	line = world_log(&w);
	check_line("long", line);
	check_i64("long", "user_agent", 1024, (int64_t)log_text(line, "user_agent").len);
	check_i64("long", "request_uri", 2048, (int64_t)log_text(line, "request_uri").len);
	check_done();
}

static int open_world(void **state)
{
	(void)state;
	world_open(&w, NULL);
	memcpy(ada, world_sign_in(&w, "wiki.example", IDENTITY_ADA), sizeof(ada));
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
		cmocka_unit_test(test_endings),
		cmocka_unit_test(test_unanswered),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_redaction),
		cmocka_unit_test(test_nothing_to_replay),
		cmocka_unit_test(test_escaping),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
