/*
 * http/fuzz/forwarded.c - the forwarding headers. Lines of the input are header lines.
 *
 * What an untrusted client wrote must not matter: a trusted proxy's element is added
 * behind the input, and the client is then the one that the proxy names, whatever
 * stands in front of it.
 */
#include "fuzz.h"
#include "http/forwarded.h"

static void headers_split(struct arena *a, struct str text, struct headers *h)
{
	struct str line;

	while (str_next(&text, '\n', &line)) {
		size_t colon = str_find_char(line, ':');
		struct str name = str_slice(line, 0, colon);

		if (!headers_add(a, h, name, str_trim(str_after(line, name.len + 1))))
			return;
	}
}

/* The proxy appends to the last line of that name, as RFC 9110, section 5.3 lets it. */
static void proxy_append(struct arena *a, struct headers *h, struct str name, const char *element)
{
	for (size_t i = h->count; i > 0; i--) {
		struct str *value = &h->items[i - 1].value;

		if (str_equal_fold(h->items[i - 1].name, name)) {
			*value = arena_printf(a, "%.*s, %s", STR_ARG(*value), element);
			return;
		}
	}
	ASSERT(headers_add(a, h, name, str_from(element)));
}

static void check_client(struct arena *a, const struct headers *h, const struct ip_prefix *trusted,
			 const struct ip *want)
{
	struct forwarded got;

	forwarded_read(a, h, &trusted->base, false, trusted, 1, &got);
	ASSERT(ip_equal(&got.client, want));
	ASSERT(str_equal(got.chain, STR("192.0.2.1")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = fuzz_arena();
	struct headers h = {NULL, 0, 0};
	struct ip_prefix trusted;
	struct forwarded got;
	struct ip client;

	if (len > 16 * 1024 || memchr(data, '\0', len))
		return 0;
	ASSERT(ip_prefix_parse(STR("10.0.0.1"), &trusted, NULL));
	ASSERT(ip_parse(STR("192.0.2.1"), &client));
	headers_split(a, fuzz_str(data, len), &h);

	forwarded_read(a, &h, &client, true, &trusted, 1, &got);
	ASSERT(ip_equal(&got.client, &client) && got.is_https && !got.chain.len);
	forwarded_read(a, &h, &trusted.base, true, &trusted, 1, &got);
	ASSERT(got.chain.len || ip_equal(&got.client, &trusted.base));

	if (!headers_get(&h, STR("x-forwarded-for"))) {
		proxy_append(a, &h, STR("Forwarded"), "for=192.0.2.1");
		check_client(a, &h, &trusted, &client);
	}
	proxy_append(a, &h, STR("X-Forwarded-For"), "192.0.2.1");
	check_client(a, &h, &trusted, &client);
	return 0;
}
