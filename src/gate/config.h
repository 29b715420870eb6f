/*
 * gate/config.h - the whole configuration: read, checked and cross-checked.
 *
 * A gate_config never changes once loaded. It is the plain data that the running
 * parts are built from (gate/snapshot).
 */
#ifndef SALLYPORT_GATE_CONFIG_H
#define SALLYPORT_GATE_CONFIG_H

#include "authn/oidc/provider_config.h"
#include "authn/session/session_config.h"
#include "front/front_config.h"
#include "policy/policy.h"
#include "proxy/proxy_config.h"
#include "upstream/upstream_config.h"

enum { CONFIG_MAX_BYTES = 16 * 1024 * 1024 };

struct gate_config {
	struct arena *arena;
	struct server_config server;
	struct object_list listeners; /* struct listener_config */
	struct admin_config admin;
	bool has_admin;
	struct object_list providers; /* struct provider_config */
	struct session_config sessions;
	struct object_list upstreams; /* struct upstream_config */
	struct object_list routes;    /* struct route_config */
	struct str policies_folder;
	struct log_config log;
	struct policy_set *policies; /* loaded, their tests passed */
	char hash[17];		     /* 16 hex digits of SHA-256 of the file */
};

/*
 * Read a configuration file and the policies it names; run the policies' tests. All
 * faults of all files are in faults, warnings too. False when there is an error.
 *
 * Cross-checks: names used once; a route's policy, upstream and provider exist;
 * http beyond loopback only with "insecure"; certificates and keys readable, matching
 * and private; two routes with the same host and path; upstream that is a listener of
 * ours; what is defined but never used (warning).
 */
MUST_CHECK bool gate_config_load(const char *path, struct faults *faults, struct gate_config **ret);
void gate_config_free(struct gate_config *c); /* wipes secrets; NULL is fine */

extern const struct option_table gate_options; /* the root: for the schema and the reference */

#endif
