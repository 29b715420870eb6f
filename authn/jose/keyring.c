/*
 * authn/jose/keyring.c - the key files: made once, then only read.
 *
 * A file that is there but wrong is never replaced: a new master key would sign out
 * everybody and a new assertion key break every application that pinned the old one,
 * so that is left to a person.
 */
#include "authn/jose/keyring.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "authn/jose/assertion_key.h"
#include "authn/jose/hkdf.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/random.h"
#include "base/secret.h"

enum { MASTER_SIZE = 32, KEY_FILE_MAX = 16 * 1024, KEY_FILE_MODE = 0600 };

struct keyring {
	unsigned char root[HKDF_PRK_SIZE]; /* extracted from the master key */
	uint32_t id;
	struct assertion_key *assertion;
};

/* --- The files ---------------------------------------------------------------------- */

typedef bool key_make(struct buf *b, struct error *err);

static bool master_make(struct buf *b, struct error *err)
{
	unsigned char master[MASTER_SIZE];

	random_bytes(master, sizeof(master));
	buf_append(b, str_from_len((char *)master, sizeof(master)));
	secret_wipe(master, sizeof(master));
	if (buf_failed(b))
		return error_set(err, ERR_NOMEM, "out of memory for a key");
	return true;
}

static bool path_join(const char *folder, const char *name, char out[PATH_MAX], struct error *err)
{
	int len = snprintf(out, PATH_MAX, "%s/%s", folder, name);

	if (len < 0 || len >= PATH_MAX)
		return error_set(err, ERR_LIMIT, "the path of the state directory is too long");
	return true;
}

/* Any failure but "not there" is left to the reading that follows. */
static bool file_is_missing(const char *path)
{
	struct stat status;

	return lstat(path, &status) != 0 && errno == ENOENT;
}

static bool key_file_make(const char *path, key_make *make, struct error *err)
{
	struct buf b;
	bool ok;

	buf_init(&b, KEY_FILE_MAX);
	ok = make(&b, err) && file_write_atomic(path, buf_str(&b), KEY_FILE_MODE, err);
	buf_wipe(&b);
	return ok;
}

/* Read a key file into b, making it first when it is missing. */
static bool key_file_load(const char *folder, const char *name, key_make *make, struct buf *b,
			  char path[PATH_MAX], struct error *err)
{
	if (!path_join(folder, name, path, err))
		return false;
	if (file_is_missing(path) && !key_file_make(path, make, err))
		return false;
	return file_read_secret(path, KEY_FILE_MAX, b, err);
}

/* Whoever may write into the folder can put keys of their own there. */
static bool folder_check(const char *folder, struct error *err)
{
	struct stat status;

	if (stat(folder, &status) != 0)
		return error_set_errno(err, errno, "cannot look at the key folder");
	if (status.st_mode & (S_IRWXG | S_IRWXO))
		return error_set(err, ERR_DENIED, "others may use this key folder: chmod 700 it");
	return true;
}

/* --- The keys ----------------------------------------------------------------------- */

static bool master_load(struct keyring *k, const char *folder, struct error *err)
{
	unsigned char id[sizeof(k->id)];
	char path[PATH_MAX] = "";
	struct buf master;
	bool ok = false;

	buf_init(&master, KEY_FILE_MAX);
	if (!key_file_load(folder, "master", master_make, &master, path, err))
		goto out;
	if (master.len != MASTER_SIZE) {
		error_set(err, ERR_SYNTAX, "a master key has %d bytes, not %zu", MASTER_SIZE,
			  master.len);
		goto out;
	}
	ok = hkdf_extract(STR("sallyport"), buf_str(&master), k->root) &&
	     hkdf_expand(k->root, STR("key id"), id, sizeof(id));
	if (!ok)
		error_set(err, ERR_NOMEM, "out of memory for a key");
	for (size_t i = 0; ok && i < sizeof(id); i++)
		k->id = k->id << 8 | id[i];
out:
	if (!ok)
		error_at_file(err, path);
	buf_wipe(&master);
	return ok;
}

static bool assertion_load(struct keyring *k, const char *folder, struct error *err)
{
	char path[PATH_MAX] = "";
	struct buf pem;
	bool ok;

	buf_init(&pem, KEY_FILE_MAX);
	ok = key_file_load(folder, "assertion.pem", assertion_key_generate, &pem, path, err) &&
	     assertion_key_new(buf_str(&pem), &k->assertion, err);
	if (!ok)
		error_at_file(err, path);
	buf_wipe(&pem);
	return ok;
}

bool keyring_open(const char *state_directory, struct keyring **ret, struct error *err)
{
	struct keyring *k = NULL;
	char folder[PATH_MAX];

	if (!path_join(state_directory, "keys", folder, err))
		return false;
	if (!file_make_directory(folder, err) || !folder_check(folder, err)) {
		error_at_file(err, folder);
		return false;
	}
	k = calloc(1, sizeof(*k));
	if (!k)
		return error_set(err, ERR_NOMEM, "out of memory for the keys");
	if (!master_load(k, folder, err) || !assertion_load(k, folder, err)) {
		keyring_free(k);
		return false;
	}
	*ret = k;
	return true;
}

void keyring_free(struct keyring *k)
{
	if (!k)
		return;
	assertion_key_free(k->assertion);
	secret_wipe(k, sizeof(*k));
	free(k);
}

struct str keyring_public_jwks(const struct keyring *k)
{
	return assertion_key_jwks(k->assertion);
}

uint32_t keyring_current_id(const struct keyring *k)
{
	return k->id;
}

bool keyring_derive(const struct keyring *k, uint32_t id, const char *label, unsigned char out[32])
{
	return id == k->id && hkdf_expand(k->root, str_from(label), out, 32);
}

bool keyring_sign_assertion(const struct keyring *k, struct str claims, struct buf *out,
			    struct error *err)
{
	return assertion_key_sign(k->assertion, claims, out, err);
}
