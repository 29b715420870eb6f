/*
 * http/message.h - the canonical request: the one reading that routing, policy, log
 * and the bytes sent upstream all share.
 */
#ifndef SALLYPORT_HTTP_MESSAGE_H
#define SALLYPORT_HTTP_MESSAGE_H

#include "base/error.h"
#include "base/ip.h"
#include "http/header.h"
#include "http/uri.h"

enum { HTTP_MAX_HEADERS = 128, HTTP_MAX_METHOD = 32 };

enum http_body {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH,	/* content_length bytes */
	HTTP_BODY_CHUNKED,
	HTTP_BODY_UNTIL_CLOSE,	/* responses only */
};

struct request {
	struct str method;
	struct str raw_target;		/* as received, for the log only */
	struct uri_target target;
	struct uri_authority authority;	/* of Host (or :authority) */
	bool is_https;			/* as the client sees it: TLS here, or a trusted proxy's word */
	unsigned minor_version;		/* of HTTP/1.x */
	struct headers headers;		/* validated; see request_parse for what is gone */
	enum http_body body;		/* "Content-Length: 0" is HTTP_BODY_LENGTH */
	uint64_t content_length;	/* of HTTP_BODY_LENGTH */
	bool expects_continue;		/* HTTP/1.1, and there is a body to wait for */
	bool wants_upgrade;		/* HTTP/1.1, Connection: upgrade with an Upgrade field */
};

/* The head line and raw header list as the front end got them. Borrowed. */
struct request_head {
	struct str method;
	struct str target;
	struct str version;		/* "HTTP/1.1" */
	const struct headers *headers;
	bool is_https;			/* by forwarded_read, where a trusted proxy is in front */
};

/*
 * Validate a head and build the canonical request (RFC 9110; RFC 9112, sections 2-6).
 *
 *   a      owns what the request points at; the head's strings must live as long
 *   err    ERR_SYNTAX (answer 400), ERR_LIMIT (431 for headers, 414 for the target),
 *          ERR_NOT_FOUND (501: a method or expectation that is not served: CONNECT,
 *          TRACE, Expect other than 100-continue is 417)
 *   ret_status   on failure, the HTTP status to answer
 *
 * Refuses: a method that is not an upper-case token; versions other than 1.0 and 1.1
 * (505); targets as http/uri.h says (ambiguity bits aside: those are the route's to
 * judge), an absolute-form whose scheme or authority is not the connection's and Host's;
 * no Host or several (in 1.0 Host is required too: there is no host to route by);
 * repeated or conflicting Content-Length and Transfer-Encoding, any transfer coding but
 * a single "chunked"; header names that are no tokens, values with control bytes; a
 * repeated Authorization, Proxy-Authorization, Content-Type, Expect, Host, Origin or
 * Sec-Fetch-*; one of all these, Cookie, Connection or Upgrade in a spelling that folds
 * to it (Content_Length).
 *
 * Not in ret->headers any more: identity headers (see below; judge them before, from
 * head->headers, with forwarded_read) and fields that Connection names. Hop-by-hop
 * fields themselves are still there. Several Cookie lines are joined into one.
 */
MUST_CHECK bool request_parse(struct arena *a, const struct request_head *head, struct request *ret,
			      unsigned *ret_status, struct error *err);

/*
 * Remove every header whose name folds to one that the gate sets or that tells an
 * application who is asking or from where: X-Forwarded and X-Forwarded-*, Forwarded, X-Real-IP,
 * X-Original-*, X-Rewrite-URL, True-Client-IP, X-Client-IP, X-Cluster-Client-IP,
 * CF-Connecting-IP, Fastly-Client-IP, Client-Cert, Client-Cert-Chain, X-Sallyport-*,
 * X-Auth-Request-*, Remote-User, Remote-Groups, Remote-Email, Remote-Name,
 * X-Request-Id, Proxy, and the names of extra (a route's identity_headers).
 * Returns how many were removed. The fold is that of http/header.h. request_parse has
 * removed all but extra's, which are known only when the route is; nothing of a Trailer
 * section ever gets here.
 */
size_t request_remove_identity_headers(struct headers *h, const struct str *extra,
				       size_t extra_count);

/* The reason phrase of a status ("Not Found"), "" for an unknown one. */
const char *http_reason_phrase(unsigned status);

#endif
