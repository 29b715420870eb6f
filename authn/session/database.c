/*
 * authn/session/database.c - the one user of LMDB.
 *
 *     "records"   key                  -> due (8 bytes) | sealed record
 *     "due"       due (8 bytes) | key  -> nothing
 *
 * What surprised: LMDB writes pages anew, so in a file that is full to the last page a
 * deletion fails like anything else, and the file would stay full for good. New records
 * are therefore refused while a part of the file is still free, counted from LMDB's own
 * list of free pages.
 */
#include "authn/session/database.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <lmdb.h>

enum {
	DUE_SIZE = 8,
	MAX_READERS = 1024, /* workers, and a few */
	FILE_MODE = 0600,
	FREE_DBI = 0,		/* LMDB's own list of free pages */
	NODE_OVERHEAD = 64,	/* of a record in its page, and more */
	RECORD_EXTRA_PAGES = 2, /* splits of the two trees, on average far less */
};
#define RESERVE_MIN (256 * UINT64_C(1024))
#define RESERVE_MAX (8 * UINT64_C(1024) * 1024)

struct database {
	MDB_env *env;
	MDB_dbi records, due;
	MDB_txn *write; /* the transaction under way, or NULL */
	uint64_t page_size;
	uint64_t max_pages;  /* that new records may bring the file to */
	uint64_t room_pages; /* left of them, once known */
	bool room_known;
};

struct database_reader {
	MDB_txn *txn; /* reset between uses */
	MDB_dbi records;
	bool live;
};

struct due_key {
	unsigned char bytes[DUE_SIZE + DATABASE_KEY_SIZE];
};

static bool fail(struct error *err, int rc)
{
	if (rc == MDB_MAP_FULL)
		return error_set(err, ERR_LIMIT, "the session store is full");
	return error_set(err, rc == ENOMEM ? ERR_NOMEM : ERR_IO, "the session store: %s",
			 mdb_strerror(rc));
}

static MDB_val value_of(const void *ptr, size_t len)
{
	return (MDB_val){.mv_size = len, .mv_data = (void *)(uintptr_t)ptr};
}

static void due_write(unsigned char out[DUE_SIZE], int64_t due_s)
{
	uint64_t v = due_s > 0 ? (uint64_t)due_s : 0;

	for (int i = DUE_SIZE - 1; i >= 0; i--, v >>= 8)
		out[i] = (unsigned char)v;
}

static int64_t due_read(const unsigned char in[DUE_SIZE])
{
	uint64_t v = 0;

	for (int i = 0; i < DUE_SIZE; i++)
		v = v << 8 | in[i];
	return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

static struct due_key due_key_make(int64_t due_s, const unsigned char key[DATABASE_KEY_SIZE])
{
	struct due_key k;

	due_write(k.bytes, due_s);
	memcpy(k.bytes + DUE_SIZE, key, DATABASE_KEY_SIZE);
	return k;
}

/* --- Opening ------------------------------------------------------------------------ */

static uint64_t reserve_of(uint64_t max_bytes)
{
	uint64_t reserve = max_bytes / 8;

	if (reserve < RESERVE_MIN)
		return RESERVE_MIN;
	return reserve > RESERVE_MAX ? RESERVE_MAX : reserve;
}

/* The map is of the size allowed, but never so small that nothing could be deleted. */
static int size_set(struct database *db, uint64_t max_bytes)
{
	uint64_t reserve = reserve_of(max_bytes), map = max_bytes, used;
	MDB_envinfo info;
	MDB_stat stat;
	int rc = mdb_env_info(db->env, &info);

	if (rc == 0)
		rc = mdb_env_stat(db->env, &stat);
	if (rc != 0)
		return rc;
	db->page_size = stat.ms_psize;
	used = ((uint64_t)info.me_last_pgno + 1) * db->page_size;
	if (map < 2 * reserve)
		map = 2 * reserve;
	db->max_pages = (map - reserve) / db->page_size;
	if (map < used + reserve)
		map = used + reserve;
	map = (map + db->page_size - 1) / db->page_size * db->page_size;
	return mdb_env_set_mapsize(db->env, map);
}

/* A file cut short would end the process when a page behind its end is read. */
static bool file_check(struct database *db, struct error *err)
{
	MDB_envinfo info;
	struct stat status;
	int fd, rc = mdb_env_info(db->env, &info);

	if (rc == 0)
		rc = mdb_env_get_fd(db->env, &fd);
	if (rc != 0)
		return fail(err, rc);
	if (fstat(fd, &status) != 0)
		return error_set_errno(err, errno, "cannot look at the session store");
	if ((uint64_t)status.st_size < ((uint64_t)info.me_last_pgno + 1) * db->page_size)
		return error_set(err, ERR_IO, "the session store is cut short");
	return true;
}

static int trees_open(struct database *db)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(db->env, NULL, 0, &txn);

	if (rc != 0)
		return rc;
	rc = mdb_dbi_open(txn, "records", MDB_CREATE, &db->records);
	if (rc == 0)
		rc = mdb_dbi_open(txn, "due", MDB_CREATE, &db->due);
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

static bool environment_open(struct database *db, const char *folder, uint64_t max_bytes,
			     struct error *err)
{
	int dead, rc = mdb_env_create(&db->env);

	if (rc == 0)
		rc = mdb_env_set_maxdbs(db->env, 2);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(db->env, MAX_READERS);
	if (rc == 0)
		rc = mdb_env_open(db->env, folder, MDB_NOTLS, FILE_MODE);
	if (rc == 0)
		rc = size_set(db, max_bytes);
	if (rc != 0)
		return fail(err, rc);
	if (!file_check(db, err))
		return false;
	/* Readers of a process that was killed would pin old pages for ever. */
	rc = mdb_reader_check(db->env, &dead);
	if (rc == 0)
		rc = trees_open(db);
	return rc == 0 || fail(err, rc);
}

bool database_open(const char *folder, uint64_t max_bytes, struct database **ret, struct error *err)
{
	struct database *db = calloc(1, sizeof(*db));

	if (!db)
		return error_set(err, ERR_NOMEM, "out of memory for the session store");
	if (!environment_open(db, folder, max_bytes, err)) {
		database_close(db);
		return false;
	}
	*ret = db;
	return true;
}

void database_close(struct database *db)
{
	if (!db)
		return;
	ASSERT(!db->write);
	if (db->env)
		mdb_env_close(db->env);
	free(db);
}

bool database_count(struct database *db, uint64_t *ret_count)
{
	MDB_txn *txn;
	MDB_stat stat;
	int rc = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return false;
	rc = mdb_stat(txn, db->records, &stat);
	mdb_txn_abort(txn);
	if (rc == 0)
		*ret_count = stat.ms_entries;
	return rc == 0;
}

/* --- Reading ------------------------------------------------------------------------ */

bool database_reader_new(struct database *db, struct database_reader **ret, struct error *err)
{
	struct database_reader *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return error_set(err, ERR_NOMEM, "out of memory for a session store's reader");
	rc = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &r->txn);
	if (rc != 0) {
		free(r);
		return fail(err, rc);
	}
	mdb_txn_reset(r->txn);
	r->records = db->records;
	*ret = r;
	return true;
}

void database_reader_free(struct database_reader *r)
{
	if (!r)
		return;
	mdb_txn_abort(r->txn);
	free(r);
}

static enum database_result record_get(MDB_txn *txn, MDB_dbi records,
				       const unsigned char key[DATABASE_KEY_SIZE],
				       struct str *ret_sealed, int64_t *ret_due_s,
				       struct error *err)
{
	MDB_val k = value_of(key, DATABASE_KEY_SIZE), v;
	int rc = mdb_get(txn, records, &k, &v);

	if (rc == MDB_NOTFOUND)
		return DATABASE_ABSENT;
	if (rc != 0 || v.mv_size < DUE_SIZE) {
		fail(err, rc != 0 ? rc : MDB_CORRUPTED);
		return DATABASE_FAILED;
	}
	*ret_due_s = due_read(v.mv_data);
	*ret_sealed = str_from_len((const char *)v.mv_data + DUE_SIZE, v.mv_size - DUE_SIZE);
	return DATABASE_FOUND;
}

enum database_result database_reader_get(struct database_reader *r,
					 const unsigned char key[DATABASE_KEY_SIZE],
					 struct str *ret_sealed, struct error *err)
{
	int64_t due_s;
	int rc = mdb_txn_renew(r->txn);

	if (rc != 0) {
		fail(err, rc);
		return DATABASE_FAILED;
	}
	r->live = true;
	return record_get(r->txn, r->records, key, ret_sealed, &due_s, err);
}

void database_reader_release(struct database_reader *r)
{
	if (r->live)
		mdb_txn_reset(r->txn);
	r->live = false;
}

/* --- Writing ------------------------------------------------------------------------ */

bool database_begin(struct database *db, struct error *err)
{
	int rc;

	ASSERT(!db->write);
	db->room_known = false;
	rc = mdb_txn_begin(db->env, NULL, 0, &db->write);
	if (rc != 0) {
		db->write = NULL;
		return fail(err, rc);
	}
	return true;
}

bool database_commit(struct database *db, struct error *err)
{
	int rc = mdb_txn_commit(db->write); /* frees it, whatever it answers */

	db->write = NULL;
	return rc == 0 || fail(err, rc);
}

void database_abort(struct database *db)
{
	mdb_txn_abort(db->write);
	db->write = NULL;
}

enum database_result database_get(struct database *db, const unsigned char key[DATABASE_KEY_SIZE],
				  struct str *ret_sealed, int64_t *ret_due_s, struct error *err)
{
	return record_get(db->write, db->records, key, ret_sealed, ret_due_s, err);
}

/* Each entry of LMDB's list is a count and that many page numbers. */
static int free_pages_count(struct database *db, uint64_t *ret_count)
{
	MDB_val k, v;
	MDB_txn *txn;
	MDB_cursor *cursor;
	uint64_t count = 0;
	int rc = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return rc;
	rc = mdb_cursor_open(txn, FREE_DBI, &cursor);
	if (rc == 0) {
		while ((rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0) {
			size_t pages;

			memcpy(&pages, v.mv_data, sizeof(pages));
			count += pages;
		}
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	if (rc == MDB_NOTFOUND)
		*ret_count = count;
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Pages that new records may still take, as of the last commit. */
static int room_measure(struct database *db)
{
	uint64_t used, free_count = 0;
	MDB_envinfo info;
	int rc = mdb_env_info(db->env, &info);

	if (rc != 0)
		return rc;
	used = (uint64_t)info.me_last_pgno + 1;
	/* Far from the bound nobody needs to know how many of the used pages are free. */
	if (used > db->max_pages / 2) {
		rc = free_pages_count(db, &free_count);
		if (rc != 0)
			return rc;
	}
	used -= free_count < used ? free_count : used;
	db->room_pages = used < db->max_pages ? db->max_pages - used : 0;
	db->room_known = true;
	return 0;
}

static int room_take(struct database *db, size_t len)
{
	uint64_t pages = (len + NODE_OVERHEAD) / db->page_size + 1 + RECORD_EXTRA_PAGES;
	int rc = db->room_known ? 0 : room_measure(db);

	if (rc != 0)
		return rc;
	if (db->room_pages < pages)
		return MDB_MAP_FULL;
	db->room_pages -= pages;
	return 0;
}

static int put(struct database *db, const unsigned char key[DATABASE_KEY_SIZE], int64_t due_s,
	       struct str sealed, unsigned flags)
{
	MDB_val k = value_of(key, DATABASE_KEY_SIZE), v = {.mv_size = DUE_SIZE + sealed.len};
	struct due_key due = due_key_make(due_s, key);
	MDB_val due_k = value_of(due.bytes, sizeof(due.bytes)), nothing = value_of("", 0);
	int rc = mdb_put(db->write, db->records, &k, &v, MDB_RESERVE | flags);

	if (rc != 0)
		return rc;
	due_write(v.mv_data, due_s);
	if (sealed.len > 0)
		memcpy((char *)v.mv_data + DUE_SIZE, sealed.ptr, sealed.len);
	return mdb_put(db->write, db->due, &due_k, &nothing, 0);
}

bool database_create(struct database *db, const unsigned char key[DATABASE_KEY_SIZE], int64_t due_s,
		     struct str sealed, struct error *err)
{
	int rc = room_take(db, sealed.len);

	if (rc == 0)
		rc = put(db, key, due_s, sealed, MDB_NOOVERWRITE);
	return rc == 0 || fail(err, rc);
}

/* Take the entry of a record, as it is now, out of the index. */
static int due_remove(struct database *db, const unsigned char key[DATABASE_KEY_SIZE],
		      int64_t due_s)
{
	struct due_key due = due_key_make(due_s, key);
	MDB_val k = value_of(due.bytes, sizeof(due.bytes));
	int rc = mdb_del(db->write, db->due, &k, NULL);

	return rc == MDB_NOTFOUND ? 0 : rc;
}

bool database_replace(struct database *db, const unsigned char key[DATABASE_KEY_SIZE],
		      int64_t due_s, struct str sealed, struct error *err)
{
	struct str old;
	int64_t old_due_s;
	int rc = 0;

	if (database_get(db, key, &old, &old_due_s, err) != DATABASE_FOUND)
		return error_set(err, ERR_NOT_FOUND, "no such session");
	if (old_due_s != due_s)
		rc = due_remove(db, key, old_due_s);
	if (rc == 0)
		rc = put(db, key, due_s, sealed, 0);
	return rc == 0 || fail(err, rc);
}

bool database_delete(struct database *db, const unsigned char key[DATABASE_KEY_SIZE],
		     struct error *err)
{
	MDB_val k = value_of(key, DATABASE_KEY_SIZE);
	struct str old;
	int64_t due_s;
	int rc;

	switch (database_get(db, key, &old, &due_s, err)) {
	case DATABASE_FOUND: break;
	case DATABASE_ABSENT: return true;
	case DATABASE_FAILED: return false;
	}
	rc = due_remove(db, key, due_s);
	if (rc == 0)
		rc = mdb_del(db->write, db->records, &k, NULL);
	return rc == 0 || fail(err, rc);
}

/* An entry whose record is gone or due at another time leads nowhere: it is removed. */
static int due_entry_check(struct database *db, MDB_cursor *cursor, const MDB_val *entry,
			   bool *ret_good)
{
	const unsigned char *bytes = entry->mv_data;
	struct str sealed;
	int64_t due_s;

	*ret_good = entry->mv_size == sizeof(struct due_key) &&
		    database_get(db, bytes + DUE_SIZE, &sealed, &due_s, NULL) == DATABASE_FOUND &&
		    due_s == due_read(bytes);
	return *ret_good ? 0 : mdb_cursor_del(cursor, 0);
}

enum database_result database_first_due(struct database *db, int64_t now_s,
					unsigned char ret_key[DATABASE_KEY_SIZE], struct error *err)
{
	MDB_cursor *cursor;
	MDB_val k, v;
	bool good = false;
	int rc = mdb_cursor_open(db->write, db->due, &cursor);

	if (rc != 0)
		goto failed;
	while (rc == 0 && !good) {
		rc = mdb_cursor_get(cursor, &k, &v, MDB_FIRST);
		if (rc != 0 || (k.mv_size >= DUE_SIZE && due_read(k.mv_data) > now_s))
			break;
		rc = due_entry_check(db, cursor, &k, &good);
	}
	if (good)
		memcpy(ret_key, (const char *)k.mv_data + DUE_SIZE, DATABASE_KEY_SIZE);
	mdb_cursor_close(cursor);
	if (rc != 0 && rc != MDB_NOTFOUND)
		goto failed;
	return good ? DATABASE_FOUND : DATABASE_ABSENT;
failed:
	fail(err, rc);
	return DATABASE_FAILED;
}
