/*
 * io/loop.h - one thread's event loop: epoll, timers, deferred and posted tasks.
 *
 * Everything but loop_post() and loop_stop() belongs to the loop's own thread.
 * Callbacks run from the loop, never from inside the call that started the work.
 */
#ifndef SALLYPORT_IO_LOOP_H
#define SALLYPORT_IO_LOOP_H

#include <sys/epoll.h>

#include "base/base.h"
#include "base/error.h"

struct loop;

MUST_CHECK struct loop *loop_new(struct error *err);
/* Nothing may be watched, armed or hooked any more. Posted tasks that never ran are run. */
void loop_free(struct loop *loop);

/* Run until loop_stop(). Each turn reads the clock once (base/clock.h). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);	/* from any thread */
/* One turn that waits at most max_wait_ms (-1: for ever): for tests and for draining. */
void loop_turn(struct loop *loop, int64_t max_wait_ms);

/*
 * A watched descriptor, embedded in its owner's struct. The callback may unwatch this
 * or any other watch, also free their owners: no stale event is delivered.
 */
struct watch {
	int fd;				/* -1 when not watched */
	uint32_t events;		/* EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET ... */
	void (*on_event)(struct watch *w, uint32_t events);
	struct loop *loop;		/* set while watched */
};
#define WATCH_INIT(callback) {.fd = -1, .on_event = (callback)}
MUST_CHECK bool loop_watch(struct loop *loop, struct watch *w, int fd, uint32_t events,
			   struct error *err);
void watch_set_events(struct watch *w, uint32_t events);	/* no system call when unchanged */
void watch_stop(struct watch *w);				/* fine when not watched; does not close */

/*
 * A timer, embedded likewise. Setting an armed one moves it. Cheap enough to move on
 * every request. Fires once, not before its deadline.
 */
struct timer {
	int64_t deadline_ms;		/* of clock_ms() */
	size_t heap_index;		/* SIZE_MAX when not armed */
	void (*on_expire)(struct timer *t);
	struct loop *loop;
};
#define TIMER_INIT(callback) {.heap_index = SIZE_MAX, .on_expire = (callback)}
/* False when out of memory: the caller must not go on without its deadline. */
MUST_CHECK bool timer_set(struct loop *loop, struct timer *t, int64_t deadline_ms);
void timer_cancel(struct timer *t);				/* fine when not armed */
bool timer_is_armed(const struct timer *t);

/* A piece of work: run once, by the loop, soon. Embedded in its owner. */
struct task {
	void (*run)(struct task *t);
	struct task *next;
	bool queued;
};
void loop_defer(struct loop *loop, struct task *t);		/* own thread; no-op when queued */
void loop_cancel_deferred(struct loop *loop, struct task *t);	/* fine when not queued */
/* From any thread; the task's memory stays valid until it ran. Never post one twice at a time. */
void loop_post(struct loop *loop, struct task *t);

/*
 * Hooks around the wait, for a library that brings its own event descriptor
 * (libmicrohttpd): prepare() answers how long the loop may sleep at most in ms (-1: for
 * ever), after() runs once behind each wait, events or not.
 */
struct loop_hook {
	int64_t (*prepare)(struct loop_hook *h);
	void (*after)(struct loop_hook *h);
	struct loop_hook *next;
};
void loop_add_hook(struct loop *loop, struct loop_hook *h);
void loop_remove_hook(struct loop *loop, struct loop_hook *h);

#endif
