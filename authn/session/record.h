/*
 * authn/session/record.h - what the store holds for a session, sealed.
 *
 * Two lines of JSON: our own facts, then the identity's record as it is, so that moving
 * the idle time rewrites the first and never parses the second.
 */
#ifndef SALLYPORT_AUTHN_SESSION_RECORD_H
#define SALLYPORT_AUTHN_SESSION_RECORD_H

#include "authn/identity.h"
#include "authn/jose/keyring.h"
#include "base/digest.h"

enum {
	SESSION_RECORD_MAX_HEAD = 4096,
	SESSION_RECORD_MAX = SESSION_RECORD_MAX_HEAD + IDENTITY_MAX_BYTES,
	SESSION_SEALED_MAX = SESSION_RECORD_MAX + 64,
};

struct session_record {
	int64_t created_s;
	int64_t expires_s;
	int64_t last_seen_s;
	struct str host;
	struct str public_id;
	struct str identity; /* what identity_parse() takes */
	/* Of a record that was opened: where the above point. */
	struct buf plain;
	struct json_doc *head;
};

/* Append the sealed record of the session under key. ERR_NOMEM, ERR_LIMIT. */
MUST_CHECK bool session_record_seal(const struct session_record *r, const struct keyring *keys,
				    const unsigned char key[SHA256_SIZE], struct buf *out,
				    struct error *err);
/* Open one. ERR_DENIED: sealed under other keys, or for another session. ERR_SYNTAX, ERR_NOMEM. */
MUST_CHECK bool session_record_open(struct str sealed, const struct keyring *keys,
				    const unsigned char key[SHA256_SIZE],
				    struct session_record *ret, struct error *err);
void session_record_done(struct session_record *r); /* wipes; of an opened one */

#endif
