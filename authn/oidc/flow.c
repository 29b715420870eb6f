/*
 * authn/oidc/flow.c - flow cookies: written, opened, counted.
 *
 * Only eight hex digits of a hash name the cookie, so a state that fits the name may still
 * be another: the whole hash is compared once the cookie is open. What surprised its
 * author: cookies know no ports, so two gates on one host share them. The origin inside
 * tells them apart, and each counts the other's flows among the five.
 */
#include "authn/oidc/flow.h"

#include "authn/jose/seal.h"
#include "authn/oidc/wipe.h"
#include "base/digest.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/secret.h"
#include "http/cookie.h"

enum {
	MAX_LISTED = 32,      /* flow cookies of one request that are looked at */
	MAX_PLAIN = 8 * 1024, /* JSON of a flow, before its cookie is judged */
	NAME_HEX = 8,
};

/* --- Names */

void flow_cookie_name(struct str state, char out[FLOW_NAME_SIZE])
{
	unsigned char digest[SHA256_SIZE];
	size_t prefix = sizeof(LOGIN_COOKIE_PREFIX) - 1;

	sha256(state, digest);
	ASSERT(str_copy(out, FLOW_NAME_SIZE, STR(LOGIN_COOKIE_PREFIX)));
	hex_encode(digest, NAME_HEX / 2, out + prefix);
}

void flow_hash_state(struct str state, char out[FLOW_STATE_HASH_SIZE])
{
	sha256_base64url(state, out);
}

static bool is_flow_name(struct str name)
{
	struct str rest = str_after(name, sizeof(LOGIN_COOKIE_PREFIX) - 1);

	if (!str_starts_with(name, STR(LOGIN_COOKIE_PREFIX)) || rest.len != NAME_HEX)
		return false;
	for (size_t i = 0; i < rest.len; i++)
		if (ascii_hex_value(rest.ptr[i]) < 0 || ascii_lower(rest.ptr[i]) != rest.ptr[i])
			return false;
	return true;
}

/* --- Writing */

static void append_plain(struct buf *b, const struct flow *flow, struct str return_to)
{
	struct json_writer w;

	json_write_begin(&w, b);
	json_write_object(&w, NULL);
	json_write_str(&w, "p", flow->provider);
	json_write_str(&w, "i", flow->issuer);
	json_write_str(&w, "o", flow->origin);
	json_write_str(&w, "s", flow->state_hash);
	json_write_str(&w, "n", flow->nonce);
	json_write_str(&w, "v", flow->verifier);
	json_write_str(&w, "r", return_to);
	json_write_i64(&w, "c", flow->created_s);
	json_write_i64(&w, "e", flow->expires_s);
	json_write_i64(&w, "m", flow->max_age_s);
	json_write_end(&w);
}

static bool seal_value(struct buf *value, const struct keyring *keys, struct str name,
		       struct str host, const struct flow *flow, struct str return_to,
		       struct error *err)
{
	struct buf plain, sealed;
	bool ok;

	buf_init(&plain, MAX_PLAIN);
	buf_init(&sealed, MAX_PLAIN + SEAL_OVERHEAD);
	append_plain(&plain, flow, return_to);
	ok = !buf_failed(&plain) || error_set(err, ERR_NOMEM, "out of memory for a login");
	ok = ok && seal_append(&sealed, keys, SEAL_LOGIN_FLOW, name, host, buf_str(&plain), err);
	if (ok)
		base64url_append(value, sealed.ptr, sealed.len);
	buf_wipe(&plain);
	buf_done(&sealed);
	return ok && (!buf_failed(value) || error_set(err, ERR_NOMEM, "out of memory for a login"));
}

bool flow_append_cookie(struct buf *out, const struct keyring *keys, struct str name,
			struct str host, const struct flow *flow, struct error *err)
{
	struct str return_to = flow->return_to;
	struct buf value;
	bool ok;

	if (return_to.len > FLOW_MAX_RETURN_TO)
		return_to = STR("/");
	buf_init(&value, BASE64URL_LEN(MAX_PLAIN + SEAL_OVERHEAD));
	ok = seal_value(&value, keys, name, host, flow, return_to, err);
	if (ok && value.len > FLOW_MAX_VALUE) { /* JSON may have doubled its length */
		buf_clear(&value);
		ok = seal_value(&value, keys, name, host, flow, STR("/"), err);
	}
	if (ok && value.len > FLOW_MAX_VALUE)
		ok = error_set(err, ERR_LIMIT, "a login does not fit into a cookie");
	if (ok)
		cookie_append_set(out, name, buf_str(&value), flow->expires_s - flow->created_s);
	buf_done(&value);
	return ok && (!buf_failed(out) || error_set(err, ERR_NOMEM, "out of memory for a login"));
}

void flow_append_deletion(struct buf *out, struct str name)
{
	cookie_append_set(out, name, STR(""), 0);
}

/* --- Opening */

static bool take_text(struct arena *a, const struct json *root, const char *key, struct str *ret)
{
	const struct json *v = json_get(root, key);

	*ret = arena_str(a, json_str(v));
	return json_is(v, JSON_STRING);
}

static bool take_flow(struct arena *a, const struct json *root, struct flow *f)
{
	bool ok = take_text(a, root, "p", &f->provider) && take_text(a, root, "i", &f->issuer) &&
		  take_text(a, root, "o", &f->origin) &&
		  take_text(a, root, "s", &f->state_hash) && take_text(a, root, "n", &f->nonce) &&
		  take_text(a, root, "v", &f->verifier) && take_text(a, root, "r", &f->return_to) &&
		  json_i64(json_get(root, "c"), &f->created_s) &&
		  json_i64(json_get(root, "e"), &f->expires_s) &&
		  json_i64(json_get(root, "m"), &f->max_age_s);

	wipe_with_arena(a, f->nonce);
	wipe_with_arena(a, f->verifier);
	return ok && !arena_overflowed(a);
}

static bool open_value(struct buf *plain, const struct keyring *keys, struct str name,
		       struct str host, struct str value)
{
	unsigned char sealed[FLOW_MAX_VALUE];
	size_t len;

	return value.len <= FLOW_MAX_VALUE &&
	       base64url_decode(value, sealed, sizeof(sealed), &len) &&
	       seal_open(plain, keys, SEAL_LOGIN_FLOW, name, host,
			 str_from_len((const char *)sealed, len), NULL);
}

static bool flow_open(struct arena *a, const struct keyring *keys, struct str cookies,
		      struct str host, struct str name, struct flow *ret)
{
	struct flow flow = {0};
	struct json_doc *doc = NULL;
	struct str value;
	struct buf plain;
	bool ok;

	if (!cookie_find(cookies, name, &value))
		return false;
	buf_init(&plain, FLOW_MAX_VALUE);
	ok = open_value(&plain, keys, name, host, value) &&
	     json_parse(buf_str(&plain), FLOW_MAX_VALUE, NULL, &doc, NULL) &&
	     take_flow(a, json_root(doc), &flow);
	json_doc_free(doc);
	buf_wipe(&plain);
	if (ok)
		*ret = flow;
	return ok;
}

bool flow_find(struct arena *a, const struct keyring *keys, struct str cookies, struct str host,
	       struct str state, int64_t now_s, struct flow *ret, struct error *err)
{
	char name[FLOW_NAME_SIZE], hash[FLOW_STATE_HASH_SIZE];
	struct flow flow;

	flow_cookie_name(state, name);
	flow_hash_state(state, hash);
	if (!flow_open(a, keys, cookies, host, str_from(name), &flow) ||
	    !secret_equal(flow.state_hash, str_from(hash)))
		return error_set(err, ERR_DENIED, "this browser has begun no such login");
	if (now_s >= flow.expires_s)
		return error_set(err, ERR_DENIED, "the login took too long");
	*ret = flow;
	return true;
}

/* --- Counting */

struct listed {
	struct str name;
	bool is_stale;
	int64_t created_s;
};

static bool is_listed(const struct listed *items, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_equal(items[i].name, name))
			return true;
	return false;
}

static size_t list_flows(struct arena *a, const struct keyring *keys, struct str cookies,
			 struct str host, int64_t now_s, struct listed items[MAX_LISTED])
{
	struct str rest = cookies, name, value;
	size_t count = 0;

	for (size_t pairs = 0; pairs < COOKIE_MAX_PAIRS && count < MAX_LISTED; pairs++) {
		struct flow flow = {0};

		if (!cookie_next(&rest, &name, &value))
			break;
		if (!is_flow_name(name) || is_listed(items, count, name))
			continue;
		items[count].name = name;
		items[count].is_stale =
			!flow_open(a, keys, cookies, host, name, &flow) || now_s >= flow.expires_s;
		items[count++].created_s = flow.created_s;
	}
	return count;
}

static struct listed *oldest(struct listed *items, size_t count)
{
	struct listed *found = NULL;

	for (size_t i = 0; i < count; i++)
		if (!items[i].is_stale && (!found || items[i].created_s < found->created_s))
			found = &items[i];
	return found;
}

size_t flow_list_stale(struct arena *a, const struct keyring *keys, struct str cookies,
		       struct str host, int64_t now_s, struct str *ret_names, size_t room)
{
	struct listed items[MAX_LISTED];
	size_t count = list_flows(a, keys, cookies, host, now_s, items);
	size_t kept = 0, stale = 0;

	for (size_t i = 0; i < count; i++)
		kept += !items[i].is_stale;
	for (; kept > LOGIN_MAX_FLOWS - 1; kept--)
		oldest(items, count)->is_stale = true;
	for (size_t i = 0; i < count && stale < room; i++)
		if (items[i].is_stale)
			ret_names[stale++] = items[i].name;
	return stale;
}
