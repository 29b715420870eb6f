#include "check.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char folder[64];

static const char *path_of(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", folder, name);
	return path;
}

static void put(const char *name, struct str data, mode_t mode)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data.ptr, data.len), (ssize_t)data.len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_file.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void test_read(void **state)
{
	struct buf b;
	struct error err = {.kind = ERR_NONE};

	(void)state;
	put("small", STR("hello\0x"), 0644);
	put("empty", STR(""), 0644);
	buf_init(&b, 1000);
	buf_append_cstr(&b, "before ");
	CHECK("appends", file_read(path_of("small"), 7, &b, &err));
	check_str("small", "data", STR("before hello\0x"), buf_str(&b));
	CHECK("empty", file_read(path_of("empty"), 0, &b, &err) && b.len == 14);
	CHECK("one byte too large", !file_read(path_of("small"), 6, &b, &err));
	CHECK("limit", err.kind == ERR_LIMIT && b.len == 14);
	check_contains("names the file", "/small", err.text);
	buf_done(&b);
	check_done();
}

static void test_read_large(void **state)
{
	enum { SIZE = 100000 };
	char *data = malloc(SIZE);
	struct buf b;
	struct error err = {.kind = ERR_NONE};

	(void)state;
	assert_non_null(data);
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (char)(i * 7 + i / 256);
	put("large", str_from_len(data, SIZE), 0644);
	buf_init(&b, SIZE);
	CHECK("exactly", file_read(path_of("large"), SIZE, &b, &err));
	CHECK("the same", b.len == SIZE && memcmp(b.ptr, data, SIZE) == 0);
	buf_done(&b);
	buf_init(&b, SIZE - 1);
	CHECK("a small buffer", !file_read(path_of("large"), SIZE, &b, &err));
	CHECK("nothing left", b.len == 0 && err.kind == ERR_NOMEM);
	buf_done(&b);
	free(data);
	check_done();
}

/* Files of the kernel tell no size before they are read. */
static void test_read_without_size(void **state)
{
	struct buf b;
	struct error err = {.kind = ERR_NONE};

	(void)state;
	buf_init(&b, 100000);
	CHECK("reads", file_read("/proc/self/status", 100000, &b, &err) && b.len > 100);
	buf_clear(&b);
	CHECK("limited all the same", !file_read("/proc/self/status", 100, &b, &err));
	CHECK("limit", err.kind == ERR_LIMIT && b.len == 0);
	buf_done(&b);
	check_done();
}

static void test_not_a_file(void **state)
{
	struct buf b;
	struct error err = {.kind = ERR_NONE};

	(void)state;
	buf_init(&b, 100);
	CHECK("missing", !file_read(path_of("missing"), 10, &b, &err));
	CHECK("not found", err.kind == ERR_NOT_FOUND);
	check_contains("missing", "/missing: No such file", err.text);
	check_cstr("missing", "the place is the caller's to say", "", err.file);
	error_clear(&err);
	CHECK("a folder", !file_read(folder, 10, &b, &err) && err.kind == ERR_IO);
	error_clear(&err);
	assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
	CHECK("a FIFO, without waiting", !file_read(path_of("fifo"), 10, &b, &err));
	check_contains("fifo", "not a regular file", err.text);
	put("target", STR("x"), 0600);
	assert_int_equal(symlink("target", path_of("link")), 0);
	CHECK("a link is followed", file_read(path_of("link"), 10, &b, &err) && b.len == 1);
	buf_done(&b);
	check_done();
}

static void test_secret(void **state)
{
	static const struct {
		mode_t mode;
		bool ok;
	} rows[] = {{0600, true},  {0400, true},  {0700, true},	 {0640, false},
		    {0604, false}, {0620, false}, {0602, false}, {0644, false}};
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = {.kind = ERR_NONE};
		char name[16];

		snprintf(name, sizeof(name), "mode %o", rows[i].mode);
		put(name, STR("top"), rows[i].mode);
		buf_clear(&b);
		check_i64(name, "read", rows[i].ok, file_read_secret(path_of(name), 100, &b, &err));
		check_str(name, "data", rows[i].ok ? STR("top") : STR(""), buf_str(&b));
		check_i64(name, "kind", rows[i].ok ? ERR_NONE : ERR_DENIED, err.kind);
		if (!rows[i].ok)
			check_contains(name, "chmod 600 /tmp/", err.text);
	}
	{
		struct error err = {.kind = ERR_NONE};

		CHECK("missing", !file_read_secret(path_of("missing"), 9, &b, &err));
		CHECK("not found", err.kind == ERR_NOT_FOUND);
		CHECK("missing", !file_read_secret(path_of("missing"), 9, &b, NULL));
	}
	buf_wipe(&b);
	check_done();
}

static mode_t mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_mode & 07777;
}

static void test_write(void **state)
{
	struct buf b;
	struct error err = {.kind = ERR_NONE};
	mode_t old_mask = umask(0077);

	(void)state;
	buf_init(&b, 1000);
	put("target2", STR("old"), 0644);
	CHECK("new", file_write_atomic(path_of("new"), STR("data\0x"), 0600, &err));
	CHECK("private", mode_of(path_of("new")) == 0600);
	CHECK("replaces", file_write_atomic(path_of("target2"), STR("newer"), 0644, &err));
	CHECK("mode in spite of umask", mode_of(path_of("target2")) == 0644);
	umask(old_mask);
	CHECK("read", file_read(path_of("new"), 100, &b, &err));
	check_str("new", "data", STR("data\0x"), buf_str(&b));
	buf_clear(&b);
	CHECK("read", file_read(path_of("target2"), 100, &b, &err));
	check_str("replaced", "data", STR("newer"), buf_str(&b));
	CHECK("empty", file_write_atomic(path_of("nothing"), str_from(NULL), 0600, &err));
	CHECK("no folder", !file_write_atomic(path_of("no/where"), STR("x"), 0600, &err));
	check_contains("no folder", "/no/where: No such file", err.text);
	error_clear(&err);
	assert_int_equal(mkdir(path_of("taken"), 0700), 0);
	CHECK("over a folder", !file_write_atomic(path_of("taken"), STR("x"), 0600, &err));
	buf_done(&b);
	check_done();
}

static void test_write_relative(void **state)
{
	char before[PATH_MAX];
	struct error err = {.kind = ERR_NONE};

	(void)state;
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(folder), 0);
	CHECK("beside us", file_write_atomic("relative", STR("x"), 0600, &err));
	assert_int_equal(chdir(before), 0);
	check_cstr("relative", "error", "", err.text);
	CHECK("there", mode_of(path_of("relative")) == 0600);
	check_done();
}

/* Whatever came of the writes above, no temporary file is left. */
static void test_nothing_left_behind(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "test -z \"$(ls '%s' | grep '[.]')\"", folder);
	assert_int_equal(system(command), 0);
}

static void test_make_directory(void **state)
{
	struct error err = {.kind = ERR_NONE};

	(void)state;
	CHECK("deep", file_make_directory(path_of("a/b//c/"), &err));
	CHECK("private", mode_of(path_of("a/b/c")) == 0700 && mode_of(path_of("a")) == 0700);
	CHECK("again", file_make_directory(path_of("a/b/c"), &err));
	assert_int_equal(symlink("a", path_of("alias")), 0);
	CHECK("through a link", file_make_directory(path_of("alias/d"), &err));
	put("plain", STR("x"), 0600);
	CHECK("a file there", !file_make_directory(path_of("plain"), &err));
	check_contains("a file there", "/plain: Not a directory", err.text);
	error_clear(&err);
	CHECK("a file on the way", !file_make_directory(path_of("plain/x"), &err));
	error_clear(&err);
	CHECK("nothing", !file_make_directory("", &err) && err.kind == ERR_IO);
	check_done();
}

static void test_resolve(void **state)
{
	static const struct {
		const char *base;
		struct str path;
		const char *want;
	} rows[] = {
		{"conf/proxy.json", STR_INIT("tls/a.pem"), "conf/tls/a.pem"},
		{"/etc/x.json", STR_INIT("a"), "/etc/a"},
		{"/x.json", STR_INIT("a"), "/a"},
		{"x.json", STR_INIT("a"), "a"},
		{"conf/x.json", STR_INIT("/abs"), "/abs"},
		{"conf/x.json", STR_INIT("../up"), "conf/../up"},
		{"conf/x.json", STR_INIT("0123456789"), "conf/0123456789"},
		{"conf/x.json", STR_INIT("0123456789a"), NULL},
		{"conf/x.json", STR_INIT("/123456789abcdef"), NULL},
		{"conf/x.json", STR_INIT("a\0b"), NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[16] = "zzz";
		bool ok = file_resolve(rows[i].base, rows[i].path, out, sizeof(out));

		check_cstr(rows[i].path.ptr, "path", rows[i].want, ok ? out : NULL);
		CHECK(rows[i].path.ptr, ok || out[0] == '\0');
	}
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_large),
		cmocka_unit_test(test_read_without_size),
		cmocka_unit_test(test_not_a_file),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_write_relative),
		cmocka_unit_test(test_nothing_left_behind),
		cmocka_unit_test(test_make_directory),
		cmocka_unit_test(test_resolve),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
