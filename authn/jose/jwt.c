/*
 * authn/jose/jwt.c - a token taken apart before anything trusts it.
 *
 * libjwt parses the token once more to verify it. That is safe only because what it
 * accepts more of (padding, duplicate members, unknown critical headers, other
 * algorithms) was refused here before.
 */
#include "authn/jose/jwt.h"

#include <stdlib.h>
#include <string.h>

#include "authn/jose/jwks_private.h"
#include "authn/jose/jws_verifier.h"
#include "base/encode.h"
#include "base/secret.h"

enum { JWT_PARTS = 3, JWT_MAX_KID = 256 };

static bool split(struct str compact, struct str parts[JWT_PARTS], struct error *err)
{
	struct str rest = compact;
	size_t count = 0;

	for (;;) {
		size_t dot = str_find_char(rest, '.');
		struct str part = dot == STR_NONE ? rest : str_slice(rest, 0, dot);

		if (count == JWT_PARTS || str_is_empty(part))
			return error_set(err, ERR_SYNTAX, "a token has three parts, none empty");
		parts[count++] = part;
		if (dot == STR_NONE)
			break;
		rest = str_after(rest, dot + 1);
	}
	if (count != JWT_PARTS)
		return error_set(err, ERR_SYNTAX, "a token has three parts, none empty");
	return true;
}

static bool part_decode(struct str part, unsigned char *out, size_t *ret_len, struct error *err)
{
	if (!base64url_decode(part, out, JWT_MAX_BYTES, ret_len))
		return error_set(err, ERR_SYNTAX, "a part of the token is not base64url");
	return true;
}

static bool part_parse(struct str part, unsigned char *scratch, struct json_doc **ret,
		       struct error *err)
{
	size_t len;

	if (!part_decode(part, scratch, &len, err))
		return false;
	if (!json_parse(str_from_len((char *)scratch, len), JWT_MAX_BYTES, NULL, ret, err))
		return false;
	if (!json_is(json_root(*ret), JSON_OBJECT))
		return error_set(err, ERR_SYNTAX, "a part of the token is not a JSON object");
	return true;
}

/* An optional member that must be a string when it is there. */
static bool header_string(const struct json *header, const char *name, struct str *ret,
			  struct error *err)
{
	const struct json *v = json_get(header, name);

	if (v && !json_is(v, JSON_STRING))
		return error_set(err, ERR_SYNTAX, "the token's \"%s\" is not a string", name);
	*ret = json_str(v);
	return true;
}

static bool header_read(struct jwt *t, struct error *err)
{
	const struct json *header = json_root(t->header_doc);
	struct str alg;

	/* No extension is understood, so each that must be is refused (RFC 7515, 4.1.11). */
	if (json_get(header, "crit"))
		return error_set(err, ERR_DENIED, "the token demands an extension (crit)");
	if (!header_string(header, "alg", &alg, err) ||
	    !header_string(header, "kid", &t->kid, err) ||
	    !header_string(header, "typ", &t->typ, err))
		return false;
	if (str_is_empty(alg))
		return error_set(err, ERR_SYNTAX, "the token names no algorithm");
	if (!jws_alg_parse(alg, &t->alg))
		return error_set(err, ERR_DENIED, "the token's algorithm is not accepted");
	if (t->kid.len > JWT_MAX_KID)
		return error_set(err, ERR_LIMIT, "the token's kid is over %d bytes", JWT_MAX_KID);
	return true;
}

bool jwt_decode(struct str compact, struct jwt *ret, struct error *err)
{
	struct jwt t = {.compact = compact};
	struct str parts[JWT_PARTS];
	unsigned char *scratch;
	size_t signature_len;
	bool ok;

	if (compact.len > JWT_MAX_BYTES)
		return error_set(err, ERR_LIMIT, "the token is over %d bytes", JWT_MAX_BYTES);
	if (!split(compact, parts, err))
		return false;
	scratch = malloc(JWT_MAX_BYTES);
	if (!scratch)
		return error_set(err, ERR_NOMEM, "out of memory for a token");
	ok = part_parse(parts[0], scratch, &t.header_doc, err) && header_read(&t, err) &&
	     part_parse(parts[1], scratch, &t.claims_doc, err) &&
	     part_decode(parts[2], scratch, &signature_len, err);
	secret_wipe(scratch, JWT_MAX_BYTES);
	free(scratch);
	if (!ok) {
		jwt_done(&t);
		return false;
	}
	t.claims = json_root(t.claims_doc);
	*ret = t;
	return true;
}

void jwt_done(struct jwt *t)
{
	json_doc_free(t->header_doc);
	json_doc_free(t->claims_doc);
	*t = (struct jwt){0};
}

bool jwt_verify(const struct jwt *t, const struct jwk *key, struct error *err)
{
	char *compact;
	bool ok;

	if (key->alg != t->alg)
		return error_set(err, ERR_DENIED, "the key is for another algorithm");
	compact = malloc(t->compact.len + 1);
	if (!compact)
		return error_set(err, ERR_NOMEM, "out of memory for a token");
	/* A NUL inside would have failed as base64url: libjwt sees the whole token. */
	ok = str_copy(compact, t->compact.len + 1, t->compact) &&
	     jws_verifier_check(key->verifier, compact, err);
	secret_wipe(compact, t->compact.len);
	free(compact);
	return ok;
}
