/*
 * io/fetch_setup.c - a request as libcurl wants it: the first half of io/fetch.c.
 *
 * Whatever can be refused is refused here, in words, before anything is sent; what libcurl
 * would refuse by itself (schemes, user names in URLs) is set there as well: two locks.
 */
#include <stdio.h>
#include <string.h>

#include "io/fetch_call.h"

enum {
	CONNECTION_LIFETIME_S = 600,	/* then a new one: addresses and certificates change */
	MAX_HEADER_LINE = 16 * 1024,	/* of a request: a bearer token has to fit */
};

static bool note_origin(struct fetch *call, CURLU *url, const char *scheme)
{
	char *host = NULL, *port = NULL;
	bool ok = curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK;

	if (curl_url_get(url, CURLUPART_PORT, &port, 0) != CURLUE_OK)
		port = NULL;
	if (ok)		/* cut when too long: it is for the reader of an error */
		(void)snprintf(call->origin, sizeof(call->origin), "%s://%s%s%s", scheme, host,
			       port != NULL ? ":" : "", port != NULL ? port : "");
	curl_free(host);
	curl_free(port);
	return ok;
}

/* libcurl also takes one slash, or three, where RFC 3986 says two: others would not agree. */
static bool has_two_slashes(const char *text, const char *scheme)
{
	const char *behind = text + strlen(scheme);

	return strncmp(behind, "://", 3) == 0 && behind[3] != '/';
}

/* Refuse early, and in words, what CURLOPT_PROTOCOLS_STR would refuse later. */
static bool check_url(struct fetch *call, const char *text, bool allow_http, struct error *err)
{
	const unsigned flags = CURLU_NON_SUPPORT_SCHEME | CURLU_DISALLOW_USER;
	char *scheme = NULL;
	bool ok = false;
	CURLU *url = curl_url();

	if (url == NULL)
		return error_set(err, ERR_NOMEM, "out of memory for a URL");
	CURLUcode code = curl_url_set(url, CURLUPART_URL, text, flags);
	if (code == CURLUE_OK)
		code = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
	if (code != CURLUE_OK)
		error_set(err, code == CURLUE_OUT_OF_MEMORY ? ERR_NOMEM : ERR_SYNTAX,
			  "the URL is not usable: %s", curl_url_strerror(code));
	else if (!str_equal_fold(str_from(scheme), STR("https")) &&
		 !(allow_http && str_equal_fold(str_from(scheme), STR("http"))))
		error_set(err, ERR_DENIED, "the URL has the scheme \"%s\"; allowed is %s", scheme,
			  allow_http ? "https, and http" : "https alone");
	else if (!has_two_slashes(text, scheme) || !note_origin(call, url, scheme))
		error_set(err, ERR_SYNTAX, "the URL has no host");
	else
		ok = true;
	curl_free(scheme);
	curl_url_cleanup(url);
	return ok;
}

static bool set_url(struct fetch *call, const struct fetch_request *request, struct error *err)
{
	struct buf text;
	bool ok = false;

	if (request->url.len > FETCH_MAX_URL)
		return error_set(err, ERR_LIMIT, "the URL is longer than %d bytes", FETCH_MAX_URL);
	if (request->url.len == 0 || str_find_char(request->url, '\0') != STR_NONE)
		return error_set(err, ERR_SYNTAX, "the URL is empty or has a NUL byte");
	buf_init(&text, FETCH_MAX_URL);
	buf_append(&text, request->url);
	if (buf_failed(&text))
		error_set(err, ERR_NOMEM, "out of memory for a URL");
	else if (check_url(call, text.ptr, request->allow_http, err))
		ok = curl_easy_setopt(call->easy, CURLOPT_URL, text.ptr) == CURLE_OK ||
		     error_set(err, ERR_NOMEM, "out of memory for a URL");
	buf_wipe(&text);
	return ok;
}

static bool is_header_line(struct str line)
{
	size_t colon = str_find_char(line, ':');

	if (colon == STR_NONE || colon == 0)
		return false;
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.ptr[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* line ends in a NUL behind len. */
static bool add_header(struct fetch *call, const char *line, struct error *err)
{
	struct curl_slist *headers = curl_slist_append(call->headers, line);

	if (headers == NULL)
		return error_set(err, ERR_NOMEM, "out of memory for a request");
	call->headers = headers;
	return true;
}

static bool set_headers(struct fetch *call, const struct fetch_request *request, struct error *err)
{
	struct buf line;
	bool ok = add_header(call, "Expect:", err);	/* never wait for a 100 */

	buf_init(&line, MAX_HEADER_LINE);
	for (size_t i = 0; i < FETCH_MAX_HEADERS && ok; i++) {
		struct str header = request->headers[i];
		if (header.len == 0)
			continue;
		buf_clear(&line);
		buf_append(&line, header);
		if (header.len > MAX_HEADER_LINE)
			ok = error_set(err, ERR_LIMIT, "a header line is longer than %d bytes",
				       MAX_HEADER_LINE);
		else if (!is_header_line(header))
			ok = error_set(err, ERR_SYNTAX, "a header line is malformed");
		else if (buf_failed(&line))
			ok = error_set(err, ERR_NOMEM, "out of memory for a request");
		else
			ok = add_header(call, line.ptr, err);
	}
	buf_wipe(&line);
	return ok;
}

static bool set_method(struct fetch *call, const struct fetch_request *request, struct error *err)
{
	CURLcode code = CURLE_OK;

	if (str_equal(request->method, STR("GET")) && request->body.len == 0) {
		code = curl_easy_setopt(call->easy, CURLOPT_HTTPGET, 1L);
	} else if (str_equal(request->method, STR("POST"))) {
		buf_init(&call->request_body, request->body.len);
		buf_append(&call->request_body, request->body);
		if (buf_failed(&call->request_body))
			return error_set(err, ERR_NOMEM, "out of memory for a request");
		/* Borrowed by libcurl. NULL would mean its read callback: standard input. */
		const char *body = request->body.len > 0 ? call->request_body.ptr : "";
		code = curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
		if (code == CURLE_OK)
			code = curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE,
						(curl_off_t)request->body.len);
		if (code == CURLE_OK)
			code = curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, body);
	} else {
		return error_set(err, ERR_SYNTAX, "the method is neither GET nor POST");
	}
	return code == CURLE_OK || error_set(err, ERR_NOMEM, "out of memory for a request");
}

#define SET(option, value)                                                  \
	do {                                                                \
		if (code == CURLE_OK)                                       \
			code = curl_easy_setopt(call->easy, option, value); \
	} while (0)

static CURLcode set_bounds(struct fetch *call, const struct fetch_request *request)
{
	CURLcode code = CURLE_OK;
	unsigned connect_ms = request->connect_timeout_ms;

	if (connect_ms == 0)
		connect_ms = request->timeout_ms;
	SET(CURLOPT_HTTPHEADER, call->headers);
	SET(CURLOPT_PROTOCOLS_STR, request->allow_http ? "http,https" : "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(CURLOPT_PROXY, "");			/* not that of the environment either */
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
	SET(CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFETIME_S);
	/* HTTP/2 would save nothing here, and bring its own ways to misbehave. */
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_USERAGENT, "sallyport");	/* some providers refuse calls without one */
	return code;
}

static CURLcode set_tls(struct fetch *call, const struct fetch_request *request)
{
	CURLcode code = CURLE_OK;

	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);	/* and above */
	SET(CURLOPT_CAPATH, (char *)NULL);
	if (request->ca_file != NULL)
		SET(CURLOPT_CAINFO, request->ca_file);
	return code;
}

bool fetch_setup(struct fetch *call, const struct fetch_request *request, struct error *err)
{
	if (!set_url(call, request, err) || !set_headers(call, request, err) ||
	    !set_method(call, request, err))
		return false;
	CURLcode code = set_bounds(call, request);
	if (code == CURLE_OK)
		code = set_tls(call, request);
	if (code == CURLE_OK)
		return true;
	return error_set(err, code == CURLE_OUT_OF_MEMORY ? ERR_NOMEM : ERR_BUG,
			 "libcurl refuses an option: %s", curl_easy_strerror(code));
}
