/*
 * The store's file by itself: records and the order in which they are due; and what
 * sessions make of records that were tampered with.
 */
#include <lmdb.h>

#include "authn/session/database.h"
#include "authn/session/record.h"
#include "tests/unit/authn/session/world.h"

struct fixture {
	char *folder;
	struct database *db;
	struct database_reader *reader;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->folder = scratch_make();
	assert_true(database_open(f->folder, 16 * 1024 * 1024, &f->db, NULL));
	assert_true(database_reader_new(f->db, &f->reader, NULL));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	database_reader_free(f->reader);
	database_close(f->db);
	scratch_remove(f->folder);
	free(f);
	return 0;
}

static const unsigned char *key_of(unsigned n)
{
	static unsigned char keys[4][DATABASE_KEY_SIZE];
	static unsigned next;
	unsigned char *key = keys[next++ % ARRAY_LEN(keys)];

	memset(key, 0, DATABASE_KEY_SIZE);
	key[0] = (unsigned char)n;
	return key;
}

static void check_read(struct fixture *f, const char *name, unsigned key, const char *want)
{
	struct str got = {0};
	enum database_result result = database_reader_get(f->reader, key_of(key), &got, NULL);

	check_i64(name, "result", want ? DATABASE_FOUND : DATABASE_ABSENT, result);
	if (want)
		check_str(name, "record", str_from(want), got);
	database_reader_release(f->reader);
}

static void check_first_due(struct fixture *f, const char *name, int64_t now_s, int want)
{
	unsigned char key[DATABASE_KEY_SIZE];
	enum database_result result = database_first_due(f->db, now_s, key, NULL);

	check_i64(name, "result", want ? DATABASE_FOUND : DATABASE_ABSENT, result);
	if (want)
		check_i64(name, "key", want, key[0]);
}

static void test_records(void **state)
{
	struct fixture *f = *state;
	uint64_t count = 99;

	assert_true(database_begin(f->db, NULL));
	assert_true(database_create(f->db, key_of(1), 100, STR("one"), NULL));
	check_read(f, "not committed", 1, NULL);
	assert_true(database_commit(f->db, NULL));
	check_read(f, "committed", 1, "one");
	check_read(f, "another", 2, NULL);

	assert_true(database_begin(f->db, NULL));
	assert_true(database_replace(f->db, key_of(1), 100, STR("a longer one"), NULL));
	assert_true(database_create(f->db, key_of(2), 100, STR(""), NULL));
	database_abort(f->db);
	check_read(f, "aborted", 1, "one");
	check_read(f, "aborted", 2, NULL);

	assert_true(database_begin(f->db, NULL));
	assert_true(database_replace(f->db, key_of(1), 100, STR("a longer one"), NULL));
	assert_false(database_replace(f->db, key_of(3), 100, STR("x"), NULL));
	assert_true(database_create(f->db, key_of(2), 100, STR(""), NULL));
	assert_true(database_commit(f->db, NULL));
	check_read(f, "replaced", 1, "a longer one");
	check_read(f, "empty", 2, "");
	assert_true(database_count(f->db, &count));
	check_i64("count", "records", 2, (int64_t)count);

	assert_true(database_begin(f->db, NULL));
	assert_true(database_delete(f->db, key_of(1), NULL));
	assert_true(database_delete(f->db, key_of(7), NULL));
	assert_true(database_commit(f->db, NULL));
	check_read(f, "deleted", 1, NULL);
	check_done();
}

static void test_due_order(void **state)
{
	struct fixture *f = *state;

	assert_true(database_begin(f->db, NULL));
	assert_true(database_create(f->db, key_of(1), 300, STR("x"), NULL));
	assert_true(database_create(f->db, key_of(2), 255, STR("x"), NULL));
	assert_true(database_create(f->db, key_of(3), 256, STR("x"), NULL));
	assert_true(database_create(f->db, key_of(4), INT64_C(5000000000), STR("x"), NULL));
	check_first_due(f, "before all", 254, 0);
	check_first_due(f, "at the first", 255, 2);
	check_first_due(f, "not taken away by looking", 1000, 2);
	assert_true(database_delete(f->db, key_of(2), NULL));
	check_first_due(f, "deleted", 255, 0);
	check_first_due(f, "the next", 1000, 3);
	assert_true(database_replace(f->db, key_of(3), 400, STR("x"), NULL));
	check_first_due(f, "moved", 1000, 1);
	assert_true(database_delete(f->db, key_of(1), NULL));
	check_first_due(f, "moved, at its old time", 300, 0);
	check_first_due(f, "moved, at its new time", 400, 3);
	assert_true(database_delete(f->db, key_of(3), NULL));
	check_first_due(f, "beyond 32 bits, before", INT64_C(4999999999), 0);
	check_first_due(f, "beyond 32 bits", INT64_C(5000000000), 4);
	assert_true(database_commit(f->db, NULL));
	check_done();
}

/* --- Tampering ------------------------------------------------------------------------ */

/* Change the value behind a key, below everything of ours. copy_from: another's value. */
static void tamper(const char *folder, const unsigned char *key, const unsigned char *copy_from,
		   size_t len, int flip_at)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_val k = {.mv_size = DATABASE_KEY_SIZE, .mv_data = (void *)(uintptr_t)key}, v;
	MDB_val from = {.mv_size = DATABASE_KEY_SIZE,
			.mv_data = (void *)(uintptr_t)(copy_from ? copy_from : key)};
	char *value;

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 2), 0);
	assert_int_equal(mdb_env_set_mapsize(env, 64 * 1024 * 1024), 0);
	assert_int_equal(mdb_env_open(env, scratch_path(folder, "sessions"), 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, "records", 0, &dbi), 0);
	assert_int_equal(mdb_get(txn, dbi, &from, &v), 0);
	assert_non_null(value = malloc(v.mv_size));
	memcpy(value, v.mv_data, v.mv_size);
	v = (MDB_val){.mv_size = len < v.mv_size ? len : v.mv_size, .mv_data = value};
	if (flip_at >= 0)
		value[flip_at] ^= 1;
	assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
	free(value);
}

static const struct tamper_row {
	const char *name;
	bool copy; /* the value of another session */
	size_t len;
	int flip_at; /* -1: nothing is flipped */
	enum session_result want;
} tamper_rows[] = {
	{"as it was", false, SIZE_MAX, -1, SESSION_FOUND},
	{"another session's record", true, SIZE_MAX, -1, SESSION_ABSENT},
	{"version", false, SIZE_MAX, 8, SESSION_ABSENT},
	{"key id", false, SIZE_MAX, 9, SESSION_ABSENT},
	{"nonce", false, SIZE_MAX, 13, SESSION_ABSENT},
	{"text", false, SIZE_MAX, 100, SESSION_ABSENT},
	{"cut short", false, 100, -1, SESSION_ABSENT},
	{"nothing but its due time", false, 8, -1, SESSION_ABSENT},
	{"not even that", false, 7, -1, SESSION_FAILED},
};

static void test_tampering(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tamper_rows); i++) {
		const struct tamper_row *row = &tamper_rows[i];
		char id[SESSION_ID_TEXT + 1], other[SESSION_ID_TEXT + 1];
		unsigned char key[SHA256_SIZE], other_key[SHA256_SIZE];
		struct session *s = NULL;
		struct error err = {0};
		struct world w;

		world_start(&w);
		world_must_create(&w, id);
		world_must_create(&w, other);
		s = world_must_find(w.a, id);
		memcpy(key, s->key, sizeof(key));
		session_unref(s);
		s = world_must_find(w.a, other);
		memcpy(other_key, s->key, sizeof(other_key));
		session_unref(s);
		world_close(&w);
		tamper(w.folder, key, row->copy ? other_key : NULL, row->len, row->flip_at);
		world_open(&w);
		s = NULL;
		check_i64(row->name, "result", row->want,
			  session_find(w.a, str_from(id), &s, &err));
		check_i64(row->name, "kind", row->want == SESSION_FAILED ? ERR_IO : ERR_NONE,
			  err.kind);
		session_unref(s);
		check_i64(row->name, "the other", SESSION_FOUND, world_probe(w.a, other));
		world_end(&w);
	}
	check_done();
}

/* --- Records -------------------------------------------------------------------------- */

static void test_record_of_the_largest_identity(void **state)
{
	static char identity[IDENTITY_MAX_BYTES];
	const unsigned char key[SHA256_SIZE] = {1}, other[SHA256_SIZE] = {2};
	struct session_record r = {.created_s = 1,
				   .expires_s = INT64_C(5000000000),
				   .last_seen_s = -3,
				   .host = STR("h\"\n"),
				   .public_id = STR("p"),
				   .identity = {identity, sizeof(identity)}},
			      got;
	char *folder = scratch_make();
	struct keyring *keys = NULL;
	struct buf sealed;

	(void)state;
	memset(identity, '\n', sizeof(identity));
	assert_true(keyring_open(folder, &keys, NULL));
	buf_init(&sealed, SESSION_SEALED_MAX);
	assert_true(session_record_seal(&r, keys, key, &sealed, NULL));
	assert_false(session_record_open(buf_str(&sealed), keys, other, &got, NULL));
	assert_true(session_record_open(buf_str(&sealed), keys, key, &got, NULL));
	check_i64("record", "created", 1, got.created_s);
	check_i64("record", "expires", INT64_C(5000000000), got.expires_s);
	check_i64("record", "last seen", -3, got.last_seen_s);
	check_str("record", "host", STR("h\"\n"), got.host);
	check_str("record", "public id", STR("p"), got.public_id);
	check_i64("record", "identity", sizeof(identity), (int64_t)got.identity.len);
	session_record_done(&got);
	buf_done(&sealed);
	keyring_free(keys);
	scratch_remove(folder);
	check_done();
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_records),
		TEST(test_due_order),
		cmocka_unit_test(test_tampering),
		cmocka_unit_test(test_record_of_the_largest_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
