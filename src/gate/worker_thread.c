/*
 * gate/worker_thread.c - one worker's thread.
 *
 *     built --start--> RUNNING --drain--> DRAINING --all gone, or deadline and cut--> ended
 */
#include "gate/worker_thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
	DRAIN_POLL_MS = 20,
	CUT_GRACE_MS = 2000,		/* for what was cut to be closed in order */
	ADMIN_CONNECTIONS = 64,		/* of the admin address, beside max_connections */
	SESSION_CACHE_ENTRIES = 10000,	/* of a worker */
	LOG_RING_BYTES = 1024 * 1024,	/* of a worker and log */
};

struct reload_message {
	struct task task;
	struct worker_thread *thread;
	struct snapshot *snapshot;	/* one reference */
	struct tls_server **tls;	/* one reference each */
	size_t tls_count;
};

struct worker_thread {
	struct proxy_worker proxy;
	struct http1 *http1;
	struct listener **listeners;
	size_t listeners_count;
	struct listener *admin;		/* the first worker's only; NULL otherwise */
	struct connection_quota quota, admin_quota;
	int64_t drain_timeout_ms;
	pthread_t thread;
	bool is_started;
	struct task drain_task;
	struct timer drain_timer;
	int64_t drain_deadline_ms;
	bool is_drained;		/* no public connection is left */
	bool is_cut;
};

/* Those of the public listeners: what a drain waits for. */
static size_t public_connections(const struct worker_thread *t)
{
	size_t count = 0;

	for (size_t i = 0; i < t->listeners_count; i++)
		count += listener_connections(t->listeners[i]);
	return count;
}

static size_t live_connections(const struct worker_thread *t)
{
	return public_connections(t) + (t->admin ? listener_connections(t->admin) : 0) +
	       (t->http1 ? http1_connections(t->http1) : 0);
}

static void cut_connections(struct worker_thread *t)
{
	if (public_connections(t))
		log_warning("%zu connections are cut: they did not end within the drain timeout",
			    public_connections(t));
	if (t->admin)
		listener_stop(t->admin);
	t->is_cut = true;
	t->drain_deadline_ms = clock_ms() + CUT_GRACE_MS;
	http1_abort(t->http1);
	for (size_t i = 0; i < t->listeners_count; i++)
		listener_abort(t->listeners[i]);
}

static void on_drain_timer(struct timer *timer)
{
	struct worker_thread *t = CONTAINER_OF(timer, struct worker_thread, drain_timer);
	bool late = clock_ms() >= t->drain_deadline_ms;

	if (!t->is_drained && (late || public_connections(t) == 0)) {
		t->is_drained = true;
		atomic_fetch_sub(&t->proxy.group->busy, 1);
	}
	/* The admin address answers until all workers are done, so that a balancer sees "not ready". */
	if (!t->is_cut && (late || (t->is_drained && (!t->admin || !atomic_load(&t->proxy.group->busy)))))
		cut_connections(t);
	else if (t->is_cut && (late || live_connections(t) == 0)) {
		loop_stop(t->proxy.loop);
		return;
	}
	if (!timer_set(t->proxy.loop, timer, clock_ms() + DRAIN_POLL_MS))
		loop_stop(t->proxy.loop);
}

static void on_drain(struct task *task)
{
	struct worker_thread *t = CONTAINER_OF(task, struct worker_thread, drain_task);

	t->proxy.draining = true;
	t->drain_deadline_ms = clock_ms() + t->drain_timeout_ms;
	for (size_t i = 0; i < t->listeners_count; i++)
		listener_stop(t->listeners[i]);
	http1_drain(t->http1);
	on_drain_timer(&t->drain_timer);
}

static void reload_message_free(struct reload_message *m)
{
	for (size_t i = 0; i < m->tls_count; i++)
		tls_server_unref(m->tls[i]);
	free(m->tls);
	snapshot_unref(m->snapshot);
	free(m);
}

static void on_reload(struct task *task)
{
	struct reload_message *m = CONTAINER_OF(task, struct reload_message, task);
	struct worker_thread *t = m->thread;
	struct worker_view *view;
	struct error err = {.kind = ERR_NONE};

	if (t->proxy.draining) {
		reload_message_free(m);
		return;
	}
	if (worker_view_new(&t->proxy, m->snapshot, &view, &err)) {
		worker_set_view(&t->proxy, view);
		for (size_t i = 0; i < m->tls_count && i < t->listeners_count; i++)
			if (m->tls[i])
				listener_set_tls(t->listeners[i], m->tls[i]);
	} else {
		log_error("a worker keeps its old configuration: %s", err.text);
	}
	reload_message_free(m);
}

void worker_thread_reload(struct worker_thread *t, struct snapshot *snapshot,
			  struct tls_server **tls, size_t tls_count)
{
	struct reload_message *m = calloc(1, sizeof(*m));

	if (m)
		m->tls = calloc(tls_count + 1, sizeof(struct tls_server *));
	if (!m || !m->tls) {
		log_error("a worker keeps its old configuration: out of memory");
		free(m);
		return;
	}
	m->task.run = on_reload;
	m->thread = t;
	m->snapshot = snapshot_ref(snapshot);
	m->tls_count = tls_count;
	for (size_t i = 0; i < tls_count; i++)
		m->tls[i] = tls[i] ? tls_server_ref(tls[i]) : NULL;
	loop_post(t->proxy.loop, &m->task);
}

void worker_thread_drain(struct worker_thread *t)
{
	if (t->is_started)
		loop_post(t->proxy.loop, &t->drain_task);
}

static void *worker_thread_main(void *arg)
{
	struct worker_thread *t = arg;

	loop_run(t->proxy.loop);
	return NULL;
}

static void worker_thread_free(struct worker_thread *t)
{
	t->proxy.draining = true;	/* messages that were never read are only freed */
	if (live_connections(t)) {
		/* Cut and still not gone: the process is about to end, and freeing would be unsafe. */
		log_error("connections outlived the drain; their memory is left to the system");
		return;
	}
	for (size_t i = 0; i < t->listeners_count; i++)
		listener_free(t->listeners[i]);
	free(t->listeners);
	listener_free(t->admin);
	http1_free(t->http1);
	if (t->proxy.loop)
		timer_cancel(&t->drain_timer);
	worker_set_view(&t->proxy, NULL);
	session_cache_free(t->proxy.sessions);
	worker_release(&t->proxy);
	if (t->proxy.loop)
		loop_free(t->proxy.loop);
	free(t);
}

static bool worker_thread_listen(struct worker_thread *t, struct worker_thread_params *params,
				 struct error *err)
{
	t->listeners = calloc(params->listeners_count + 1, sizeof(struct listener *));
	if (!t->listeners)
		return error_set(err, ERR_NOMEM, "no memory for listeners");
	for (size_t i = 0; i < params->listeners_count; i++) {
		struct worker_listener *l = &params->listeners[i];
		struct connection_quota *quota = l->is_admin ? &t->admin_quota : &t->quota;
		struct listener *listener;
		int fd = l->fd;

		l->fd = -1;
		if (!listener_new(t->proxy.loop, t->http1, l->config, l->tls, fd, quota, &listener,
				  err))
			return false;
		if (l->is_admin) {
			listener_set_admin(listener);
			t->admin = listener;
		} else {
			t->listeners[t->listeners_count++] = listener;
		}
	}
	return true;
}

static bool worker_thread_log(struct log_sink *sink, struct log_producer **ret, struct error *err)
{
	if (!sink)
		return true;
	*ret = log_sink_add_producer(sink, LOG_RING_BYTES);
	return *ret || error_set(err, ERR_NOMEM, "no memory for a log");
}

bool worker_thread_new(struct worker_thread_params *params, struct worker_thread **ret,
		       struct error *err)
{
	struct worker_thread *t = calloc(1, sizeof(*t));
	struct worker_view *view;

	if (!t)
		return error_set(err, ERR_NOMEM, "no memory for a worker");
	t->drain_task.run = on_drain;
	t->drain_timer = (struct timer)TIMER_INIT(on_drain_timer);
	t->drain_timeout_ms = params->drain_timeout_ms;
	t->proxy.group = params->group;
	buf_init(&t->proxy.log_line, 64 * 1024);
	t->proxy.loop = loop_new(err);
	if (!t->proxy.loop ||
	    !session_cache_new(params->store, t->proxy.loop, SESSION_CACHE_ENTRIES,
			       &t->proxy.sessions, err) ||
	    !worker_thread_log(params->access_log, &t->proxy.access_log, err) ||
	    !worker_thread_log(params->decision_log, &t->proxy.decision_log, err) ||
	    !worker_view_new(&t->proxy, params->snapshot, &view, err)) {
		worker_thread_free(t);
		return false;
	}
	worker_set_view(&t->proxy, view);
	t->quota.max = params->max_connections;
	t->admin_quota.max = ADMIN_CONNECTIONS;
	if (!http1_new(&t->proxy, params->max_connections + ADMIN_CONNECTIONS, &t->http1, err) ||
	    !worker_thread_listen(t, params, err)) {
		worker_thread_free(t);
		return false;
	}
	*ret = t;
	return true;
}

struct proxy_worker *worker_thread_proxy(struct worker_thread *t)
{
	return &t->proxy;
}

bool worker_thread_start(struct worker_thread *t, struct error *err)
{
	int failed = pthread_create(&t->thread, NULL, worker_thread_main, t);

	if (failed)
		return error_set_errno(err, failed, "a worker thread cannot be started");
	t->is_started = true;
	return true;
}

void worker_thread_join(struct worker_thread *t)
{
	if (!t)
		return;
	if (t->is_started)
		(void)pthread_join(t->thread, NULL);
	worker_thread_free(t);
}
