/*
 * base/random.c - unpredictable bytes from the kernel.
 */
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

void random_bytes(void *out, size_t len)
{
	unsigned char *at = out;

	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		ASSERT(got > 0); /* going on without randomness would hand out guessable secrets */
		at += got;
		len -= (size_t)got;
	}
}
