/*
 * base/digest.c - SHA-256 through OpenSSL, and SipHash for tables.
 *
 * OpenSSL 3 looks an algorithm up by name at each call of its one-shot functions, which
 * takes longer than hashing a session id; it is fetched once here. The table hash is
 * SipHash-1-3 (Aumasson and Bernstein, with one round per word and three at the end,
 * as the hash tables of several languages use it): short keys cost some twenty
 * nanoseconds, and who does not know the seed cannot aim at one bucket.
 */
#include "base/digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include "base/encode.h"
#include "base/random.h"

static EVP_MD *sha256_algorithm;
static uint64_t seed[2];

static void fetch_sha256(void)
{
	sha256_algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
}

/* Before main, so that no thread ever sees a table hashed with two seeds. */
static __attribute__((constructor)) void make_seed(void)
{
	random_bytes(seed, sizeof(seed));
}

void sha256(struct str data, unsigned char out[SHA256_SIZE])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	unsigned len = 0;

	ASSERT(pthread_once(&once, fetch_sha256) == 0);
	/* A digest that was not computed would make all inputs equal. */
	ASSERT(sha256_algorithm &&
	       EVP_Digest(data.ptr, data.len, out, &len, sha256_algorithm, NULL));
	ASSERT(len == SHA256_SIZE);
}

void sha256_base64url(struct str data, char out[44])
{
	unsigned char digest[SHA256_SIZE];

	sha256(data, digest);
	base64url_encode(digest, sizeof(digest), out);
}

struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 = rotate(s->v2, 32);
}

static void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

uint64_t table_hash(struct str data)
{
	struct sip s = {
		seed[0] ^ 0x736f6d6570736575,
		seed[1] ^ 0x646f72616e646f6d,
		seed[0] ^ 0x6c7967656e657261,
		seed[1] ^ 0x7465646279746573,
	};
	uint64_t word;
	size_t left = data.len;

	for (; left >= sizeof(word); left -= sizeof(word)) {
		memcpy(&word, data.ptr + (data.len - left), sizeof(word));
		sip_word(&s, word);
	}
	word = 0;
	if (left > 0)
		memcpy(&word, data.ptr + (data.len - left), left);
	/* At most seven bytes are left: the length goes where none of them can be. */
	sip_word(&s, word ^ (uint64_t)data.len << 56);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
