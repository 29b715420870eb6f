/*
 * The gate's own keys: made privately, kept over restarts, refused when others can read
 * them; and the assertions they sign.
 */
#include <pthread.h>

#include "authn/jose/keyring.h"
#include "authn/jose/jwt.h"
#include "tests/unit/authn/jose/sign.h"
#include "tests/unit/authn/scratch.h"

static char *kid_of(const struct keyring *k)
{
	struct json_doc *doc = NULL;
	char *kid;

	assert_true(json_parse(keyring_public_jwks(k), 4096, NULL, &doc, NULL));
	kid = strdup(json_str(json_get(json_first(json_get(json_root(doc), "keys")), "kid")).ptr);
	assert_non_null(kid);
	json_doc_free(doc);
	return kid;
}

static void test_made_privately(void **state)
{
	char *folder = scratch_make(), nested[PATH_MAX];
	struct keyring *k = NULL;
	mode_t before = umask(0); /* the modes are ours, not the umask's */

	(void)state;
	snprintf(nested, sizeof(nested), "%s/a/state", folder);
	assert_true(keyring_open(nested, &k, NULL));
	umask(before);
	check_i64("modes", "keys", 0700, scratch_mode(scratch_path(nested, "keys")));
	check_i64("modes", "master", 0600, scratch_mode(scratch_path(nested, "keys/master")));
	check_i64("modes", "assertion.pem", 0600,
		  scratch_mode(scratch_path(nested, "keys/assertion.pem")));
	keyring_free(k);
	scratch_remove(folder);
	check_done();
}

static void test_kept(void **state)
{
	char *folder = scratch_make(), *other_folder = scratch_make(), *kid, *kid_again, *kid_other;
	struct keyring *k = NULL, *again = NULL, *other = NULL;
	unsigned char key[32], key_again[32], key_other[32];

	(void)state;
	assert_true(keyring_open(folder, &k, NULL));
	assert_true(keyring_open(folder, &again, NULL));
	assert_true(keyring_open(other_folder, &other, NULL));
	kid = kid_of(k);
	kid_again = kid_of(again);
	kid_other = kid_of(other);
	assert_int_equal(strlen(kid), 43);
	assert_string_equal(kid, kid_again);
	assert_string_not_equal(kid, kid_other);
	assert_int_equal(keyring_current_id(k), keyring_current_id(again));
	assert_int_not_equal(keyring_current_id(k), keyring_current_id(other));
	assert_true(keyring_derive(k, keyring_current_id(k), "x", key));
	assert_true(keyring_derive(again, keyring_current_id(k), "x", key_again));
	assert_true(keyring_derive(other, keyring_current_id(other), "x", key_other));
	assert_memory_equal(key, key_again, 32);
	assert_memory_not_equal(key, key_other, 32);
	keyring_free(k);
	keyring_free(again);
	keyring_free(other);
	free(kid);
	free(kid_again);
	free(kid_other);
	scratch_remove(folder);
	scratch_remove(other_folder);
}

static void test_derive(void **state)
{
	char *folder = scratch_make();
	unsigned char a[32], b[32];
	struct keyring *k = NULL;

	(void)state;
	assert_true(keyring_open(folder, &k, NULL));
	assert_true(keyring_derive(k, keyring_current_id(k), "purpose a", a));
	assert_true(keyring_derive(k, keyring_current_id(k), "purpose b", b));
	assert_memory_not_equal(a, b, 32);
	assert_false(keyring_derive(k, keyring_current_id(k) + 1, "purpose a", a));
	keyring_free(k);
	scratch_remove(folder);
}

/* --- Key files that are refused, and never replaced ---------------------------------- */

#define MASTER_32 "0123456789abcdef0123456789abcdef"

static const struct file_row {
	const char *name, *file;
	const char *text; /* NULL: what was made stays */
	mode_t mode;
	enum error_kind kind;
	const char *says;
} file_rows[] = {
	{"master as it is", "keys/master", NULL, 0600, ERR_NONE, ""},
	{"master of ours", "keys/master", MASTER_32, 0600, ERR_NONE, ""},
	{"master, read only", "keys/master", MASTER_32, 0400, ERR_NONE, ""},
	{"master for the group", "keys/master", NULL, 0640, ERR_DENIED, "chmod 600"},
	{"master for all", "keys/master", NULL, 0644, ERR_DENIED, "chmod 600"},
	{"master too short", "keys/master", "0123456789abcdef0123456789abcde", 0600, ERR_SYNTAX,
	 "32"},
	{"master too long", "keys/master", MASTER_32 "\n", 0600, ERR_SYNTAX, "32"},
	{"master empty", "keys/master", "", 0600, ERR_SYNTAX, "32"},
	{"assertion key for all", "keys/assertion.pem", NULL, 0644, ERR_DENIED, "chmod 600"},
	{"assertion key empty", "keys/assertion.pem", "", 0600, ERR_SYNTAX, "P-256"},
	{"assertion key garbage", "keys/assertion.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n", 0600,
	 ERR_SYNTAX, "P-256"},
};

static void test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(file_rows); i++) {
		const struct file_row *row = &file_rows[i];
		char *folder = scratch_make();
		struct keyring *k = NULL;
		struct error err = {0};
		const char *path;
		bool ok;

		assert_true(keyring_open(folder, &k, NULL));
		keyring_free(k);
		k = NULL;
		path = scratch_path(folder, row->file);
		if (row->text)
			scratch_write(path, row->text, strlen(row->text), row->mode);
		assert_int_equal(chmod(path, row->mode), 0);
		ok = keyring_open(folder, &k, &err);
		check_i64(row->name, "opens", row->kind == ERR_NONE, ok);
		check_i64(row->name, "kind", row->kind, err.kind);
		check_contains(row->name, row->says, err.text);
		if (!ok)
			check_contains(row->name, row->file, err.file);
		check_i64(row->name, "mode", row->mode,
			  scratch_mode(scratch_path(folder, row->file)));
		keyring_free(k);
		scratch_remove(folder);
	}
	check_done();
}

static void pem_write(const char *path, EVP_PKEY *key, const char *password)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(PEM_write_PKCS8PrivateKey(file, key, password ? EVP_aes_128_cbc() : NULL,
						   password, password ? (int)strlen(password) : 0,
						   NULL, NULL),
			 1);
	assert_int_equal(fclose(file), 0);
}

static void test_other_keys_are_refused(void **state)
{
	static const char *const names[] = {"P-384", "RSA", "P-256 behind a password"};
	EVP_PKEY *keys[] = {sign_ec_key("P-384"), sign_rsa_key(2048), sign_ec_key("P-256")};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		char *folder = scratch_make();
		struct keyring *k = NULL;
		struct error err = {0};

		assert_true(keyring_open(folder, &k, NULL));
		keyring_free(k);
		pem_write(scratch_path(folder, "keys/assertion.pem"), keys[i],
			  i == 2 ? "pw" : NULL);
		CHECK(names[i], !keyring_open(folder, &k, &err));
		check_i64(names[i], "kind", ERR_SYNTAX, err.kind);
		EVP_PKEY_free(keys[i]);
		scratch_remove(folder);
	}
	check_done();
}

static void test_folder_of_others_is_refused(void **state)
{
	char *folder = scratch_make();
	struct keyring *k = NULL;
	struct error err = {0};

	(void)state;
	assert_int_equal(mkdir(scratch_path(folder, "keys"), 0700), 0);
	assert_int_equal(chmod(scratch_path(folder, "keys"), 0770), 0);
	assert_false(keyring_open(folder, &k, &err));
	assert_int_equal(err.kind, ERR_DENIED);
	assert_int_equal(access(scratch_path(folder, "keys/master"), F_OK), -1);
	scratch_remove(folder);
}

/* --- Assertions --------------------------------------------------------------------- */

static void check_assertion(struct str token, const char *claims, const struct jwks *set,
			    const char *kid)
{
	const struct jwk *key;
	struct buf text;
	struct jwt t;

	assert_true(jwt_decode(token, &t, NULL));
	check_i64(claims, "alg", JWS_ES256, t.alg);
	check_str(claims, "kid", str_from(kid), t.kid);
	check_str(claims, "typ", STR("JWT"), t.typ);
	buf_init(&text, 65536);
	json_append_value(&text, t.claims);
	check_str(claims, "claims", str_from(claims), buf_str(&text));
	key = jwks_find(set, t.kid, t.alg);
	CHECK(claims, key && jwt_verify(&t, key, NULL));
	jwt_done(&t);
	buf_done(&text);
}

static void test_assertions(void **state)
{
	static const char *const claims[] = {
		"{}",
		"{\"iss\":\"https://"
		"gate.example\",\"aud\":\"wiki\",\"sub\":\"u1\",\"exp\":1700000060}",
		"{\"sub\":\"\u00fc\"}",
	};
	char *folder = scratch_make(), *kid;
	struct keyring *k = NULL;
	struct jwks *set = NULL;

	(void)state;
	assert_true(keyring_open(folder, &k, NULL));
	assert_true(jwks_parse(keyring_public_jwks(k), &set, NULL));
	assert_int_equal(jwks_count(set), 1);
	kid = kid_of(k);
	for (size_t i = 0; i < 64 + ARRAY_LEN(claims); i++) { /* short r and s come up, too */
		const char *text = claims[i % ARRAY_LEN(claims)];
		struct buf out;

		buf_init(&out, 4096);
		buf_append_cstr(&out, "Bearer ");
		assert_true(keyring_sign_assertion(k, str_from(text), &out, NULL));
		check_assertion(str_after(buf_str(&out), 7), text, set, kid);
		buf_done(&out);
	}
	jwks_unref(set);
	keyring_free(k);
	free(kid);
	scratch_remove(folder);
	check_done();
}

struct signer {
	pthread_t thread;
	const struct keyring *keys;
	const struct jwks *set;
	unsigned held;
};

static void *signer_run(void *arg)
{
	struct signer *s = arg;

	for (int i = 0; i < 50; i++) {
		struct jwt t = {0};
		struct buf out;

		buf_init(&out, 4096);
		if (keyring_sign_assertion(s->keys, STR("{\"sub\":\"u1\"}"), &out, NULL) &&
		    jwt_decode(buf_str(&out), &t, NULL) &&
		    jwt_verify(&t, jwks_find(s->set, t.kid, t.alg), NULL))
			s->held++;
		jwt_done(&t);
		buf_done(&out);
	}
	return NULL;
}

/* Workers share the keys that sign and the keys that verify. */
static void test_many_threads(void **state)
{
	struct signer signers[4] = {0};
	char *folder = scratch_make();
	struct keyring *k = NULL;
	struct jwks *set = NULL;

	(void)state;
	assert_true(keyring_open(folder, &k, NULL));
	assert_true(jwks_parse(keyring_public_jwks(k), &set, NULL));
	for (size_t i = 0; i < ARRAY_LEN(signers); i++) {
		signers[i].keys = k;
		signers[i].set = set;
		assert_int_equal(pthread_create(&signers[i].thread, NULL, signer_run, &signers[i]),
				 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(signers); i++) {
		assert_int_equal(pthread_join(signers[i].thread, NULL), 0);
		assert_int_equal(signers[i].held, 50);
	}
	jwks_unref(set);
	keyring_free(k);
	scratch_remove(folder);
}

static void test_assertion_needs_room(void **state)
{
	char *folder = scratch_make();
	struct keyring *k = NULL;

	(void)state;
	assert_true(keyring_open(folder, &k, NULL));
	for (size_t room = 0; room < 200; room += 7) {
		struct error err = {0};
		struct buf out;

		buf_init(&out, room);
		assert_false(keyring_sign_assertion(k, STR("{\"sub\":\"u\"}"), &out, &err));
		assert_int_equal(err.kind, ERR_LIMIT);
		buf_done(&out);
	}
	keyring_free(k);
	scratch_remove(folder);
}

static void test_jwks_is_public(void **state)
{
	char *folder = scratch_make();
	struct json_doc *doc = NULL;
	struct keyring *k = NULL;
	const struct json *key;

	(void)state;
	assert_true(keyring_open(folder, &k, NULL));
	assert_true(json_parse(keyring_public_jwks(k), 4096, NULL, &doc, NULL));
	key = json_first(json_get(json_root(doc), "keys"));
	assert_null(json_get(key, "d"));
	check_str("jwks", "kty", STR("EC"), json_str(json_get(key, "kty")));
	check_str("jwks", "crv", STR("P-256"), json_str(json_get(key, "crv")));
	check_str("jwks", "use", STR("sig"), json_str(json_get(key, "use")));
	check_str("jwks", "alg", STR("ES256"), json_str(json_get(key, "alg")));
	check_i64("jwks", "members", 7, (int64_t)json_count(key));
	json_doc_free(doc);
	keyring_free(k);
	scratch_remove(folder);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_privately),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_derive),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_other_keys_are_refused),
		cmocka_unit_test(test_folder_of_others_is_refused),
		cmocka_unit_test(test_assertions),
		cmocka_unit_test(test_many_threads),
		cmocka_unit_test(test_assertion_needs_room),
		cmocka_unit_test(test_jwks_is_public),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
