/*
 * io/loop.c - one thread's event loop on epoll.
 *
 * A turn:   prepare hooks -> wait -> read the clock -> events -> timers -> posted tasks
 *           -> deferred tasks -> after hooks
 *
 * The after hooks come last, so that a connection resumed by anything before them is
 * served in the same turn. Each stage is bounded by what it found when it began: work
 * that makes new work gets its next chance after another look at the descriptors.
 *
 * What surprised its author: epoll remembers the open file behind a descriptor, not its
 * number. A watch must be stopped before its descriptor is closed, or a duplicate of it
 * (in a child process, say) goes on reporting events for a watch long gone.
 */
#include "io/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/timer_heap.h"

enum { EVENTS_PER_TURN = 256 };

struct loop {
	int epoll_fd;
	struct watch wake;			/* an eventfd: posted tasks, loop_stop() */
	size_t watched;				/* wake not counted */

	struct epoll_event events[EVENTS_PER_TURN];
	int event_next;				/* [event_next, event_count) is still to deliver */
	int event_count;

	struct timer_heap timers;

	struct task *deferred;			/* first in, first out */
	struct task **deferred_end;
	size_t deferred_count;

	struct loop_hook *hooks;
	struct loop_hook *hook_next;		/* of the walk under way; moved by a removal */
	bool turning;

	_Atomic(struct task *) posted;		/* last in, first out; turned round when taken */
	atomic_bool stopping;
};

/* Waiting. -1 stands for "for ever" in all of these. */

static int64_t sooner(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

static int64_t timer_wait_ms(const struct loop *loop)
{
	const struct timer *first = timer_heap_first(&loop->timers);

	if (first == NULL)
		return -1;
	return first->deadline_ms <= clock_ms() ? 0 : first->deadline_ms - clock_ms();
}

/* How long this turn may sleep. Asks every hook, whatever the others said. */
static int turn_wait_ms(struct loop *loop, int64_t most)
{
	int64_t wait = sooner(most, timer_wait_ms(loop));

	for (struct loop_hook *h = loop->hooks; h != NULL; h = loop->hook_next) {
		loop->hook_next = h->next;
		wait = sooner(wait, h->prepare(h));
	}
	if (loop->deferred != NULL || atomic_load_explicit(&loop->posted, memory_order_relaxed))
		wait = 0;
	return wait > INT_MAX ? INT_MAX : (int)wait;
}

/* The stages of a turn */

static void deliver_events(struct loop *loop)
{
	while (loop->event_next < loop->event_count) {
		struct epoll_event event = loop->events[loop->event_next++];
		struct watch *w = event.data.ptr;
		if (w == NULL)		/* stopped since the wait */
			continue;
		/* Interest may have changed since the wait, too. */
		uint32_t events = event.events & (w->events | EPOLLERR | EPOLLHUP);
		if (events != 0)
			w->on_event(w, events);
	}
}

static void expire_timers(struct loop *loop)
{
	int64_t now = clock_ms();

	for (size_t left = loop->timers.count; left > 0; left--) {
		struct timer *t = timer_heap_first(&loop->timers);
		if (t == NULL || t->deadline_ms > now)
			return;
		timer_heap_remove(&loop->timers, t);
		t->on_expire(t);
	}
}

static void run_posted(struct loop *loop)
{
	struct task *taken = atomic_exchange_explicit(&loop->posted, NULL, memory_order_acquire);
	struct task *tasks = NULL;

	while (taken != NULL) {
		struct task *t = taken;
		taken = t->next;
		t->next = tasks;
		tasks = t;
	}
	while (tasks != NULL) {
		struct task *t = tasks;
		tasks = t->next;
		t->next = NULL;
		t->queued = false;	/* before run: it may post itself again, or free itself */
		t->run(t);
	}
}

static void run_deferred(struct loop *loop)
{
	for (size_t left = loop->deferred_count; left > 0 && loop->deferred != NULL; left--) {
		struct task *t = loop->deferred;
		loop_cancel_deferred(loop, t);
		t->run(t);
	}
}

static void run_after_hooks(struct loop *loop)
{
	for (struct loop_hook *h = loop->hooks; h != NULL; h = loop->hook_next) {
		loop->hook_next = h->next;
		h->after(h);
	}
}

void loop_turn(struct loop *loop, int64_t max_wait_ms)
{
	ASSERT(!loop->turning);
	loop->turning = true;

	int wait = turn_wait_ms(loop, max_wait_ms);
	int count = epoll_wait(loop->epoll_fd, loop->events, EVENTS_PER_TURN, wait);
	ASSERT(count >= 0 || errno == EINTR);
	clock_update();

	loop->event_next = 0;
	loop->event_count = count < 0 ? 0 : count;
	deliver_events(loop);
	loop->event_count = 0;
	expire_timers(loop);
	run_posted(loop);
	run_deferred(loop);
	run_after_hooks(loop);
	loop->turning = false;
}

void loop_run(struct loop *loop)
{
	clock_update();
	/* Cleared at the end, not here: a stop may have come before the run began. */
	while (!atomic_load(&loop->stopping))
		loop_turn(loop, -1);
	atomic_store(&loop->stopping, false);
}

/* Waking */

static void loop_wake(struct loop *loop)
{
	const uint64_t one = 1;

	/* EAGAIN would be a counter that is full, and readable all the same. */
	while (write(loop->wake.fd, &one, sizeof(one)) < 0) {
		ASSERT(errno == EINTR || errno == EAGAIN);
		if (errno == EAGAIN)
			return;
	}
}

static void loop_on_wake(struct watch *w, uint32_t events)
{
	uint64_t posts;

	(void)events;
	/* What woke us is looked at later in the turn, so nothing can be missed here. */
	ssize_t n = read(w->fd, &posts, sizeof(posts));
	ASSERT(n == sizeof(posts) || errno == EAGAIN || errno == EINTR);
}

void loop_stop(struct loop *loop)
{
	atomic_store(&loop->stopping, true);
	loop_wake(loop);
}

/* Life */

struct loop *loop_new(struct error *err)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL) {
		error_set(err, ERR_NOMEM, "out of memory for an event loop");
		return NULL;
	}
	loop->deferred_end = &loop->deferred;
	loop->wake = (struct watch)WATCH_INIT(loop_on_wake);
	timer_heap_init(&loop->timers);
	atomic_init(&loop->posted, NULL);
	atomic_init(&loop->stopping, false);
	clock_update();

	int wake_fd = -1;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		error_set_errno(err, errno, "cannot create an epoll descriptor");
		goto fail;
	}
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0) {
		error_set_errno(err, errno, "cannot create an event descriptor");
		goto fail;
	}
	if (!loop_watch(loop, &loop->wake, wake_fd, EPOLLIN, err))
		goto fail;
	loop->watched = 0;
	return loop;
fail:
	if (wake_fd >= 0)
		close(wake_fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	free(loop);
	return NULL;
}

void loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	ASSERT(!loop->turning);
	while (loop->deferred != NULL || atomic_load(&loop->posted) != NULL) {
		run_posted(loop);
		run_deferred(loop);
	}
	ASSERT(loop->watched == 0);
	ASSERT(timer_heap_first(&loop->timers) == NULL);
	ASSERT(loop->hooks == NULL);
	timer_heap_done(&loop->timers);
	close(loop->wake.fd);
	close(loop->epoll_fd);
	free(loop);
}

/* Watches */

bool loop_watch(struct loop *loop, struct watch *w, int fd, uint32_t events, struct error *err)
{
	struct epoll_event event = {.events = events, .data.ptr = w};

	ASSERT(w->fd == -1 && fd >= 0);
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		return error_set_errno(err, errno, "cannot watch descriptor %d", fd);
	w->fd = fd;
	w->events = events;
	w->loop = loop;
	loop->watched++;
	return true;
}

void watch_set_events(struct watch *w, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = w};

	ASSERT(w->fd != -1);
	if (w->events == events)
		return;
	/* Allocates nothing in the kernel: it fails only for a descriptor closed under us. */
	int status = epoll_ctl(w->loop->epoll_fd, EPOLL_CTL_MOD, w->fd, &event);
	ASSERT(status == 0);
	w->events = events;
}

void watch_stop(struct watch *w)
{
	if (w->fd == -1)
		return;
	struct loop *loop = w->loop;
	/* ENOENT, EBADF: closed before, which took it out of the epoll set already. */
	int status = epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
	ASSERT(status == 0 || errno == ENOENT || errno == EBADF);
	for (int i = loop->event_next; i < loop->event_count; i++) {
		if (loop->events[i].data.ptr == w)
			loop->events[i].data.ptr = NULL;
	}
	loop->watched--;
	w->fd = -1;
	w->loop = NULL;
}

/* Timers */

bool timer_set(struct loop *loop, struct timer *t, int64_t deadline_ms)
{
	if (!timer_heap_set(&loop->timers, t, deadline_ms))
		return false;
	t->loop = loop;
	return true;
}

void timer_cancel(struct timer *t)
{
	if (timer_is_armed(t))
		timer_heap_remove(&t->loop->timers, t);
}

bool timer_is_armed(const struct timer *t)
{
	return t->heap_index != SIZE_MAX;
}

/* Tasks */

void loop_defer(struct loop *loop, struct task *t)
{
	if (t->queued)
		return;
	t->queued = true;
	t->next = NULL;
	*loop->deferred_end = t;
	loop->deferred_end = &t->next;
	loop->deferred_count++;
}

void loop_cancel_deferred(struct loop *loop, struct task *t)
{
	struct task **link = &loop->deferred;

	if (!t->queued)
		return;
	while (*link != NULL && *link != t)
		link = &(*link)->next;
	if (*link == NULL)		/* posted, not deferred: it will run */
		return;
	*link = t->next;
	if (loop->deferred_end == &t->next)
		loop->deferred_end = link;
	loop->deferred_count--;
	t->next = NULL;
	t->queued = false;
}

/*
 * Only the post that finds the list empty wakes the loop: the others are taken together
 * with that one, for the list empties in one exchange behind the wake-up.
 */
void loop_post(struct loop *loop, struct task *t)
{
	struct task *first = atomic_load_explicit(&loop->posted, memory_order_relaxed);

	ASSERT(!t->queued);
	t->queued = true;
	do {
		t->next = first;
	} while (!atomic_compare_exchange_weak_explicit(&loop->posted, &first, t,
							memory_order_release,
							memory_order_relaxed));
	if (first == NULL)
		loop_wake(loop);
}

/* Hooks */

void loop_add_hook(struct loop *loop, struct loop_hook *h)
{
	h->next = loop->hooks;
	loop->hooks = h;
}

void loop_remove_hook(struct loop *loop, struct loop_hook *h)
{
	struct loop_hook **link = &loop->hooks;

	while (*link != NULL && *link != h)
		link = &(*link)->next;
	if (*link == NULL)
		return;
	*link = h->next;
	if (loop->hook_next == h)
		loop->hook_next = h->next;
	h->next = NULL;
}
