/*
 * authn/oidc/fuzz/metadata.c - discovery documents: what is believed keeps the rules.
 */
#include "authn/oidc/metadata.h"
#include "http/fuzz/fuzz.h"
#include "http/uri.h"

static void check_endpoint(struct str endpoint)
{
	struct uri_url url;

	ASSERT(endpoint.len > 0 && endpoint.len <= METADATA_MAX_ENDPOINT);
	ASSERT(uri_parse_url(endpoint, &url, NULL) && url.is_https);
	ASSERT(str_find_char(endpoint, '\n') == STR_NONE);
	ASSERT(str_find_char(endpoint, '#') == STR_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct provider_config config = {
		.name = STR("corp"),
		.issuer = STR("https://id.example.com"),
		.client_id = STR("sallyport"),
	};
	struct metadata *m = NULL;
	struct error err = {0};

	if (!metadata_parse(fuzz_str(data, len), &config, &m, &err)) {
		ASSERT(err.kind != ERR_NONE && err.text[0] != '\0' && !m);
		return 0;
	}
	check_endpoint(m->authorization_endpoint);
	check_endpoint(m->token_endpoint);
	check_endpoint(m->jwks_uri);
	if (m->userinfo_endpoint.len > 0)
		check_endpoint(m->userinfo_endpoint);
	ASSERT(m->algorithms != 0 && m->algorithms < 1u << JWS_ALG_COUNT);
	ASSERT(m->client_authentication == CLIENT_AUTH_BASIC ||
	       m->client_authentication == CLIENT_AUTH_POST);
	metadata_unref(m);
	return 0;
}
