/*
 * proxy/identity_headers.c - what the application receives about the client.
 */
#include "proxy/identity_headers.h"

#include "base/json.h"
#include "proxy/assertion.h"

enum { LIST_MAX_BYTES = 32 * 1024 };

/*
 * Elements joined by commas. A group called "a,b" must not read as the groups a and b,
 * nor one with a line break as a header: such bytes are percent-encoded.
 */
static void list_append(struct buf *out, struct str element)
{
	static const char digits[] = "0123456789ABCDEF";

	if (out->len)
		buf_append_char(out, ',');
	for (size_t i = 0; i < element.len; i++) {
		unsigned char c = (unsigned char)element.ptr[i];

		if (c > 0x20 && c != 0x7f && c != ',' && c != '%') {
			buf_append_char(out, (char)c);
		} else if (c == ' ' && i > 0 && i + 1 < element.len) {
			buf_append_char(out, ' ');
		} else {
			buf_append_char(out, '%');
			buf_append_char(out, digits[c >> 4]);
			buf_append_char(out, digits[c & 15]);
		}
	}
}

/* A value that is empty or no field value says nothing, rather than something else. */
static bool add_value(struct exchange *e, struct headers *out, struct str name, struct str value)
{
	if (str_is_empty(value) || !header_value_is_valid(value))
		return true;
	return headers_add(e->arena, out, name, value);
}

static bool add_list(struct exchange *e, struct headers *out, struct str name, struct buf *list)
{
	bool ok = !buf_failed(list) &&
		  (list->len == 0 ||
		   headers_add(e->arena, out, name, arena_str(e->arena, buf_str(list))));

	buf_done(list);
	return ok;
}

static bool add_groups(struct exchange *e, struct headers *out)
{
	struct buf list;

	buf_init(&list, LIST_MAX_BYTES);
	for (size_t i = 0; i < e->identity->groups_count; i++)
		list_append(&list, e->identity->groups[i]);
	return add_list(e, out, STR("X-Forwarded-Groups"), &list);
}

/* A claim as text: strings, numbers and booleans as they are, lists joined, objects not at all. */
static bool add_claim(struct exchange *e, struct headers *out, struct str name, struct str claim)
{
	const struct json *v = identity_claim_at(e->identity->claims, claim);
	struct buf text;

	if (str_equal(claim, STR("email")))
		return add_value(e, out, name, e->identity->email);
	if (json_is(v, JSON_STRING))
		return add_value(e, out, name, json_str(v));
	buf_init(&text, LIST_MAX_BYTES);
	if (json_is(v, JSON_NUMBER) || json_is(v, JSON_BOOL))
		json_append_value(&text, v);
	else if (json_is(v, JSON_ARRAY))
		for (v = json_first(v); v; v = json_next(v))
			if (json_is(v, JSON_STRING))
				list_append(&text, json_str(v));
	return add_list(e, out, name, &text);
}

static bool add_mapped(struct exchange *e, struct headers *out)
{
	const struct str_map *map = &e->route->config->identity_headers;

	for (size_t i = 0; i < map->count; i++)
		if (!add_claim(e, out, map->keys[i], map->values[i]))
			return false;
	return true;
}

static bool add_identity(struct exchange *e, struct headers *out, struct error *err)
{
	const struct identity *i = e->identity;
	struct str assertion;

	if (!i)
		return true;
	if (str_is_empty(i->subject) || !header_value_is_valid(i->subject))
		return error_set(err, ERR_DENIED, "the subject of the identity fits in no header");
	return add_value(e, out, STR("X-Forwarded-User"), i->subject) &&
	       add_value(e, out, STR("X-Forwarded-Email"), i->email) &&
	       add_value(e, out, STR("X-Forwarded-Preferred-Username"), i->preferred_username) &&
	       add_groups(e, out) && add_mapped(e, out) && assertion_get(e, &assertion, err) &&
	       headers_add(e->arena, out, STR("X-Sallyport-Assertion"), assertion);
}

static bool add_forwarded(struct exchange *e, struct headers *out)
{
	char client[IP_TEXT_SIZE], peer[IP_TEXT_SIZE];
	struct str proto = e->request.is_https ? STR("https") : STR("http");
	struct str chain = e->forwarded.chain;
	struct buf text;
	bool ok;

	ip_format(&e->forwarded.client, client);
	ip_format(&e->peer->ip, peer);
	if (chain.len)
		chain = arena_printf(e->arena, "%.*s, %s", STR_ARG(chain), peer);
	else
		chain = arena_str(e->arena, str_from(peer));
	buf_init(&text, 1024);
	forwarded_append(&text, &e->forwarded.client, e->request.is_https, e->authority);
	ok = !buf_failed(&text) && headers_add(e->arena, out, STR("X-Forwarded-For"), chain) &&
	     headers_add(e->arena, out, STR("X-Forwarded-Proto"), proto) &&
	     headers_add(e->arena, out, STR("X-Forwarded-Host"), e->authority) &&
	     headers_add(e->arena, out, STR("X-Real-IP"),
			 arena_str(e->arena, str_from(client))) &&
	     headers_add(e->arena, out, STR("Forwarded"), arena_str(e->arena, buf_str(&text))) &&
	     headers_add(e->arena, out, STR("X-Request-Id"), str_from(e->id));
	buf_done(&text);
	return ok;
}

bool identity_headers_add(struct exchange *e, struct headers *out, struct error *err)
{
	if (!add_identity(e, out, err) || !add_forwarded(e, out))
		return false;
	if (e->peer->certificate)
		return headers_add(e->arena, out, STR("Client-Cert"), e->peer->certificate->field);
	return true;
}
