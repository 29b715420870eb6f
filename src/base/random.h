/*
 * base/random.h - unpredictable bytes from the kernel (getrandom).
 */
#ifndef SALLYPORT_BASE_RANDOM_H
#define SALLYPORT_BASE_RANDOM_H

#include "base/base.h"

/*
 * Fill out with len bytes fit for keys. Never fails short: a kernel that cannot give
 * them ends the process, because every use is a secret.
 */
void random_bytes(void *out, size_t len);

#endif
