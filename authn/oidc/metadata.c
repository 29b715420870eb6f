/*
 * authn/oidc/metadata.c - the discovery document, read as what a stranger says.
 *
 * Providers put their endpoints on other hosts than their issuer, so hosts are not
 * compared; forbidden addresses are refused when they are called (io/fetch.h). What
 * surprised its author: some large providers list no code_challenge_methods_supported and
 * know S256 all the same, so its absence says nothing.
 */
#include "authn/oidc/metadata.h"

#include <stdlib.h>

#include "http/form.h"
#include "http/uri.h"

enum { MAX_ISSUER_SHOWN = 80 };	/* of a document's, in an error */

static bool check_http(const struct uri_url *url, const struct provider_config *config,
		       const char *name, struct error *err)
{
	struct uri_url issuer;

	if (url->is_https)
		return true;
	if (!uri_parse_url(config->issuer, &issuer, err))
		return false;
	if (issuer.is_https)
		return error_set(err, ERR_DENIED, "discovery: %s is http, the issuer https", name);
	if (!config->insecure && !uri_authority_is_loopback(&url->authority))
		return error_set(err, ERR_DENIED, "discovery: %s is http beyond loopback", name);
	return true;
}

static bool read_endpoint(const struct json *root, const char *name,
			  const struct provider_config *config, struct str *ret, struct error *err)
{
	const struct json *v = json_get(root, name);
	struct error fault = {0};
	struct uri_url url;

	if (!json_is(v, JSON_STRING))
		return error_set(err, ERR_SYNTAX, "discovery: %s is %s", name,
				 v ? "not a string" : "missing");
	if (json_str(v).len > METADATA_MAX_ENDPOINT)
		return error_set(err, ERR_LIMIT, "discovery: %s is over %d bytes", name,
				 METADATA_MAX_ENDPOINT);
	if (!uri_parse_url(json_str(v), &url, &fault))
		return error_set(err, ERR_DENIED, "discovery: %s: %s", name, fault.text);
	if (!check_http(&url, config, name, err))
		return false;
	*ret = json_str(v);
	return true;
}

/* A list must be one where it is there; ret tells whether word stands in it. */
static bool read_list(const struct json *root, const char *name, const char *word, bool when_absent,
		      bool *ret, struct error *err)
{
	const struct json *list = json_get(root, name);
	bool found = false;

	if (list && !json_is(list, JSON_ARRAY))
		return error_set(err, ERR_SYNTAX, "discovery: %s is not an array", name);
	for (const struct json *v = json_first(list); v; v = json_next(v))
		found = found ||
			(json_is(v, JSON_STRING) && str_equal(json_str(v), str_from(word)));
	*ret = list ? found : when_absent;
	return true;
}

static bool check_issuer(const struct json *root, const struct provider_config *config,
			 struct error *err)
{
	const struct json *issuer = json_get(root, "issuer");

	if (!json_is(issuer, JSON_STRING))
		return error_set(err, ERR_SYNTAX, "discovery: issuer is %s",
				 issuer ? "not a string" : "missing");
	if (!str_equal(json_str(issuer), config->issuer))
		return error_set(err, ERR_DENIED, "discovery: issuer is not \"%.*s\" but \"%.*s\"",
				 STR_ARG(config->issuer),
				 STR_ARG(str_slice(json_str(issuer), 0, MAX_ISSUER_SHOWN)));
	return true;
}

/* What the authorization endpoint's own query holds, nobody may add a second time. */
static bool check_authorization_query(struct str endpoint, struct error *err)
{
	static const char *const ours[] = {
		"response_type", "response_mode",  "client_id",
		"redirect_uri",	 "scope",	   "state",
		"nonce",	 "code_challenge", "code_challenge_method",
		"max_age",	 "acr_values",	   "prompt",
	};
	size_t question = str_find_char(endpoint, '?');
	struct arena *arena;
	struct form form;
	struct str value;
	bool ok;

	if (question == STR_NONE)
		return true;
	arena = arena_new(64 * 1024);
	if (!arena)
		return error_set(err, ERR_NOMEM, "out of memory for discovery");
	ok = form_parse(arena, str_after(endpoint, question + 1), &form);
	for (size_t i = 0; ok && i < ARRAY_LEN(ours); i++)
		ok = form_get(&form, ours[i], &value) == FORM_ABSENT;
	arena_free(arena);
	return ok || error_set(err, ERR_PROTOCOL,
			       "discovery: the query of authorization_endpoint cannot be extended");
}

static bool read_endpoints(struct metadata *m, const struct json *root,
			   const struct provider_config *config, struct error *err)
{
	if (!read_endpoint(root, "authorization_endpoint", config, &m->authorization_endpoint,
			   err) ||
	    !read_endpoint(root, "token_endpoint", config, &m->token_endpoint, err) ||
	    !read_endpoint(root, "jwks_uri", config, &m->jwks_uri, err) ||
	    !check_authorization_query(m->authorization_endpoint, err))
		return false;
	if (json_get(root, "userinfo_endpoint"))
		return read_endpoint(root, "userinfo_endpoint", config, &m->userinfo_endpoint, err);
	if (config->userinfo == USERINFO_ALWAYS)
		return error_set(err, ERR_PROTOCOL, "discovery: userinfo_endpoint is missing");
	return true;
}

static bool is_configured(const struct provider_config *config, enum jws_alg alg)
{
	for (size_t i = 0; i < config->signing_algorithms.count; i++)
		if (config->signing_algorithms.items[i] == (int)alg)
			return true;
	return config->signing_algorithms.count == 0;
}

/* A document without the list, which it must have, leaves what every provider must know. */
static bool read_algorithms(struct metadata *m, const struct json *root,
			    const struct provider_config *config, struct error *err)
{
	for (enum jws_alg alg = 0; alg < JWS_ALG_COUNT; alg++) {
		bool listed;

		if (!read_list(root, "id_token_signing_alg_values_supported", jws_alg_name(alg),
			       alg == JWS_RS256, &listed, err))
			return false;
		if (listed && is_configured(config, alg))
			m->algorithms |= 1u << alg;
	}
	if (m->algorithms == 0)
		return error_set(err, ERR_PROTOCOL,
				 "discovery: offers none of the accepted signing algorithms");
	return true;
}

static bool choose_client_authentication(struct metadata *m, const struct json *root,
					 const struct provider_config *config, struct error *err)
{
	static const char name[] = "token_endpoint_auth_methods_supported";
	bool basic, post;

	if (!read_list(root, name, "client_secret_basic", true, &basic, err) ||
	    !read_list(root, name, "client_secret_post", false, &post, err))
		return false;
	if (config->client_authentication != CLIENT_AUTH_AUTO)
		m->client_authentication = config->client_authentication;
	else if (basic)
		m->client_authentication = CLIENT_AUTH_BASIC;
	else if (post)
		m->client_authentication = CLIENT_AUTH_POST;
	else
		return error_set(err, ERR_PROTOCOL,
				 "discovery: offers neither client_secret_basic "
				 "nor client_secret_post");
	return true;
}

static bool read_features(struct metadata *m, const struct json *root, struct error *err)
{
	const struct json *promise =
		json_get(root, "authorization_response_iss_parameter_supported");
	bool has_code, has_s256;

	if (!read_list(root, "response_types_supported", "code", true, &has_code, err) ||
	    !read_list(root, "code_challenge_methods_supported", "S256", true, &has_s256, err))
		return false;
	if (!has_code)
		return error_set(err, ERR_PROTOCOL, "discovery: offers no code flow");
	if (!has_s256)
		return error_set(err, ERR_PROTOCOL, "discovery: offers PKCE without S256");
	if (promise && !json_is(promise, JSON_BOOL))
		return error_set(err, ERR_SYNTAX,
				 "discovery: "
				 "authorization_response_iss_parameter_supported is not a boolean");
	m->promises_iss = json_bool(promise);
	return true;
}

bool metadata_parse(struct str text, const struct provider_config *config, struct metadata **ret,
		    struct error *err)
{
	struct metadata *m = calloc(1, sizeof(*m));
	struct error fault = {0};
	const struct json *root;

	if (!m)
		return error_set(err, ERR_NOMEM, "out of memory for discovery");
	m->refs = 1;
	if (!json_parse(text, METADATA_MAX_BYTES, NULL, &m->doc, &fault)) {
		error_set(err, fault.kind, "discovery: line %u: %s", fault.line, fault.text);
		goto fail;
	}
	root = json_root(m->doc);
	if (!json_is(root, JSON_OBJECT)) {
		error_set(err, ERR_SYNTAX, "discovery: not an object");
		goto fail;
	}
	if (!check_issuer(root, config, err) || !read_endpoints(m, root, config, err) ||
	    !read_algorithms(m, root, config, err) ||
	    !choose_client_authentication(m, root, config, err) || !read_features(m, root, err))
		goto fail;
	*ret = m;
	return true;
fail:
	metadata_unref(m);
	return false;
}

struct metadata *metadata_ref(struct metadata *m)
{
	m->refs++;
	return m;
}

void metadata_unref(struct metadata *m)
{
	if (!m || --m->refs > 0)
		return;
	json_doc_free(m->doc);
	free(m);
}

void metadata_append_url(struct buf *b, struct str issuer)
{
	while (str_ends_with(issuer, STR("/")))
		issuer = str_slice(issuer, 0, issuer.len - 1);
	buf_append(b, issuer);
	buf_append_cstr(b, "/.well-known/openid-configuration");
}
