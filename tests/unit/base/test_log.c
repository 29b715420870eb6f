#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

/*
 * Standard error goes to fd while the lines are written. A socket of packets shows each
 * write(2) as one.
 */
static int real_stderr;

static void capture(int fd)
{
	fflush(stderr);
	real_stderr = dup(STDERR_FILENO);
	assert_true(real_stderr >= 0);
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
}

static void release(void)
{
	assert_true(dup2(real_stderr, STDERR_FILENO) >= 0);
	close(real_stderr);
}

static char line[2 * LOG_LINE_MAX];

static const char *next_line(int fd)
{
	ssize_t got = recv(fd, line, sizeof(line) - 1, MSG_DONTWAIT);

	line[got > 0 ? got : 0] = '\0';
	return line;
}

/* What stands behind "2026-11-20T21:42:07.123Z ". */
static const char *behind_time(const char *text)
{
	return strlen(text) > 25 ? text + 25 : text;
}

static void make_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void close_pair(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

static void test_escapes(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
		{"plain", "exchange=7f3a all well", "error exchange=7f3a all well\n"},
		{"line break", "a\nb", "error a\\x0ab\n"},
		{"carriage return", "a\rb", "error a\\x0db\n"},
		{"escape sequence", "\x1b[31m", "error \\x1b[31m\n"},
		{"DEL", "\x7f", "error \\x7f\n"},
		{"C1 in UTF-8", "\xc2\x9b", "error \\xc2\\x9b\n"},
		{"no UTF-8", "\xff\xc0\xaf", "error \\xff\\xc0\\xaf\n"},
		{"cut UTF-8", "\xc3", "error \\xc3\n"},
		{"UTF-8", "caf\xc3\xa9", "error caf\xc3\xa9\n"},
		{"empty", "", "error \n"},
	};
	int pair[2];

	(void)state;
	make_pair(pair);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		capture(pair[1]);
		log_error("%s", rows[i].text);
		release();
		check_cstr(rows[i].name, "line", rows[i].want, behind_time(next_line(pair[0])));
		check_cstr(rows[i].name, "one write", "", next_line(pair[0]));
	}
	close_pair(pair);
	check_done();
}

static void test_time(void **state)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ ";
	int pair[2];

	(void)state;
	make_pair(pair);
	capture(pair[1]);
	log_error("x");
	release();
	next_line(pair[0]);
	for (size_t i = 0; i < sizeof(shape) - 1; i++)
		CHECK("time", shape[i] == 'd' ? ascii_is_digit(line[i]) : line[i] == shape[i]);
	CHECK("this century", strncmp(line, "20", 2) == 0);
	close_pair(pair);
	check_done();
}

static void test_levels(void **state)
{
	static const char *const names[] = {"debug", "info", "warning", "error"};
	int pair[2];

	(void)state;
	make_pair(pair);
	for (int lowest = LOG_DEBUG; lowest <= LOG_ERROR; lowest++) {
		log_set_level((enum log_level)lowest);
		for (int level = LOG_DEBUG; level <= LOG_ERROR; level++) {
			char want[32] = "";

			if (level >= lowest)
				snprintf(want, sizeof(want), "%s x\n", names[level]);
			capture(pair[1]);
			log_write((enum log_level)level, "x");
			release();
			check_cstr(names[lowest], names[level], want,
				   behind_time(next_line(pair[0])));
		}
	}
	log_set_level(LOG_INFO);
	close_pair(pair);
	check_done();
}

/* Before log_set_level() is ever called. */
static void test_starts_at_info(void **state)
{
	int pair[2];

	(void)state;
	make_pair(pair);
	capture(pair[1]);
	log_debug("x");
	log_info("y");
	release();
	check_cstr("at start", "first line", "info y\n", behind_time(next_line(pair[0])));
	close_pair(pair);
	check_done();
}

static void test_cut(void **state)
{
	/* Behind time and "error ": 2048 - 25 - 6 - 4 bytes fit before "...\n". */
	enum { FITS = LOG_LINE_MAX - 25 - 6 - 4 };
	char *text = malloc(3 * LOG_LINE_MAX);
	int pair[2];

	(void)state;
	assert_non_null(text);
	memset(text, 'a', 3 * LOG_LINE_MAX);
	make_pair(pair);
	capture(pair[1]);
	log_error("%.*s", FITS, text);
	log_error("%.*s", FITS + 1, text);
	log_error("%.*s", 3 * LOG_LINE_MAX, text);
	memset(text, '\n', 3 * LOG_LINE_MAX);
	log_error("%.*s", FITS, text);
	release();
	check_i64("fits", "length", LOG_LINE_MAX - 3, (int64_t)strlen(next_line(pair[0])));
	CHECK("whole", str_ends_with(str_from(line), STR("aaa\n")));
	check_i64("over", "length", LOG_LINE_MAX, (int64_t)strlen(next_line(pair[0])));
	CHECK("cut", str_ends_with(str_from(line), STR("aaa...\n")));
	next_line(pair[0]);
	CHECK("far over",
	      strlen(line) == LOG_LINE_MAX && str_ends_with(str_from(line), STR("aaa...\n")));
	next_line(pair[0]);
	CHECK("an escape is whole",
	      strlen(line) <= LOG_LINE_MAX && str_ends_with(str_from(line), STR("\\x0a...\n")));
	free(text);
	close_pair(pair);
	check_done();
}

static void test_errno_is_kept(void **state)
{
	int pair[2];

	(void)state;
	make_pair(pair);
	close(pair[0]);
	capture(pair[1]);
	errno = EBADMSG;
	log_error("nobody reads this");
	CHECK("errno", errno == EBADMSG);
	release();
	close(pair[1]);
	check_done();
}

/* All that comes until a line ends with end; terminals hand out what they like at once. */
static void read_until(int fd, const char *end)
{
	size_t len = 0;

	line[0] = '\0';
	while (!strstr(line, end) && len < sizeof(line) - 1) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		ssize_t got;

		if (poll(&ready, 1, 5000) <= 0)
			return;
		got = read(fd, line + len, sizeof(line) - 1 - len);
		if (got <= 0)
			return;
		len += (size_t)got;
		line[len] = '\0';
	}
}

/* Colours on a terminal alone. */
static void test_terminal(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int terminal;

	(void)state;
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		skip();
	terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal < 0)
		skip();
	unsetenv("NO_COLOR");
	capture(terminal);
	log_error("one");
	log_warning("two");
	log_info("three");
	setenv("NO_COLOR", "1", 1);
	log_error("four");
	release();
	unsetenv("NO_COLOR");
	read_until(master, "four");
	check_contains("error", "Z \x1b[31merror\x1b[0m one", line);
	check_contains("warning", "Z \x1b[33mwarning\x1b[0m two", line);
	check_contains("info", "Z info three", line);
	check_contains("NO_COLOR", "Z error four", line);
	close(terminal);
	close(master);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starts_at_info),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_errno_is_kept),
		cmocka_unit_test(test_terminal),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
