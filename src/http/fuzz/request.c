/*
 * http/fuzz/request.c - the canonical request.
 *
 * An input is "METHOD target VERSION" and header lines that end in LF; whatever else is
 * in a line gets to the parser as it is. Each is tried as a plain and as a TLS request.
 */
#include "fuzz.h"
#include "http/message.h"

static void head_split(struct arena *a, struct str text, struct request_head *head,
		       struct headers *headers)
{
	struct str line = STR("");

	(void)str_next(&text, '\n', &line);
	(void)str_next(&line, ' ', &head->method);
	(void)str_next(&line, ' ', &head->target);
	head->version = line;
	while (str_next(&text, '\n', &line)) {
		size_t colon = str_find_char(line, ':');
		struct str name = str_slice(line, 0, colon);

		if (!headers_add(a, headers, name, str_after(line, name.len + 1)))
			return;
	}
}

static void check_headers(const struct request *r)
{
	struct headers copy = r->headers;

	for (size_t i = 0; i < r->headers.count; i++) {
		ASSERT(header_name_is_token(r->headers.items[i].name));
		ASSERT(header_value_is_valid(r->headers.items[i].value));
		ASSERT(!header_name_fold_starts_with(r->headers.items[i].name,
						     STR("x-forwarded-")));
		ASSERT(!header_name_fold_equal(r->headers.items[i].name, STR("remote-user")));
	}
	ASSERT(request_remove_identity_headers(&copy, NULL, 0) == 0);
	ASSERT(headers_count(&r->headers, STR("host")) == 1);
	ASSERT(headers_count(&r->headers, STR("cookie")) <= 1);
	ASSERT(headers_count(&r->headers, STR("authorization")) <= 1);
}

static void check_body(const struct request *r)
{
	size_t lengths = headers_count(&r->headers, STR("content-length"));
	size_t codings = headers_count(&r->headers, STR("transfer-encoding"));

	ASSERT(r->body != HTTP_BODY_UNTIL_CLOSE);
	ASSERT(lengths == (r->body == HTTP_BODY_LENGTH));
	ASSERT(codings == (r->body == HTTP_BODY_CHUNKED));
	ASSERT(r->content_length <= INT64_MAX);
	if (r->expects_continue)
		ASSERT(r->body != HTTP_BODY_NONE && r->minor_version == 1);
	if (r->wants_upgrade)
		ASSERT(headers_get(&r->headers, STR("upgrade")) && r->minor_version == 1);
}

static void try_head(struct arena *a, const struct request_head *head)
{
	struct error err = {.kind = ERR_NONE};
	struct uri_authority authority;
	unsigned status = 0;
	struct request r;

	if (!request_parse(a, head, &r, &status, &err)) {
		ASSERT(err.kind != ERR_NONE && err.text[0]);
		ASSERT(http_reason_phrase(status)[0] && status >= 400);
		return;
	}
	check_headers(&r);
	check_body(&r);
	ASSERT(r.method.len && r.method.len <= HTTP_MAX_METHOD &&
	       !str_equal(r.method, STR("CONNECT")));
	ASSERT(r.target.is_asterisk || r.target.path.ptr[0] == '/');
	ASSERT(r.is_https == head->is_https);
	ASSERT(uri_parse_authority(*headers_get(&r.headers, STR("host")), &authority, NULL));
	ASSERT(strcmp(authority.host, r.authority.host) == 0 && authority.port == r.authority.port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = fuzz_arena();
	struct headers headers = {NULL, 0, 0};
	struct request_head head = {.headers = &headers};

	head_split(a, fuzz_str(data, len), &head, &headers);
	try_head(a, &head);
	head.is_https = true;
	try_head(a, &head);
	return 0;
}
