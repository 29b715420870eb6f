/*
 * gate/run.c - the main thread: builds everything in the order it depends on each other,
 * then waits for signals. It serves no request itself.
 *
 *     configuration -> keys, sessions, logs -> sockets -> snapshot -> workers
 */
#include "gate/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "gate/check.h"
#include "gate/config.h"
#include "gate/worker_thread.h"
#include "proxy/page.h"
#include "sallyport_version.h"

/* A configuration shared by its snapshot and, for the first one, by the listeners. */
struct generation {
	struct gate_config *config;
	_Atomic unsigned refs;
};

struct gate {
	const char *config_path;
	struct generation *first;	/* listeners point into it until the end */
	int lock;			/* on the state directory; -1 when not taken */
	struct keyring *keys;
	struct session_store *store;
	struct log_sink *access_log;
	struct log_sink *decision_log;
	struct tls_tickets *tickets;
	struct tls_server **tls;	/* by index of the first configuration's listeners */
	struct snapshot *snapshot;
	struct worker_group group;
	struct worker_thread **workers;
	size_t workers_count;
};

static void generation_unref(void *arg)
{
	struct generation *g = arg;

	if (g && atomic_fetch_sub(&g->refs, 1) == 1) {
		gate_config_free(g->config);
		free(g);
	}
}

static struct generation *generation_load(const char *path)
{
	struct generation *g = calloc(1, sizeof(*g));
	struct faults faults;
	bool ok;

	if (!g)
		return NULL;
	faults_init(&faults);
	ok = gate_config_load(path, &faults, &g->config);
	gate_faults_sort(&faults, path);
	gate_faults_print(&faults, stderr);
	faults_done(&faults);
	if (!ok) {
		free(g);
		return NULL;
	}
	atomic_init(&g->refs, 1);
	return g;
}

/* Takes a reference of g for the snapshot on success. */
static bool generation_snapshot(struct gate *gate, struct generation *g, struct snapshot **ret,
				struct error *err)
{
	const struct gate_config *c = g->config;
	struct snapshot_params params = {
		.routes = c->routes.items,
		.routes_count = c->routes.count,
		.upstreams = c->upstreams.items,
		.upstreams_count = c->upstreams.count,
		.providers = c->providers.items,
		.providers_count = c->providers.count,
		.policies = c->policies,
		.trusted_proxies = c->server.trusted_proxies.items,
		.trusted_proxies_count = c->server.trusted_proxies.count,
		.keys = gate->keys,
		.owner = g,
		.owner_free = generation_unref,
	};

	if (!snapshot_new(&params, ret, err))
		return false;
	atomic_fetch_add(&g->refs, 1);
	return true;
}

static const char *state_directory(const struct gate *gate)
{
	return gate->first->config->server.state_directory.ptr;
}

static bool open_log(struct str to, struct log_sink **ret, struct error *err)
{
	if (str_equal(to, STR("off")))
		return true;
	*ret = log_sink_open(to.ptr, err);
	return *ret != NULL;
}

/*
 * One gate on one state directory: another one's logouts would not reach our cached sessions.
 * The lock goes with the process, however it ends.
 */
static bool lock_state(struct gate *gate, struct error *err)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/lock", state_directory(gate));

	if (len < 0 || (size_t)len >= sizeof(path))
		return error_set(err, ERR_LIMIT, "the path of the state directory is too long");
	gate->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (gate->lock < 0)
		return error_set_errno(err, errno, "cannot open %s", path);
	if (flock(gate->lock, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (errno != EWOULDBLOCK)
		return error_set_errno(err, errno, "cannot lock %s", path);
	return error_set(err, ERR_IO,
			 "another sallyport uses the state directory %s: stop it, or give this one "
			 "its own server.state_directory",
			 state_directory(gate));
}

static bool gate_open(struct gate *gate, struct error *err)
{
	const struct gate_config *c = gate->first->config;

	log_set_level((enum log_level)c->log.level);
	gate->tickets = tls_tickets_new();
	if (!gate->tickets)
		return error_set(err, ERR_NOMEM, "no memory for session tickets");
	return page_load(err) && file_make_directory(state_directory(gate), err) &&
	       lock_state(gate, err) &&
	       keyring_open(state_directory(gate), &gate->keys, err) &&
	       session_store_open(state_directory(gate), gate->keys, &c->sessions, &gate->store,
				  err) &&
	       open_log(c->log.access.to, &gate->access_log, err) &&
	       open_log(c->log.decisions.to, &gate->decision_log, err);
}

/* TLS of every listener of a configuration; NULL for plain ones. */
static struct tls_server **build_tls(const struct gate_config *c, struct tls_tickets *tickets,
				     struct error *err)
{
	const struct listener_config *listeners = c->listeners.items;
	struct tls_server **tls = calloc(c->listeners.count + 1, sizeof(struct tls_server *));

	if (!tls) {
		error_set(err, ERR_NOMEM, "no memory for TLS");
		return NULL;
	}
	for (size_t i = 0; i < c->listeners.count; i++) {
		if (listeners[i].has_tls && !tls_server_new(&listeners[i], tickets, &tls[i], err)) {
			for (size_t j = 0; j < i; j++)
				tls_server_unref(tls[j]);
			free(tls);
			return NULL;
		}
	}
	return tls;
}

static void free_tls(struct tls_server **tls, size_t count)
{
	for (size_t i = 0; tls && i < count; i++)
		tls_server_unref(tls[i]);
	free(tls);
}

/* The admin address is a plain listener that only the first worker has. */
static const struct listener_config *admin_listener(const struct gate_config *c)
{
	static struct listener_config admin;
	static const struct front_timeouts timeouts = {10000, 10000, 30000, 75000};

	admin = (struct listener_config){
		.name = STR("admin"),
		.address = c->admin.address,
		.endpoint = c->admin.endpoint,
		.timeouts = timeouts,
	};
	return &admin;
}

static bool bind_all(const struct gate *gate, bool is_first, struct worker_listener *out,
		     size_t *ret_count, struct error *err)
{
	const struct gate_config *c = gate->first->config;
	const struct listener_config *listeners = c->listeners.items;
	size_t n = 0;

	for (size_t i = 0; i < c->listeners.count; i++, n++) {
		out[n] = (struct worker_listener){.config = &listeners[i], .tls = gate->tls[i], .fd = -1};
		if ((is_first && !listener_check_address(&listeners[i], err)) ||
		    !listener_bind(&listeners[i], &out[n].fd, err))
			goto out;
	}
	if (is_first && c->has_admin) {
		out[n] = (struct worker_listener){
			.config = admin_listener(c), .fd = -1, .is_admin = true};
		if (!listener_check_address(out[n].config, err) ||
		    !listener_bind(out[n].config, &out[n].fd, err))
			goto out;
		n++;
	}
	*ret_count = n;
	return true;
out:
	while (n--)
		(void)close(out[n].fd);
	return false;
}

/* Of max_connections; every worker must take at least one. */
static size_t worker_share(const struct gate_config *c, size_t index)
{
	size_t max = (size_t)c->server.max_connections;
	size_t share = max / c->server.workers + (index < max % c->server.workers);

	return share ? share : 1;
}

static bool add_worker(struct gate *gate, struct error *err)
{
	const struct gate_config *c = gate->first->config;
	struct worker_listener *listeners = calloc(c->listeners.count + 1, sizeof(*listeners));
	struct worker_thread_params params = {
		.snapshot = gate->snapshot,
		.store = gate->store,
		.group = &gate->group,
		.access_log = gate->access_log,
		.decision_log = gate->decision_log,
		.listeners = listeners,
		.max_connections = worker_share(c, gate->workers_count),
		.drain_timeout_ms = c->server.drain_timeout_ms,
	};
	size_t index = gate->workers_count;
	bool ok = listeners != NULL || error_set(err, ERR_NOMEM, "no memory for listeners");

	ok = ok && bind_all(gate, index == 0, listeners, &params.listeners_count, err);
	if (ok && !worker_thread_new(&params, &gate->workers[index], err)) {
		ok = false;
		for (size_t i = 0; i < params.listeners_count; i++)
			if (listeners[i].fd >= 0)
				(void)close(listeners[i].fd);
	}
	if (ok) {
		gate->group.workers[index] = worker_thread_proxy(gate->workers[index]);
		gate->workers_count++;
	}
	free(listeners);
	return ok;
}

static bool gate_start(struct gate *gate, struct error *err)
{
	const struct gate_config *c = gate->first->config;

	if (!generation_snapshot(gate, gate->first, &gate->snapshot, err))
		return false;
	gate->tls = build_tls(c, gate->tickets, err);
	gate->workers = calloc(c->server.workers, sizeof(struct worker_thread *));
	gate->group.workers = calloc(c->server.workers, sizeof(struct proxy_worker *));
	if (!gate->tls || !gate->workers || !gate->group.workers)
		return error_set(err, ERR_NOMEM, "no memory for workers");
	gate->group.store = gate->store;
	gate->group.started_wall_s = clock_wall_s();
	for (unsigned i = 0; i < c->server.workers; i++)
		if (!add_worker(gate, err))
			return false;
	gate->group.count = gate->workers_count;
	atomic_store(&gate->group.busy, (unsigned)gate->workers_count);
	for (size_t i = 0; i < gate->workers_count; i++)
		if (!worker_thread_start(gate->workers[i], err))
			return false;
	return true;
}

/* Which of the first configuration's listeners has this name in the new one? */
static const struct listener_config *find_listener(const struct gate_config *c, struct str name)
{
	const struct listener_config *listeners = c->listeners.items;

	for (size_t i = 0; i < c->listeners.count; i++)
		if (str_equal(listeners[i].name, name))
			return &listeners[i];
	return NULL;
}

/* New certificates for the listeners that are still there; addresses stay those of the start. */
static struct tls_server **reload_tls(struct gate *gate, const struct gate_config *c,
				      struct error *err)
{
	const struct gate_config *first = gate->first->config;
	const struct listener_config *listeners = first->listeners.items;
	struct tls_server **tls = calloc(first->listeners.count + 1, sizeof(struct tls_server *));

	if (!tls) {
		error_set(err, ERR_NOMEM, "no memory for TLS");
		return NULL;
	}
	for (size_t i = 0; i < first->listeners.count; i++) {
		const struct listener_config *now = find_listener(c, listeners[i].name);

		if (!now || !str_equal(now->address, listeners[i].address) ||
		    now->has_tls != listeners[i].has_tls) {
			log_warning("listener \"%s\" changed: that takes effect at the next start",
				    listeners[i].name.ptr);
			continue;
		}
		if (now->has_tls && !tls_server_new(now, gate->tickets, &tls[i], err)) {
			free_tls(tls, first->listeners.count);
			return NULL;
		}
	}
	return tls;
}

/* What a reload cannot change is said, not silently left. */
static void warn_unchangeable(const struct gate_config *first, const struct gate_config *now)
{
	const struct listener_config *listeners = now->listeners.items;

	if (first->server.workers != now->server.workers ||
	    first->server.max_connections != now->server.max_connections ||
	    !str_equal(first->server.state_directory, now->server.state_directory))
		log_warning("\"server\" changed: that takes effect at the next start");
	if (first->sessions.lifetime_ms != now->sessions.lifetime_ms ||
	    first->sessions.idle_timeout_ms != now->sessions.idle_timeout_ms ||
	    first->sessions.max_bytes != now->sessions.max_bytes)
		log_warning("\"sessions\" changed: that takes effect at the next start");
	if (!str_equal(first->admin.address, now->admin.address))
		log_warning("\"admin\" changed: that takes effect at the next start");
	if (!str_equal(first->log.access.to, now->log.access.to) ||
	    !str_equal(first->log.decisions.to, now->log.decisions.to))
		log_warning("\"log\" changed: that takes effect at the next start");
	for (size_t i = 0; i < now->listeners.count; i++)
		if (!find_listener(first, listeners[i].name))
			log_warning("listener \"%s\" is new: it takes effect at the next start",
				    listeners[i].name.ptr);
}

static void reopen_logs(struct gate *gate)
{
	struct error err = {.kind = ERR_NONE};

	if ((gate->access_log && !log_sink_reopen(gate->access_log, &err)) ||
	    (gate->decision_log && !log_sink_reopen(gate->decision_log, &err)))
		log_error("a log keeps its old file: %s", err.text);
}

static void gate_reload(struct gate *gate)
{
	struct generation *g = generation_load(gate->config_path);
	size_t tls_count = gate->first->config->listeners.count;
	struct snapshot *snapshot = NULL;
	struct tls_server **tls = NULL;
	struct error err = {.kind = ERR_NONE};

	if (!g) {
		log_error("reload refused: the configuration is at fault; the running one stays");
		return;
	}
	tls = reload_tls(gate, g->config, &err);
	if (!tls || !generation_snapshot(gate, g, &snapshot, &err)) {
		log_error("reload refused, the running configuration stays: %s", err.text);
	} else {
		warn_unchangeable(gate->first->config, g->config);
		for (size_t i = 0; i < gate->workers_count; i++)
			worker_thread_reload(gate->workers[i], snapshot, tls, tls_count);
		snapshot_unref(gate->snapshot);
		gate->snapshot = snapshot;
		log_info("reloaded: configuration %s with %zu policies is in force", g->config->hash,
			 policy_set_count(g->config->policies));
	}
	free_tls(tls, tls_count);
	generation_unref(g);
}

/* Wait for signals until one of them ends the gate. */
static void gate_wait(struct gate *gate, int signals)
{
	struct signalfd_siginfo info;

	for (;;) {
		ssize_t n = read(signals, &info, sizeof(info));

		clock_update();
		if (n < 0 && errno == EINTR)
			continue;
		if (n != (ssize_t)sizeof(info)) {
			log_error("signals cannot be read: %s", strerror(errno));
			return;
		}
		if (info.ssi_signo != SIGHUP)
			return;
		reopen_logs(gate);
		gate_reload(gate);
	}
}

static void gate_close(struct gate *gate)
{
	for (size_t i = 0; i < gate->workers_count; i++)
		worker_thread_drain(gate->workers[i]);
	for (size_t i = 0; i < gate->workers_count; i++)
		worker_thread_join(gate->workers[i]);
	free(gate->workers);
	free(gate->group.workers);
	if (gate->first)
		free_tls(gate->tls, gate->first->config->listeners.count);
	snapshot_unref(gate->snapshot);
	session_store_close(gate->store);
	log_sink_close(gate->access_log);
	log_sink_close(gate->decision_log);
	tls_tickets_free(gate->tickets);
	keyring_free(gate->keys);
	if (gate->lock >= 0)
		(void)close(gate->lock);
	generation_unref(gate->first);
}

/* Before any thread starts, so that all inherit the mask and only signalfd sees them. */
static int take_signals(void)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC);
}

int gate_run(const char *config_path)
{
	struct gate gate = {.config_path = config_path, .lock = -1};
	struct error err = {.kind = ERR_NONE};
	char text[ERROR_FORMAT_MAX];
	int status = 1;
	int signals;

	clock_update();
	signals = take_signals();
	if (signals < 0) {
		log_error("signals cannot be taken: %s", strerror(errno));
		return 1;
	}
	gate.first = generation_load(config_path);
	if (!gate.first)
		goto out;
	if (!gate_open(&gate, &err) || !gate_start(&gate, &err)) {
		log_error("%s", error_format(&err, text, sizeof(text)));
		goto out;
	}
	log_info("sallyport %s serves configuration %s with %zu workers", SALLYPORT_VERSION,
		 gate.first->config->hash, gate.workers_count);
	atomic_store(&gate.group.is_ready, true);
	gate_wait(&gate, signals);
	log_info("draining");
	status = 0;
out:
	atomic_store(&gate.group.is_ready, false);
	gate_close(&gate);
	(void)close(signals);
	return status;
}
