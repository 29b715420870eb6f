/*
 * tests of io/loop.h: descriptors, timers, tasks, posts from other threads, hooks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/loop.h"
#include "io/timer_heap.h"

static struct loop *loop;

static int setup(void **state)
{
	struct error err = {0};

	(void)state;
	loop = loop_new(&err);
	return loop == NULL;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(loop);
	loop = NULL;
	return 0;
}

/* Watches */

struct ear {
	struct watch watch;
	int pair[2];		/* the watch is on the first one */
	unsigned heard;
	uint32_t last_events;
	void (*act)(struct ear *ear);
};

static void ear_on_event(struct watch *w, uint32_t events)
{
	struct ear *ear = CONTAINER_OF(w, struct ear, watch);

	ear->heard++;
	ear->last_events = events;
	if (ear->act)
		ear->act(ear);
}

static struct ear *ear_new(uint32_t events)
{
	struct ear *ear = calloc(1, sizeof(*ear));
	struct error err = {0};

	assert_non_null(ear);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ear->pair), 0);
	ear->watch = (struct watch)WATCH_INIT(ear_on_event);
	assert_true(loop_watch(loop, &ear->watch, ear->pair[0], events, &err));
	return ear;
}

static void ear_free(struct ear *ear)
{
	watch_stop(&ear->watch);
	close(ear->pair[0]);
	close(ear->pair[1]);
	free(ear);
}

static void ear_call(struct ear *ear)
{
	assert_int_equal(write(ear->pair[1], "x", 1), 1);
}

static void test_event_is_delivered(void **state)
{
	(void)state;
	struct ear *ear = ear_new(EPOLLIN);

	loop_turn(loop, 0);
	assert_int_equal(ear->heard, 0);
	ear_call(ear);
	loop_turn(loop, 1000);
	assert_int_equal(ear->heard, 1);
	assert_int_equal(ear->last_events, EPOLLIN);
	watch_set_events(&ear->watch, EPOLLIN | EPOLLOUT);
	loop_turn(loop, 1000);
	assert_int_equal(ear->last_events, EPOLLIN | EPOLLOUT);
	watch_set_events(&ear->watch, 0);
	loop_turn(loop, 0);
	assert_int_equal(ear->heard, 2);
	watch_stop(&ear->watch);
	assert_int_equal(ear->watch.fd, -1);
	watch_stop(&ear->watch);
	ear_free(ear);
}

static void test_bad_descriptor_is_an_error(void **state)
{
	struct watch w = WATCH_INIT(ear_on_event);
	struct error err = {0};

	(void)state;
	assert_false(loop_watch(loop, &w, 9999, EPOLLIN, &err));
	assert_int_equal(err.kind, ERR_IO);
	assert_int_equal(w.fd, -1);
	watch_stop(&w);
}

enum { EARS = 8 };
static struct ear *ears[EARS];
static unsigned acted;

/* The first of the batch to be heard frees all the others, with their memory. */
static void free_the_others(struct ear *me)
{
	acted++;
	for (size_t i = 0; i < EARS; i++) {
		if (ears[i] != NULL && ears[i] != me) {
			ear_free(ears[i]);
			ears[i] = NULL;
		}
	}
}

static void free_myself(struct ear *me)
{
	acted++;
	for (size_t i = 0; i < EARS; i++)
		if (ears[i] == me)
			ears[i] = NULL;
	ear_free(me);
}

/* Stopped and watched again, on the same memory: what was pending is stale. */
static void rewatch_the_others(struct ear *me)
{
	struct error err = {0};
	char byte;

	if (acted++ > 0)
		return;
	for (size_t i = 0; i < EARS; i++) {
		if (ears[i] == me)
			continue;
		watch_stop(&ears[i]->watch);
		assert_int_equal(read(ears[i]->pair[0], &byte, 1), 1);
		assert_true(loop_watch(loop, &ears[i]->watch, ears[i]->pair[0], EPOLLIN, &err));
	}
}

static void quieten_the_others(struct ear *me)
{
	acted++;
	for (size_t i = 0; i < EARS; i++)
		if (ears[i] != me)
			watch_set_events(&ears[i]->watch, EPOLLOUT);
}

static void test_watches_changed_during_a_batch(void **state)
{
	static const struct {
		const char *name;
		void (*act)(struct ear *me);
		unsigned want_acted;
	} rows[] = {
		{"freeing the others: they are not heard", free_the_others, 1},
		{"each freeing itself: all are heard", free_myself, EARS},
		{"stopping and watching the others again", rewatch_the_others, 1},
		{"changing what the others wait for", quieten_the_others, 1},
	};
	unsigned failed = 0;

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		acted = 0;
		for (size_t i = 0; i < EARS; i++) {
			ears[i] = ear_new(EPOLLIN);
			ears[i]->act = rows[r].act;
			ear_call(ears[i]);
		}
		loop_turn(loop, 1000);
		if (acted != rows[r].want_acted) {
			print_error("%s: want %u, got %u\n", rows[r].name, rows[r].want_acted, acted);
			failed++;
		}
		for (size_t i = 0; i < EARS; i++)
			if (ears[i] != NULL)
				ear_free(ears[i]);
	}
	assert_int_equal(failed, 0);
}

static void test_closed_before_stopped(void **state)
{
	(void)state;
	struct ear *ear = ear_new(EPOLLIN);

	close(ear->pair[0]);
	watch_stop(&ear->watch);
	assert_int_equal(ear->watch.fd, -1);
	close(ear->pair[1]);
	free(ear);
}

/* Timers */

struct alarm {
	struct timer timer;
	unsigned fired;
	int64_t fired_ms;
	void (*act)(struct alarm *a);
};
static struct timer *order[16];
static size_t order_count;

static void alarm_on_expire(struct timer *t)
{
	struct alarm *a = CONTAINER_OF(t, struct alarm, timer);

	assert_false(timer_is_armed(t));
	a->fired++;
	a->fired_ms = clock_now_us() / 1000;
	if (order_count < ARRAY_LEN(order))
		order[order_count++] = t;
	if (a->act)
		a->act(a);
}
#define ALARM {.timer = TIMER_INIT(alarm_on_expire)}

static void test_timers_fire_in_order_and_not_early(void **state)
{
	struct alarm late = ALARM, soon = ALARM, never = ALARM, moved = ALARM;
	int64_t now = clock_ms();

	(void)state;
	order_count = 0;
	assert_true(timer_set(loop, &late.timer, now + 40));
	assert_true(timer_set(loop, &never.timer, now + 15));
	assert_true(timer_set(loop, &soon.timer, now + 20));
	assert_true(timer_set(loop, &moved.timer, now + 1));
	assert_true(timer_set(loop, &moved.timer, now + 30));
	timer_cancel(&never.timer);
	timer_cancel(&never.timer);
	while (order_count < 3)
		loop_turn(loop, -1);
	assert_ptr_equal(order[0], &soon.timer);
	assert_ptr_equal(order[1], &moved.timer);
	assert_ptr_equal(order[2], &late.timer);
	assert_true(soon.fired_ms >= now + 20);
	assert_true(moved.fired_ms >= now + 30);
	assert_true(late.fired_ms >= now + 40);
	assert_int_equal(never.fired, 0);
	assert_false(timer_is_armed(&late.timer));
}

static void arm_again_now(struct alarm *a)
{
	if (a->fired < 1000)
		assert_true(timer_set(loop, &a->timer, clock_ms()));
}

/* A timer that is always due must not keep the loop from its descriptors. */
static void test_timer_rearmed_at_once_does_not_hold_the_turn(void **state)
{
	struct alarm a = ALARM;

	(void)state;
	a.act = arm_again_now;
	assert_true(timer_set(loop, &a.timer, clock_ms()));
	loop_turn(loop, -1);
	assert_int_equal(a.fired, 1);
	loop_turn(loop, -1);
	assert_int_equal(a.fired, 2);
	timer_cancel(&a.timer);
}

static struct alarm victim;

static void cancel_victim(struct alarm *a)
{
	(void)a;
	timer_cancel(&victim.timer);
}

static void test_timer_cancelled_by_another_of_the_same_turn(void **state)
{
	struct alarm a = ALARM;

	(void)state;
	victim = (struct alarm)ALARM;
	a.act = cancel_victim;
	assert_true(timer_set(loop, &a.timer, clock_ms() - 2));
	assert_true(timer_set(loop, &victim.timer, clock_ms() - 1));
	loop_turn(loop, 0);
	assert_int_equal(a.fired, 1);
	assert_int_equal(victim.fired, 0);
}

static void test_wait_is_bounded(void **state)
{
	int64_t begin = clock_now_us();

	(void)state;
	loop_turn(loop, 30);
	assert_in_range(clock_now_us() - begin, 30 * 1000, 3000 * 1000);
	begin = clock_now_us();
	struct alarm a = ALARM;
	assert_true(timer_set(loop, &a.timer, INT64_MAX));
	loop_turn(loop, 1);
	assert_in_range(clock_now_us() - begin, 1000, 3000 * 1000);
	timer_cancel(&a.timer);
}

/* Whatever is set, moved and removed, the heap is a heap and knows everybody's place. */
static void check_heap(const struct timer_heap *heap)
{
	for (size_t i = 0; i < heap->count; i++) {
		assert_int_equal(heap->items[i]->heap_index, i);
		if (i > 0)
			assert_true(heap->items[(i - 1) / 2]->deadline_ms <=
				    heap->items[i]->deadline_ms);
	}
}

static void test_heap_stays_a_heap(void **state)
{
	enum { TIMERS = 200, STEPS = 4000 };
	static struct timer timers[TIMERS];
	struct timer_heap heap;
	uint32_t dice = 12345;

	(void)state;
	timer_heap_init(&heap);
	for (size_t i = 0; i < TIMERS; i++)
		timers[i] = (struct timer)TIMER_INIT(alarm_on_expire);
	for (size_t step = 0; step < STEPS; step++) {
		dice = dice * 1664525 + 1013904223;
		struct timer *t = &timers[(dice >> 8) % TIMERS];
		if ((dice >> 24) % 3 == 0 && timer_is_armed(t))
			timer_heap_remove(&heap, t);
		else
			assert_true(timer_heap_set(&heap, t, (int64_t)(dice >> 16) % 500));
		check_heap(&heap);
	}
	int64_t last = INT64_MIN;
	for (struct timer *t; (t = timer_heap_first(&heap)) != NULL;) {
		assert_true(t->deadline_ms >= last);
		last = t->deadline_ms;
		timer_heap_remove(&heap, t);
		check_heap(&heap);
	}
	timer_heap_done(&heap);
}

/* Tasks of the own thread */

struct job {
	struct task task;
	int id;
	void (*act)(struct job *job);
};
static int ran[32];
static size_t ran_count;

static void job_run(struct task *t)
{
	struct job *job = CONTAINER_OF(t, struct job, task);

	assert_false(t->queued);
	assert_true(ran_count < ARRAY_LEN(ran));
	ran[ran_count++] = job->id;
	if (job->act)
		job->act(job);
}
#define JOB(number) {.task = {.run = job_run}, .id = (number)}

static void defer_again(struct job *job)
{
	loop_defer(loop, &job->task);
}

static void test_deferred_run_once_in_order(void **state)
{
	struct job a = JOB(1), b = JOB(2), c = JOB(3), d = JOB(4);

	(void)state;
	ran_count = 0;
	loop_defer(loop, &a.task);
	loop_defer(loop, &b.task);
	loop_defer(loop, &c.task);
	loop_defer(loop, &a.task);
	loop_cancel_deferred(loop, &b.task);
	loop_cancel_deferred(loop, &b.task);
	loop_cancel_deferred(loop, &c.task);	/* the last one: the end moves back */
	loop_defer(loop, &d.task);
	assert_int_equal(ran_count, 0);
	loop_turn(loop, -1);			/* and it does not wait */
	assert_int_equal(ran_count, 2);
	assert_int_equal(ran[0], 1);
	assert_int_equal(ran[1], 4);
	loop_turn(loop, 0);
	assert_int_equal(ran_count, 2);
}

static void test_deferred_again_waits_for_the_next_turn(void **state)
{
	struct job a = JOB(1);

	(void)state;
	ran_count = 0;
	a.act = defer_again;
	loop_defer(loop, &a.task);
	loop_turn(loop, -1);
	assert_int_equal(ran_count, 1);
	loop_turn(loop, -1);
	assert_int_equal(ran_count, 2);
	loop_cancel_deferred(loop, &a.task);
	loop_turn(loop, 0);
	assert_int_equal(ran_count, 2);
}

static struct job *cancelled_job;

static void cancel_job(struct job *job)
{
	(void)job;
	loop_cancel_deferred(loop, &cancelled_job->task);
}

static void test_deferred_cancelled_while_they_run(void **state)
{
	struct job a = JOB(1), b = JOB(2), c = JOB(3);

	(void)state;
	ran_count = 0;
	a.act = cancel_job;
	cancelled_job = &b;
	loop_defer(loop, &a.task);
	loop_defer(loop, &b.task);
	loop_defer(loop, &c.task);
	loop_turn(loop, 0);
	assert_int_equal(ran_count, 2);
	assert_int_equal(ran[1], 3);
}

/* Posts and stops from other threads */

enum { POSTERS = 4, POSTS = 5000 };

struct letter {
	struct task task;
	unsigned poster;
	unsigned number;
};
static struct letter letters[POSTERS][POSTS];
static unsigned next_number[POSTERS];
static unsigned out_of_order;
static unsigned letters_read;

static void letter_run(struct task *t)
{
	struct letter *letter = CONTAINER_OF(t, struct letter, task);

	out_of_order += letter->number != next_number[letter->poster];
	next_number[letter->poster] = letter->number + 1;
	if (++letters_read == POSTERS * POSTS)
		loop_stop(loop);
}

static void *poster_main(void *arg)
{
	struct letter *mine = arg;

	for (unsigned i = 0; i < POSTS; i++) {
		loop_post(loop, &mine[i].task);
		if (i % 64 == 0)	/* let the loop fall asleep between some of them */
			usleep(50);
	}
	return NULL;
}

static void test_posts_of_several_threads(void **state)
{
	pthread_t threads[POSTERS];

	(void)state;
	for (unsigned p = 0; p < POSTERS; p++)
		for (unsigned i = 0; i < POSTS; i++)
			letters[p][i] = (struct letter){{.run = letter_run}, p, i};
	for (unsigned p = 0; p < POSTERS; p++)
		assert_int_equal(pthread_create(&threads[p], NULL, poster_main, letters[p]), 0);
	loop_run(loop);
	for (unsigned p = 0; p < POSTERS; p++)
		assert_int_equal(pthread_join(threads[p], NULL), 0);
	assert_int_equal(letters_read, POSTERS * POSTS);
	assert_int_equal(out_of_order, 0);
}

static void post_again(struct job *job)
{
	if (ran_count < 3)
		loop_post(loop, &job->task);
}

static void test_posted_from_its_own_run(void **state)
{
	struct job a = JOB(1);

	(void)state;
	ran_count = 0;
	a.act = post_again;
	loop_post(loop, &a.task);
	loop_turn(loop, -1);
	assert_int_equal(ran_count, 1);
	loop_turn(loop, -1);
	loop_turn(loop, -1);
	assert_int_equal(ran_count, 3);
}

static void *stopper_main(void *arg)
{
	(void)arg;
	usleep(20 * 1000);
	loop_stop(loop);
	return NULL;
}

static void test_stop_from_another_thread(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, stopper_main, NULL), 0);
	loop_run(loop);
	assert_int_equal(pthread_join(thread, NULL), 0);
	loop_stop(loop);
	loop_run(loop);		/* stopped before it began: returns at once */
}

static void test_free_runs_what_was_posted(void **state)
{
	struct error err = {0};
	struct job a = JOB(1), b = JOB(2);
	struct loop *own = loop_new(&err);

	(void)state;
	assert_non_null(own);
	ran_count = 0;
	loop_post(own, &a.task);
	loop_post(own, &b.task);
	loop_free(own);
	assert_int_equal(ran_count, 2);
	assert_int_equal(ran[0], 1);
	assert_int_equal(ran[1], 2);
	loop_free(NULL);
}

/* Hooks */

struct probe {
	struct loop_hook hook;
	int64_t wait_ms;
	unsigned prepared;
	unsigned after;
	struct loop_hook *to_remove;
};

static int64_t probe_prepare(struct loop_hook *h)
{
	struct probe *probe = CONTAINER_OF(h, struct probe, hook);

	probe->prepared++;
	return probe->wait_ms;
}

static void probe_after(struct loop_hook *h)
{
	struct probe *probe = CONTAINER_OF(h, struct probe, hook);

	probe->after++;
	if (probe->to_remove) {
		loop_remove_hook(loop, h);
		loop_remove_hook(loop, probe->to_remove);
	}
}
#define PROBE(ms) {.hook = {probe_prepare, probe_after, NULL}, .wait_ms = (ms)}

static void test_hooks_shorten_the_wait(void **state)
{
	struct probe patient = PROBE(-1), hasty = PROBE(0);

	(void)state;
	loop_add_hook(loop, &patient.hook);
	loop_add_hook(loop, &hasty.hook);
	loop_turn(loop, -1);
	loop_turn(loop, 60 * 1000);
	assert_int_equal(patient.prepared, 2);
	assert_int_equal(patient.after, 2);
	assert_int_equal(hasty.prepared, 2);
	assert_int_equal(hasty.after, 2);
	loop_remove_hook(loop, &hasty.hook);
	loop_remove_hook(loop, &hasty.hook);
	loop_turn(loop, 0);
	assert_int_equal(hasty.prepared, 2);
	assert_int_equal(patient.after, 3);
	loop_remove_hook(loop, &patient.hook);
}

static void test_hooks_removed_by_a_hook(void **state)
{
	struct probe last = PROBE(0), middle = PROBE(0), first = PROBE(0);

	(void)state;
	loop_add_hook(loop, &last.hook);	/* walked newest first */
	loop_add_hook(loop, &middle.hook);
	loop_add_hook(loop, &first.hook);
	first.to_remove = &middle.hook;
	loop_turn(loop, 0);
	assert_int_equal(first.after, 1);
	assert_int_equal(middle.after, 0);
	assert_int_equal(last.after, 1);
	loop_remove_hook(loop, &last.hook);
}

/* What a resumed connection needs: whatever the turn brings, the after hook sees it. */
static unsigned ran_before_after;

static void note_ran(struct loop_hook *h)
{
	(void)h;
	ran_before_after = (unsigned)ran_count;
}

static int64_t no_wait(struct loop_hook *h)
{
	(void)h;
	return 0;
}

static void test_after_hook_comes_behind_tasks(void **state)
{
	struct loop_hook hook = {no_wait, note_ran, NULL};
	struct job posted = JOB(1), deferred = JOB(2);

	(void)state;
	ran_count = 0;
	loop_add_hook(loop, &hook);
	loop_post(loop, &posted.task);
	loop_defer(loop, &deferred.task);
	loop_turn(loop, -1);
	assert_int_equal(ran_before_after, 2);
	loop_remove_hook(loop, &hook);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_event_is_delivered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_descriptor_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watches_changed_during_a_batch, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_closed_before_stopped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timers_fire_in_order_and_not_early, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_timer_rearmed_at_once_does_not_hold_the_turn,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_timer_cancelled_by_another_of_the_same_turn,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_wait_is_bounded, setup, teardown),
		cmocka_unit_test(test_heap_stays_a_heap),
		cmocka_unit_test_setup_teardown(test_deferred_run_once_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deferred_again_waits_for_the_next_turn, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_deferred_cancelled_while_they_run, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_posts_of_several_threads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_posted_from_its_own_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop_from_another_thread, setup, teardown),
		cmocka_unit_test(test_free_runs_what_was_posted),
		cmocka_unit_test_setup_teardown(test_hooks_shorten_the_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hooks_removed_by_a_hook, setup, teardown),
		cmocka_unit_test_setup_teardown(test_after_hook_comes_behind_tasks, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("io/loop", tests, NULL, NULL);
}
