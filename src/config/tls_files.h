/*
 * config/tls_files.h - certificates and keys that a configuration names, looked at before
 * anything depends on them.
 *
 * Here and not beside the listeners, because providers and upstreams name authorities too.
 */
#ifndef SALLYPORT_CONFIG_TLS_FILES_H
#define SALLYPORT_CONFIG_TLS_FILES_H

#include "config/option.h"

/*
 * Do a certificate chain and its private key belong together?
 *
 *   chain        PEM, leaf first, each certificate issued by the next
 *   key          PEM, not encrypted, private to its owner
 *   ret_ends_s   when the leaf ends, in seconds since 1970
 *   err          what to mend: ERR_NOT_FOUND, ERR_IO, ERR_DENIED (readable by others), ERR_SYNTAX
 */
MUST_CHECK bool tls_check_certificate(const char *chain, const char *key, int64_t *ret_ends_s,
				      struct error *err);

/* Is there at least one certificate in a PEM file, and nothing that cannot be read? */
MUST_CHECK bool tls_check_authorities(const char *path, struct error *err);

/* The latter as a fault at an option that holds a path; an empty path is fine. */
void tls_check_authorities_option(struct option_reader *r, const char *key, struct str path);

#endif
