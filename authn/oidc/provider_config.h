/*
 * authn/oidc/provider_config.h - an entry of the "identity_providers" section.
 */
#ifndef SALLYPORT_AUTHN_OIDC_PROVIDER_CONFIG_H
#define SALLYPORT_AUTHN_OIDC_PROVIDER_CONFIG_H

#include "base/secret.h"
#include "config/option.h"

enum provider_type { PROVIDER_OIDC };
enum provider_client_authentication {
	CLIENT_AUTH_AUTO, /* basic, unless discovery offers only post */
	CLIENT_AUTH_BASIC,
	CLIENT_AUTH_POST,
};
enum provider_userinfo { USERINFO_AUTO, USERINFO_ALWAYS, USERINFO_NEVER };

/* "claims": {"groups": {"claim": "realm_access/roles", "absent": "empty"}} */
struct provider_claim {
	struct str name;  /* the name policies and headers use; only "groups" may be moved */
	struct str claim; /* where the provider puts it; the name itself by default */
	bool absent_is_empty;
};

struct provider_config {
	struct str name;
	int type;	   /* enum provider_type */
	struct str issuer; /* exact, as in tokens */
	struct str client_id;
	struct secret client_secret;
	int client_authentication; /* enum provider_client_authentication */
	struct str_list scopes;	   /* contains "openid" */
	struct str_list audiences; /* accepted in bearer tokens; the client_id when empty */
	struct int_list signing_algorithms; /* enum jws_alg; all four when empty */
	int userinfo;			    /* enum provider_userinfo */
	struct str authorities; /* PEM to trust for the provider's TLS; empty: the system's */
	bool insecure;		/* http beyond loopback is meant */
	int64_t timeout_ms;	/* of one call */
	int64_t clock_leeway_ms;
	int64_t login_timeout_ms; /* how long a person may take at the provider */
	struct provider_claim *claims;
	size_t claims_count;
};

extern const struct option_table provider_options;
/* The claim path that holds groups. */
struct str provider_groups_claim(const struct provider_config *p);

#endif
