/*
 * upstream/upstream_config.h - an entry of the "upstreams" section.
 */
#ifndef SALLYPORT_UPSTREAM_UPSTREAM_CONFIG_H
#define SALLYPORT_UPSTREAM_UPSTREAM_CONFIG_H

#include "base/ip.h"
#include "config/option.h"

enum { UPSTREAM_MAX_ADDRESSES = 8 };

struct upstream_server_config {
	struct str url; /* "http://127.0.0.1:3000", "https://host", "unix:/path" */
	bool is_https;
	struct str host;      /* of the URL, for SNI and verification */
	struct str authority; /* host[:port], for the Host field and the log */
	/* resolved when the configuration is loaded, and again on a reload */
	struct endpoint addresses[UPSTREAM_MAX_ADDRESSES];
	size_t addresses_count;
};

enum upstream_host { UPSTREAM_HOST_PRESERVE, UPSTREAM_HOST_UPSTREAM };

struct upstream_config {
	struct str name;
	struct object_list servers; /* struct upstream_server_config, at least one */
	bool insecure;		    /* plain http beyond loopback is meant */
	struct str authorities;	    /* PEM for https servers; empty: the system's */
	struct str server_name;	    /* verified and sent as SNI instead of the URL's host */
	int host;		    /* which Host the application gets: enum upstream_host */
	int64_t connect_timeout_ms;
	int64_t response_timeout_ms;   /* request sent to response head */
	int64_t idle_timeout_ms;       /* longest pause within a body */
	int64_t keepalive_ms;	       /* how long an unused connection is kept */
	int64_t keepalive_connections; /* unused ones kept, per worker and server */
	int64_t max_connections;       /* per worker and server */
};

extern const struct option_table upstream_options;

#endif
