/*
 * authn/jose/fuzz/jwt.c - tokens: whatever is taken has the promised shape, and no
 * signature holds but those that the owners of the keys have made.
 */
#include <stdlib.h>
#include <string.h>

#include "authn/jose/jwt.h"

/* The keys of RFC 7515, appendices A.2 and A.3, and of RFC 8037, appendix A.1. */
static const char keys[] =
	"{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_"
	"wWJcyQoTb"
	"ji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_"
	"YpRPEwOWvG6b326"
	"90r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
	"UTo7WTBEMa2R2CapHg665x"
	"smtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"
	"h9iaGNj8q2ethFkMLs91kzk"
	"2PAcDTW9gb54h4FRWyuXpoQ\"},"
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},"
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
	"7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";

#define PAYLOAD                                                                                    \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
	"cnVlfQ"

/* What these keys have signed: header and claims of the tokens in the two appendices. */
static const struct str signed_inputs[] = {
	STR_INIT("eyJhbGciOiJSUzI1NiJ9." PAYLOAD "."),
	STR_INIT("eyJhbGciOiJFUzI1NiJ9." PAYLOAD "."),
};

static void check_shape(const struct jwt *t, struct str input)
{
	struct str rest = input, part;
	size_t parts = 0;

	while (str_next(&rest, '.', &part)) {
		ASSERT(part.len > 0);
		parts++;
	}
	ASSERT(parts == 3 && input.len <= JWT_MAX_BYTES);
	ASSERT(json_is(t->claims, JSON_OBJECT));
	ASSERT(t->alg < JWS_ALG_COUNT && t->kid.len <= 256);
	ASSERT(str_equal(t->compact, input));
}

static bool was_signed(struct str input)
{
	for (size_t i = 0; i < ARRAY_LEN(signed_inputs); i++) {
		if (str_starts_with(input, signed_inputs[i]))
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct jwks *set;
	struct str input = str_from_len((const char *)data, len);
	struct error err = {0};
	const struct jwk *key;
	struct jwt t;

	if (!set && !jwks_parse(str_from(keys), &set, NULL))
		abort();
	if (!jwt_decode(input, &t, &err)) {
		ASSERT(err.kind == ERR_SYNTAX || err.kind == ERR_LIMIT || err.kind == ERR_DENIED);
		return 0;
	}
	check_shape(&t, input);
	key = jwks_find(set, STR(""), t.alg);
	ASSERT(key);
	if (jwt_verify(&t, key, &err))
		ASSERT(was_signed(input));
	else
		ASSERT(err.kind == ERR_DENIED);
	jwt_done(&t);
	return 0;
}
