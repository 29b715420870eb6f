/*
 * gate/worker_thread.h - one worker: a thread with its loop, its sockets and its share of
 * everything that serves requests.
 *
 * Built by the main thread, so that faults show at start; from worker_thread_start() on
 * it belongs to its own thread, and the main thread only posts to it.
 */
#ifndef SALLYPORT_GATE_WORKER_THREAD_H
#define SALLYPORT_GATE_WORKER_THREAD_H

#include "front/listener.h"
#include "proxy/worker.h"

struct worker_thread;

/* One listening socket of a worker. */
struct worker_listener {
	const struct listener_config *config;	/* outlives the worker */
	struct tls_server *tls;			/* borrowed; NULL for a plain listener */
	int fd;					/* bound; taken */
	bool is_admin;
};

struct worker_thread_params {
	struct snapshot *snapshot;
	struct session_store *store;
	struct worker_group *group;
	struct log_sink *access_log;		/* NULL: off */
	struct log_sink *decision_log;		/* NULL: off */
	struct worker_listener *listeners;
	size_t listeners_count;
	size_t max_connections;			/* of this worker */
	int64_t drain_timeout_ms;
};

/* On failure the descriptors of listeners not yet taken stay the caller's (fd is -1 for taken ones). */
MUST_CHECK bool worker_thread_new(struct worker_thread_params *params, struct worker_thread **ret,
				  struct error *err);
struct proxy_worker *worker_thread_proxy(struct worker_thread *t);
MUST_CHECK bool worker_thread_start(struct worker_thread *t, struct error *err);

/*
 * Use a new snapshot for exchanges from now on, and new TLS servers (by index of the
 * listeners; NULL entries are left as they are). From the main thread; takes its own
 * references.
 */
void worker_thread_reload(struct worker_thread *t, struct snapshot *snapshot,
			  struct tls_server **tls, size_t tls_count);

/* Accept no more, let exchanges end, cut what is left after drain_timeout_ms, end the thread. */
void worker_thread_drain(struct worker_thread *t);
/* Wait for the thread (if it was started) and free all of it. NULL is fine. */
void worker_thread_join(struct worker_thread *t);

#endif
