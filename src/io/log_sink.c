/*
 * io/log_sink.c - see io/log_sink.h.
 *
 * What the writer is doing, told to the producers by one atomic word:
 *
 *   RUNNING --nothing found--> SLEEPING --first line----> RUNNING
 *   RUNNING --lines written--> NAPPING  --time is up, or a ring half full--> RUNNING
 *
 * RUNNING   it is about to look at the rings, or at them: nobody needs to call it
 * NAPPING   it looks again within LOG_SINK_NAP_MS; a producer calls only when its ring
 *           may not last that long
 * SLEEPING  it waits for a call
 *
 * The producer that moves the word to RUNNING writes the eventfd, so there is one call a
 * batch. No wake-up is lost: the writer says SLEEPING before it looks at the rings a last
 * time, a producer reads the word after publishing its line, all sequentially consistent.
 *
 * Orders from other threads (flush, reopen, close) are fields under the mutex, which the
 * writer never holds while it writes. The write itself blocks: a pipe or terminal we were
 * started with shares its O_NONBLOCK with whoever gave it to us, so it is not ours to set.
 * That is why log_sink_close() can give up: the sink then belongs to the writer, which
 * frees it when the destination lets go of it.
 */
#include "io/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/ring.h"

enum writer_state { RUNNING, NAPPING, SLEEPING };

struct log_producer {
	struct ring *ring;
	struct log_sink *sink;
	struct log_producer *next;	/* set before the producer is listed, never changed */
};

struct log_sink {
	char *to;
	int standard_fd;		/* 1, 2, or -1 for a path */
	int wake_fd;
	_Atomic(enum writer_state) state;
	atomic_uint_least64_t cut;	/* lines lost in the middle, beside what the rings count */
	pthread_t thread;

	pthread_mutex_t mutex;
	pthread_cond_t answered;	/* flush_done, flush_failed or finished changed */
	struct log_producer *producers;	/* newest first */
	int next_fd;			/* of a reopen; -1 when there is none */
	uint64_t flush_asked;		/* requests are numbered */
	uint64_t flush_done;
	uint64_t flush_failed;
	bool closing;
	bool abandoned;			/* log_sink_close() went without us */
	bool finished;

	/* The writer's own */
	int fd;
	struct log_producer *torn;	/* whose line was written in part; it goes on first */
	int write_errno;		/* of the last pass; 0 when it was fine */
	uint64_t lost_reported;
	int64_t report_after_us;
};

/* What the writer takes over from the other threads at the start of a pass */
struct orders {
	struct log_producer *producers;
	uint64_t flush;
	bool closing;
};

/* The producers' side */

static void wake_writer(struct log_sink *sink)
{
	const uint64_t one = 1;

	while (write(sink->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void call_writer(struct log_producer *p)
{
	struct log_sink *sink = p->sink;
	enum writer_state state = atomic_load(&sink->state);

	if (state == RUNNING || (state == NAPPING && !ring_is_half_full(p->ring)))
		return;
	if (atomic_compare_exchange_strong(&sink->state, &state, RUNNING))
		wake_writer(sink);
}

bool log_producer_write(struct log_producer *p, const char *line, size_t len)
{
	ASSERT(len > 0 && line[len - 1] == '\n');
	bool ok = ring_write(p->ring, line, len);
	call_writer(p);
	return ok;
}

/* The writer: one pass over the rings */

/* Write once. The bytes written; 0 on an error, which write_errno then names. */
static size_t write_some(struct log_sink *sink, struct iovec iov[2])
{
	struct pollfd room = {.fd = sink->fd, .events = POLLOUT};

	for (;;) {
		ssize_t n = writev(sink->fd, iov, 2);
		if (n > 0)
			return (size_t)n;
		if (n < 0 && errno == EINTR)
			continue;
		/* A standard stream may be non-blocking, if whoever shares it wants that. */
		if (n < 0 && errno == EAGAIN && poll(&room, 1, -1) >= 0)
			continue;
		sink->write_errno = n < 0 ? errno : EIO;
		return 0;
	}
}

/*
 * Write what one ring holds. False on an error; p is torn when the last byte that made it
 * is not the end of a line.
 */
static bool write_ring(struct log_sink *sink, struct log_producer *p, bool *ret_wrote)
{
	const char *part1, *part2;
	size_t len1, len2;
	size_t left = ring_peek(p->ring, &part1, &len1, &part2, &len2);

	while (left > 0) {
		struct iovec iov[2] = {
			{.iov_base = (void *)(uintptr_t)part1, .iov_len = len1},
			{.iov_base = (void *)(uintptr_t)part2, .iov_len = len2},
		};
		size_t written = write_some(sink, iov);
		if (written == 0)
			return false;
		char last = written <= len1 ? part1[written - 1] : part2[written - len1 - 1];
		sink->torn = last == '\n' ? NULL : p;
		ring_consume(p->ring, written);
		*ret_wrote = true;
		/* What comes meanwhile can wait: the other rings have their turn. */
		left -= written < left ? written : left;
		ring_peek(p->ring, &part1, &len1, &part2, &len2);
	}
	return true;
}

/* True when anything was written; write_errno says how it ended. */
static bool write_all(struct log_sink *sink, struct log_producer *producers)
{
	bool wrote = false;

	sink->write_errno = 0;
	if (sink->torn != NULL && !write_ring(sink, sink->torn, &wrote))
		return wrote;
	for (struct log_producer *p = producers; p != NULL; p = p->next) {
		if (!write_ring(sink, p, &wrote))
			return wrote;
	}
	return wrote;
}

static bool is_all_empty(const struct log_producer *producers)
{
	const char *part1, *part2;
	size_t len1, len2;

	for (const struct log_producer *p = producers; p != NULL; p = p->next) {
		if (ring_peek(p->ring, &part1, &len1, &part2, &len2) > 0)
			return false;
	}
	return true;
}

static uint64_t count_drops(const struct log_sink *sink, const struct log_producer *producers)
{
	uint64_t drops = atomic_load(&sink->cut);

	for (const struct log_producer *p = producers; p != NULL; p = p->next)
		drops += ring_dropped(p->ring);
	return drops;
}

static uint64_t count_lines(const char *bytes, size_t len)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < len; i++)
		lines += bytes[i] == '\n';
	return lines;
}

static uint64_t count_waiting(const struct log_producer *producers)
{
	const char *part1, *part2;
	size_t len1, len2;
	uint64_t lines = 0;

	for (const struct log_producer *p = producers; p != NULL; p = p->next) {
		ring_peek(p->ring, &part1, &len1, &part2, &len2);
		lines += count_lines(part1, len1) + count_lines(part2, len2);
	}
	return lines;
}

/*
 * Tell the operator's log what is wrong, when something is and it is time again. Returns
 * whether something is left to be told.
 */
static bool report(struct log_sink *sink, uint64_t lost)
{
	uint64_t fresh = lost - sink->lost_reported;

	if (fresh == 0 && sink->write_errno == 0)
		return false;
	if (clock_now_us() < sink->report_after_us)
		return true;
	if (sink->write_errno != 0)
		log_error("cannot write the log to %s: %s; %" PRIu64 " lines lost, %" PRIu64
			  " in all", sink->to, strerror(sink->write_errno), fresh, lost);
	else
		log_warning("the log to %s does not keep up: %" PRIu64 " lines lost, %" PRIu64
			    " in all", sink->to, fresh, lost);
	sink->lost_reported = lost;
	sink->report_after_us = clock_now_us() + LOG_SINK_REPORT_MS * 1000;
	return false;
}

/* The writer: its thread */

/* The rest of a torn line must not be the start of a new file: that line is given up. */
static void drop_torn_line(struct log_sink *sink)
{
	const char *part1, *part2;
	size_t len1, len2;

	if (sink->torn == NULL)
		return;
	ring_peek(sink->torn->ring, &part1, &len1, &part2, &len2);
	const char *end = memchr(part1, '\n', len1);
	if (end != NULL) {
		ring_consume(sink->torn->ring, (size_t)(end - part1) + 1);
	} else {
		end = memchr(part2, '\n', len2);
		ASSERT(end != NULL);
		ring_consume(sink->torn->ring, len1 + (size_t)(end - part2) + 1);
	}
	sink->torn = NULL;
	atomic_fetch_add(&sink->cut, 1);
}

static struct orders take_orders(struct log_sink *sink)
{
	pthread_mutex_lock(&sink->mutex);
	struct orders orders = {sink->producers, sink->flush_asked, sink->closing};
	int next_fd = sink->next_fd;
	sink->next_fd = -1;
	pthread_mutex_unlock(&sink->mutex);

	if (next_fd >= 0) {
		drop_torn_line(sink);
		close(sink->fd);
		sink->fd = next_fd;
	}
	return orders;
}

static void answer_flush(struct log_sink *sink, uint64_t number)
{
	pthread_mutex_lock(&sink->mutex);
	if (sink->write_errno == 0)
		sink->flush_done = number;
	else
		sink->flush_failed = number;
	pthread_cond_broadcast(&sink->answered);
	pthread_mutex_unlock(&sink->mutex);
}

static void rest(struct log_sink *sink, const struct log_producer *producers, bool wrote)
{
	struct pollfd wake = {.fd = sink->wake_fd, .events = POLLIN};
	bool to_report = report(sink, count_drops(sink, producers));
	int wait_ms = to_report ? LOG_SINK_REPORT_MS : -1;
	uint64_t calls;

	if (sink->write_errno != 0) {
		wait_ms = LOG_SINK_RETRY_MS;	/* RUNNING: a new line is no reason to try sooner */
	} else if (wrote) {
		wait_ms = LOG_SINK_NAP_MS;
		atomic_store(&sink->state, NAPPING);
	} else {
		atomic_store(&sink->state, SLEEPING);
		if (!is_all_empty(producers))
			wait_ms = 0;
	}
	/* Neither an interruption nor a spurious call does harm: the next pass finds nothing. */
	if (poll(&wake, 1, wait_ms) > 0) {
		ssize_t n = read(sink->wake_fd, &calls, sizeof(calls));
		ASSERT(n == sizeof(calls) || errno == EAGAIN || errno == EINTR);
	}
	atomic_store(&sink->state, RUNNING);
}

static void sink_destroy(struct log_sink *sink)
{
	while (sink->producers != NULL) {
		struct log_producer *p = sink->producers;
		sink->producers = p->next;
		ring_free(p->ring);
		free(p);
	}
	if (sink->next_fd >= 0)
		close(sink->next_fd);
	if (sink->standard_fd < 0 && sink->fd >= 0)
		close(sink->fd);
	if (sink->wake_fd >= 0)
		close(sink->wake_fd);
	pthread_cond_destroy(&sink->answered);
	pthread_mutex_destroy(&sink->mutex);
	free(sink->to);
	free(sink);
}

static void *writer_main(void *arg)
{
	struct log_sink *sink = arg;

	for (;;) {
		struct orders orders = take_orders(sink);
		bool wrote = write_all(sink, orders.producers);
		answer_flush(sink, orders.flush);
		if (orders.closing) {
			sink->report_after_us = 0;	/* the last word */
			report(sink, count_drops(sink, orders.producers) +
				     count_waiting(orders.producers));
			break;
		}
		rest(sink, orders.producers, wrote);
	}
	pthread_mutex_lock(&sink->mutex);
	bool abandoned = sink->abandoned;
	sink->finished = true;
	pthread_cond_broadcast(&sink->answered);
	pthread_mutex_unlock(&sink->mutex);
	if (abandoned)
		sink_destroy(sink);
	return NULL;
}

/* The others' side */

/* O_NONBLOCK for the open alone: that of a FIFO nobody reads would wait for a reader. */
static int open_path(const char *path, struct error *err)
{
	const int how = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int fd = open(path, how, 0640);

	if (fd < 0) {
		error_set_errno(err, errno, "cannot open the log %s", path);
		return -1;
	}
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0) {
		error_set_errno(err, errno, "cannot set up the log %s", path);
		close(fd);
		return -1;
	}
	return fd;
}

static bool init_locks(struct log_sink *sink)
{
	pthread_condattr_t attr;

	if (pthread_mutex_init(&sink->mutex, NULL) != 0)
		return false;
	if (pthread_condattr_init(&attr) != 0)
		goto fail;
	int status = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (status == 0)
		status = pthread_cond_init(&sink->answered, &attr);
	pthread_condattr_destroy(&attr);
	if (status == 0)
		return true;
fail:
	pthread_mutex_destroy(&sink->mutex);
	return false;
}

static struct log_sink *sink_create(const char *to)
{
	struct log_sink *sink = calloc(1, sizeof(*sink));

	if (sink == NULL)
		return NULL;
	sink->to = strdup(to);
	if (sink->to == NULL || !init_locks(sink)) {
		free(sink->to);
		free(sink);
		return NULL;
	}
	sink->standard_fd = strcmp(to, "stdout") == 0   ? STDOUT_FILENO
			    : strcmp(to, "stderr") == 0 ? STDERR_FILENO
							: -1;
	sink->fd = -1;
	sink->wake_fd = -1;
	sink->next_fd = -1;
	atomic_init(&sink->state, RUNNING);
	atomic_init(&sink->cut, 0);
	return sink;
}

/* Every signal is blocked in the writer: they are for the main thread (SIGPIPE for nobody). */
static bool start_writer(struct log_sink *sink, struct error *err)
{
	sigset_t all, before;

	sigfillset(&all);
	int status = pthread_sigmask(SIG_BLOCK, &all, &before);
	ASSERT(status == 0);
	int started = pthread_create(&sink->thread, NULL, writer_main, sink);
	status = pthread_sigmask(SIG_SETMASK, &before, NULL);
	ASSERT(status == 0);
	if (started != 0)
		return error_set_errno(err, started, "cannot start the writer of a log");
	return true;
}

struct log_sink *log_sink_open(const char *to, struct error *err)
{
	struct log_sink *sink = sink_create(to);

	if (sink == NULL) {
		error_set(err, ERR_NOMEM, "out of memory for a log");
		return NULL;
	}
	sink->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (sink->wake_fd < 0) {
		error_set_errno(err, errno, "cannot create an event descriptor");
		goto fail;
	}
	sink->fd = sink->standard_fd >= 0 ? sink->standard_fd : open_path(to, err);
	if (sink->fd < 0 || !start_writer(sink, err))
		goto fail;
	return sink;
fail:
	sink_destroy(sink);
	return NULL;
}

struct log_producer *log_sink_add_producer(struct log_sink *sink, size_t capacity)
{
	struct log_producer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->sink = sink;
	p->ring = ring_new(capacity);
	if (p->ring == NULL) {
		free(p);
		return NULL;
	}
	pthread_mutex_lock(&sink->mutex);
	p->next = sink->producers;
	sink->producers = p;
	pthread_mutex_unlock(&sink->mutex);
	/* A writer asleep knows the older producers only: let it take the new list. */
	wake_writer(sink);
	return p;
}

static struct timespec deadline_in(unsigned ms)
{
	struct timespec t;
	int status = clock_gettime(CLOCK_MONOTONIC, &t);

	ASSERT(status == 0);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

bool log_sink_reopen(struct log_sink *sink, struct error *err)
{
	if (sink->standard_fd >= 0)
		return true;
	int fd = open_path(sink->to, err);
	if (fd < 0)
		return false;

	pthread_mutex_lock(&sink->mutex);
	int unused = sink->next_fd;
	sink->next_fd = fd;
	pthread_mutex_unlock(&sink->mutex);
	if (unused >= 0)
		close(unused);
	wake_writer(sink);
	return true;
}

bool log_sink_flush(struct log_sink *sink, unsigned timeout_ms)
{
	struct timespec deadline = deadline_in(timeout_ms);
	int status = 0;

	pthread_mutex_lock(&sink->mutex);
	uint64_t number = ++sink->flush_asked;
	wake_writer(sink);
	while (sink->flush_done < number && sink->flush_failed < number && status == 0)
		status = pthread_cond_timedwait(&sink->answered, &sink->mutex, &deadline);
	bool done = sink->flush_done >= number;
	pthread_mutex_unlock(&sink->mutex);
	return done;
}

uint64_t log_sink_dropped(struct log_sink *sink)
{
	pthread_mutex_lock(&sink->mutex);
	uint64_t drops = count_drops(sink, sink->producers);
	pthread_mutex_unlock(&sink->mutex);
	return drops;
}

void log_sink_close(struct log_sink *sink)
{
	struct timespec deadline = deadline_in(LOG_SINK_CLOSE_MS);
	int status = 0;

	if (sink == NULL)
		return;
	pthread_mutex_lock(&sink->mutex);
	sink->closing = true;
	wake_writer(sink);
	while (!sink->finished && status == 0)
		status = pthread_cond_timedwait(&sink->answered, &sink->mutex, &deadline);
	bool finished = sink->finished;
	pthread_t thread = sink->thread;
	if (!finished) {
		log_error("the log to %s takes nothing: its last lines are lost", sink->to);
		sink->abandoned = true;
	}
	pthread_mutex_unlock(&sink->mutex);

	/* Once abandoned, the sink may be gone any moment. */
	if (!finished) {
		pthread_detach(thread);
		return;
	}
	pthread_join(thread, NULL);
	sink_destroy(sink);
}
