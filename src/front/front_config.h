/*
 * front/front_config.h - the "server", "listeners" and "admin" sections.
 */
#ifndef SALLYPORT_FRONT_FRONT_CONFIG_H
#define SALLYPORT_FRONT_FRONT_CONFIG_H

#include "base/ip.h"
#include "config/option.h"

struct server_config {
	unsigned workers; /* of "auto" or a number */
	struct str state_directory;
	struct ip_prefix_list trusted_proxies;
	int64_t drain_timeout_ms; /* SIGTERM: how long running exchanges may take */
	int64_t max_connections;  /* of the process, all listeners */
};

/* Deadlines of a listener's connections: "timeouts". */
struct front_timeouts {
	int64_t handshake_ms; /* accept to end of TLS handshake */
	int64_t head_ms;      /* first byte expected to complete request head */
	int64_t body_ms;      /* longest pause in a request body or in a response */
	int64_t idle_ms;      /* between requests */
};

enum client_certificate_mode { CLIENT_CERT_NONE, CLIENT_CERT_OPTIONAL, CLIENT_CERT_REQUIRED };

struct certificate_config {
	struct str chain; /* PEM, leaf first */
	struct str key;	  /* PEM, private: refused when others can read it */
};

struct client_certificate_config {
	int mode;		/* enum client_certificate_mode */
	struct str authorities; /* PEM; needed unless mode is none */
};

enum tls_version { TLS_1_2, TLS_1_3 };

struct tls_config {
	struct object_list certificates; /* struct certificate_config, at least one */
	struct client_certificate_config client_certificate;
	int min_version; /* enum tls_version */
};

struct listener_config {
	struct str name;
	struct str address; /* as written */
	struct endpoint endpoint;
	bool has_tls;
	struct tls_config tls;
	bool redirect_to_https;
	struct str redirect_port; /* of the first TLS listener; set by listeners_check() */
	bool insecure;		  /* plain HTTP beyond loopback is meant */
	struct front_timeouts timeouts;
};

struct admin_config {
	struct str address; /* empty: no admin address */
	struct endpoint endpoint;
	bool insecure; /* an address beyond loopback is meant */
};

extern const struct option_table server_options;
extern const struct option_table listener_options;
extern const struct option_table admin_options;

/*
 * Faults among listeners: names and addresses used once, a TLS listener to redirect to.
 * Sets the redirect ports. The reader's walk is at the list.
 */
void listeners_check(struct option_reader *r, struct object_list *listeners);

#endif
