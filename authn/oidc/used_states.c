/*
 * authn/oidc/used_states.c - a ring of hashes, and chains into it for finding one.
 */
#include "authn/oidc/used_states.h"

#include <stdlib.h>
#include <string.h>

#define NOWHERE UINT16_MAX
_Static_assert(USED_STATES_MAX < NOWHERE, "an index fits in 16 bits");

struct used_state {
	unsigned char hash[SHA256_SIZE];
	uint16_t next; /* of its chain */
};

struct used_states {
	struct used_state ring[USED_STATES_MAX];
	size_t count; /* ever added; the next goes to count % USED_STATES_MAX */
	uint16_t chains[USED_STATES_MAX];
};

/* A SHA-256 is as even as it gets. */
static uint16_t *chain_of(struct used_states *u, const unsigned char hash[SHA256_SIZE])
{
	return &u->chains[(hash[0] | (size_t)hash[1] << 8) % USED_STATES_MAX];
}

static void forget(struct used_states *u, uint16_t at)
{
	uint16_t *link = chain_of(u, u->ring[at].hash);

	while (*link != at)
		link = &u->ring[*link].next;
	*link = u->ring[at].next;
}

struct used_states *used_states_new(void)
{
	struct used_states *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	for (size_t i = 0; i < USED_STATES_MAX; i++)
		u->chains[i] = NOWHERE;
	return u;
}

void used_states_free(struct used_states *u)
{
	free(u);
}

bool used_states_add(struct used_states *u, struct str state)
{
	uint16_t at = (uint16_t)(u->count % USED_STATES_MAX);
	unsigned char hash[SHA256_SIZE];
	uint16_t *chain;

	sha256(state, hash);
	chain = chain_of(u, hash);
	for (uint16_t i = *chain; i != NOWHERE; i = u->ring[i].next)
		if (memcmp(u->ring[i].hash, hash, sizeof(hash)) == 0)
			return false;
	if (u->count >= USED_STATES_MAX)
		forget(u, at);
	memcpy(u->ring[at].hash, hash, sizeof(hash));
	u->ring[at].next = *chain; /* read behind forget(): it may have changed it */
	*chain = at;
	u->count++;
	return true;
}
