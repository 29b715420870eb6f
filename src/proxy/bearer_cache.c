/*
 * proxy/bearer_cache.c - a direct-mapped table: an entry is replaced by the next token
 * that falls on its place.
 */
#include "proxy/bearer_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/secret.h"

struct entry {
	unsigned char key[SHA256_SIZE];
	struct identity *identity;	/* one reference; NULL: free */
	int64_t until_s;
};

struct bearer_cache {
	struct entry entries[BEARER_CACHE_ENTRIES];
};

struct bearer_cache *bearer_cache_new(void)
{
	return calloc(1, sizeof(struct bearer_cache));
}

static void entry_done(struct entry *e)
{
	identity_unref(e->identity);
	secret_wipe(e, sizeof(*e));
}

void bearer_cache_free(struct bearer_cache *c)
{
	for (size_t i = 0; c && i < BEARER_CACHE_ENTRIES; i++)
		entry_done(&c->entries[i]);
	free(c);
}

/* Hash of the hashes, so that no pair of provider and token reads as another pair. */
static void make_key(struct str provider, struct str token, unsigned char key[SHA256_SIZE])
{
	unsigned char both[2 * SHA256_SIZE];

	sha256(provider, both);
	sha256(token, both + SHA256_SIZE);
	sha256(str_from_len((const char *)both, sizeof(both)), key);
}

static struct entry *place_of(struct bearer_cache *c, const unsigned char key[SHA256_SIZE])
{
	size_t place = (size_t)key[0] << 8 | key[1];

	return &c->entries[place % BEARER_CACHE_ENTRIES];
}

struct identity *bearer_cache_find(struct bearer_cache *c, struct str provider, struct str token)
{
	unsigned char key[SHA256_SIZE];
	struct entry *e;

	make_key(provider, token, key);
	e = place_of(c, key);
	if (!e->identity || memcmp(e->key, key, sizeof(key)) != 0)
		return NULL;
	if (clock_wall_s() >= e->until_s) {
		entry_done(e);
		return NULL;
	}
	return identity_ref(e->identity);
}

void bearer_cache_keep(struct bearer_cache *c, struct str provider, struct str token,
		       struct identity *identity, int64_t valid_until_s)
{
	int64_t until_s = clock_wall_s() + BEARER_CACHE_S;
	unsigned char key[SHA256_SIZE];
	struct entry *e;

	make_key(provider, token, key);
	e = place_of(c, key);
	entry_done(e);
	memcpy(e->key, key, sizeof(key));
	e->identity = identity_ref(identity);
	e->until_s = valid_until_s < until_s ? valid_until_s : until_s;
}
