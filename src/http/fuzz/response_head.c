/*
 * http/fuzz/response_head.c - heads of responses: the answer does not depend on what
 * comes behind the head, and one that was not whole was not taken for one.
 */
#include "fuzz.h"
#include "http/response_head.h"

static void check_head(const struct response_head *h, struct str method)
{
	size_t lengths = headers_count(&h->headers, STR("content-length"));
	size_t codings = headers_count(&h->headers, STR("transfer-encoding"));

	ASSERT(h->status >= 100 && h->status <= 599 && h->minor_version <= 1);
	ASSERT(h->headers.count <= RESPONSE_MAX_HEADERS);
	ASSERT(lengths + codings <= 1);
	for (size_t i = 0; i < h->headers.count; i++) {
		ASSERT(header_name_is_token(h->headers.items[i].name));
		ASSERT(header_value_is_valid(h->headers.items[i].value));
	}
	if (str_equal(method, STR("HEAD")) || h->status < 200 || h->status == 204 ||
	    h->status == 304) {
		ASSERT(h->body == HTTP_BODY_NONE);
		return;
	}
	ASSERT(h->body != HTTP_BODY_NONE);
	ASSERT((h->body == HTTP_BODY_CHUNKED) == (codings == 1));
	ASSERT((h->body == HTTP_BODY_LENGTH) == (lengths == 1));
	ASSERT(h->body != HTTP_BODY_UNTIL_CLOSE || !h->keep_alive);
}

static void try_method(struct str raw, struct str method)
{
	struct arena *a = fuzz_arena();
	struct error err = {.kind = ERR_NONE};
	struct response_head head, again;
	size_t head_len = 0, again_len;
	int result = response_head_parse(a, raw, method, &head, &head_len, &err);

	ASSERT((result < 0) == (err.kind != ERR_NONE));
	if (result <= 0)
		return;
	ASSERT(head_len <= raw.len && head_len <= RESPONSE_MAX_HEAD);
	ASSERT(str_ends_with(str_slice(raw, 0, head_len), STR("\r\n\r\n")));
	check_head(&head, method);
	ASSERT(response_head_parse(a, str_slice(raw, 0, head_len - 1), method, &again, &again_len,
				   NULL) == 0);
	ASSERT(response_head_parse(a, str_slice(raw, 0, head_len), method, &again, &again_len,
				   NULL) == 1);
	ASSERT(again_len == head_len && again.body == head.body &&
	       again.keep_alive == head.keep_alive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	try_method(fuzz_str(data, len), STR("GET"));
	try_method(fuzz_str(data, len), STR("HEAD"));
	return 0;
}
