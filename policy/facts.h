/*
 * policy/facts.h - what a policy judges: everything it may know, and nothing else.
 *
 * Plain borrowed data, filled by whoever asks. Policy reads no clock and does no I/O:
 * the time is a fact, so any decision can be replayed.
 */
#ifndef SALLYPORT_POLICY_FACTS_H
#define SALLYPORT_POLICY_FACTS_H

#include "base/ip.h"
#include "base/json.h"
#include "base/str.h"
#include "http/client_certificate.h"
#include "http/header.h"

/* How the client proved who it is. The names are those of configuration and policies. */
enum facts_method {
	FACTS_ANONYMOUS,		/* "none": nobody signed in */
	FACTS_SESSION,			/* "session" */
	FACTS_BEARER,			/* "bearer" */
	FACTS_CLIENT_CERTIFICATE,	/* "client_certificate" */
};

struct facts {
	/* the request, in its canonical form */
	struct str method;
	struct str path;			/* decoded, starts with '/' */
	struct str host;			/* lower case, no port */
	struct str query;			/* raw, behind '?' */
	const struct headers *headers;		/* after identity headers were removed; may be NULL */
	bool has_source_ip;
	struct ip source_ip;

	/* who asks */
	enum facts_method authenticated_by;
	bool can_log_in;			/* the route could send this client to log in */
	struct str provider;			/* "" when no provider vouched */
	const struct json *claims;		/* an object; NULL when there are none */
	const struct str *amr;			/* authentication methods (RFC 8176) */
	size_t amr_count;
	struct str acr;
	int64_t auth_time_s;			/* when the person last authenticated; 0 unknown */
	const struct str *absent_is_empty;	/* claims whose absence means an empty list */
	size_t absent_is_empty_count;
	const struct client_certificate *certificate;	/* verified; NULL when none */
	const struct json *device;		/* posture facts, an object; NULL when unknown */

	int64_t now_s;				/* seconds since 1970 */
};

#endif
