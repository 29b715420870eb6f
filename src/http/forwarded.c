/*
 * http/forwarded.c - X-Forwarded-For, X-Forwarded-Proto and Forwarded.
 *
 * Each proxy writes the address it was called from behind what it received, so only the
 * right end was written by someone we trust; what is left of the first untrusted address
 * is that client's own word. Everything is therefore read from the right, quoted strings
 * too: read from the left, a client's lone '"' would swallow what the proxy wrote.
 *
 * Where both kinds are there X-Forwarded-For counts: proxies that write it commonly let
 * a client's Forwarded pass, the other way round is rare.
 */
#include "http/forwarded.h"

#include <string.h>

enum { FORWARDED_MAX_HOPS = 32 }; /* nearest ones read; the chain ends there */

enum scheme { SCHEME_UNKNOWN, SCHEME_HTTP, SCHEME_HTTPS };

struct hop {
	struct str node; /* the address as written; empty when unreadable */
	enum scheme scheme;
};

/* A list over all lines of one name, taken from the end. */
struct backward {
	const struct headers *headers;
	struct str name;
	size_t lines;	 /* of headers, not looked at yet */
	struct str rest; /* of the line being read */
};

static struct backward backward_over(const struct headers *h, struct str name)
{
	return (struct backward){.headers = h, .name = name, .lines = h->count};
}

static struct str element_cut_last(struct str *rest)
{
	bool is_quoted = false;
	size_t at = rest->len;
	struct str element;

	for (; at > 0; at--) {
		char c = rest->ptr[at - 1];

		if (c == '"')
			is_quoted = !is_quoted;
		else if (c == ',' && !is_quoted)
			break;
	}
	element = str_trim(str_after(*rest, at));
	rest->len = at ? at - 1 : 0;
	return element;
}

/* The element in front of those taken; empty ones are skipped. False when there is none. */
static bool backward_next(struct backward *b, struct str *ret_element)
{
	for (;;) {
		while (b->rest.len) {
			*ret_element = element_cut_last(&b->rest);
			if (ret_element->len)
				return true;
		}
		if (!b->lines)
			return false;
		b->lines--;
		if (str_equal_fold(b->headers->items[b->lines].name, b->name))
			b->rest = b->headers->items[b->lines].value;
	}
}

static enum scheme scheme_parse(struct str s)
{
	/* "wss" and "ws" are what some proxies write for WebSocket handshakes. */
	if (str_equal_fold(s, STR("https")) || str_equal_fold(s, STR("wss")))
		return SCHEME_HTTPS;
	if (str_equal_fold(s, STR("http")) || str_equal_fold(s, STR("ws")))
		return SCHEME_HTTP;
	return SCHEME_UNKNOWN;
}

static bool port_is_valid(struct str s)
{
	uint64_t port;

	return s.len && s.ptr[0] == ':' && s.len <= 6 && str_to_u64(str_after(s, 1), &port);
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80" */
static bool node_parse(struct str node, struct ip *ret)
{
	size_t colon = str_find_char(node, ':');
	size_t end;

	if (node.len && node.ptr[0] == '[') {
		end = str_find_char(node, ']');
		if (end == STR_NONE || colon > end)
			return false;
		if (end + 1 < node.len && !port_is_valid(str_after(node, end + 1)))
			return false;
		return ip_parse(str_slice(node, 1, end - 1), ret);
	}
	if (colon == STR_NONE || colon != str_find_last_char(node, ':'))
		return ip_parse(node, ret);
	return port_is_valid(str_after(node, colon)) && ip_parse(str_slice(node, 0, colon), ret);
}

static bool token_take(struct str *rest, struct str *ret)
{
	size_t len = 0;

	while (len < rest->len && header_name_is_token(str_slice(*rest, len, 1)))
		len++;
	*ret = str_slice(*rest, 0, len);
	*rest = str_after(*rest, len);
	return len > 0;
}

/* A token, or a quoted string without escapes: no address and no scheme needs them. */
static bool value_take(struct str *rest, struct str *ret)
{
	size_t end;

	if (!rest->len || rest->ptr[0] != '"')
		return token_take(rest, ret);
	end = str_find_char(str_after(*rest, 1), '"');
	if (end == STR_NONE)
		return false;
	*ret = str_slice(*rest, 1, end);
	*rest = str_after(*rest, end + 2);
	return str_find_char(*ret, '\\') == STR_NONE;
}

/* Take 'name=value' and the ';' behind it. */
static bool pair_take(struct str *rest, struct str *ret_name, struct str *ret_value)
{
	if (!token_take(rest, ret_name) || !rest->len || rest->ptr[0] != '=')
		return false;
	*rest = str_after(*rest, 1);
	if (!value_take(rest, ret_value))
		return false;
	*rest = str_trim(*rest);
	if (rest->len && rest->ptr[0] != ';')
		return false;
	*rest = str_trim(str_after(*rest, 1));
	return true;
}

/* A forwarded-element (RFC 7239, section 4); a malformed one says nothing. */
static struct hop element_parse(struct str element)
{
	static const struct hop unreadable = {.scheme = SCHEME_UNKNOWN};
	struct hop hop = unreadable;
	struct str name, value;
	bool has_for = false, has_proto = false;

	while (element.len) {
		if (!pair_take(&element, &name, &value))
			return unreadable;
		if (str_equal_fold(name, STR("for"))) {
			if (has_for)
				return unreadable;
			has_for = true;
			hop.node = value;
		} else if (str_equal_fold(name, STR("proto"))) {
			if (has_proto)
				return unreadable;
			has_proto = true;
			hop.scheme = scheme_parse(value);
		}
	}
	return hop;
}

/* What the trusted proxies wrote, nearest first, whichever kind they write. */
struct chain {
	bool is_x;
	struct backward nodes;	/* X-Forwarded-For or Forwarded */
	struct backward protos; /* X-Forwarded-Proto */
	enum scheme last_proto; /* one value for the whole way is common: it stays */
};

static struct chain chain_start(const struct headers *h)
{
	bool is_x = headers_get(h, STR("x-forwarded-for")) || !headers_get(h, STR("forwarded"));

	return (struct chain){
		.is_x = is_x,
		.nodes = backward_over(h, is_x ? STR("x-forwarded-for") : STR("forwarded")),
		.protos = backward_over(h, STR("x-forwarded-proto")),
	};
}

/* The next hop; at the end one without an address, which may still have a scheme. */
static struct hop chain_next(struct chain *c)
{
	struct hop hop = {.scheme = SCHEME_UNKNOWN};
	struct str element;

	if (!c->is_x)
		return backward_next(&c->nodes, &element) ? element_parse(element) : hop;
	if (backward_next(&c->protos, &element))
		c->last_proto = scheme_parse(element);
	hop.scheme = c->last_proto;
	if (backward_next(&c->nodes, &element))
		hop.node = element;
	return hop;
}

static bool ip_is_trusted(const struct ip *ip, const struct ip_prefix *trusted, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (ip_prefix_contains(&trusted[i], ip))
			return true;
	}
	return false;
}

/* Put an address in front of those of a chain. */
static struct str text_prepend(struct arena *a, const struct ip *ip, struct str text)
{
	char ip_text[IP_TEXT_SIZE];

	return arena_printf(a, "%s%s%.*s", ip_format(ip, ip_text), text.len ? ", " : "",
			    STR_ARG(text));
}

void forwarded_read(struct arena *a, const struct headers *h, const struct ip *peer,
		    bool peer_is_https, const struct ip_prefix *trusted, size_t trusted_count,
		    struct forwarded *ret)
{
	struct chain chain;

	*ret = (struct forwarded){.client = *peer, .is_https = peer_is_https};
	if (!trusted_count || !ip_is_trusted(peer, trusted, trusted_count))
		return;
	chain = chain_start(h);
	for (int i = 0; i < FORWARDED_MAX_HOPS; i++) {
		struct hop hop = chain_next(&chain);
		struct ip ip;

		if (hop.scheme != SCHEME_UNKNOWN)
			ret->is_https = hop.scheme == SCHEME_HTTPS;
		if (!node_parse(hop.node, &ip))
			return;
		ret->client = ip;
		ret->chain = text_prepend(a, &ip, ret->chain);
		if (!ip_is_trusted(&ip, trusted, trusted_count))
			return;
	}
}

/* host comes canonical from uri_parse_authority; whatever else is left out. */
static void append_quoted(struct buf *b, struct str s)
{
	buf_append_char(b, '"');
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (ascii_is_alnum(c) || (c && strchr(".-_:[]", c)))
			buf_append_char(b, c);
	}
	buf_append_char(b, '"');
}

void forwarded_append(struct buf *b, const struct ip *client, bool is_https, struct str host)
{
	char text[IP_TEXT_SIZE];

	if (client->is_v4)
		buf_appendf(b, "for=%s", ip_format(client, text));
	else
		buf_appendf(b, "for=\"[%s]\"", ip_format(client, text));
	buf_append(b, is_https ? STR(";proto=https;host=") : STR(";proto=http;host="));
	append_quoted(b, host);
}
