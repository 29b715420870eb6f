/*
 * authn/jose/jwks.c - a key set read strictly, each usable key handed to libjwt as a JWK
 * of our own making: only the members that a public key of its type has, and one "alg".
 *
 * An RSA key that names no algorithm becomes two entries, one per algorithm, so that
 * what a token says only ever selects among what was pinned here.
 */
#include "authn/jose/jwks.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "authn/jose/jws_verifier.h"
#include "authn/jose/jwks_private.h"
#include "base/encode.h"
#include "base/json.h"

enum {
	JWK_MAX_RSA_BYTES = 1024, /* 8192 bits: beyond, a check costs milliseconds */
	JWK_MIN_RSA_BITS = 2048,
	JWK_MAX_TEXT = 4096, /* of the JWK written for libjwt */
	JWK_ALGS_MAX = 2,    /* of one key */
};

struct jwks {
	atomic_uint refs;
	size_t keys;
	size_t count; /* entries: a key is there once per algorithm */
	struct jwk entries[];
};

static const char *const alg_names[JWS_ALG_COUNT] = {
	[JWS_RS256] = "RS256",
	[JWS_PS256] = "PS256",
	[JWS_ES256] = "ES256",
	[JWS_EDDSA] = "EdDSA",
};

const char *jws_alg_name(enum jws_alg alg)
{
	ASSERT((size_t)alg < ARRAY_LEN(alg_names));
	return alg_names[alg];
}

bool jws_alg_parse(struct str name, enum jws_alg *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(alg_names); i++) {
		if (str_equal(name, str_from(alg_names[i]))) {
			*ret = (enum jws_alg)i;
			return true;
		}
	}
	return false;
}

/* --- What a key must be, by its type ------------------------------------------------ */

struct key_type {
	const char *kty;
	const char *crv;	/* NULL: the type has no curves */
	const char *members[2]; /* public, base64url */
	bool (*members_ok)(const struct json *jwk);
	enum jws_alg algs[JWK_ALGS_MAX];
	size_t algs_count;
};

static bool member_decode(const struct json *jwk, const char *name, unsigned char *out,
			  size_t out_size, size_t *ret_len)
{
	const struct json *v = json_get(jwk, name);

	return json_is(v, JSON_STRING) && base64url_decode(json_str(v), out, out_size, ret_len);
}

static bool member_has_len(const struct json *jwk, const char *name, size_t want)
{
	unsigned char bytes[JWK_MAX_RSA_BYTES];
	size_t len;

	return member_decode(jwk, name, bytes, sizeof(bytes), &len) && len == want;
}

static size_t bit_length(const unsigned char *bytes, size_t len)
{
	size_t bits = len * 8;

	while (len > 0 && *bytes == 0) {
		bytes++;
		len--;
		bits -= 8;
	}
	if (len == 0)
		return 0;
	for (unsigned char mask = 0x80; !(*bytes & mask); mask >>= 1)
		bits--;
	return bits;
}

/* An exponent of 1 makes every message its own signature, an even one is no RSA key. */
static bool exponent_ok(const unsigned char *e, size_t len)
{
	return len > 0 && len <= 8 && (e[len - 1] & 1) && bit_length(e, len) > 1;
}

static bool rsa_members_ok(const struct json *jwk)
{
	unsigned char bytes[JWK_MAX_RSA_BYTES + 1]; /* some write a leading zero */
	size_t len, bits;

	if (!member_decode(jwk, "e", bytes, sizeof(bytes), &len) || !exponent_ok(bytes, len))
		return false;
	if (!member_decode(jwk, "n", bytes, sizeof(bytes), &len))
		return false;
	bits = bit_length(bytes, len);
	return bits >= JWK_MIN_RSA_BITS && bits <= JWK_MAX_RSA_BYTES * 8;
}

static bool ec_members_ok(const struct json *jwk)
{
	return member_has_len(jwk, "x", 32) && member_has_len(jwk, "y", 32);
}

static bool okp_members_ok(const struct json *jwk)
{
	return member_has_len(jwk, "x", 32);
}

static const struct key_type key_types[] = {
	{"RSA", NULL, {"n", "e"}, rsa_members_ok, {JWS_RS256, JWS_PS256}, 2},
	{"EC", "P-256", {"x", "y"}, ec_members_ok, {JWS_ES256}, 1},
	{"OKP", "Ed25519", {"x"}, okp_members_ok, {JWS_EDDSA}, 1},
};

static bool json_is_text(const struct json *v, const char *text)
{
	return json_is(v, JSON_STRING) && str_equal(json_str(v), str_from(text));
}

static const struct key_type *key_type_of(const struct json *jwk)
{
	for (size_t i = 0; i < ARRAY_LEN(key_types); i++) {
		const struct key_type *type = &key_types[i];

		if (!json_is_text(json_get(jwk, "kty"), type->kty))
			continue;
		if (type->crv && !json_is_text(json_get(jwk, "crv"), type->crv))
			return NULL;
		return type->members_ok(jwk) ? type : NULL;
	}
	return NULL;
}

/* "use" and "key_ops" (RFC 7517, sections 4.2 and 4.3), where present, allow verifying. */
static bool key_is_for_verifying(const struct json *jwk)
{
	const struct json *use = json_get(jwk, "use");
	const struct json *ops = json_get(jwk, "key_ops");

	if (use && !json_is_text(use, "sig"))
		return false;
	if (!ops)
		return true;
	if (!json_is(ops, JSON_ARRAY))
		return false;
	for (const struct json *op = json_first(ops); op; op = json_next(op)) {
		if (json_is_text(op, "verify"))
			return true;
	}
	return false;
}

/* The algorithms of a key: its own, or those of its type. */
static size_t key_algs(const struct json *jwk, const struct key_type *type,
		       enum jws_alg algs[JWK_ALGS_MAX])
{
	const struct json *named = json_get(jwk, "alg");
	size_t count = 0;

	for (size_t i = 0; i < type->algs_count; i++) {
		if (!named || json_is_text(named, alg_names[type->algs[i]]))
			algs[count++] = type->algs[i];
	}
	return count;
}

/* --- The set ------------------------------------------------------------------------ */

static void jwk_write(struct buf *b, const struct json *jwk, const struct key_type *type,
		      enum jws_alg alg)
{
	struct json_writer w;

	json_write_begin(&w, b);
	json_write_object(&w, NULL);
	json_write_str(&w, "kty", str_from(type->kty));
	json_write_str(&w, "alg", str_from(alg_names[alg]));
	if (type->crv)
		json_write_str(&w, "crv", str_from(type->crv));
	for (size_t i = 0; i < ARRAY_LEN(type->members) && type->members[i]; i++)
		json_write_str(&w, type->members[i], json_str(json_get(jwk, type->members[i])));
	json_write_end(&w);
}

static bool entry_init(struct jwk *entry, const struct json *jwk, const struct key_type *type,
		       enum jws_alg alg)
{
	struct str kid = json_str(json_get(jwk, "kid"));
	struct buf text;
	bool ok;

	buf_init(&text, JWK_MAX_TEXT);
	jwk_write(&text, jwk, type, alg);
	entry->alg = alg;
	entry->kid = malloc(kid.len + 1);
	ok = entry->kid && str_copy(entry->kid, kid.len + 1, kid) && !buf_failed(&text) &&
	     jws_verifier_new(buf_str(&text), alg, &entry->verifier);
	entry->kid_len = kid.len;
	buf_done(&text);
	if (!ok) {
		free(entry->kid);
		entry->kid = NULL;
	}
	return ok;
}

static void set_add_key(struct jwks *set, const struct json *jwk)
{
	const struct key_type *type = key_type_of(jwk);
	enum jws_alg algs[JWK_ALGS_MAX];
	size_t before = set->count, algs_count;

	if (!type || !key_is_for_verifying(jwk))
		return;
	algs_count = key_algs(jwk, type, algs);
	for (size_t i = 0; i < algs_count; i++) {
		if (entry_init(&set->entries[set->count], jwk, type, algs[i]))
			set->count++;
	}
	if (set->count > before)
		set->keys++;
}

static bool keys_check(const struct json *keys, struct error *err)
{
	if (!json_is(keys, JSON_ARRAY))
		return error_set(err, ERR_SYNTAX, "a key set has an array \"keys\"");
	if (json_count(keys) > JWKS_MAX_KEYS)
		return error_set(err, ERR_LIMIT, "a key set of more than %d keys", JWKS_MAX_KEYS);
	for (const struct json *jwk = json_first(keys); jwk; jwk = json_next(jwk)) {
		if (!json_is(jwk, JSON_OBJECT))
			return error_set(err, ERR_SYNTAX, "a key in a key set is not an object");
	}
	return true;
}

bool jwks_parse(struct str text, struct jwks **ret_set, struct error *err)
{
	struct json_doc *doc = NULL;
	const struct json *keys;
	struct jwks *set = NULL;
	bool ok = false;

	if (!json_parse(text, JWKS_MAX_BYTES, NULL, &doc, err))
		return false;
	keys = json_get(json_root(doc), "keys");
	if (!keys_check(keys, err))
		goto out;
	set = calloc(1, sizeof(*set) + JWK_ALGS_MAX * json_count(keys) * sizeof(struct jwk));
	if (!set) {
		error_set(err, ERR_NOMEM, "out of memory for a key set");
		goto out;
	}
	atomic_init(&set->refs, 1);
	for (const struct json *jwk = json_first(keys); jwk; jwk = json_next(jwk))
		set_add_key(set, jwk);
	*ret_set = set;
	ok = true;
out:
	json_doc_free(doc);
	return ok;
}

struct jwks *jwks_ref(struct jwks *set)
{
	atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
	return set;
}

void jwks_unref(struct jwks *set)
{
	if (!set || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < set->count; i++) {
		jws_verifier_free(set->entries[i].verifier);
		free(set->entries[i].kid);
	}
	free(set);
}

size_t jwks_count(const struct jwks *set)
{
	return set->keys;
}

static const struct jwk *jwks_find_only(const struct jwks *set, enum jws_alg alg)
{
	const struct jwk *found = NULL;

	for (size_t i = 0; i < set->count; i++) {
		if (set->entries[i].alg != alg)
			continue;
		if (found)
			return NULL;
		found = &set->entries[i];
	}
	return found;
}

const struct jwk *jwks_find(const struct jwks *set, struct str kid, enum jws_alg alg)
{
	if (str_is_empty(kid))
		return jwks_find_only(set, alg);
	for (size_t i = 0; i < set->count; i++) {
		const struct jwk *entry = &set->entries[i];

		if (entry->alg == alg && str_equal(kid, str_from_len(entry->kid, entry->kid_len)))
			return entry;
	}
	return NULL;
}
