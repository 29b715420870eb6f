/*
 * authn/oidc/fuzz/token_response.c - answers of a token endpoint: the status in the first
 * line of the input, the body behind it; and the ID token within, unverified.
 */
#include "authn/oidc/id_token.h"
#include "authn/oidc/token.h"
#include "http/fuzz/fuzz.h"

static void check_id_token(const struct token_answer *t)
{
	struct provider_config config = {.issuer = STR("https://id.example.com"),
					 .client_id = STR("sallyport")};
	struct id_token_terms terms = {
		.config = &config,
		.nonce = STR("n-0S6_WzA2Mj"),
		.access_token = t->access_token,
		.now_s = 1311281000,
		.max_age_s = -1,
	};
	struct error err = {0};
	struct jwt token = {0};

	if (!jwt_decode(t->id_token, &token, NULL))
		return;
	if (id_token_check(&token, &terms, &err))
		ASSERT(json_str(json_get(token.claims, "sub")).len > 0);
	else
		ASSERT(err.kind == ERR_DENIED);
	jwt_done(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str rest = fuzz_str(data, len), line = STR("");
	struct token_answer t = {0};
	struct error err = {0};
	enum login_outcome outcome;
	uint64_t status = 0;

	(void)str_next(&rest, '\n', &line);
	if (!str_to_u64(line, &status) || status > 999)
		status = 200;
	outcome = token_answer_read((unsigned)status, rest, &t, &err);
	ASSERT((outcome == LOGIN_OK) == (t.doc != NULL));
	ASSERT((outcome == LOGIN_OK) == (err.kind == ERR_NONE));
	if (outcome == LOGIN_OK) {
		ASSERT(status == 200 && t.access_token.len > 0 && t.id_token.len > 0);
		ASSERT(str_find_char(t.access_token, '\n') == STR_NONE);
		check_id_token(&t);
	}
	token_answer_done(&t);
	return 0;
}
