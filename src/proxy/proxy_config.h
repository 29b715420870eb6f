/*
 * proxy/proxy_config.h - the "routes" and "log" sections.
 */
#ifndef SALLYPORT_PROXY_PROXY_CONFIG_H
#define SALLYPORT_PROXY_PROXY_CONFIG_H

#include "authn/identity.h"
#include "config/option.h"

struct route_match_config {
	struct str_list hosts; /* exact or "*.example.com"; lower case, no trailing dot */
	struct str path;       /* starts with '/'; "/" by default */
};

struct route_authenticate_config {
	struct int_list methods; /* enum authn_method, in the order tried; "none" stands alone */
	struct str provider;	 /* needed by session and bearer */
};

struct route_config {
	struct str name;
	struct route_match_config match;
	struct route_authenticate_config authenticate;
	struct str policy;
	struct str upstream;
	struct str_map identity_headers; /* header name -> claim */
	uint64_t max_body_bytes;	 /* of a request; 0: no limit */
};

struct log_access_config {
	struct str to; /* "stdout", "stderr", "off" or a path */
};
struct log_decisions_config {
	struct str to; /* "off" (the default) or a path */
};
struct log_config {
	struct log_access_config access;
	struct log_decisions_config decisions;
	int level; /* of the operator's log: enum log_level */
};

extern const struct option_table route_options;
extern const struct option_table log_options;

bool route_has_method(const struct route_config *route, enum authn_method method);
bool route_needs_provider(const struct route_config *route); /* session or bearer is a method */

#endif
