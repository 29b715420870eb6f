/*
 * base/secret.h - values that must not be seen.
 *
 * A struct secret owns its bytes; secret_done() overwrites them. No function prints
 * one.
 */
#ifndef SALLYPORT_BASE_SECRET_H
#define SALLYPORT_BASE_SECRET_H

#include "base/base.h"
#include "base/str.h"

struct secret {
	unsigned char *ptr;	/* followed by a NUL that does not count; NULL when unset */
	size_t len;
};

MUST_CHECK bool secret_set(struct secret *s, struct str value);	/* copies; false: no memory */
void secret_done(struct secret *s);			/* wipes and frees; s is unset */
struct str secret_str(const struct secret *s);		/* borrowed */
bool secret_is_set(const struct secret *s);

/*
 * Equal bytes, in time that depends on the lengths alone. An unset or empty value
 * never equals anything, not even another one.
 */
bool secret_equal(struct str a, struct str b);
void secret_wipe(void *ptr, size_t len);		/* not removed by the compiler */

#endif
