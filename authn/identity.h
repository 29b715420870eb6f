/*
 * authn/identity.h - who is asking: the verified outcome of authentication.
 *
 * Immutable and counted: a session, its cache entries and running exchanges share one.
 * The count is atomic, since logins finish on another thread than they are used on.
 */
#ifndef SALLYPORT_AUTHN_IDENTITY_H
#define SALLYPORT_AUTHN_IDENTITY_H

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"

enum authn_method {
	AUTHN_NONE,
	AUTHN_SESSION,
	AUTHN_BEARER,
	AUTHN_CLIENT_CERTIFICATE,
};
const char *authn_method_name(enum authn_method method);	/* "none", "session", "bearer", ... */

enum { IDENTITY_MAX_GROUPS = 4096, IDENTITY_MAX_BYTES = 1024 * 1024 };

struct identity {
	enum authn_method method;
	struct str provider;		/* the name in our configuration; "" for certificates */
	struct str issuer;		/* iss; (issuer, subject) is the key of a person */
	struct str subject;		/* sub; for certificates the first SAN URI, DNS name, else the CN */
	struct str email;		/* only when the provider says it is verified */
	struct str name;
	struct str preferred_username;
	struct str *groups;		/* of the claim that the provider's configuration names */
	size_t groups_count;
	struct str *amr;
	size_t amr_count;
	struct str acr;
	int64_t auth_time_s;		/* auth_time of the ID token; 0 unknown */
	const struct json *claims;	/* all claims of ID token and userinfo: an object; never NULL */
	struct str sid;			/* the provider's session id, "" when it names none */
	/* The raw text of this identity: what identity_parse() takes, for storing. */
	struct str record;
};

/*
 * An identity from its record: {"method","provider","issuer","groups_claim","auth_time","claims":{}}.
 * "method" is a name as above; groups_claim a claim path ("groups", "realm_access/roles").
 * sub, email, name, preferred_username, groups, amr, acr and sid are read from the claims;
 * an e-mail address counts only beside "email_verified": true. One reference, the
 * caller's. ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM.
 */
MUST_CHECK bool identity_parse(struct str record, struct identity **ret, struct error *err);
/* Append such a record; claims is a JSON object's text. */
struct identity_draft {
	enum authn_method method;
	struct str provider;
	struct str issuer;
	struct str groups_claim;
	int64_t auth_time_s;
	const struct json *claims;
};
void identity_append_record(struct buf *b, const struct identity_draft *draft);

/*
 * The identity that a verified client certificate proves: method AUTHN_CLIENT_CERTIFICATE,
 * subject as above, no provider, and the claims {"sub", "name"} of its names. One reference.
 */
struct client_certificate;
MUST_CHECK bool identity_from_certificate(const struct client_certificate *c, struct identity **ret,
					  struct error *err);

struct identity *identity_ref(struct identity *i);
void identity_unref(struct identity *i);		/* wipes; NULL is fine */

/* The claim at a path such as "realm_access/roles" inside an object; NULL when absent. */
const struct json *identity_claim_at(const struct json *claims, struct str path);

#endif
