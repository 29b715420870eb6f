/*
 * The canonical request. Each row is a head as the front end hands it over: a line, and
 * headers that end in '\n' (an LF inside a value is written '\v' in a row, which is
 * replaced before parsing). Rows named "row N" are the attacks of the same name on
 * other gates.
 */
#include "http/message.h"
#include "rows.h"

#define H "Host: app.example\n"

/* The head of a text: "METHOD target VERSION\n" and its headers. */
struct head {
	char text[2048];
	struct headers headers;
	struct request_head head;
};

static void head_build(struct arena *a, struct head *h, const char *line, const char *headers,
		       bool is_https)
{
	struct str rest, one;

	memset(h, 0, sizeof(*h));
	assert_true(snprintf(h->text, sizeof(h->text), "%s\n%s", line, headers) <
		    (int)sizeof(h->text));
	rest = str_from(h->text);
	assert_true(str_next(&rest, '\n', &one));
	assert_true(str_next(&one, ' ', &h->head.method));
	assert_true(str_next(&one, ' ', &h->head.target));
	h->head.version = one;
	h->head.is_https = is_https;
	h->head.headers = &h->headers;
	for (char *p = h->text; *p; p++)
		*p = *p == '\v' ? '\n' : *p;
	while (rest.len) {
		size_t colon = str_find_char(rest, ':');
		const char *end = memchr(rest.ptr, '\n', rest.len);

		/* A '\v' has become an LF by now: a header ends where the row's own '\n' stood. */
		while (end && headers[end - h->text - strlen(line) - 1] != '\n')
			end = memchr(end + 1, '\n', rest.len - (size_t)(end + 1 - rest.ptr));
		assert_true(end && colon != STR_NONE);
		assert_true(headers_add(a, &h->headers, str_slice(rest, 0, colon),
					str_from_len(rest.ptr + colon + 1,
						     (size_t)(end - rest.ptr) - colon - 1)));
		rest = str_after(rest, (size_t)(end + 1 - rest.ptr));
	}
}

static const struct refused {
	const char *name;
	const char *line;
	const char *headers;
	unsigned status;
	bool is_https;
} refused[] = {
	/* method */
	{"lower-case method", "get / HTTP/1.1", H, 400, false},
	{"mixed-case method", "Get / HTTP/1.1", H, 400, false},
	{"no method", " / HTTP/1.1", H, 400, false},
	{"method that is no token", "GE(T / HTTP/1.1", H, 400, false},
	{"control byte in the method", "GE\x01T / HTTP/1.1", H, 400, false},
	{"digit in front", "1GET / HTTP/1.1", H, 400, false},
	{"CONNECT", "CONNECT app.example:443 HTTP/1.1", H, 501, false},
	{"CONNECT in origin-form", "CONNECT / HTTP/1.1", H, 501, false},
	{"TRACE", "TRACE / HTTP/1.1", H, 501, false},
	{"method of 33", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1", H, 501, false},
	/* version */
	{"HTTP/2 preface", "PRI * HTTP/2.0", "", 505, false},
	{"HTTP/0.9", "GET / HTTP/0.9", H, 505, false},
	{"HTTP/1.2", "GET / HTTP/1.2", H, 505, false},
	{"HTTP/3", "GET / HTTP/3", H, 400, false},
	{"no version", "GET /", H, 400, false},
	{"lower-case version", "GET / http/1.1", H, 400, false},
	{"HTTP/1.10", "GET / HTTP/1.10", H, 400, false},
	{"HTTP/+1.1", "GET / HTTP/+1.", H, 400, false},
	{"space behind", "GET / HTTP/1.1 ", H, 400, false},
	/* target */
	{"raw '#'", "GET /foo/secret#/bar HTTP/1.1", H, 400, false},
	{"fragment", "GET /admin#/public HTTP/1.1", H, 400, false},
	{"backslash", "GET /public\\..\\admin HTTP/1.1", H, 400, false},
	{"%00", "GET /admin%00 HTTP/1.1", H, 400, false},
	{"%0a", "GET /admin%0a HTTP/1.1", H, 400, false},
	{"no slash in front", "POST pkg.Svc/Admin HTTP/1.1", H, 400, false},
	{"empty target", "GET  HTTP/1.1", H, 400, false},
	{"authority-form", "GET app.example:443 HTTP/1.1", H, 400, false},
	{"asterisk without OPTIONS", "GET * HTTP/1.1", H, 400, false},
	{"asterisk and a path", "OPTIONS */a HTTP/1.1", H, 400, false},
	{"bad triplet", "GET /%zz HTTP/1.1", H, 400, false},
	/* absolute-form */
	{"other host", "GET http://evil.example/ HTTP/1.1", H, 400, false},
	{"other port", "GET http://app.example:8080/ HTTP/1.1", H, 400, false},
	{"port of the other scheme", "GET http://app.example:443/ HTTP/1.1", H, 400, false},
	{"other scheme", "GET https://app.example/ HTTP/1.1", H, 400, false},
	{"other scheme over TLS", "GET http://app.example/ HTTP/1.1", H, 400, true},
	{"absolute-form without Host", "GET http://app.example/ HTTP/1.1", "", 400, false},
	{"user information", "GET http://app.example@app.example/ HTTP/1.1", H, 400, false},
	{"other scheme altogether", "GET ftp://app.example/ HTTP/1.1", H, 400, false},
	{"absolute-form with a fragment", "GET http://app.example/#a HTTP/1.1", H, 400, false},
	{"absolute-form, query without path", "GET http://app.example?a HTTP/1.1", H, 400, false},
	{"absolute-form with %00", "GET http://app.example/%00 HTTP/1.1", H, 400, false},
	/* Host */
	{"no Host", "GET / HTTP/1.1", "", 400, false},
	{"no Host in 1.0", "GET / HTTP/1.0", "", 400, false},
	{"no Host, other headers", "GET / HTTP/1.1", "Accept: a\n", 400, false},
	{"two Hosts", "GET / HTTP/1.1", H "Host: evil.example\n", 400, false},
	{"two equal Hosts", "GET / HTTP/1.1", H H, 400, false},
	{"two Hosts, other case", "GET / HTTP/1.1", H "hOST: app.example\n", 400, false},
	{"empty Host", "GET / HTTP/1.1", "Host:\n", 400, false},
	{"Host list", "GET / HTTP/1.1", "Host: app.example, evil.example\n", 400, false},
	{"Host with user information", "GET / HTTP/1.1", "Host: app.example@evil.example\n", 400,
	 false},
	{"Host with a path", "GET / HTTP/1.1", "Host: app.example/x\n", 400, false},
	{"Host with space inside", "GET / HTTP/1.1", "Host: app.example evil\n", 400, false},
	{"Host with a bad port", "GET / HTTP/1.1", "Host: app.example:http\n", 400, false},
	/* names and values */
	{"NUL-like byte in a name", "GET / HTTP/1.1", H "X\x01Y: a\n", 400, false},
	{"high byte in a name", "GET / HTTP/1.1", H "X\xffY: a\n", 400, false},
	{"quote in a name", "GET / HTTP/1.1", H "X\"Y: a\n", 400, false},
	{"space at the end of a name", "GET / HTTP/1.1", H "X-Auth-Request-User : a\n", 400,
	 false},
	{"Unicode look-alike", "GET / HTTP/1.1",
	 H "X-Forwarded-U\xc5\xbf"
	   "er: a\n",
	 400, false},
	{"fold as a header", "GET / HTTP/1.1", H " folded: a\n", 400, false},
	{"empty name", "GET / HTTP/1.1", H ": a\n", 400, false},
	{"CR LF in a value", "GET / HTTP/1.1", H "X: a\r\vX-Admin: 1\n", 400, false},
	{"CR in a value", "GET / HTTP/1.1", H "X: a\rX-Admin: 1\n", 400, false},
	{"LF in a value", "GET / HTTP/1.1", H "X: a\vX-Admin: 1\n", 400, false},
	{"DEL in a value", "GET / HTTP/1.1", H "X: a\x7f\n", 400, false},
	{"ESC in a value", "GET / HTTP/1.1", H "X: \x1b[0m\n", 400, false},
	{"control byte in an identity header", "GET / HTTP/1.1", H "X-Forwarded-For: a\x01\n", 400,
	 false},
	/* framing: every way to say two things */
	{"two lengths", "POST / HTTP/1.1", H "Content-Length: 3\nContent-Length: 4\n", 400, false},
	{"two equal lengths", "POST / HTTP/1.1", H "Content-Length: 3\nContent-Length: 3\n", 400,
	 false},
	{"length list", "POST / HTTP/1.1", H "Content-Length: 3, 3\n", 400, false},
	{"empty length", "POST / HTTP/1.1", H "Content-Length:\n", 400, false},
	{"negative length", "POST / HTTP/1.1", H "Content-Length: -1\n", 400, false},
	{"signed length", "POST / HTTP/1.1", H "Content-Length: +3\n", 400, false},
	{"hex length", "POST / HTTP/1.1", H "Content-Length: 0x3\n", 400, false},
	{"length with a leading zero", "POST / HTTP/1.1", H "Content-Length: 010\n", 400, false},
	{"length and space", "POST / HTTP/1.1", H "Content-Length: 3 4\n", 400, false},
	{"length and text", "POST / HTTP/1.1", H "Content-Length: 3a\n", 400, false},
	{"fractional length", "POST / HTTP/1.1", H "Content-Length: 3.0\n", 400, false},
	{"length of 2^63", "POST / HTTP/1.1", H "Content-Length: 9223372036854775808\n", 400,
	 false},
	{"length past 2^64", "POST / HTTP/1.1", H "Content-Length: 18446744073709551619\n", 400,
	 false},
	{"CL.TE", "POST / HTTP/1.1", H "Content-Length: 3\nTransfer-Encoding: chunked\n", 400,
	 false},
	{"TE.CL", "POST / HTTP/1.1", H "Transfer-Encoding: chunked\nContent-Length: 3\n", 400,
	 false},
	{"CL.TE with length 0", "POST / HTTP/1.1",
	 H "Content-Length: 0\nTransfer-Encoding: chunked\n", 400, false},
	{"TE.TE", "POST / HTTP/1.1", H "Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n",
	 400, false},
	{"TE.TE, one odd", "POST / HTTP/1.1",
	 H "Transfer-Encoding: chunked\nTransfer-Encoding: x\n", 400, false},
	{"coding list", "POST / HTTP/1.1", H "Transfer-Encoding: gzip, chunked\n", 400, false},
	{"chunked twice", "POST / HTTP/1.1", H "Transfer-Encoding: chunked, chunked\n", 400, false},
	{"chunked not last", "POST / HTTP/1.1", H "Transfer-Encoding: chunked, gzip\n", 400, false},
	{"identity", "POST / HTTP/1.1", H "Transfer-Encoding: identity\n", 400, false},
	{"xchunked", "POST / HTTP/1.1", H "Transfer-Encoding: xchunked\n", 400, false},
	{"chunked with a parameter", "POST / HTTP/1.1", H "Transfer-Encoding: chunked;a=b\n", 400,
	 false},
	{"chunked in quotes", "POST / HTTP/1.1", H "Transfer-Encoding: \"chunked\"\n", 400, false},
	{"chunked and VT", "POST / HTTP/1.1",
	 H "Transfer-Encoding: \x0c"
	   "chunked\n",
	 400, false},
	{"empty coding", "POST / HTTP/1.1", H "Transfer-Encoding:\n", 400, false},
	{"coding in 1.0", "POST / HTTP/1.0", H "Transfer-Encoding: chunked\n", 400, false},
	{"space before the colon", "POST / HTTP/1.1", H "Transfer-Encoding : chunked\n", 400,
	 false},
	{"Transfer_Encoding", "POST / HTTP/1.1", H "Transfer_Encoding: chunked\n", 400, false},
	{"Content_Length", "POST / HTTP/1.1", H "Content_Length: 3\n", 400, false},
	{"Content.Length beside Content-Length", "POST / HTTP/1.1",
	 H "Content-Length: 3\nContent.Length: 4\n", 400, false},
	/* what must be single */
	{"two Authorization", "GET / HTTP/1.1", H "Authorization: a\nauthorization: b\n",
	 400, false},
	{"two Proxy-Authorization", "GET / HTTP/1.1",
	 H "Proxy-Authorization: a\nProxy-Authorization: b\n", 400, false},
	{"two Content-Type", "POST / HTTP/1.1", H "Content-Type: a/b\nContent-Type: a/c\n", 400,
	 false},
	{"Content_Type", "POST / HTTP/1.1", H "Content_Type: a/b\n", 400, false},
	{"two Expect", "POST / HTTP/1.1", H "Expect: 100-continue\nExpect: 100-continue\n", 400,
	 false},
	{"two Origin", "POST / HTTP/1.1", H "Origin: https://a\nOrigin: https://b\n", 400, false},
	{"two Sec-Fetch-Site", "GET / HTTP/1.1",
	 H "Sec-Fetch-Site: none\nSec-Fetch-Site: cross-site\n", 400, false},
	{"two Sec-Fetch-Mode", "GET / HTTP/1.1",
	 H "Sec-Fetch-Mode: cors\nSec-Fetch-Mode: navigate\n", 400, false},
	{"two Sec-Fetch-Dest", "GET / HTTP/1.1", H "Sec-Fetch-Dest: a\nSec-Fetch-Dest: b\n", 400,
	 false},
	{"Sec_Fetch_Mode", "GET / HTTP/1.1", H "Sec_Fetch_Mode: navigate\n", 400, false},
	/* Expect and Connection */
	{"other expectation", "POST / HTTP/1.1", H "Expect: 200-ok\n", 417, false},
	{"expectation list", "POST / HTTP/1.1", H "Expect: 100-continue, a\n", 417, false},
	{"empty expectation", "POST / HTTP/1.1", H "Expect:\n", 417, false},
	{"Connection names Host", "GET / HTTP/1.1", H "Connection: close, host\n", 400, false},
	{"Connection names Content-Length", "POST / HTTP/1.1",
	 H "Connection: CONTENT-LENGTH\nContent-Length: 3\n", 400, false},
	{"Connection option that is no token", "GET / HTTP/1.1", H "Connection: a b\n", 400, false},
	{"33 Connection options", "GET / HTTP/1.1",
	 H "Connection: a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a\nConnection: "
	   "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a\n",
	 431, false},
};

static enum error_kind kind_of_status(unsigned status)
{
	return status == 400			? ERR_SYNTAX
	       : status == 431 || status == 414 ? ERR_LIMIT
						: ERR_NOT_FOUND;
}

static void test_refused(void **state)
{
	static struct head h;
	struct arena *a = rows_arena();

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		const struct refused *row = &refused[i];
		struct error err = {.kind = ERR_NONE};
		struct request request = {.minor_version = 4711};
		unsigned status = 0;

		head_build(a, &h, row->line, row->headers, row->is_https);
		row_bool(row->name, "parses", false,
			 request_parse(a, &h.head, &request, &status, &err));
		row_u64(row->name, "status", row->status, status);
		row_u64(row->name, "kind", kind_of_status(row->status), err.kind);
		row_bool(row->name, "the error has a text", true, err.text[0] != '\0');
		row_u64(row->name, "the result is untouched", 4711, request.minor_version);
		arena_reset(a);
	}
	rows_end();
	arena_free(a);
}

static const struct accepted {
	const char *name;
	const char *line;
	const char *headers;
	bool is_https;
	const char *host;
	uint16_t port;
	const char *path;
	enum http_body body;
	uint64_t length;
	const char *left; /* "Name=value|" of each header that is left */
} accepted[] = {
	{"plain", "GET /a?b HTTP/1.1", H "Accept: */*\n", false, "app.example", 0, "/a",
	 HTTP_BODY_NONE, 0, "Host=app.example|Accept=*/*|"},
	{"HTTP/1.0", "GET / HTTP/1.0", H, false, "app.example", 0, "/", HTTP_BODY_NONE, 0,
	 "Host=app.example|"},
	{"method with '-'", "M-SEARCH / HTTP/1.1", H, false, "app.example", 0, "/", HTTP_BODY_NONE,
	 0, "Host=app.example|"},
	{"method of 32", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1", H, false, "app.example", 0,
	 "/", HTTP_BODY_NONE, 0, "Host=app.example|"},
	{"host", "GET / HTTP/1.1", "hOST: APP.Example.:8443\n", true, "app.example",
	 8443, "/", HTTP_BODY_NONE, 0, "hOST=APP.Example.:8443|"},
	{"values are trimmed", "GET / HTTP/1.1", "Host: \t app.example \nX: \n", false,
	 "app.example", 0, "/", HTTP_BODY_NONE, 0, "Host=app.example|X=|"},
	{"obs-text", "GET / HTTP/1.1", H "X: \xc3\xa9\xff\n", false, "app.example", 0, "/",
	 HTTP_BODY_NONE, 0, "Host=app.example|X=\xc3\xa9\xff|"},
	{"OPTIONS *", "OPTIONS * HTTP/1.1", H, false, "app.example", 0, "*", HTTP_BODY_NONE, 0,
	 "Host=app.example|"},
	{"absolute-form", "GET http://app.example/a HTTP/1.1", H, false, "app.example", 0, "/a",
	 HTTP_BODY_NONE, 0, "Host=app.example|"},
	{"absolute-form, no path", "GET http://app.example HTTP/1.1", H, false, "app.example", 0,
	 "/", HTTP_BODY_NONE, 0, "Host=app.example|"},
	{"absolute-form, default port given there", "GET http://APP.example.:80/a HTTP/1.1", H,
	 false, "app.example", 0, "/a", HTTP_BODY_NONE, 0, "Host=app.example|"},
	{"absolute-form, default port given in Host", "GET https://app.example/a HTTP/1.1",
	 "Host: app.example:443\n", true, "app.example", 443, "/a", HTTP_BODY_NONE, 0,
	 "Host=app.example:443|"},
	{"absolute-form, IPv6 in two spellings", "GET http://[::0001]:8080/ HTTP/1.1",
	 "Host: [::1]:8080\n", false, "[::1]", 8080, "/", HTTP_BODY_NONE, 0, "Host=[::1]:8080|"},
	{"the path ends at '?'", "GET /foo/secret?x=/bar HTTP/1.1", H, false, "app.example",
	 0, "/foo/secret", HTTP_BODY_NONE, 0, "Host=app.example|"},
	{"an ambiguous path is the route's to judge", "GET /a%2fb HTTP/1.1", H, false,
	 "app.example", 0, "/a%2Fb", HTTP_BODY_NONE, 0, "Host=app.example|"},
	{"length", "POST / HTTP/1.1", H "Content-Length: 12\n", false, "app.example", 0, "/",
	 HTTP_BODY_LENGTH, 12, "Host=app.example|Content-Length=12|"},
	{"length 0", "POST / HTTP/1.1", H "content-length: 0\n", false, "app.example", 0, "/",
	 HTTP_BODY_LENGTH, 0, "Host=app.example|content-length=0|"},
	{"greatest length", "PUT / HTTP/1.0", H "Content-Length: 9223372036854775807\n", false,
	 "app.example", 0, "/", HTTP_BODY_LENGTH, INT64_MAX,
	 "Host=app.example|Content-Length=9223372036854775807|"},
	{"length of a GET", "GET / HTTP/1.1", H "Content-Length: 1\n", false, "app.example", 0, "/",
	 HTTP_BODY_LENGTH, 1, "Host=app.example|Content-Length=1|"},
	{"chunked", "POST / HTTP/1.1", H "TRANSFER-ENCODING: Chunked\n", false, "app.example", 0,
	 "/", HTTP_BODY_CHUNKED, 0, "Host=app.example|TRANSFER-ENCODING=Chunked|"},
	{"the whole family goes", "GET / HTTP/1.1",
	 "X-Forwarded-For: 1\n" H "Forwarded: for=1\nX-Real-IP: 1\nX-Original-URL: /public\n"
	 "X-Rewrite-URL: /public\nTrue-Client-IP: 1\nAccept: a\nX-Forwarded-Prefix: "
	 "/x\nRemote-User: root\n",
	 false, "app.example", 0, "/", HTTP_BODY_NONE, 0, "Host=app.example|Accept=a|"},
	{"X-Forwarded-Uri chooses no path", "GET /admin HTTP/1.1",
	 H "X-Forwarded-Uri: /public\n", false, "app.example", 0, "/admin", HTTP_BODY_NONE, 0,
	 "Host=app.example|"},
	{"folded names go", "GET / HTTP/1.1",
	 H "X_Auth_Request_User: a\nx-auth_request-user: a\nX.Auth.Request.User: "
	   "a\nx_sallyport.assertion: a\n",
	 false, "app.example", 0, "/", HTTP_BODY_NONE, 0, "Host=app.example|"},
	{"fields that Connection names go", "GET / HTTP/1.1",
	 H "x-a: 1\nConnection: close, X-A, X-Forwarded-User\nX-B: 2\nX-A: 3\n", false,
	 "app.example", 0, "/", HTTP_BODY_NONE, 0,
	 "Host=app.example|Connection=close, X-A, X-Forwarded-User|X-B=2|"},
	{"hop-by-hop fields stay for now", "GET / HTTP/1.1",
	 H "Connection: keep-alive, te, Connection\nTE: trailers\nKeep-Alive: 5\n", false,
	 "app.example", 0, "/", HTTP_BODY_NONE, 0,
	 "Host=app.example|Connection=keep-alive, te, Connection|TE=trailers|Keep-Alive=5|"},
	{"Cookie lines are joined (RFC 9113, 8.2.3)", "GET / HTTP/1.1",
	 "Cookie: a=b\n" H "cookie: c=d\nAccept: x\nCOOKIE: e=f\n", false, "app.example", 0, "/",
	 HTTP_BODY_NONE, 0, "Cookie=a=b; c=d; e=f|Host=app.example|Accept=x|"},
	{"empty Cookie lines", "GET / HTTP/1.1", "Cookie:\n" H "Cookie: a=b\nCookie:\n", false,
	 "app.example", 0, "/", HTTP_BODY_NONE, 0, "Cookie=a=b|Host=app.example|"},
	{"two Cookie lines that Connection names", "GET / HTTP/1.1",
	 "Cookie: a\nCookie: b\nConnection: cookie\n" H, false, "app.example", 0, "/",
	 HTTP_BODY_NONE, 0, "Connection=cookie|Host=app.example|"},
	{"other fields may repeat, in order", "GET / HTTP/1.1",
	 H "X-Role: user\nX-Role: admin\n", false, "app.example", 0, "/", HTTP_BODY_NONE, 0,
	 "Host=app.example|X-Role=user|X-Role=admin|"},
	{"32 Connection options", "GET / HTTP/1.1",
	 "Connection: a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a\nConnection: "
	 "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a\n" H,
	 false, "app.example", 0, "/", HTTP_BODY_NONE, 0,
	 "Connection=a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a|Connection=a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a|"
	 "Host=app.example|"},
};

static struct str headers_text(struct arena *a, const struct headers *h)
{
	struct str text = STR("");

	for (size_t i = 0; i < h->count; i++)
		text = arena_printf(a, "%.*s%.*s=%.*s|", STR_ARG(text), STR_ARG(h->items[i].name),
				    STR_ARG(h->items[i].value));
	return text;
}

static void test_accepted(void **state)
{
	static struct head h;
	struct arena *a = rows_arena();

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
		const struct accepted *row = &accepted[i];
		struct error err = {.kind = ERR_NONE};
		struct request r;
		unsigned status = 0;

		head_build(a, &h, row->line, row->headers, row->is_https);
		if (!row_bool(row->name, "parses", true,
			      request_parse(a, &h.head, &r, &status, &err))) {
			fprintf(stderr, "    %u %s\n", status, err.text);
			continue;
		}
		row_str(row->name, "method", h.head.method, r.method);
		row_str(row->name, "raw_target", h.head.target, r.raw_target);
		row_u64(row->name, "minor_version", row->line[strlen(row->line) - 1] == '1',
			r.minor_version);
		row_bool(row->name, "is_https", row->is_https, r.is_https);
		row_str(row->name, "host", str_from(row->host),
			str_from_len(r.authority.host, r.authority.host_len));
		row_u64(row->name, "port", row->port, r.authority.port);
		row_str(row->name, "path", str_from(row->path), r.target.path);
		row_u64(row->name, "body", row->body, r.body);
		row_u64(row->name, "content_length", row->length, r.content_length);
		row_str(row->name, "headers", str_from(row->left), headers_text(a, &r.headers));
		arena_reset(a);
	}
	rows_end();
	arena_free(a);
}

static void test_expect_and_upgrade(void **state)
{
	static const struct {
		const char *name;
		const char *line;
		const char *headers;
		bool expects;
		bool upgrades;
	} rows[] = {
		{"neither", "POST / HTTP/1.1", H "Content-Length: 1\n", false, false},
		{"expectation", "POST / HTTP/1.1", H "Content-Length: 1\nExpect: 100-Continue\n",
		 true, false},
		{"expectation, chunked", "POST / HTTP/1.1",
		 H "Transfer-Encoding: chunked\nExpect: 100-continue\n", true, false},
		{"expectation without a body", "POST / HTTP/1.1", H "Expect: 100-continue\n", false,
		 false},
		{"expectation in 1.0 (RFC 9110, 10.1.1)", "POST / HTTP/1.0",
		 H "Content-Length: 1\nExpect: 100-continue\n", false, false},
		{"upgrade", "GET / HTTP/1.1", H "Connection: Upgrade\nUpgrade: websocket\n", false,
		 true},
		{"upgrade in a list", "GET / HTTP/1.1",
		 H "Upgrade: websocket\nConnection: keep-alive, upgrade\n", false, true},
		{"upgrade on a second line", "GET / HTTP/1.1",
		 H "Connection: keep-alive\nConnection: upgrade\nUpgrade: websocket\n", false,
		 true},
		{"Upgrade alone", "GET / HTTP/1.1", H "Upgrade: websocket\n", false, false},
		{"Connection alone", "GET / HTTP/1.1", H "Connection: upgrade\n", false, false},
		{"upgrade in 1.0 (RFC 9110, 7.8)", "GET / HTTP/1.0",
		 H "Connection: upgrade\nUpgrade: websocket\n", false, false},
		{"upgraded is another word", "GET / HTTP/1.1",
		 H "Connection: upgraded\nUpgrade: websocket\n", false, false},
	};
	static struct head h;
	struct arena *a = rows_arena();

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct request r;
		unsigned status;

		head_build(a, &h, rows[i].line, rows[i].headers, false);
		if (!row_bool(rows[i].name, "parses", true,
			      request_parse(a, &h.head, &r, &status, NULL)))
			continue;
		row_bool(rows[i].name, "expects_continue", rows[i].expects, r.expects_continue);
		row_bool(rows[i].name, "wants_upgrade", rows[i].upgrades, r.wants_upgrade);
	}
	rows_end();
	arena_free(a);
}

static void test_limits(void **state)
{
	static char target[URI_MAX_TARGET + 1];
	struct arena *a = rows_arena();
	struct arena *small = arena_new(64);
	struct headers headers = {NULL, 0, 0};
	struct request_head head = {
		STR("GET"), {target, URI_MAX_TARGET}, STR("HTTP/1.1"), &headers, false};
	struct error err = {.kind = ERR_NONE};
	struct request r;
	unsigned status;

	(void)state;
	assert_non_null(small);
	memset(target, 'a', sizeof(target));
	target[0] = '/';
	assert_true(headers_add(a, &headers, STR("Host"), STR("a")));
	while (headers.count < HTTP_MAX_HEADERS)
		assert_true(headers_add(a, &headers, STR("X-Forwarded-For"), STR("b")));
	assert_true(request_parse(a, &head, &r, &status, &err));
	assert_int_equal(r.headers.count, 1);

	assert_false(request_parse(small, &head, &r, &status, &err));
	assert_int_equal(status, 431);
	assert_int_equal(err.kind, ERR_LIMIT);

	error_clear(&err);
	head.target.len = URI_MAX_TARGET + 1;
	assert_false(request_parse(a, &head, &r, &status, &err));
	assert_int_equal(status, 414);
	assert_int_equal(err.kind, ERR_LIMIT);

	error_clear(&err);
	head.target.len = 1;
	assert_true(headers_add(a, &headers, STR("X"), STR("b")));
	assert_false(request_parse(a, &head, &r, &status, &err));
	assert_int_equal(status, 431);
	assert_int_equal(err.kind, ERR_LIMIT);
	arena_free(small);
	arena_free(a);
}

/* Every byte in a name and in a value, NUL included: a row's text cannot hold that one. */
static void test_bytes(void **state)
{
	struct arena *a = rows_arena();
	char text[4], name[8];

	(void)state;
	rows_begin();
	for (int c = 0; c < 256; c++) {
		struct headers headers = {NULL, 0, 0};
		struct request_head head = {STR("GET"), STR("/"), STR("HTTP/1.1"), &headers, false};
		struct str odd = {text, 3};
		struct request r;
		unsigned status;

		snprintf(name, sizeof(name), "%%x%02X", (unsigned)c);
		memcpy(text, "a?b", 3);
		text[1] = (char)c;
		assert_true(headers_add(a, &headers, STR("Host"), STR("a")));
		assert_true(headers_add(a, &headers, odd, STR("x")));
		row_bool(name, "in a name", header_name_is_token(odd),
			 request_parse(a, &head, &r, &status, NULL));
		headers.items[1] = (struct header){STR("X"), odd};
		row_bool(name, "in a value", c == '\t' || (c >= 0x20 && c != 0x7f),
			 request_parse(a, &head, &r, &status, NULL));
		headers.items[1].name = STR("Host");
		headers.items[0].name = STR("X");
		row_bool(name, "in Host",
			 c < 0x80 && (ascii_is_alnum((char)c) || (c && strchr("-._", c))),
			 request_parse(a, &head, &r, &status, NULL));
		arena_reset(a);
	}
	rows_end();
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_expect_and_upgrade),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
