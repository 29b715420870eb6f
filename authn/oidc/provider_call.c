/*
 * authn/oidc/provider_call.c - see authn/oidc/provider_call.h.
 */
#include "authn/oidc/provider_call.h"

#include "http/uri.h"

enum { TOO_MANY_REQUESTS = 429, REQUEST_TIMEOUT = 408 };

bool provider_call_allows_http(const struct provider_config *config)
{
	struct uri_url url;

	return uri_parse_url(config->issuer, &url, NULL) && !url.is_https;
}

void provider_call_init(struct fetch_request *request, const struct provider_config *config,
			struct str url, size_t max_bytes)
{
	*request = (struct fetch_request){
		.method = STR("GET"),
		.url = url,
		.headers = {STR("Accept: application/json")},
		.ca_file = str_is_empty(config->authorities) ? NULL : config->authorities.ptr,
		.allow_http = provider_call_allows_http(config),
		.timeout_ms = (unsigned)config->timeout_ms,
		.max_bytes = max_bytes,
	};
}

enum login_outcome provider_call_outcome(enum error_kind kind)
{
	switch (kind) {
	case ERR_NONE: return LOGIN_OK;
	case ERR_IO:
	case ERR_TIMEOUT: return LOGIN_UNAVAILABLE;
	case ERR_SYNTAX:
	case ERR_LIMIT:
	case ERR_PROTOCOL:
	case ERR_DENIED:
	case ERR_NOT_FOUND: return LOGIN_PROVIDER_FAILED;
	case ERR_NOMEM:
	case ERR_BUG: break;
	}
	return LOGIN_INTERNAL;
}

enum login_outcome provider_call_judge(const char *what, const struct fetch_result *result,
				       struct error *err)
{
	if (!result->ok) {
		error_set(err, result->err.kind, "%s: %s", what, result->err.text);
		return provider_call_outcome(result->err.kind);
	}
	if (result->status == 200)
		return LOGIN_OK;
	error_set(err, ERR_PROTOCOL, "%s answered %u", what, result->status);
	if (result->status >= 500 || result->status == TOO_MANY_REQUESTS ||
	    result->status == REQUEST_TIMEOUT)
		return LOGIN_UNAVAILABLE;
	return LOGIN_PROVIDER_FAILED;
}
