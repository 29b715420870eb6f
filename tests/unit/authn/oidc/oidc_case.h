/*
 * tests/unit/authn/oidc/oidc_case.h - what the tests of OpenID logins share: a provider's
 * configuration and JSON with single quotes.
 */
#ifndef TESTS_UNIT_AUTHN_OIDC_OIDC_CASE_H
#define TESTS_UNIT_AUTHN_OIDC_OIDC_CASE_H

#include "authn/oidc/provider_config.h"
#include "base/arena.h"
#include "base/json.h"
#include "tests/unit/base/check.h"

#define ISSUER "https://id.example.com"

/* A provider as people configure one; the lists are static. */
static inline struct provider_config case_config(void)
{
	static struct str scopes[] = {STR_INIT("openid"), STR_INIT("profile"), STR_INIT("email")};
	static unsigned char secret[] = "s3cr%t:+ x";
	struct provider_config c = {
		.name = STR("corp"),
		.issuer = STR(ISSUER),
		.client_id = STR("sallyport"),
		.client_secret = {secret, sizeof(secret) - 1},
		.scopes = {scopes, ARRAY_LEN(scopes)},
		.timeout_ms = 2000,
		.clock_leeway_ms = 30000,
		.login_timeout_ms = 600000,
	};

	return c;
}

/* ' becomes "; in storage that the next call but seven uses again. */
static inline const char *quoted(const char *single_quoted)
{
	static char storage[8][8192];
	static unsigned next;
	char *text = storage[next++ % 8];

	assert_true(str_copy(text, sizeof(storage[0]), str_from(single_quoted)));
	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	return text;
}

/* A parsed text; the caller frees it. */
static inline struct json_doc *parsed(const char *single_quoted)
{
	struct json_doc *doc = NULL;
	struct error err = {0};

	if (!json_parse(str_from(quoted(single_quoted)), 65536, NULL, &doc, &err))
		fail_msg("%s: %s", single_quoted, err.text);
	return doc;
}

static inline struct arena *case_arena(void)
{
	struct arena *a = arena_new(1024 * 1024);

	assert_non_null(a);
	return a;
}

#endif
