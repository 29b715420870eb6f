/*
 * authn/oidc/response.h - the authorization response: what the browser brings back in the
 * query of the callback (RFC 6749, section 4.1.2; RFC 9207).
 */
#ifndef SALLYPORT_AUTHN_OIDC_RESPONSE_H
#define SALLYPORT_AUTHN_OIDC_RESPONSE_H

#include "authn/oidc/login.h"
#include "base/arena.h"

struct auth_response {
	struct str state;
	struct str code;	      /* "" in an error response */
	struct str error;	      /* "" otherwise */
	struct str error_description; /* "" when there is none */
	struct str iss;
	bool has_iss;
};

/*
 * Take a raw query apart. Every parameter may stand there once; there is a state, and
 * either a code or an error. The strings are in arena a, or borrow from query.
 * ERR_SYNTAX.
 */
MUST_CHECK bool response_parse(struct arena *a, struct str query, struct auth_response *ret,
			       struct error *err);

/*
 * Does the response come from this issuer (RFC 9207, section 2.4)? A wrong iss never does,
 * a missing one does not when the provider promises to send it. ERR_DENIED.
 */
MUST_CHECK bool response_check_issuer(const struct auth_response *response, struct str issuer,
				      bool promises_iss, struct error *err);

/* What an error response means; LOGIN_OK when it is none. err repeats it, made harmless. */
enum login_outcome response_judge(struct arena *a, const struct auth_response *response,
				  struct error *err);

/* A copy with at most max bytes, all printable ASCII; others are '?'. For words of strangers. */
struct str response_printable(struct arena *a, struct str s, size_t max);

#endif
