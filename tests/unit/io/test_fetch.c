/*
 * tests of io/fetch.h over plain connections, against a scripted server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>

#include "base/clock.h"
#include "io/fetch.h"
#include "scripted_server.h"

static struct loop *loop;
static struct fetcher *fetcher;
static struct scripted_server server;

static int setup(void **state)
{
	struct error err = {0};

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	loop = loop_new(&err);
	fetcher = loop != NULL ? fetcher_new(loop, &err) : NULL;
	return fetcher == NULL;
}

static int teardown(void **state)
{
	(void)state;
	fetcher_free(fetcher);
	loop_free(loop);
	return 0;
}

/* One call and what came of it */

struct outcome {
	unsigned called;
	struct fetch_result result;	/* its strings point below */
	char body[4096];
	char content_type[128];
	void (*act)(struct outcome *o);
	struct fetch *other;
};

static void on_done(void *arg, const struct fetch_result *result)
{
	struct outcome *o = arg;

	o->called++;
	o->result = *result;
	o->result.body.ptr = o->body;
	o->result.content_type.ptr = o->content_type;
	assert_true(str_copy(o->body, sizeof(o->body), result->body));
	assert_true(str_copy(o->content_type, sizeof(o->content_type), result->content_type));
	if (o->act)
		o->act(o);
}

static char url_text[256];

static struct fetch_request get(const char *host, const char *path)
{
	snprintf(url_text, sizeof(url_text), "http://%s:%u%s", host, server.port, path);
	return (struct fetch_request){
		.method = STR("GET"),
		.url = str_from(url_text),
		.allow_http = true,
		.timeout_ms = 10000,
		.max_bytes = 1024,
	};
}

static struct fetch *start(const struct fetch_request *request, struct outcome *o)
{
	struct error err = {0};
	struct fetch *f = fetch_start(fetcher, request, on_done, o, &err);

	if (f == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(o->called, 0);		/* never from inside the start */
	return f;
}

static void wait_for(const struct outcome *o)
{
	int64_t limit = clock_now_us() + 20 * 1000000;

	while (o->called == 0 && clock_now_us() < limit)
		loop_turn(loop, 100);
	assert_int_equal(o->called, 1);
}

static void run(const struct fetch_request *request, struct outcome *o)
{
	memset(o, 0, sizeof(*o));
	(void)start(request, o);
	wait_for(o);
}

static void serve(const char *answer, enum script_end end)
{
	assert_true(server_start(&server, (struct script){answer, end, 0}));
}

#define OK "HTTP/1.1 200 OK\r\n"

/* Responses */

struct row {
	const char *name;
	struct script script;
	size_t max_bytes;
	unsigned timeout_ms;	/* 0: plenty */
	enum error_kind want;	/* ERR_NONE: a response */
	unsigned status;
	const char *body;
	const char *content_type;
	int64_t max_age_s;
};

static const struct row rows[] = {
	{"a good answer",
	 {OK "Content-Type: Application/JSON; charset=utf-8\r\nCache-Control: public, max-age=300\r\n"
	     "Content-Length: 2\r\n\r\n{}", THEN_KEEP, 0},
	 100, 0, ERR_NONE, 200, "{}", "application/json", 300},
	{"no content type, no caching",
	 {OK "Content-Length: 1\r\n\r\nx", THEN_KEEP, 0}, 100, 0, ERR_NONE, 200, "x", "", -1},
	{"no-store", {OK "Cache-Control: no-store\r\nContent-Length: 0\r\n\r\n", THEN_KEEP, 0},
	 100, 0, ERR_NONE, 200, "", "", 0},
	{"chunked", {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
	 THEN_KEEP, 0}, 100, 0, ERR_NONE, 200, "abc", "", -1},
	{"up to the close", {"HTTP/1.0 200 OK\r\n\r\nabc", THEN_CLOSE, 0},
	 100, 0, ERR_NONE, 200, "abc", "", -1},
	{"one byte at a time", {OK "Content-Length: 2\r\n\r\nok", THEN_KEEP, 1},
	 100, 0, ERR_NONE, 200, "ok", "", -1},
	{"an error status is a response",
	 {"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\noops",
	  THEN_KEEP, 0}, 100, 0, ERR_NONE, 400, "oops", "text/plain", -1},
	{"a redirect is not followed",
	 {"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", THEN_KEEP, 0},
	 100, 0, ERR_NONE, 302, "", "", -1},
	{"what an interim response says is forgotten",
	 {"HTTP/1.1 103 Early Hints\r\nCache-Control: max-age=9\r\nContent-Type: a/b\r\n\r\n"
	  OK "Content-Length: 1\r\n\r\nx", THEN_KEEP, 0}, 100, 0, ERR_NONE, 200, "x", "", -1},
	{"a coding nobody asked for is left alone",
	 {OK "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", THEN_KEEP, 0},
	 100, 0, ERR_NONE, 200, "abc", "", -1},
	{"exactly the limit", {OK "Content-Length: 4\r\n\r\nabcd", THEN_KEEP, 0},
	 4, 0, ERR_NONE, 200, "abcd", "", -1},
	{"an empty body within a limit of nothing", {OK "Content-Length: 0\r\n\r\n", THEN_KEEP, 0},
	 0, 0, ERR_NONE, 200, "", "", -1},

	{"one byte over the limit", {OK "Content-Length: 5\r\n\r\nabcde", THEN_KEEP, 0},
	 4, 0, ERR_LIMIT, 0, "", "", -1},
	{"anything over a limit of nothing", {OK "Content-Length: 1\r\n\r\nx", THEN_KEEP, 0},
	 0, 0, ERR_LIMIT, 0, "", "", -1},
	{"over the limit in chunks",
	 {OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", THEN_KEEP, 0},
	 4, 0, ERR_LIMIT, 0, "", "", -1},
	{"header lines without end", {OK "X-Filler: abcdefghijklmnopqrstuvwxyz\r\n", THEN_REPEAT, 0},
	 100, 0, ERR_LIMIT, 0, "", "", -1},
	{"silence", {"", THEN_HANG, 0}, 100, 300, ERR_TIMEOUT, 0, "", "", -1},
	{"a drip", {OK "Content-Length: 80\r\n\r\nabcdefghijklmnopqrstuvwxyz", THEN_HANG, 20},
	 100, 300, ERR_TIMEOUT, 0, "", "", -1},
	{"a body that stops", {OK "Content-Length: 9\r\n\r\nabc", THEN_HANG, 0},
	 100, 300, ERR_TIMEOUT, 0, "", "", -1},
	{"reset in the body", {OK "Content-Length: 9\r\n\r\nabc", THEN_RESET, 0},
	 100, 0, ERR_IO, 0, "", "", -1},
	{"closed in the body", {OK "Content-Length: 9\r\n\r\nabc", THEN_CLOSE, 0},
	 100, 0, ERR_IO, 0, "", "", -1},
	{"closed in a chunk", {OK "Transfer-Encoding: chunked\r\n\r\n9\r\nabc", THEN_CLOSE, 0},
	 100, 0, ERR_IO, 0, "", "", -1},
	{"closed without a word", {"", THEN_CLOSE, 0}, 100, 0, ERR_IO, 0, "", "", -1},
	{"no HTTP", {"220 mail.example ESMTP\r\n", THEN_CLOSE, 0},
	 100, 0, ERR_PROTOCOL, 0, "", "", -1},
};

static bool row_fails(const struct row *row, const struct outcome *o, unsigned requests)
{
	const struct fetch_result *r = &o->result;
	bool bad = r->err.kind != row->want || r->ok != (row->want == ERR_NONE) ||
		   r->status != row->status || !str_equal(r->body, str_from(row->body)) ||
		   !str_equal(r->content_type, str_from(row->content_type)) ||
		   r->max_age_s != row->max_age_s || requests != 1;

	if (bad)
		print_error("%s:\n  want %s %u \"%s\" %s %lld, 1 request\n"
			    "  got  %s %u \"%.*s\" %.*s %lld, %u requests (%s)\n",
			    row->name, error_kind_name(row->want), row->status, row->body,
			    row->content_type, (long long)row->max_age_s,
			    error_kind_name(r->err.kind), r->status, STR_ARG(r->body),
			    STR_ARG(r->content_type), (long long)r->max_age_s, requests,
			    r->err.text);
	return bad;
}

static void test_responses(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct outcome o;
		assert_true(server_start(&server, rows[i].script));
		struct fetch_request request = get("127.0.0.1", "/");
		request.max_bytes = rows[i].max_bytes;
		if (rows[i].timeout_ms != 0)
			request.timeout_ms = rows[i].timeout_ms;
		run(&request, &o);
		server_stop(&server);
		failed += row_fails(&rows[i], &o, atomic_load(&server.requests));
	}
	assert_int_equal(failed, 0);
}

static void test_timeout_is_in_time(void **state)
{
	struct outcome o;

	(void)state;
	serve("", THEN_HANG);
	struct fetch_request request = get("127.0.0.1", "/");
	request.timeout_ms = 200;
	int64_t begin = clock_now_us();
	run(&request, &o);
	assert_in_range(clock_now_us() - begin, 190 * 1000, 3000 * 1000);
	assert_int_equal(o.result.err.kind, ERR_TIMEOUT);
	server_stop(&server);
}

/* Requests */

static unsigned count_of(const char *text, const char *needle)
{
	unsigned count = 0;

	while ((text = strcasestr(text, needle)) != NULL) {
		count++;
		text++;
	}
	return count;
}

static void test_request_as_asked(void **state)
{
	/* More than the size from which libcurl would ask for a 100 first */
	static char body[1200 * 1024];
	struct outcome o;

	(void)state;
	serve(OK "Content-Length: 0\r\n\r\n", THEN_KEEP);
	struct fetch_request request = get("127.0.0.1", "/token?a=b");
	request.method = STR("POST");
	request.headers[0] = STR("Accept: application/json");
	request.headers[2] = STR("Content-Type: text/x-test");
	request.headers[7] = STR("Authorization: Basic abc");
	request.body = STR("grant_type=x\0y");
	run(&request, &o);
	assert_true(o.result.ok);
	const char *got = server.request;
	assert_ptr_equal(strstr(got, "POST /token?a=b HTTP/1.1\r\n"), got);
	assert_non_null(strstr(got, "\r\nAccept: application/json\r\n"));
	assert_non_null(strstr(got, "\r\nContent-Type: text/x-test\r\n"));
	assert_non_null(strstr(got, "\r\nAuthorization: Basic abc\r\n"));
	assert_non_null(strstr(got, "\r\nContent-Length: 14\r\n"));
	assert_int_equal(count_of(got, "accept"), 1);
	assert_int_equal(count_of(got, "content-type"), 1);
	assert_int_equal(count_of(got, "cookie"), 0);
	assert_memory_equal(strstr(got, "\r\n\r\n") + 4, "grant_type=x\0y", 14);

	memset(body, 'b', sizeof(body));
	request.body = str_from_len(body, sizeof(body));
	run(&request, &o);
	assert_true(o.result.ok);
	assert_int_equal(count_of(server.request, "expect"), 0);

	request.body = STR("");
	run(&request, &o);
	assert_true(o.result.ok);
	assert_non_null(strstr(server.request, "\r\nContent-Length: 0\r\n"));
	assert_int_equal(atomic_load(&server.connections), 1);	/* all on one connection */
	server_stop(&server);
}

/* The caller's memory may change at once. */
static void test_request_is_copied(void **state)
{
	struct outcome o = {0};
	char header[] = "X-Test: original", body[] = "original";

	(void)state;
	serve(OK "Content-Length: 0\r\n\r\n", THEN_KEEP);
	struct fetch_request request = get("127.0.0.1", "/original");
	request.method = STR("POST");
	request.headers[0] = str_from(header);
	request.body = str_from(body);
	(void)start(&request, &o);
	memset(header, 'z', sizeof(header) - 1);
	memset(body, 'z', sizeof(body) - 1);
	memset(url_text, 'z', sizeof(url_text));
	memset(&request, 0, sizeof(request));
	wait_for(&o);
	assert_true(o.result.ok);
	assert_non_null(strstr(server.request, "POST /original "));
	assert_non_null(strstr(server.request, "X-Test: original\r\n"));
	assert_non_null(strstr(server.request, "\r\n\r\noriginal"));
	server_stop(&server);
}

static void test_refused_at_the_start(void **state)
{
	static char long_url[FETCH_MAX_URL + 2], long_header[20000];
	static const struct {
		const char *name;
		struct str method, url, header, body;
		bool allow_http;
		enum error_kind want;
	} refused[] = {
		{"http where it is not allowed", STR_INIT("GET"), STR_INIT("http://a/"),
		 STR_INIT(""), STR_INIT(""), false, ERR_DENIED},
		{"HTTP in capitals", STR_INIT("GET"), STR_INIT("HTTP://a/"),
		 STR_INIT(""), STR_INIT(""), false, ERR_DENIED},
		{"ftp", STR_INIT("GET"), STR_INIT("ftp://a/"),
		 STR_INIT(""), STR_INIT(""), true, ERR_DENIED},
		{"file", STR_INIT("GET"), STR_INIT("file:///etc/passwd"),
		 STR_INIT(""), STR_INIT(""), true, ERR_DENIED},
		{"gopher", STR_INIT("GET"), STR_INIT("gopher://a/"),
		 STR_INIT(""), STR_INIT(""), true, ERR_DENIED},
		{"a scheme nobody knows", STR_INIT("GET"), STR_INIT("httpx://a/"),
		 STR_INIT(""), STR_INIT(""), true, ERR_DENIED},
		{"no scheme", STR_INIT("GET"), STR_INIT("a.example/"),
		 STR_INIT(""), STR_INIT(""), true, ERR_SYNTAX},
		{"nothing", STR_INIT("GET"), STR_INIT(""),
		 STR_INIT(""), STR_INIT(""), true, ERR_SYNTAX},
		{"no host", STR_INIT("GET"), STR_INIT("https://"),
		 STR_INIT(""), STR_INIT(""), true, ERR_SYNTAX},
		{"no host but a path, which libcurl would take for one", STR_INIT("GET"),
		 STR_INIT("https:///a"), STR_INIT(""), STR_INIT(""), true, ERR_SYNTAX},
		{"one slash", STR_INIT("GET"), STR_INIT("https:/a"),
		 STR_INIT(""), STR_INIT(""), true, ERR_SYNTAX},
		{"a user in the URL", STR_INIT("GET"), STR_INIT("https://u:p@a/"),
		 STR_INIT(""), STR_INIT(""), true, ERR_SYNTAX},
		{"a NUL byte", STR_INIT("GET"), STR_INIT("https://a/\0.example/"),
		 STR_INIT(""), STR_INIT(""), true, ERR_SYNTAX},
		{"a newline in the URL", STR_INIT("GET"), STR_INIT("https://a/\r\nX: y"),
		 STR_INIT(""), STR_INIT(""), true, ERR_SYNTAX},
		{"a bad port", STR_INIT("GET"), STR_INIT("https://a:99999/"),
		 STR_INIT(""), STR_INIT(""), true, ERR_SYNTAX},
		{"a URL too long", STR_INIT("GET"), {long_url, sizeof(long_url) - 1},
		 STR_INIT(""), STR_INIT(""), true, ERR_LIMIT},
		{"two header lines in one", STR_INIT("GET"), STR_INIT("https://a/"),
		 STR_INIT("A: b\r\nC: d"), STR_INIT(""), true, ERR_SYNTAX},
		{"a NUL in a header line", STR_INIT("GET"), STR_INIT("https://a/"),
		 STR_INIT("A: b\0c"), STR_INIT(""), true, ERR_SYNTAX},
		{"a header line without a colon", STR_INIT("GET"), STR_INIT("https://a/"),
		 STR_INIT("Accept;"), STR_INIT(""), true, ERR_SYNTAX},
		{"a header line without a name", STR_INIT("GET"), STR_INIT("https://a/"),
		 STR_INIT(": x"), STR_INIT(""), true, ERR_SYNTAX},
		{"a header line too long", STR_INIT("GET"), STR_INIT("https://a/"),
		 {long_header, sizeof(long_header)}, STR_INIT(""), true, ERR_LIMIT},
		{"another method", STR_INIT("DELETE"), STR_INIT("https://a/"),
		 STR_INIT(""), STR_INIT(""), true, ERR_SYNTAX},
		{"GET with a body", STR_INIT("GET"), STR_INIT("https://a/"),
		 STR_INIT(""), STR_INIT("x"), true, ERR_SYNTAX},
	};
	unsigned failed = 0;

	(void)state;
	memset(long_url, 'a', sizeof(long_url) - 1);
	memcpy(long_url, "https://", 8);
	memset(long_header, 'a', sizeof(long_header));
	memcpy(long_header, "A: ", 3);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct outcome o = {0};
		struct error err = {0};
		struct fetch_request request = {
			.method = refused[i].method,
			.url = refused[i].url,
			.headers = {refused[i].header},
			.body = refused[i].body,
			.allow_http = refused[i].allow_http,
			.timeout_ms = 1000,
			.max_bytes = 10,
		};
		struct fetch *f = fetch_start(fetcher, &request, on_done, &o, &err);
		loop_turn(loop, 0);
		if (f != NULL || err.kind != refused[i].want || o.called != 0) {
			print_error("%s: want %s, got %s (%s)\n", refused[i].name,
				    error_kind_name(refused[i].want), error_kind_name(err.kind),
				    err.text);
			fetch_cancel(f);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

/* Where it connects, and where it does not */

static void test_name_is_resolved(void **state)
{
	struct outcome o;

	(void)state;
	serve(OK "Content-Length: 1\r\n\r\nx", THEN_KEEP);
	struct fetch_request request = get("localhost", "/");
	run(&request, &o);
	if (!o.result.ok)
		fail_msg("%s", o.result.err.text);
	server_stop(&server);
}

static void test_nobody_listens(void **state)
{
	struct outcome o;

	(void)state;
	serve("", THEN_CLOSE);
	struct fetch_request request = get("127.0.0.1", "/");
	server_stop(&server);
	run(&request, &o);
	assert_false(o.result.ok);
	assert_int_equal(o.result.err.kind, ERR_IO);
	assert_non_null(strstr(o.result.err.text, "http://127.0.0.1:"));
}

/* Linux connects 0.0.0.0 to the loopback: without the check the server would answer. */
static void test_forbidden_address(void **state)
{
	struct outcome o;

	(void)state;
	serve(OK "Content-Length: 1\r\n\r\nx", THEN_CLOSE);
	struct fetch_request request = get("0.0.0.0", "/");
	run(&request, &o);
	assert_false(o.result.ok);
	assert_int_equal(o.result.err.kind, ERR_DENIED);
	assert_non_null(strstr(o.result.err.text, "forbidden address 0.0.0.0"));
	assert_int_equal(atomic_load(&server.connections), 0);

	request.allow_private = true;
	run(&request, &o);
	assert_true(o.result.ok);
	assert_int_equal(o.result.err.kind, ERR_NONE);
	server_stop(&server);
}

static void test_proxies_of_the_environment_are_ignored(void **state)
{
	static const char *const names[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
	struct outcome o;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(setenv(names[i], "http://127.0.0.1:1", 1), 0);
	serve(OK "Content-Length: 1\r\n\r\nx", THEN_KEEP);
	struct fetch_request request = get("127.0.0.1", "/");
	run(&request, &o);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(unsetenv(names[i]), 0);
	assert_true(o.result.ok);
	server_stop(&server);
}

/* Several calls; cancelling; callbacks that do things */

static void test_several_at_once(void **state)
{
	enum { CALLS = 8 };
	static struct outcome outcomes[CALLS];

	(void)state;
	serve(OK "Content-Length: 1\r\nConnection: close\r\n\r\nx", THEN_CLOSE);
	struct fetch_request request = get("127.0.0.1", "/");
	memset(outcomes, 0, sizeof(outcomes));
	for (size_t i = 0; i < CALLS; i++)
		(void)start(&request, &outcomes[i]);
	for (size_t i = 0; i < CALLS; i++) {
		wait_for(&outcomes[i]);
		assert_true(outcomes[i].result.ok);
	}
	server_stop(&server);
}

static void settle(void)
{
	for (int i = 0; i < 10; i++)
		loop_turn(loop, 10);
}

static void test_cancel(void **state)
{
	struct outcome o = {0};

	(void)state;
	serve(OK "Content-Length: 9\r\n\r\nabc", THEN_HANG);
	struct fetch_request request = get("127.0.0.1", "/");
	fetch_cancel(NULL);
	fetch_cancel(start(&request, &o));		/* before anything happened */
	settle();

	struct fetch *f = start(&request, &o);		/* while the response comes */
	while (atomic_load(&server.requests) == 0)
		loop_turn(loop, 10);
	settle();
	fetch_cancel(f);
	settle();
	assert_int_equal(o.called, 0);

	server_stop(&server);
	f = start(&request, &o);			/* nobody listens: it ends in failure */
	settle();
	assert_int_equal(o.called, 1);
}

static void cancel_other(struct outcome *o)
{
	fetch_cancel(o->other);
	o->other = NULL;
}

/* Two calls end in the same turn, and the first one answered cancels the other. */
static void test_cancelled_when_ended_already(void **state)
{
	static struct outcome a, b;

	(void)state;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	serve("", THEN_CLOSE);
	struct fetch_request request = get("127.0.0.1", "/");
	server_stop(&server);
	a.act = cancel_other;
	b.act = cancel_other;
	b.other = start(&request, &a);
	a.other = start(&request, &b);
	settle();
	assert_int_equal(a.called + b.called, 1);
}

static struct fetch_request again;
static struct outcome again_outcome;

static void start_again(struct outcome *o)
{
	(void)o;
	(void)start(&again, &again_outcome);
}

static void test_started_from_a_callback(void **state)
{
	struct outcome o = {.act = start_again};

	(void)state;
	serve(OK "Content-Length: 1\r\n\r\nx", THEN_KEEP);
	again = get("127.0.0.1", "/");
	(void)start(&again, &o);
	wait_for(&o);
	wait_for(&again_outcome);
	assert_true(again_outcome.result.ok);
	assert_int_equal(atomic_load(&server.connections), 1);
	server_stop(&server);
}

static void free_fetcher(struct outcome *o)
{
	(void)o;
	fetcher_free(fetcher);
	fetcher = NULL;
}

static void test_fetcher_freed_from_a_callback(void **state)
{
	struct outcome o = {.act = free_fetcher}, other = {0};

	(void)state;
	serve(OK "Content-Length: 1\r\n\r\nx", THEN_KEEP);
	struct fetch_request request = get("127.0.0.1", "/");
	(void)start(&request, &o);
	struct fetch_request slow = get("127.0.0.1", "/");	/* waits: one connection at a time */
	(void)start(&slow, &other);
	wait_for(&o);
	settle();
	assert_int_equal(other.called, 0);
	server_stop(&server);
}

static void test_too_many(void **state)
{
	static struct outcome outcomes[FETCHER_MAX_FETCHES];
	struct outcome one_more = {0};
	struct error err = {0};

	(void)state;
	serve("", THEN_HANG);
	struct fetch_request request = get("127.0.0.1", "/");
	struct fetch *first = start(&request, &outcomes[0]);
	for (size_t i = 1; i < FETCHER_MAX_FETCHES; i++)
		(void)start(&request, &outcomes[i]);
	assert_null(fetch_start(fetcher, &request, on_done, &one_more, &err));
	assert_int_equal(err.kind, ERR_LIMIT);
	fetch_cancel(first);
	(void)start(&request, &one_more);
	server_stop(&server);		/* the teardown frees a fetcher full of calls */
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_responses),
		TEST(test_timeout_is_in_time),
		TEST(test_request_as_asked),
		TEST(test_request_is_copied),
		TEST(test_refused_at_the_start),
		TEST(test_name_is_resolved),
		TEST(test_nobody_listens),
		TEST(test_forbidden_address),
		TEST(test_proxies_of_the_environment_are_ignored),
		TEST(test_several_at_once),
		TEST(test_cancel),
		TEST(test_cancelled_when_ended_already),
		TEST(test_started_from_a_callback),
		TEST(test_fetcher_freed_from_a_callback),
		TEST(test_too_many),
	};

	return cmocka_run_group_tests_name("io/fetch", tests, NULL, NULL);
}
