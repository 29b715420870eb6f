/*
 * authn/session/session_config.h - the "sessions" section.
 */
#ifndef SALLYPORT_AUTHN_SESSION_SESSION_CONFIG_H
#define SALLYPORT_AUTHN_SESSION_SESSION_CONFIG_H

#include "config/option.h"

enum session_store_kind { SESSION_STORE_EMBEDDED };

struct session_config {
	enum session_store_kind store;
	int64_t lifetime_ms;	 /* from the login on */
	int64_t idle_timeout_ms; /* from the last request on */
	uint64_t max_bytes;	 /* of the embedded store's file */
};

extern const struct option_table session_options;

#endif
