#include "check.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"

struct owner {
	int before;
	struct {
		int x;
	} member;
};

static void test_container_of(void **state)
{
	struct owner o;

	(void)state;
	assert_ptr_equal(CONTAINER_OF(&o.member, struct owner, member), &o);
}

static void test_assert_holds(void **state)
{
	int evaluated = 0;

	(void)state;
	ASSERT(++evaluated == 1);
	assert_int_equal(evaluated, 1);
}

static void fail_into(int fd)
{
	signal(SIGABRT, SIG_DFL);
	dup2(fd, STDERR_FILENO);
	ASSERT(1 + 1 == 3);
	_exit(0);
}

static void test_assert_fails(void **state)
{
	char text[512];
	int fds[2], status;
	ssize_t got;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		fail_into(fds[1]);
	close(fds[1]);
	got = read(fds[0], text, sizeof(text) - 1);
	text[got > 0 ? got : 0] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	CHECK("aborted", WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	check_contains("file", "test_base.c:", text);
	check_contains("function and condition",
		       "fail_into: this must hold and does not: 1 + 1 == 3\n", text);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_container_of),
		cmocka_unit_test(test_assert_holds),
		cmocka_unit_test(test_assert_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
