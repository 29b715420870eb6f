/*
 * proxy/worker.h - what one worker thread has for its exchanges: nothing of it is shared
 * with another thread while requests run.
 *
 *     snapshot (immutable, all workers) --- view (this worker's upstreams of it) --- exchanges
 */
#ifndef SALLYPORT_PROXY_WORKER_H
#define SALLYPORT_PROXY_WORKER_H

#include "authn/session/session.h"
#include "io/log_sink.h"
#include "io/loop.h"
#include "proxy/bearer_cache.h"
#include "proxy/reason.h"
#include "proxy/snapshot.h"
#include "upstream/client.h"

struct exchange;

/* One worker's side of a snapshot: pinned by its exchanges, freed with the last one. */
struct worker_view {
	struct snapshot *snapshot;
	struct upstream **upstreams;	/* by the index of struct route */
	struct bearer_cache *bearers;	/* tokens that held a moment ago */
	size_t exchanges;		/* that run under it */
	bool retired;			/* a newer one has replaced it */
	struct proxy_worker *worker;
};

/* What workers know of each other, for the admin address; set before any of them runs. */
struct worker_group {
	struct proxy_worker **workers;
	size_t count;
	struct session_store *store;
	_Atomic unsigned busy;		/* workers that a drain still waits for */
	_Atomic bool is_ready;		/* all listeners accept, and it is not draining */
	int64_t started_wall_s;
};

struct worker_counters {
	_Atomic uint64_t exchanges;	/* written by the worker, read by the admin address */
	_Atomic uint64_t by_class[6];	/* by first digit of the status; 0: none was sent */
	_Atomic uint64_t by_reason[REASON_COUNT];
};

struct proxy_worker {
	struct loop *loop;
	struct worker_view *view;	/* the current one */
	struct session_cache *sessions;
	struct worker_group *group;
	struct log_producer *access_log;	/* NULL: off */
	struct log_producer *decision_log;	/* NULL: off */
	struct buf log_line;			/* reused for every line of the two logs */
	struct worker_counters counters;
	struct exchange *free_exchanges;	/* kept with their arenas for the next request */
	size_t free_exchanges_count;
	bool draining;
};

/* Build the worker's side of a snapshot; takes a reference. */
MUST_CHECK bool worker_view_new(struct proxy_worker *w, struct snapshot *snapshot,
				struct worker_view **ret, struct error *err);
/* Replace the current view; the old one goes when its last exchange ends. NULL: none any more. */
void worker_set_view(struct proxy_worker *w, struct worker_view *view);
struct worker_view *worker_view_pin(struct proxy_worker *w);	/* for an exchange */
void worker_view_unpin(struct worker_view *view);
/* Free what exchanges left for reuse. */
void worker_release(struct proxy_worker *w);

#endif
