/*
 * The whole gate as a process: it serves, loads again on SIGHUP, keeps what runs when the
 * new configuration is at fault, and ends on SIGTERM with the requests under way answered.
 */
#include "../base/check.h"
#include "tests/support/folder.h"
#include "tests/unit/io/scripted_server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "gate/run.h"

enum { PATIENCE_MS = 10000 };

static struct test_folder folder;
static struct scripted_server app;
static unsigned port;

/* --- files */

static void write_json(const char *name, const char *text, ...)
{
	char formatted[4096];
	va_list ap;

	va_start(ap, text);
	vsnprintf(formatted, sizeof(formatted), text, ap);
	va_end(ap);
	for (char *c = formatted; *c; c++)
		if (*c == '\'')
			*c = '"';
	test_folder_write(&folder, name, formatted, 0600);
}

static void write_config(const char *more)
{
	write_json("sallyport.json",
		   "{'server': {'workers': 2, 'state_directory': 'state', 'drain_timeout': '3s'},"
		   "'listeners': [{'name': 'plain', 'address': '127.0.0.1:%u'}],"
		   "'upstreams': [{'name': 'app', 'servers': [{'url': 'http://127.0.0.1:%u'}]}],"
		   "'routes': [{'name': 'app', 'match': {'hosts': ['app.example']}, "
		   "'authenticate': {'methods':"
		   " ['none']}, 'policy': 'all', 'upstream': 'app'}%s],"
		   "'log': {'access': {'to': 'access.jsonl'}}}",
		   port, app.port, more);
}

static void write_policy(const char *path)
{
	write_json("policies/all.json",
		   "{'policy': 'all', 'rules': [{'id': 'all', 'effect': 'allow', 'when': {'path': "
		   "'%s'}}]}",
		   path);
}

/* An address nobody uses now. */
static unsigned free_port(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	close(fd);
	return ntohs(sin.sin_port);
}

/* --- the process */

static pid_t gate_start(void)
{
	char log[512], config[512];
	pid_t pid;

	snprintf(config, sizeof(config), "%s", test_folder_path(&folder, "sallyport.json"));
	snprintf(log, sizeof(log), "%s", test_folder_path(&folder, "log"));
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

		if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || close(fd) < 0)
			_exit(99);
		exit(gate_run(config));
	}
	return pid;
}

/* Its exit status; 1000 and more: a signal, or it does not end. */
static int gate_wait(pid_t pid)
{
	int status = 0;

	for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += 10) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
		usleep(10000);
	}
	kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
	return 2000;
}

static const char *gate_log(void)
{
	static char text[65536];
	FILE *file = fopen(test_folder_path(&folder, "log"), "r");
	size_t n;

	assert_non_null(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

static bool log_says(const char *part)
{
	for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += 10) {
		if (strstr(gate_log(), part))
			return true;
		usleep(10000);
	}
	return false;
}

static void forget_log(void)
{
	test_folder_write(&folder, "log", "", 0600);
}

/* --- a client */

static int dial(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval patience = {.tv_sec = 10};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The status of what comes on fd until it is closed; 0: nothing came. */
static unsigned status_on(int fd)
{
	char text[4096];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(text) - 1 && (n = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(fd);
	return len > 12 ? (unsigned)strtoul(text + 9, NULL, 10) : 0;
}

static void ask(int fd, const char *host, const char *path)
{
	char request[256];
	int n = snprintf(request, sizeof(request),
			 "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host);

	assert_int_equal(send(fd, request, (size_t)n, MSG_NOSIGNAL), n);
}

static unsigned status_of(const char *host, const char *path)
{
	int fd = dial();

	if (fd < 0)
		return 0;
	ask(fd, host, path);
	return status_on(fd);
}

static bool is_up(void)
{
	for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += 20) {
		if (status_of("app.example", "/") == 200)
			return true;
		usleep(20000);
	}
	return false;
}

/* --- tests */

static void test_serve_and_end(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		pid_t pid;

		forget_log();
		pid = gate_start();
		if (!is_up())
			fail_msg("%s", gate_log());
		check_i64("no route", "status", 404, status_of("other.example", "/"));
		CHECK("it says that it serves", log_says(" serves configuration "));
		assert_int_equal(kill(pid, signals[i]), 0);
		check_i64("signal", "exit status", 0, gate_wait(pid));
		CHECK("it says that it drains", log_says("draining"));
		check_i64("ended", "descriptor", -1, dial());
		CHECK("nothing leaks", !strstr(gate_log(), "Sanitizer"));
	}
	check_done();
}

static void test_reload(void **state)
{
	pid_t pid;

	(void)state;
	forget_log();
	pid = gate_start();
	if (!is_up())
		fail_msg("%s", gate_log());
	write_policy("/");
	assert_int_equal(kill(pid, SIGHUP), 0);
	CHECK("taken over", log_says(" is in force"));
	check_i64("the new policy", "status", 403, status_of("app.example", "/deep"));
	check_i64("what it allows", "status", 200, status_of("app.example", "/"));

	forget_log();
	write_policy("/**");
	write_config(", {'name': 'more'}");
	assert_int_equal(kill(pid, SIGHUP), 0);
	CHECK("refused", log_says("the running one stays"));
	CHECK("and why", strstr(gate_log(), "/routes/1: ") != NULL);
	check_i64("the old policy", "status", 403, status_of("app.example", "/deep"));

	forget_log();
	write_config("");
	write_json("policies/all.json",
		   "{'policy': 'all', 'rules': [{'id': 'all', 'effect': 'allow', 'when': "
		   "{'path': '/**'}}], 'tests': [{'name': 'no', 'request': {'method': "
		   "'GET', 'path': '/'}, 'expect': 'deny'}]}");
	assert_int_equal(kill(pid, SIGHUP), 0);
	CHECK("a policy whose test fails", log_says("the running one stays"));
	check_i64("the old policy", "status", 403, status_of("app.example", "/deep"));

	forget_log();
	write_policy("/**");
	assert_int_equal(kill(pid, SIGHUP), 0);
	CHECK("mended", log_says(" is in force"));
	check_i64("the new policy", "status", 200, status_of("app.example", "/deep"));
	assert_int_equal(kill(pid, SIGTERM), 0);
	check_i64("reloads", "exit status", 0, gate_wait(pid));
	CHECK("nothing leaks", !strstr(gate_log(), "Sanitizer"));
	check_done();
}

/* SIGTERM amid a request: it is answered, and nobody new is let in. */
static void test_drain(void **state)
{
	pid_t pid;
	int fd;

	(void)state;
	forget_log();
	pid = gate_start();
	if (!is_up())
		fail_msg("%s", gate_log());
	app.script.drip_ms = 5; /* the answer takes its time */
	fd = dial();
	ask(fd, "app.example", "/slow");
	usleep(50000);
	assert_int_equal(kill(pid, SIGTERM), 0);
	CHECK("draining", log_says("draining"));
	usleep(50000);
	check_i64("meanwhile", "descriptor", -1, dial());
	check_i64("under way", "status", 200, status_on(fd));
	check_i64("drained", "exit status", 0, gate_wait(pid));
	app.script.drip_ms = 0;
	check_done();
}

/* --- what cannot be had */

static void test_faults(void **state)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	sin.sin_port = htons((uint16_t)port);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){1}, sizeof(int)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(fd, 1), 0);
	forget_log();
	check_i64("address in use", "exit status", 1, gate_wait(gate_start()));
	CHECK("named", log_says("\"plain\""));
	CHECK("nothing leaks", !strstr(gate_log(), "Sanitizer"));
	close(fd);

	forget_log();
	write_config(", {'name': 'more'}");
	check_i64("configuration at fault", "exit status", 1, gate_wait(gate_start()));
	CHECK("named", log_says("/routes/1: "));
	CHECK("nothing leaks", !strstr(gate_log(), "Sanitizer"));
	write_config("");

	forget_log();
	assert_int_equal(rename(test_folder_path(&folder, "state"),
				test_folder_path(&folder, "kept")),
			 0);
	test_folder_write(&folder, "state", "a file", 0600);
	check_i64("no state directory", "exit status", 1, gate_wait(gate_start()));
	CHECK("named", log_says("state"));
	CHECK("nothing leaks", !strstr(gate_log(), "Sanitizer"));
	check_done();
}

static int open_all(void **state)
{
	(void)state;
	clock_update();
	folder = test_folder_make();
	test_folder_below(&folder, "policies");
	assert_true(
		server_start(&app,
			     (struct script){.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
						       "Connection: close\r\n\r\nhi",
					     .end = THEN_CLOSE}));
	port = free_port();
	write_policy("/**");
	write_config("");
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	server_stop(&app);
	test_folder_remove(&folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serve_and_end),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
