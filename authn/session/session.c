/*
 * authn/session/session.c - making and ending sessions: the two writes that a client
 * waits for.
 */
#include "authn/session/session.h"

#include <string.h>

#include "authn/session/cache.h"
#include "authn/session/record.h"
#include "authn/session/store.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/random.h"
#include "base/secret.h"

enum { PUBLIC_ID_BYTES = 16 };

static void id_make(char id_out[SESSION_ID_TEXT + 1], unsigned char ret_key[SHA256_SIZE])
{
	unsigned char bytes[SESSION_ID_BYTES];

	random_bytes(bytes, sizeof(bytes));
	base64url_encode(bytes, sizeof(bytes), id_out);
	sha256(str_from_len((char *)bytes, sizeof(bytes)), ret_key);
	secret_wipe(bytes, sizeof(bytes));
}

static void public_id_make(char out[BASE64URL_LEN(PUBLIC_ID_BYTES) + 1])
{
	unsigned char bytes[PUBLIC_ID_BYTES];

	random_bytes(bytes, sizeof(bytes));
	base64url_encode(bytes, sizeof(bytes), out);
}

/* Write and seal the record of a new session into op. */
static bool creation_fill(struct session_op *op, const struct session_store *store,
			  const struct identity *identity, struct str host, struct error *err)
{
	char public_id[BASE64URL_LEN(PUBLIC_ID_BYTES) + 1];
	int64_t now_s = clock_wall_s();
	struct session_record r = {
		.created_s = now_s,
		.expires_s = now_s + store->lifetime_s,
		.last_seen_s = now_s,
		.host = host,
		.identity = identity->record,
	};

	public_id_make(public_id);
	r.public_id = str_from(public_id);
	op->due_s = session_due_s(store, r.expires_s, r.last_seen_s);
	buf_init(&op->sealed, SESSION_SEALED_MAX);
	return session_record_seal(&r, store->keys, op->key, &op->sealed, err);
}

struct session_op *session_create(struct session_cache *cache, struct identity *identity,
				  struct str host, struct str replaces,
				  char id_out[SESSION_ID_TEXT + 1], session_done *done, void *arg,
				  struct error *err)
{
	struct session_store *store = session_cache_store(cache);
	struct session_op *op;

	if (host.len >= sizeof(((struct session *)NULL)->host)) {
		error_set(err, ERR_LIMIT, "a session's host is too long");
		return NULL;
	}
	op = session_op_new(OP_CREATE, session_cache_mailbox(cache), done, arg, err);
	if (!op)
		return NULL;
	id_make(id_out, op->key);
	op->ends = session_key_from_id(replaces, op->ended_key);
	if (!creation_fill(op, store, identity, host, err)) {
		session_op_free(op);
		return NULL;
	}
	writer_queue(&store->writer, op);
	return op;
}

struct session_op *session_end(struct session_cache *cache, const struct session *s,
			       session_done *done, void *arg, struct error *err)
{
	struct session_op *op =
		session_op_new(OP_END, session_cache_mailbox(cache), done, arg, err);

	if (!op)
		return NULL;
	op->ends = true;
	memcpy(op->ended_key, s->key, sizeof(op->ended_key));
	writer_queue(&session_cache_store(cache)->writer, op);
	return op;
}
