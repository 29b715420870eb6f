/*
 * tests of io/log_sink.h: complete lines from many threads, rotation, and destinations that
 * are slow, stuck or full, none of which may hold a producer up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "io/log_sink.h"

enum { FLUSH_MS = 20000 };

static char folder[64];
static char path[128];

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_log_sink.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/log", folder);
	return 0;
}

static int teardown(void **state)
{
	char old[160];

	(void)state;
	snprintf(old, sizeof(old), "%s.1", path);
	unlink(path);
	unlink(old);
	return rmdir(folder);
}

static struct log_sink *open_sink(const char *to)
{
	struct error err = {0};
	char text[ERROR_FORMAT_MAX];
	struct log_sink *sink = log_sink_open(to, &err);

	if (sink == NULL)
		fail_msg("%s", error_format(&err, text, sizeof(text)));
	return sink;
}

static void assert_file(const char *name, const char *want)
{
	struct error err = {0};
	struct buf got;

	buf_init(&got, 1 << 20);
	assert_true(file_read(name, 1 << 20, &got, &err));
	if (!str_equal(buf_str(&got), str_from(want)))
		fail_msg("%s: want \"%s\", got \"%.*s\"", name, want, STR_ARG(buf_str(&got)));
	buf_done(&got);
}

static bool write_line(struct log_producer *p, const char *line)
{
	return log_producer_write(p, line, strlen(line));
}

static void test_lines_reach_the_file(void **state)
{
	struct log_sink *sink = open_sink(path);
	struct log_producer *p = log_sink_add_producer(sink, 4096);
	struct stat info;

	(void)state;
	assert_non_null(p);
	assert_true(write_line(p, "one\n"));
	assert_true(log_sink_flush(sink, FLUSH_MS));
	assert_file(path, "one\n");
	assert_true(write_line(p, "two\n"));
	assert_true(write_line(p, "three\n"));
	log_sink_close(sink);		/* writes what is left */
	assert_file(path, "one\ntwo\nthree\n");
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0137, 0);

	sink = open_sink(path);		/* appends */
	p = log_sink_add_producer(sink, 4096);
	assert_non_null(p);
	assert_true(write_line(p, "four\n"));
	log_sink_close(sink);
	assert_file(path, "one\ntwo\nthree\nfour\n");
	log_sink_close(NULL);
}

/* Without a flush, too: the first line wakes the writer, whatever it did before. */
static void test_writer_is_woken(void **state)
{
	struct log_sink *sink = open_sink(path);
	struct log_producer *p = log_sink_add_producer(sink, 4096);
	struct stat info = {0};
	char line[32];
	off_t size = 0;

	(void)state;
	assert_non_null(p);
	for (int i = 0; i < 20; i++) {
		usleep((useconds_t)(i % 4) * 4000);	/* asleep, napping, or in between */
		size += snprintf(line, sizeof(line), "line %d\n", i);
		assert_true(write_line(p, line));
		int64_t limit = clock_now_us() + 10 * 1000000;
		while (info.st_size < size && clock_now_us() < limit) {
			usleep(500);
			assert_int_equal(stat(path, &info), 0);
		}
		assert_int_equal(info.st_size, size);
	}
	log_sink_close(sink);
}

static void test_errors(void **state)
{
	char missing[160];
	struct error err = {0};

	(void)state;
	snprintf(missing, sizeof(missing), "%s/no/such/log", folder);
	assert_null(log_sink_open(missing, &err));
	assert_int_equal(err.kind, ERR_IO);
	error_clear(&err);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(log_sink_open(path, &err));		/* nobody reads: refused, no waiting */
	assert_int_equal(err.kind, ERR_IO);
	assert_int_equal(unlink(path), 0);

	struct log_sink *sink = open_sink(path);
	assert_null(log_sink_add_producer(sink, SIZE_MAX));
	log_sink_close(sink);
}

static void test_reopen_after_rotation(void **state)
{
	struct log_sink *sink = open_sink(path);
	struct log_producer *p = log_sink_add_producer(sink, 4096);
	struct error err = {0};
	char old[160];

	(void)state;
	assert_non_null(p);
	snprintf(old, sizeof(old), "%s.1", path);
	assert_true(write_line(p, "before\n"));
	assert_true(log_sink_flush(sink, FLUSH_MS));
	assert_int_equal(rename(path, old), 0);
	assert_true(write_line(p, "renamed\n"));	/* still the same file */
	assert_true(log_sink_flush(sink, FLUSH_MS));
	assert_true(log_sink_reopen(sink, &err));
	assert_true(log_sink_flush(sink, FLUSH_MS));
	assert_true(write_line(p, "after\n"));
	assert_true(log_sink_reopen(sink, &err));	/* twice in a row */
	assert_true(log_sink_reopen(sink, &err));
	log_sink_close(sink);
	assert_file(old, "before\nrenamed\n");
	assert_file(path, "after\n");
}

static void test_failed_reopen_keeps_the_file(void **state)
{
	struct log_sink *sink = open_sink(path);
	struct log_producer *p = log_sink_add_producer(sink, 4096);
	struct error err = {0};

	(void)state;
	assert_non_null(p);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(log_sink_reopen(sink, &err));
	assert_int_equal(err.kind, ERR_IO);
	assert_true(write_line(p, "kept\n"));
	assert_true(log_sink_flush(sink, FLUSH_MS));
	log_sink_close(sink);
	assert_int_equal(rmdir(path), 0);
}

/* Standard output is used as it is, and stays open. */
static void test_standard_output(void **state)
{
	int saved = dup(STDOUT_FILENO);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct error err = {0};

	(void)state;
	assert_true(saved >= 0 && fd >= 0);
	fflush(stdout);
	assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	struct log_sink *sink = log_sink_open("stdout", &err);
	struct log_producer *p = sink ? log_sink_add_producer(sink, 4096) : NULL;
	bool wrote = p != NULL && write_line(p, "to stdout\n");
	bool reopened = sink != NULL && log_sink_reopen(sink, &err);
	log_sink_close(sink);
	bool open_still = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
	assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
	close(saved);
	close(fd);
	assert_true(wrote && reopened && open_still);
	assert_file(path, "to stdout\n");
}

/* Several threads */

enum { THREADS = 4, LINES = 20000 };

struct speaker {
	struct log_producer *producer;
	unsigned id;
	unsigned written;
	unsigned dropped;
};

static void *speaker_main(void *arg)
{
	struct speaker *me = arg;
	char line[160];

	for (unsigned i = 0; i < LINES; i++) {
		int len = snprintf(line, sizeof(line), "%u %u %.*s\n", me->id, i, (int)(i % 90),
				   "------------------------------------------------------------"
				   "------------------------------");
		if (log_producer_write(me->producer, line, (size_t)len))
			me->written++;
		else
			me->dropped++;
		if (i % 1000 == 0)
			usleep(1000);
	}
	return NULL;
}

/* Each thread's lines are whole and in order; those missing are those dropped. */
static void check_lines(struct str text, const struct speaker *speakers)
{
	unsigned seen[THREADS] = {0}, next[THREADS] = {0};
	struct str line;

	assert_true(str_ends_with(text, STR("\n")));
	text.len--;
	while (str_next(&text, '\n', &line)) {
		struct str id_text, number_text;
		uint64_t id, number;
		assert_true(str_next(&line, ' ', &id_text) && str_to_u64(id_text, &id));
		assert_true(str_next(&line, ' ', &number_text) && str_to_u64(number_text, &number));
		assert_true(id < THREADS && number >= next[id]);
		assert_int_equal(line.len, number % 90);
		next[id] = (unsigned)number + 1;
		seen[id]++;
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(seen[i], speakers[i].written);
}

static void run_speakers(size_t capacity, bool want_all)
{
	struct speaker speakers[THREADS] = {0};
	pthread_t threads[THREADS];
	struct log_sink *sink = open_sink(path);
	struct error err = {0};
	struct buf text;
	uint64_t dropped = 0;

	for (unsigned i = 0; i < THREADS; i++) {
		speakers[i].id = i;
		speakers[i].producer = log_sink_add_producer(sink, capacity);
		assert_non_null(speakers[i].producer);
		assert_int_equal(pthread_create(&threads[i], NULL, speaker_main, &speakers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(speakers[i].written + speakers[i].dropped, LINES);
		dropped += speakers[i].dropped;
	}
	assert_int_equal(log_sink_dropped(sink), dropped);
	assert_true(!want_all || dropped == 0);
	assert_true(log_sink_flush(sink, FLUSH_MS));
	buf_init(&text, 32 << 20);
	assert_true(file_read(path, 32 << 20, &text, &err));
	check_lines(buf_str(&text), speakers);
	buf_done(&text);
	log_sink_close(sink);
}

static void test_several_threads(void **state)
{
	(void)state;
	run_speakers(4 << 20, true);
}

static void test_several_threads_with_small_rings(void **state)
{
	(void)state;
	run_speakers(512, false);
}

/* Destinations that do not take what they are given */

static int open_reader(void)
{
	assert_int_equal(mkfifo(path, 0600), 0);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_SETPIPE_SZ, 4096) >= 0);
	return fd;
}

/* Reads what comes until there was nothing for 300 ms. */
static unsigned read_lines(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char bytes[4096];
	unsigned lines = 0;

	while (poll(&ready, 1, 300) > 0) {
		ssize_t n = read(fd, bytes, sizeof(bytes));
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			lines += bytes[i] == '\n';
	}
	return lines;
}

static void test_stuck_reader_holds_nobody_up(void **state)
{
	int reader = open_reader();
	struct log_sink *sink = open_sink(path);
	struct log_producer *p = log_sink_add_producer(sink, 16 * 1024);
	struct log_producer *other = log_sink_add_producer(sink, 16 * 1024);
	char line[128];
	unsigned kept = 0, lost = 0;

	(void)state;
	assert_non_null(p);
	assert_non_null(other);
	memset(line, 'x', sizeof(line) - 2);
	memcpy(line + sizeof(line) - 2, "\n", 2);
	int64_t begin = clock_now_us();
	for (int i = 0; i < 20000; i++)
		*(write_line(p, line) ? &kept : &lost) += 1;
	assert_in_range(clock_now_us() - begin, 0, 5 * 1000000);
	assert_true(lost > 0);
	assert_int_equal(log_sink_dropped(sink), lost);
	assert_true(write_line(other, "me too\n"));	/* a ring of its own */
	kept++;
	assert_false(log_sink_flush(sink, 50));

	assert_int_equal(read_lines(reader), kept);	/* what was kept comes, all of it */
	assert_true(log_sink_flush(sink, FLUSH_MS));
	log_sink_close(sink);
	close(reader);
}

/* Closing gives up in time; the writer ends by itself when the destination lets go. */
static void test_close_gives_up(void **state)
{
	int reader = open_reader();
	struct log_sink *sink = open_sink(path);
	struct log_producer *p = log_sink_add_producer(sink, 1 << 20);
	static char line[4096];

	(void)state;
	assert_non_null(p);
	memset(line, 'x', sizeof(line) - 2);
	memcpy(line + sizeof(line) - 2, "\n", 2);
	for (int i = 0; i < 100; i++)
		assert_true(write_line(p, line));
	int64_t begin = clock_now_us();
	log_sink_close(sink);
	assert_in_range(clock_now_us() - begin, LOG_SINK_CLOSE_MS * 900,
			(LOG_SINK_CLOSE_MS + 3000) * 1000);
	assert_int_equal(read_lines(reader), 100);
	close(reader);
}

static void test_full_device(void **state)
{
	struct log_sink *sink;
	struct log_producer *p;

	(void)state;
	if (access("/dev/full", W_OK) != 0)
		skip();
	sink = open_sink("/dev/full");
	p = log_sink_add_producer(sink, 4096);
	assert_non_null(p);
	assert_true(write_line(p, "no room\n"));
	int64_t begin = clock_now_us();
	assert_false(log_sink_flush(sink, FLUSH_MS));	/* says so at once */
	assert_in_range(clock_now_us() - begin, 0, 5 * 1000000);
	log_sink_close(sink);
}

/* The reader goes away and another one comes: no SIGPIPE, and the lines wait for it. */
static void test_reader_leaves_and_comes_back(void **state)
{
	int reader = open_reader();
	struct log_sink *sink = open_sink(path);
	struct log_producer *p = log_sink_add_producer(sink, 4096);

	(void)state;
	assert_non_null(p);
	close(reader);
	assert_true(write_line(p, "waits\n"));
	assert_false(log_sink_flush(sink, FLUSH_MS));
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	assert_true(log_sink_flush(sink, FLUSH_MS));
	assert_int_equal(read_lines(reader), 1);
	log_sink_close(sink);
	close(reader);
}

/* No file may grow past bytes; RLIM_INFINITY lifts that again. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/*
 * "aaaa" is written, of "bbbb" three bytes; "cccc" comes from another ring, which is newer
 * and would be looked at first.
 */
static struct log_sink *tear_a_line(void)
{
	struct log_sink *sink = open_sink(path);
	struct log_producer *p = log_sink_add_producer(sink, 4096);

	assert_non_null(p);
	limit_files(8);
	assert_true(log_producer_write(p, "aaaa\nbbbb\n", 10));
	bool done = log_sink_flush(sink, FLUSH_MS);
	struct log_producer *newer = log_sink_add_producer(sink, 4096);
	bool third = newer != NULL && write_line(newer, "cccc\n");
	assert_false(done);
	assert_true(third);
	assert_file(path, "aaaa\nbbb");
	return sink;
}

static void test_torn_line_goes_on(void **state)
{
	struct log_sink *sink = tear_a_line();

	(void)state;
	limit_files(RLIM_INFINITY);
	assert_true(log_sink_flush(sink, FLUSH_MS));
	assert_file(path, "aaaa\nbbbb\ncccc\n");
	assert_int_equal(log_sink_dropped(sink), 0);
	log_sink_close(sink);
}

static void test_torn_line_does_not_open_the_new_file(void **state)
{
	struct log_sink *sink = tear_a_line();
	struct error err = {0};
	char old[160];

	/* the limit stays, or the writer might get the rest into the old file in time */
	(void)state;
	snprintf(old, sizeof(old), "%s.1", path);
	assert_int_equal(rename(path, old), 0);
	assert_true(log_sink_reopen(sink, &err));
	assert_true(log_sink_flush(sink, FLUSH_MS));
	assert_int_equal(log_sink_dropped(sink), 1);
	log_sink_close(sink);
	limit_files(RLIM_INFINITY);
	assert_file(path, "cccc\n");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines_reach_the_file),
		TEST(test_writer_is_woken),
		TEST(test_errors),
		TEST(test_reopen_after_rotation),
		TEST(test_failed_reopen_keeps_the_file),
		TEST(test_standard_output),
		TEST(test_several_threads),
		TEST(test_several_threads_with_small_rings),
		TEST(test_stuck_reader_holds_nobody_up),
		TEST(test_close_gives_up),
		TEST(test_full_device),
		TEST(test_reader_leaves_and_comes_back),
		TEST(test_torn_line_goes_on),
		TEST(test_torn_line_does_not_open_the_new_file),
	};

	return cmocka_run_group_tests_name("io/log_sink", tests, NULL, NULL);
}
