/*
 * tests/support/folder.h - a temporary folder, its files, and its removal.
 */
#ifndef SALLYPORT_TESTS_SUPPORT_FOLDER_H
#define SALLYPORT_TESTS_SUPPORT_FOLDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct test_folder {
	char path[64];
};

static inline struct test_folder test_folder_make(void)
{
	struct test_folder folder = {.path = "/tmp/sallyport-test-XXXXXX"};

	assert_non_null(mkdtemp(folder.path));
	return folder;
}

/* folder/name, in storage that the next call but three uses again. */
static inline const char *test_folder_path(const struct test_folder *folder, const char *name)
{
	static char storage[4][512];
	static unsigned next;
	char *path = storage[next++ % 4];

	snprintf(path, sizeof(storage[0]), "%s/%s", folder->path, name);
	return path;
}

static inline void test_folder_below(const struct test_folder *folder, const char *name)
{
	assert_int_equal(mkdir(test_folder_path(folder, name), 0700), 0);
}

static inline void test_folder_write(const struct test_folder *folder, const char *name,
				     const char *text, unsigned mode)
{
	FILE *file = fopen(test_folder_path(folder, name), "w");

	assert_non_null(file);
	assert_int_equal(fchmod(fileno(file), mode), 0);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

static inline int test_folder_remove_one(const char *path, const struct stat *info, int type,
					 struct FTW *place)
{
	(void)info;
	(void)type;
	(void)place;
	return remove(path);
}

static inline void test_folder_remove(const struct test_folder *folder)
{
	assert_int_equal(nftw(folder->path, test_folder_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

#endif
