/*
 * base/secret.c - values that must not be seen.
 */
#include "base/secret.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

bool secret_set(struct secret *s, struct str value)
{
	unsigned char *copy;

	if (value.len == SIZE_MAX)
		return false;
	copy = malloc(value.len + 1);
	if (!copy)
		return false;
	if (value.len > 0)
		memcpy(copy, value.ptr, value.len);
	copy[value.len] = '\0';
	secret_done(s); /* after the copy: value may be a part of s itself */
	*s = (struct secret){copy, value.len};
	return true;
}

void secret_done(struct secret *s)
{
	secret_wipe(s->ptr, s->len);
	free(s->ptr);
	*s = (struct secret){NULL, 0};
}

struct str secret_str(const struct secret *s)
{
	return str_from_len((const char *)s->ptr, s->len);
}

bool secret_is_set(const struct secret *s)
{
	return s->ptr != NULL;
}

bool secret_equal(struct str a, struct str b)
{
	/* Two missing values must not let anybody in. */
	if (a.len == 0 || a.len != b.len)
		return false;
	return CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0;
}

void secret_wipe(void *ptr, size_t len)
{
	if (ptr && len > 0)
		OPENSSL_cleanse(ptr, len);
}
