/*
 * authn/jose/thumbprint.c - the hash of a key's required members alone, in the order of
 * their names, without white space: the same for everybody who computes it.
 */
#include "authn/jose/thumbprint.h"

#include "base/digest.h"

enum { THUMBPRINT_MAX_TEXT = 8192, REQUIRED_MAX = 4 };

/* RFC 7638, section 3.2, and RFC 8037, section 2. */
static const struct required {
	const char *kty;
	const char *members[REQUIRED_MAX];
} required_members[] = {
	{"EC", {"crv", "kty", "x", "y"}},
	{"OKP", {"crv", "kty", "x"}},
	{"RSA", {"e", "kty", "n"}},
};

static bool members_write(struct buf *b, const struct json *jwk, const struct required *r)
{
	struct json_writer w;

	json_write_begin(&w, b);
	json_write_object(&w, NULL);
	for (size_t i = 0; i < REQUIRED_MAX && r->members[i]; i++) {
		const struct json *v = json_get(jwk, r->members[i]);

		if (!json_is(v, JSON_STRING))
			return false;
		json_write_str(&w, r->members[i], json_str(v));
	}
	json_write_end(&w);
	return !buf_failed(b);
}

bool jwk_thumbprint(const struct json *jwk, char out[JWK_THUMBPRINT_SIZE])
{
	struct str kty = json_str(json_get(jwk, "kty"));
	struct buf text;
	bool ok = false;

	buf_init(&text, THUMBPRINT_MAX_TEXT);
	for (size_t i = 0; i < ARRAY_LEN(required_members); i++) {
		if (str_equal(kty, str_from(required_members[i].kty)))
			ok = members_write(&text, jwk, &required_members[i]);
	}
	if (ok)
		sha256_base64url(buf_str(&text), out);
	buf_done(&text);
	return ok;
}
