/*
 * authn/session/database.h - the door to LMDB: sealed records under 32-byte keys, and
 * an index of when each is due to be looked at for removal.
 *
 * Readers are one a thread. Writing belongs to one thread: begin, some changes, commit
 * or abort. What a reader or a get gave points into the map: valid until the reader is
 * released, or the next change.
 */
#ifndef SALLYPORT_AUTHN_SESSION_DATABASE_H
#define SALLYPORT_AUTHN_SESSION_DATABASE_H

#include "base/digest.h"
#include "base/error.h"
#include "base/str.h"

enum { DATABASE_KEY_SIZE = SHA256_SIZE };

enum database_result { DATABASE_FOUND, DATABASE_ABSENT, DATABASE_FAILED };

struct database;

/*
 * Open, or make, the database in a folder. Its file stays within max_bytes, the last
 * part of which is kept from new records so that deleting always finds room. ERR_IO,
 * ERR_NOMEM. One process, once.
 */
MUST_CHECK bool database_open(const char *folder, uint64_t max_bytes, struct database **ret,
			      struct error *err);
void database_close(struct database *db); /* readers must be gone; NULL is fine */
MUST_CHECK bool database_count(struct database *db, uint64_t *ret_count);

struct database_reader;
MUST_CHECK bool database_reader_new(struct database *db, struct database_reader **ret,
				    struct error *err);
void database_reader_free(struct database_reader *r); /* NULL is fine */
/* Take a snapshot and look a record up; release in any case. */
enum database_result database_reader_get(struct database_reader *r,
					 const unsigned char key[DATABASE_KEY_SIZE],
					 struct str *ret_sealed, struct error *err);
void database_reader_release(struct database_reader *r);

MUST_CHECK bool database_begin(struct database *db, struct error *err);
/* False, and nothing is changed, when the disk refuses. Durable once true. */
MUST_CHECK bool database_commit(struct database *db, struct error *err);
void database_abort(struct database *db);

enum database_result database_get(struct database *db, const unsigned char key[DATABASE_KEY_SIZE],
				  struct str *ret_sealed, int64_t *ret_due_s, struct error *err);
/* A new record: ERR_LIMIT when the store is full. */
MUST_CHECK bool database_create(struct database *db, const unsigned char key[DATABASE_KEY_SIZE],
				int64_t due_s, struct str sealed, struct error *err);
/* Change the record that is there. sealed must not point into the map. */
MUST_CHECK bool database_replace(struct database *db, const unsigned char key[DATABASE_KEY_SIZE],
				 int64_t due_s, struct str sealed, struct error *err);
MUST_CHECK bool database_delete(struct database *db, const unsigned char key[DATABASE_KEY_SIZE],
				struct error *err); /* one that is not there is fine */
/* The record that is due first, if that is by now_s. */
enum database_result database_first_due(struct database *db, int64_t now_s,
					unsigned char ret_key[DATABASE_KEY_SIZE],
					struct error *err);

#endif
