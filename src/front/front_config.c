/*
 * front/front_config.c - the options of "server", "listeners" and "admin", and what must
 * hold among them.
 *
 * The surprise here: a listener that only redirects to https may stand on any address
 * without "insecure", since it serves nothing that could be read or changed on the way.
 */
#include "front/front_config.h"

#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/option_values.h"
#include "config/tls_files.h"

enum { MAX_WORKERS = 256 };

#define SECOND INT64_C(1000)
#define HOUR   (INT64_C(3600) * SECOND)

/* --- server */

/* The CPUs this process may use, which in a container are often fewer than the machine has. */
static unsigned cpus_allowed(void)
{
	cpu_set_t set;
	long count;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		count = CPU_COUNT(&set);
	else
		count = sysconf(_SC_NPROCESSORS_ONLN); /* more of them than a cpu_set_t holds */
	return count < 1 ? 1 : count > MAX_WORKERS ? MAX_WORKERS : (unsigned)count;
}

static bool read_workers(struct option_reader *r, const struct json *value, void *field)
{
	char found[OPTION_FOUND_SIZE];
	int64_t number;

	if (json_is(value, JSON_STRING) && str_equal(json_str(value), STR("auto"))) {
		*(unsigned *)field = cpus_allowed();
		return true;
	}
	if (json_i64(value, &number) && number >= 1 && number <= MAX_WORKERS) {
		*(unsigned *)field = (unsigned)number;
		return true;
	}
	option_fault(r, NULL, "must be \"auto\" or a whole number within 1 and %d, found %s",
		     MAX_WORKERS, option_found(value, found));
	return false;
}

/* To trust every peer is to let anybody choose the address that policies judge. */
static void server_check(struct option_reader *r, void *object)
{
	const struct server_config *server = object;
	size_t mark = option_enter(r, STR("trusted_proxies"));

	for (size_t i = 0; i < server->trusted_proxies.count; i++) {
		size_t entry = option_enter_index(r, i);

		if (server->trusted_proxies.items[i].bits == 0)
			option_fault(r, NULL,
				     "trusts every peer there is: name the proxies that stand in "
				     "front");
		option_leave(r, entry);
	}
	option_leave(r, mark);
}

static const struct option server_rows[] = {
	{.key = "workers",
	 .type = OPTION_CUSTOM,
	 .offset = offsetof(struct server_config, workers),
	 .read = read_workers,
	 .standard = "\"auto\"",
	 .form = "{\"oneOf\":[{\"const\":\"auto\"},{\"type\":\"integer\",\"minimum\":1,\"maximum\":"
		 "256}]}",
	 .help = "Worker threads: a whole number up to 256, or \"auto\" for as many as the process "
		 "may use processors. Workers share nothing while they serve, so more than that "
		 "only costs memory."},
	{.key = "state_directory",
	 .type = OPTION_PATH,
	 .offset = offsetof(struct server_config, state_directory),
	 .standard = "\"state\"",
	 .help = "Where sessions and signing keys are kept. It is made (mode 0700) when it is "
		 "missing, and must survive a restart if sessions are to."},
	{.key = "trusted_proxies",
	 .type = OPTION_PREFIXES,
	 .max = 1024,
	 .offset = offsetof(struct server_config, trusted_proxies),
	 .standard = "[]",
	 .help = "Addresses and networks of proxies in front of the gate. From these peers alone "
		 "are X-Forwarded-For and its like believed; a network that holds every address is "
		 "refused."},
	{.key = "drain_timeout",
	 .type = OPTION_DURATION,
	 .min = 0,
	 .max = HOUR,
	 .offset = offsetof(struct server_config, drain_timeout_ms),
	 .standard = "\"30s\"",
	 .help = "How long running exchanges may take once the gate was told to end. It should be "
		 "a little less than what the service manager grants before it kills."},
	{.key = "max_connections",
	 .type = OPTION_INTEGER,
	 .min = 1,
	 .max = 1000000,
	 .offset = offsetof(struct server_config, max_connections),
	 .standard = "10000",
	 .help = "Client connections of all listeners together: bounds memory and descriptors, so "
		 "that a flood cannot use them up."},
};

const struct option_table server_options = {
	.name = "server",
	.options = server_rows,
	.count = ARRAY_LEN(server_rows),
	.size = sizeof(struct server_config),
	.check = server_check,
};

/* --- listeners: TLS */

static void certificate_check(struct option_reader *r, void *object)
{
	const struct certificate_config *certificate = object;
	struct error err = {0};
	int64_t ends_s = 0;

	if (str_is_empty(certificate->chain) || str_is_empty(certificate->key))
		return;
	if (!tls_check_certificate(certificate->chain.ptr, certificate->key.ptr, &ends_s, &err))
		option_fault(r, err.kind == ERR_DENIED ? "key" : NULL, "%s", err.text);
	else if (ends_s < (int64_t)time(NULL))
		option_warn(r, "chain", "%s has expired", certificate->chain.ptr);
}

static const struct option certificate_rows[] = {
	{.key = "chain",
	 .type = OPTION_PATH,
	 .offset = offsetof(struct certificate_config, chain),
	 .required = true,
	 .help = "File of the certificate and those that issued it (PEM, the certificate itself "
		 "first)."},
	{.key = "key",
	 .type = OPTION_PATH,
	 .offset = offsetof(struct certificate_config, key),
	 .required = true,
	 .help = "File of the private key (PEM, not encrypted). It is refused when others can read "
		 "it: chmod 600."},
};

static const struct option_table certificate_options = {
	.name = "certificate",
	.options = certificate_rows,
	.count = ARRAY_LEN(certificate_rows),
	.size = sizeof(struct certificate_config),
	.check = certificate_check,
};

static void client_certificate_check(struct option_reader *r, void *object)
{
	const struct client_certificate_config *client = object;

	tls_check_authorities_option(r, "authorities", client->authorities);
	if (client->mode != CLIENT_CERT_NONE && str_is_empty(client->authorities))
		option_fault(r, NULL,
			     "\"authorities\" is missing: nothing says whose certificates are "
			     "good");
	if (client->mode == CLIENT_CERT_NONE && !str_is_empty(client->authorities))
		option_warn(r, "authorities", "has no effect while \"mode\" is \"none\"");
}

static const char *const client_certificate_modes[] = {"none", "optional", "required", NULL};

static const struct option client_certificate_rows[] = {
	{.key = "mode",
	 .type = OPTION_ENUM,
	 .words = client_certificate_modes,
	 .offset = offsetof(struct client_certificate_config, mode),
	 .standard = "\"none\"",
	 .help = "Whether clients are asked for a certificate: \"optional\" also serves those "
		 "without one, \"required\" ends their handshake."},
	{.key = "authorities",
	 .type = OPTION_PATH,
	 .offset = offsetof(struct client_certificate_config, authorities),
	 .help = "File of the certificate authorities whose clients are accepted (PEM). Needed "
		 "unless mode is \"none\"; the system's own are never used for it."},
};

static const struct option_table client_certificate_options = {
	.name = "client_certificate",
	.options = client_certificate_rows,
	.count = ARRAY_LEN(client_certificate_rows),
	.size = sizeof(struct client_certificate_config),
	.check = client_certificate_check,
};

static const char *const tls_versions[] = {"1.2", "1.3", NULL};

static const struct option tls_rows[] = {
	{.key = "certificates",
	 .type = OPTION_OBJECTS,
	 .required = true,
	 .min = 1,
	 .max = 64,
	 .offset = offsetof(struct tls_config, certificates),
	 .table = &certificate_options,
	 .help = "The certificates to choose from by the name that the client asks for; the first "
		 "also serves clients that ask for none of them."},
	{.key = "client_certificate",
	 .type = OPTION_OBJECT,
	 .offset = offsetof(struct tls_config, client_certificate),
	 .table = &client_certificate_options,
	 .help = "Certificates of clients (mutual TLS)."},
	{.key = "min_version",
	 .type = OPTION_ENUM,
	 .words = tls_versions,
	 .offset = offsetof(struct tls_config, min_version),
	 .standard = "\"1.2\"",
	 .help = "The oldest TLS version spoken. Older ones than 1.2 are broken and not on offer."},
};

static const struct option_table tls_options = {
	.name = "tls",
	.options = tls_rows,
	.count = ARRAY_LEN(tls_rows),
	.size = sizeof(struct tls_config),
};

/* --- listeners: timeouts */

static const struct option timeout_rows[] = {
	{.key = "handshake",
	 .type = OPTION_DURATION,
	 .min = SECOND,
	 .max = HOUR,
	 .offset = offsetof(struct front_timeouts, handshake_ms),
	 .standard = "\"10s\"",
	 .help = "From the connection to the end of its TLS handshake."},
	{.key = "head",
	 .type = OPTION_DURATION,
	 .min = SECOND,
	 .max = HOUR,
	 .offset = offsetof(struct front_timeouts, head_ms),
	 .standard = "\"10s\"",
	 .help = "For a whole request head, however slowly its bytes come: what ends a slowloris."},
	{.key = "body",
	 .type = OPTION_DURATION,
	 .min = SECOND,
	 .max = HOUR,
	 .offset = offsetof(struct front_timeouts, body_ms),
	 .standard = "\"30s\"",
	 .help = "The longest pause within a request body, or in the client's reading of a "
		 "response. It bounds pauses only: long uploads and downloads pass."},
	{.key = "idle",
	 .type = OPTION_DURATION,
	 .min = SECOND,
	 .max = HOUR,
	 .offset = offsetof(struct front_timeouts, idle_ms),
	 .standard = "\"75s\"",
	 .help = "Between requests of a connection. Longer than what most load balancers in front "
		 "wait, so that it is they who close."},
};

static const struct option_table timeout_options = {
	.name = "timeouts",
	.options = timeout_rows,
	.count = ARRAY_LEN(timeout_rows),
	.size = sizeof(struct front_timeouts),
};

/* --- listeners */

static uint16_t endpoint_port(const struct endpoint *e)
{
	if (e->addr.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)(const void *)&e->addr)->sin_port);
	if (e->addr.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)&e->addr)->sin6_port);
	return 0;
}

static bool read_address(struct option_reader *r, struct str written, struct endpoint *ret)
{
	if (str_is_empty(written) || !option_parse_endpoint(r, "address", written, ret))
		return false;
	if (endpoint_port(ret) != 0)
		return true;
	option_fault(r, "address",
		     ret->addr.ss_family == AF_UNIX
			     ? "must be an IP address and a port: listeners do not serve sockets of "
			       "the file system"
			     : "port 0 is no port that clients could know");
	return false;
}

static void listener_check(struct option_reader *r, void *object)
{
	struct listener_config *listener = object;
	bool has_address = read_address(r, listener->address, &listener->endpoint);

	if (listener->has_tls && listener->redirect_to_https)
		option_fault(r, "redirect_to_https",
			     "this listener speaks TLS itself; a redirect needs a listener without "
			     "\"tls\"");
	if (listener->insecure && (listener->has_tls || listener->redirect_to_https))
		option_warn(r, "insecure", "has no effect %s",
			    listener->has_tls ? "beside \"tls\""
					      : "where every request is redirected");
	if (has_address && !listener->has_tls && !listener->redirect_to_https &&
	    !listener->insecure && !endpoint_is_loopback(&listener->endpoint))
		option_fault(
			r, "address",
			"%.*s is no loopback address, and plain HTTP can be read and changed on "
			"its way: give the listener \"tls\", or say \"insecure\": true",
			STR_ARG(listener->address));
}

static const struct option listener_rows[] = {
	{.key = "name",
	 .type = OPTION_NAME,
	 .offset = offsetof(struct listener_config, name),
	 .required = true,
	 .help = "What logs and errors call this listener."},
	{.key = "address",
	 .type = OPTION_STRING,
	 .offset = offsetof(struct listener_config, address),
	 .required = true,
	 .help = "Where to listen: \"127.0.0.1:8443\", \"[::1]:8443\" or \"0.0.0.0:443\"."},
	{.key = "tls",
	 .type = OPTION_OBJECT,
	 .offset = offsetof(struct listener_config, tls),
	 .present = offsetof(struct listener_config, has_tls),
	 .table = &tls_options,
	 .help = "Speak TLS. Without it the listener speaks plain HTTP, which is accepted on a "
		 "loopback address, with \"redirect_to_https\", or with \"insecure\"."},
	{.key = "redirect_to_https",
	 .type = OPTION_BOOL,
	 .offset = offsetof(struct listener_config, redirect_to_https),
	 .standard = "false",
	 .help = "Answer every request with a redirect to the first TLS listener and serve nothing "
		 "else."},
	{.key = "insecure",
	 .type = OPTION_BOOL,
	 .offset = offsetof(struct listener_config, insecure),
	 .standard = "false",
	 .help = "Plain HTTP beyond loopback is meant: something in front ends TLS, and nobody "
		 "else reaches this address."},
	{.key = "timeouts",
	 .type = OPTION_OBJECT,
	 .offset = offsetof(struct listener_config, timeouts),
	 .table = &timeout_options,
	 .help = "How long the clients of this listener may take."},
};

const struct option_table listener_options = {
	.name = "listener",
	.options = listener_rows,
	.count = ARRAY_LEN(listener_rows),
	.size = sizeof(struct listener_config),
	.check = listener_check,
};

static bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->len > 0 && a->len == b->len && memcmp(&a->addr, &b->addr, a->len) == 0;
}

static void check_used_once(struct option_reader *r, const struct listener_config *items,
			    size_t place)
{
	const struct listener_config *listener = &items[place];

	for (size_t i = 0; i < place; i++) {
		if (!str_is_empty(listener->name) && str_equal(listener->name, items[i].name))
			option_fault(r, "name", "another listener is called \"%.*s\" too",
				     STR_ARG(listener->name));
		if (endpoint_equal(&listener->endpoint, &items[i].endpoint))
			option_fault(r, "address", "the listener \"%.*s\" has this address already",
				     STR_ARG(items[i].name));
	}
}

void listeners_check(struct option_reader *r, struct object_list *listeners)
{
	struct listener_config *items = listeners->items;
	uint16_t tls_port = 0;

	for (size_t i = 0; i < listeners->count && tls_port == 0; i++)
		if (items[i].has_tls)
			tls_port = endpoint_port(&items[i].endpoint);
	for (size_t i = 0; i < listeners->count; i++) {
		size_t mark = option_enter_index(r, i);

		check_used_once(r, items, i);
		if (items[i].redirect_to_https && tls_port == 0)
			option_fault(r, "redirect_to_https",
				     "there is no listener with \"tls\" to redirect to");
		else if (items[i].redirect_to_https)
			items[i].redirect_port = arena_printf(r->arena, "%u", tls_port);
		option_leave(r, mark);
	}
}

/* --- admin */

static void admin_check(struct option_reader *r, void *object)
{
	struct admin_config *admin = object;

	if (read_address(r, admin->address, &admin->endpoint) && !admin->insecure &&
	    !endpoint_is_loopback(&admin->endpoint))
		option_fault(r, "address",
			     "%.*s is no loopback address, and the admin address asks nobody who they "
			     "are: choose one, or say \"insecure\": true",
			     STR_ARG(admin->address));
}

static const struct option admin_rows[] = {
	{.key = "address",
	 .type = OPTION_STRING,
	 .offset = offsetof(struct admin_config, address),
	 .required = true,
	 .help = "Where to serve them, such as \"127.0.0.1:9901\". Never the address of a "
		 "listener."},
	{.key = "insecure",
	 .type = OPTION_BOOL,
	 .offset = offsetof(struct admin_config, insecure),
	 .standard = "false",
	 .help = "An address beyond loopback is meant: a network of its own keeps others out."},
};

const struct option_table admin_options = {
	.name = "admin",
	.options = admin_rows,
	.count = ARRAY_LEN(admin_rows),
	.size = sizeof(struct admin_config),
	.check = admin_check,
};
