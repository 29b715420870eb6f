/*
 * http/message.c - the canonical request, from a head line and a list of headers.
 *
 * The front end has refused several of these already; this is a second lock, and the
 * only one that HTTP/1 and HTTP/2 share. Each header is looked at once: its name is
 * folded, and the folded name answers whether it is a token, tells an identity, steers
 * framing or must be single. A steering name in a spelling that only the identity fold
 * knows (Content_Length) is an attempt on the application behind, and refused.
 */
#include "http/message.h"

#include <string.h>

#include "http/header_fold.h"

enum { CONNECTION_MAX_OPTIONS = 32 };

/* Names that steer what we or the application do; all but the REPEATABLE must be single. */
enum field {
	FIELD_HOST = 1 << 0,
	FIELD_CONTENT_LENGTH = 1 << 1,
	FIELD_TRANSFER_ENCODING = 1 << 2,
	FIELD_EXPECT = 1 << 3,
	FIELD_AUTHORIZATION = 1 << 4,
	FIELD_PROXY_AUTHORIZATION = 1 << 5,
	FIELD_CONTENT_TYPE = 1 << 6,
	FIELD_ORIGIN = 1 << 7,
	FIELD_SEC_FETCH_SITE = 1 << 8,
	FIELD_SEC_FETCH_MODE = 1 << 9,
	FIELD_SEC_FETCH_DEST = 1 << 10,
	FIELD_COOKIE = 1 << 11,
	FIELD_CONNECTION = 1 << 12,
	FIELD_UPGRADE = 1 << 13,
	FIELDS_REPEATABLE = FIELD_COOKIE | FIELD_CONNECTION | FIELD_UPGRADE,
};

/* The reading of one head. */
struct reading {
	struct arena *arena;
	const struct request_head *head;
	struct request request; /* what has been read so far */
	unsigned seen;		/* enum field bits */
	bool cookie_repeated;
	struct str host; /* values of their fields */
	struct str content_length;
	struct str transfer_encoding;
	struct str expect;
	unsigned status; /* to answer when it fails */
	struct error *err;
};

#define REFUSE(r, status_, kind, ...) \
	((r)->status = (status_), error_set((r)->err, kind, __VA_ARGS__))

static bool method_is_valid(struct str method)
{
	if (!method.len || method.ptr[0] < 'A' || method.ptr[0] > 'Z')
		return false;
	for (size_t i = 0; i < method.len; i++) {
		char c = method.ptr[i];

		if (!(c >= 'A' && c <= 'Z') && !ascii_is_digit(c) && c != '-' && c != '_')
			return false;
	}
	return true;
}

static bool read_method(struct reading *r)
{
	struct str method = r->head->method;

	if (!method_is_valid(method))
		return REFUSE(r, 400, ERR_SYNTAX, "method is no upper-case token");
	if (method.len > HTTP_MAX_METHOD || str_equal(method, STR("CONNECT")) ||
	    str_equal(method, STR("TRACE")))
		return REFUSE(r, 501, ERR_NOT_FOUND, "method is not served");
	r->request.method = method;
	return true;
}

static bool read_version(struct reading *r)
{
	struct str v = r->head->version;

	if (v.len != 8 || !str_starts_with(v, STR("HTTP/")) || !ascii_is_digit(v.ptr[5]) ||
	    v.ptr[6] != '.' || !ascii_is_digit(v.ptr[7]))
		return REFUSE(r, 400, ERR_SYNTAX, "malformed version");
	if (v.ptr[5] != '1' || v.ptr[7] > '1')
		return REFUSE(r, 505, ERR_NOT_FOUND, "version is neither HTTP/1.1 nor HTTP/1.0");
	r->request.minor_version = v.ptr[7] == '1';
	return true;
}

static enum field field_of_name(const struct header_fold *f)
{
	switch (f->len) {
	case 4: return HEADER_FOLD_IS(f, "host") ? FIELD_HOST : 0;
	case 6:
		if (HEADER_FOLD_IS(f, "cookie"))
			return FIELD_COOKIE;
		if (HEADER_FOLD_IS(f, "expect"))
			return FIELD_EXPECT;
		return HEADER_FOLD_IS(f, "origin") ? FIELD_ORIGIN : 0;
	case 7: return HEADER_FOLD_IS(f, "upgrade") ? FIELD_UPGRADE : 0;
	case 10: return HEADER_FOLD_IS(f, "connection") ? FIELD_CONNECTION : 0;
	case 12: return HEADER_FOLD_IS(f, "content-type") ? FIELD_CONTENT_TYPE : 0;
	case 13: return HEADER_FOLD_IS(f, "authorization") ? FIELD_AUTHORIZATION : 0;
	case 14:
		if (HEADER_FOLD_IS(f, "content-length"))
			return FIELD_CONTENT_LENGTH;
		if (HEADER_FOLD_IS(f, "sec-fetch-site"))
			return FIELD_SEC_FETCH_SITE;
		if (HEADER_FOLD_IS(f, "sec-fetch-mode"))
			return FIELD_SEC_FETCH_MODE;
		return HEADER_FOLD_IS(f, "sec-fetch-dest") ? FIELD_SEC_FETCH_DEST : 0;
	case 17: return HEADER_FOLD_IS(f, "transfer-encoding") ? FIELD_TRANSFER_ENCODING : 0;
	case 19: return HEADER_FOLD_IS(f, "proxy-authorization") ? FIELD_PROXY_AUTHORIZATION : 0;
	default: return 0;
	}
}

static bool note_field(struct reading *r, enum field field, const struct header_fold *fold,
		       const struct header *header)
{
	int shown = header->name.len < 40 ? (int)header->name.len : 40;

	if (!fold->is_plain)
		return REFUSE(r, 400, ERR_SYNTAX, "header \"%.*s\" is spelled to be misread", shown,
			      header->name.ptr);
	if ((r->seen & field) && !(field & FIELDS_REPEATABLE))
		return REFUSE(r, 400, ERR_SYNTAX, "repeated header \"%.*s\"", shown,
			      header->name.ptr);
	if (r->seen & field & FIELD_COOKIE)
		r->cookie_repeated = true;
	r->seen |= field;
	switch (field) {
	case FIELD_HOST: r->host = header->value; break;
	case FIELD_CONTENT_LENGTH: r->content_length = header->value; break;
	case FIELD_TRANSFER_ENCODING: r->transfer_encoding = header->value; break;
	case FIELD_EXPECT: r->expect = header->value; break;
	default: break;
	}
	return true;
}

static bool read_header(struct reading *r, struct header header)
{
	struct header_fold fold;
	enum field field;

	header.value = str_trim(header.value);
	if (!header_fold_name(header.name, &fold))
		return REFUSE(r, 400, ERR_SYNTAX, "header name is no token");
	if (!header_value_is_valid(header.value))
		return REFUSE(r, 400, ERR_SYNTAX, "control byte in the value of header \"%.*s\"",
			      fold.len < 40 ? (int)fold.len : 40, header.name.ptr);
	field = field_of_name(&fold);
	if (field && !note_field(r, field, &fold, &header))
		return false;
	if (!header_fold_is_identity(&fold))
		r->request.headers.items[r->request.headers.count++] = header;
	return true;
}

static bool read_headers(struct reading *r)
{
	const struct headers *from = r->head->headers;
	struct headers *to = &r->request.headers;

	if (from->count > HTTP_MAX_HEADERS)
		return REFUSE(r, 431, ERR_LIMIT, "more than %d headers", HTTP_MAX_HEADERS);
	if (!from->count)
		return true;
	to->items = arena_alloc_array(r->arena, from->count, sizeof(*to->items));
	if (!to->items)
		return REFUSE(r, 431, ERR_LIMIT, "no memory left in the exchange for headers");
	to->capacity = from->count;
	for (size_t i = 0; i < from->count; i++) {
		if (!read_header(r, from->items[i]))
			return false;
	}
	return true;
}

static uint16_t port_or_default(uint16_t port, bool is_https)
{
	return port ? port : is_https ? 443 : 80;
}

/* RFC 9112, section 3.2.2: absolute-form rules over Host. Here they must agree instead. */
static bool read_absolute_form(struct reading *r, struct str *ret_target)
{
	const struct uri_authority *host = &r->request.authority;
	struct uri_url url;

	if (!uri_parse_url(r->head->target, &url, r->err)) {
		r->status = 400;
		return false;
	}
	if (url.is_https != r->head->is_https)
		return REFUSE(r, 400, ERR_SYNTAX, "scheme of the target is not the connection's");
	if (url.port != port_or_default(host->port, url.is_https) ||
	    !str_equal(str_from_len(url.authority.host, url.authority.host_len),
		       str_from_len(host->host, host->host_len)))
		return REFUSE(r, 400, ERR_SYNTAX, "authority of the target is not Host's");
	*ret_target = url.target;
	return true;
}

static bool read_target(struct reading *r)
{
	struct str target = r->head->target;

	r->request.raw_target = target;
	if (target.len > URI_MAX_TARGET)
		return REFUSE(r, 414, ERR_LIMIT, "target longer than %d bytes", URI_MAX_TARGET);
	if (!(r->seen & FIELD_HOST))
		return REFUSE(r, 400, ERR_SYNTAX, "no Host header");
	if (!uri_parse_authority(r->host, &r->request.authority, r->err)) {
		r->status = 400;
		return false;
	}
	if (target.len && target.ptr[0] != '/' && target.ptr[0] != '*' &&
	    !read_absolute_form(r, &target))
		return false;
	if (!uri_parse_target(r->arena, target, &r->request.target, r->err)) {
		r->status = arena_overflowed(r->arena) ? 431 : 400;
		return false;
	}
	if (r->request.target.is_asterisk && !str_equal(r->request.method, STR("OPTIONS")))
		return REFUSE(r, 400, ERR_SYNTAX, "target \"*\" without OPTIONS");
	return true;
}

static bool content_length_parse(struct str s, uint64_t *ret_length)
{
	if (s.len > 1 && s.ptr[0] == '0')
		return false;
	return s.len && str_to_u64(s, ret_length) && *ret_length <= INT64_MAX;
}

/* RFC 9112, section 6: where the body ends, said once and in one way. */
static bool read_body(struct reading *r)
{
	struct request *request = &r->request;

	if ((r->seen & FIELD_TRANSFER_ENCODING) && (r->seen & FIELD_CONTENT_LENGTH))
		return REFUSE(r, 400, ERR_SYNTAX, "both Transfer-Encoding and Content-Length");
	if (r->seen & FIELD_TRANSFER_ENCODING) {
		if (!request->minor_version)
			return REFUSE(r, 400, ERR_SYNTAX, "Transfer-Encoding in HTTP/1.0");
		if (!str_equal_fold(r->transfer_encoding, STR("chunked")))
			return REFUSE(r, 400, ERR_SYNTAX, "transfer coding other than \"chunked\"");
		request->body = HTTP_BODY_CHUNKED;
	} else if (r->seen & FIELD_CONTENT_LENGTH) {
		if (!content_length_parse(r->content_length, &request->content_length))
			return REFUSE(r, 400, ERR_SYNTAX, "Content-Length is no plain number");
		request->body = HTTP_BODY_LENGTH;
	}
	return true;
}

static bool read_expect(struct reading *r)
{
	if (!(r->seen & FIELD_EXPECT))
		return true;
	if (!str_equal_fold(r->expect, STR("100-continue")))
		return REFUSE(r, 417, ERR_NOT_FOUND, "expectation other than \"100-continue\"");
	/* RFC 9110, section 10.1.1: ignored in HTTP/1.0, and void without a body. */
	r->request.expects_continue = r->request.minor_version && r->request.body != HTTP_BODY_NONE;
	return true;
}

/*
 * Fields that Connection names end here (RFC 9110, section 7.6.1). They are removed
 * now, not when forwarding: policy must not judge by what the application never gets.
 */
static bool read_connection_option(struct reading *r, struct str option)
{
	if (!header_name_is_token(option))
		return REFUSE(r, 400, ERR_SYNTAX, "option of Connection is no token");
	if (str_equal_fold(option, STR("upgrade")))
		r->request.wants_upgrade = r->request.minor_version && (r->seen & FIELD_UPGRADE);
	if (str_equal_fold(option, STR("close")) || header_is_hop_by_hop(option))
		return true;
	if (str_equal_fold(option, STR("host")) || str_equal_fold(option, STR("content-length")))
		return REFUSE(r, 400, ERR_SYNTAX, "Connection names a field that must stay");
	headers_remove(&r->request.headers, option);
	return true;
}

static bool read_connection(struct reading *r)
{
	const struct headers *from = r->head->headers;
	size_t options = 0;

	if (!(r->seen & FIELD_CONNECTION))
		return true;
	for (size_t i = 0; i < from->count; i++) {
		struct str rest = from->items[i].value;
		struct str option;

		if (!str_equal_fold(from->items[i].name, STR("connection")))
			continue;
		while (header_list_next(&rest, &option)) {
			if (++options > CONNECTION_MAX_OPTIONS)
				return REFUSE(r, 431, ERR_LIMIT,
					      "more than %d options in Connection",
					      CONNECTION_MAX_OPTIONS);
			if (!read_connection_option(r, option))
				return false;
		}
	}
	return true;
}

static size_t cookies_length(const struct headers *h)
{
	size_t len = 0;

	for (size_t i = 0; i < h->count; i++) {
		if (str_equal_fold(h->items[i].name, STR("cookie")))
			len += h->items[i].value.len + 2;
	}
	return len;
}

static size_t text_put(char *text, size_t len, struct str s)
{
	if (s.len)
		memcpy(text + len, s.ptr, s.len);
	return len + s.len;
}

/*
 * HTTP/2 splits Cookie for its compression (RFC 9113, section 8.2.3). Joined in place of
 * the first, so that a name on two lines is seen to be there twice, by us and by the
 * application.
 */
static bool join_cookies(struct reading *r)
{
	struct headers *h = &r->request.headers;
	struct header *first = NULL;
	size_t room, kept = 0, len = 0;
	char *text;

	room = r->cookie_repeated ? cookies_length(h) : 0;
	if (!room) /* one, or none, or Connection named them */
		return true;
	text = arena_alloc(r->arena, room);
	if (!text)
		return REFUSE(r, 431, ERR_LIMIT, "no memory left in the exchange for cookies");
	for (size_t i = 0; i < h->count; i++) {
		struct header header = h->items[i];
		bool is_cookie = str_equal_fold(header.name, STR("cookie"));

		if (is_cookie) {
			len = text_put(text, len, len && header.value.len ? STR("; ") : STR(""));
			len = text_put(text, len, header.value);
		}
		if (is_cookie && first)
			continue;
		h->items[kept] = header;
		if (is_cookie)
			first = &h->items[kept];
		kept++;
	}
	h->count = kept;
	first->value = str_from_len(text, len);
	return true;
}

static bool read_head(struct reading *r)
{
	return read_method(r) && read_version(r) && read_headers(r) && read_target(r) &&
	       read_body(r) && read_expect(r) && read_connection(r) && join_cookies(r);
}

bool request_parse(struct arena *a, const struct request_head *head, struct request *ret,
		   unsigned *ret_status, struct error *err)
{
	struct reading r = {.arena = a, .head = head, .err = err, .status = 400};

	r.request.is_https = head->is_https;
	if (!read_head(&r)) {
		*ret_status = r.status;
		return false;
	}
	*ret = r.request;
	return true;
}
