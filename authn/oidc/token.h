/*
 * authn/oidc/token.h - redeeming a code at the token endpoint (RFC 6749, sections 4.1.3
 * and 5; OpenID Connect Core 1.0, section 3.1.3).
 */
#ifndef SALLYPORT_AUTHN_OIDC_TOKEN_H
#define SALLYPORT_AUTHN_OIDC_TOKEN_H

#include "authn/oidc/login.h"
#include "base/buf.h"
#include "base/json.h"

enum {
	TOKEN_MAX_BYTES = 128 * 1024,	    /* of an answer */
	TOKEN_MAX_ACCESS_TOKEN = 12 * 1024, /* it has to fit into a header line */
};

struct token_request {
	enum provider_client_authentication client_authentication; /* BASIC or POST */
	struct str code;
	struct str verifier;
	struct str origin; /* the redirect_uri is below it */
};

/*
 * Append the form to body and, for BASIC, the whole Authorization line to authorization.
 * Both hold secrets; failures show as buf_failed().
 */
void token_request_append(struct buf *body, struct buf *authorization,
			  const struct provider_config *config,
			  const struct token_request *request);

struct token_answer {
	struct json_doc *doc; /* what the strings point into */
	struct str access_token;
	struct str id_token;
};

/*
 * Take an answer apart: a bearer access token and an ID token. LOGIN_OK, and ret is
 * to be released; otherwise err says what came, never with a part of a token.
 * invalid_grant is the callback's fault (LOGIN_BAD_REQUEST): a code that was used, expired
 * or meant for somebody else.
 */
enum login_outcome token_answer_read(unsigned status, struct str body, struct token_answer *ret,
				     struct error *err);
void token_answer_done(struct token_answer *t); /* wipes; fine on a zeroed one */

#endif
