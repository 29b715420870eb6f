/*
 * authn/oidc/provider_call.h - what all calls to a provider have in common: whom to trust,
 * how long to wait, and what a failed call means for a login.
 */
#ifndef SALLYPORT_AUTHN_OIDC_PROVIDER_CALL_H
#define SALLYPORT_AUTHN_OIDC_PROVIDER_CALL_H

#include "authn/oidc/login.h"
#include "io/fetch.h"

/* Is plain http allowed to this provider? Only when its issuer itself is such a URL. */
bool provider_call_allows_http(const struct provider_config *config);

/* A GET of url by the rules of config; the caller changes what is different. */
void provider_call_init(struct fetch_request *request, const struct provider_config *config,
			struct str url, size_t max_bytes);

/*
 * LOGIN_OK when a complete answer of status 200 came. Otherwise err says what happened to
 * the call to what ("token endpoint"), and the outcome who is to blame: LOGIN_UNAVAILABLE
 * when it may be better later, LOGIN_PROVIDER_FAILED when it will not, LOGIN_INTERNAL.
 */
enum login_outcome provider_call_judge(const char *what, const struct fetch_result *result,
				       struct error *err);
/* The same for a call that did not even start, or an answer that could not be read. */
enum login_outcome provider_call_outcome(enum error_kind kind);

#endif
