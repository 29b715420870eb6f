/*
 * tests/unit/authn/scratch.h - a folder of a test's own, and files in it.
 */
#ifndef TESTS_UNIT_AUTHN_SCRATCH_H
#define TESTS_UNIT_AUTHN_SCRATCH_H

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/base/check.h"

/* Where tests run in parallel each has its own. */
static inline char *scratch_make(void)
{
	static const char pattern[] = "/tmp/sallyport-test-XXXXXX";
	char *path = malloc(sizeof(pattern));

	assert_non_null(path);
	memcpy(path, pattern, sizeof(pattern));
	assert_non_null(mkdtemp(path));
	return path;
}

static inline int scratch_remove_one(const char *path, const struct stat *status, int type,
				     struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

static inline void scratch_remove(char *path)
{
	assert_int_equal(nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(path);
}

/* folder/name, in a buffer that the next call reuses. */
static inline const char *scratch_path(const char *folder, const char *name)
{
	static char path[PATH_MAX];

	assert_true(snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path));
	return path;
}

static inline void scratch_write(const char *path, const void *data, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

static inline unsigned scratch_mode(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_mode & 07777;
}

#endif
