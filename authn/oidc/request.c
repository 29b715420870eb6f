/*
 * authn/oidc/request.c - the authorization request.
 */
#include "authn/oidc/request.h"

#include "http/form.h"

static void append_scopes(struct buf *b, const struct provider_config *config)
{
	for (size_t i = 0; i < config->scopes.count; i++) {
		if (i > 0)
			buf_append_char(b, ' ');
		buf_append(b, config->scopes.items[i]);
	}
}

/* Takes value over. */
static void append_taken(struct buf *b, struct str name, struct buf *value)
{
	if (buf_failed(value))
		b->failed = true;
	form_append(b, name, buf_str(value));
	buf_done(value);
}

void auth_request_append_redirect_uri(struct buf *b, struct str origin)
{
	buf_append(b, origin);
	buf_append_cstr(b, LOGIN_CALLBACK_PATH);
}

void auth_request_append(struct buf *b, const struct provider_config *config,
			 const struct metadata *metadata, const struct auth_request *request)
{
	struct str endpoint = metadata->authorization_endpoint;
	struct buf value;

	buf_append(b, endpoint);
	if (str_find_char(endpoint, '?') == STR_NONE)
		buf_append_char(b, '?');
	form_append(b, STR("response_type"), STR("code"));
	form_append(b, STR("client_id"), config->client_id);
	buf_init(&value, b->ceiling);
	append_scopes(&value, config);
	append_taken(b, STR("scope"), &value);
	auth_request_append_redirect_uri(&value, request->origin);
	append_taken(b, STR("redirect_uri"), &value);
	form_append(b, STR("state"), request->state);
	form_append(b, STR("nonce"), request->nonce);
	form_append(b, STR("code_challenge"), request->challenge);
	form_append(b, STR("code_challenge_method"), STR("S256"));
	if (request->max_age_s >= 0) {
		buf_append_u64(&value, (uint64_t)request->max_age_s);
		append_taken(b, STR("max_age"), &value);
	}
	if (!str_is_empty(request->acr_values))
		form_append(b, STR("acr_values"), request->acr_values);
	if (request->prompt_login)
		form_append(b, STR("prompt"), STR("login"));
}
