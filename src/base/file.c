/*
 * base/file.c - small files, whole.
 *
 * Every message names the path in its text and leaves err->file alone: the file at
 * fault may well be the one that refers to this one, and only the caller knows.
 * Symbolic links are followed: operators swap files by them.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/random.h"
#include "base/secret.h"

enum { READ_STEP = 16 * 1024 };

/* A regular file, opened for reading. -1 on failure. */
static int open_regular(const char *path, struct stat *ret_status, struct error *err)
{
	/* Not blocking: a FIFO in the place of a file would hold up the start for ever. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		enum error_kind kind = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;

		error_set(err, kind, "cannot open %s: %s", path, strerrordesc_np(errno));
		return -1;
	}
	if (fstat(fd, ret_status) < 0) {
		error_set_errno(err, errno, "cannot look at %s", path);
	} else if (!S_ISREG(ret_status->st_mode)) {
		error_set(err, ERR_IO, "%s is not a regular file", path);
	} else {
		return fd;
	}
	close(fd);
	return -1;
}

static bool fault_too_large(const char *path, size_t max, struct error *err)
{
	return error_set(err, ERR_LIMIT, "%s is larger than %zu bytes", path, max);
}

/* To the end of the file; it may have grown since it was looked at. */
static bool read_all(int fd, const char *path, size_t max, struct buf *data, struct error *err)
{
	size_t total = 0;

	for (;;) {
		size_t left = max - total;
		size_t step = left < READ_STEP ? left + 1 : READ_STEP; /* one more shows excess */
		char piece[READ_STEP];
		ssize_t got = read(fd, piece, step);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set_errno(err, errno, "cannot read %s", path);
		if (got == 0)
			return true;
		if ((size_t)got > left) {
			secret_wipe(piece, (size_t)got);
			return fault_too_large(path, max, err);
		}
		buf_append(data, str_from_len(piece, (size_t)got));
		secret_wipe(piece, (size_t)got);
		if (buf_failed(data))
			return error_set(err, ERR_NOMEM, "no room to read %s", path);
		total += (size_t)got;
	}
}

static bool read_opened(int fd, const char *path, const struct stat *status, size_t max,
			struct buf *data, struct error *err)
{
	size_t before = data->len;

	if (status->st_size > 0 && (uintmax_t)status->st_size > max)
		return fault_too_large(path, max, err);
	if (read_all(fd, path, max, data, err))
		return true;
	if (data->len > before) {
		secret_wipe(data->ptr + before, data->len - before);
		data->len = before;
	}
	return false;
}

bool file_read(const char *path, size_t max, struct buf *ret_data, struct error *err)
{
	struct stat status;
	int fd = open_regular(path, &status, err);
	bool ok;

	if (fd < 0)
		return false;
	ok = read_opened(fd, path, &status, max, ret_data, err);
	close(fd);
	return ok;
}

static bool check_private(const char *path, const struct stat *status, struct error *err)
{
	if ((status->st_mode & (S_IRWXG | S_IRWXO)) == 0)
		return true;
	return error_set(err, ERR_DENIED,
			 "others than its owner may open this file; remedy: chmod 600 %s", path);
}

bool file_read_secret(const char *path, size_t max, struct buf *ret_data, struct error *err)
{
	struct stat status;
	int fd = open_regular(path, &status, err);
	bool ok;

	if (fd < 0)
		return false;
	ok = check_private(path, &status, err) &&
	     read_opened(fd, path, &status, max, ret_data, err);
	close(fd);
	return ok;
}

static bool write_all(int fd, struct str data)
{
	while (data.len > 0) {
		ssize_t written = write(fd, data.ptr, data.len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		data = str_after(data, (size_t)written);
	}
	return true;
}

/* The folder a path lies in, for fsync: without it a crash may undo the rename. */
static bool sync_folder(const char *path)
{
	char folder[PATH_MAX];
	size_t slash = str_find_last_char(str_from(path), '/');
	struct str name = slash == STR_NONE ? STR(".") : str_from_len(path, slash);
	int fd;
	bool ok;

	if (slash == 0)
		name = STR("/");
	if (!str_copy(folder, sizeof(folder), name)) {
		errno = ENAMETOOLONG;
		return false;
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = fsync(fd) == 0;
	close(fd);
	return ok;
}

/* A new file of the mode beside path, holding data; its name goes to ret_name. */
static bool write_beside(const char *path, struct str data, unsigned mode, char *ret_name,
			 size_t size)
{
	unsigned char random[6];
	char suffix[sizeof(random) * 2 + 1];
	int fd, failure;

	random_bytes(random, sizeof(random));
	hex_encode(random, sizeof(random), suffix);
	if (snprintf(ret_name, size, "%s.%s", path, suffix) >= (int)size) {
		errno = ENAMETOOLONG;
		return false;
	}
	fd = open(ret_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	/* The mode before the data; umask has no say, the caller chose. */
	if (fchmod(fd, (mode_t)mode) == 0 && write_all(fd, data) && fsync(fd) == 0) {
		if (close(fd) == 0)
			return true;
		fd = -1;
	}
	failure = errno;
	if (fd >= 0)
		close(fd);
	unlink(ret_name);
	errno = failure;
	return false;
}

bool file_write_atomic(const char *path, struct str data, unsigned mode, struct error *err)
{
	char name[PATH_MAX];

	if (!write_beside(path, data, mode, name, sizeof(name)))
		return error_set_errno(err, errno, "cannot write %s", path);
	if (rename(name, path) < 0) {
		int failure = errno;

		unlink(name);
		return error_set_errno(err, failure, "cannot replace %s", path);
	}
	if (!sync_folder(path))
		return error_set_errno(err, errno, "cannot sync the folder of %s", path);
	return true;
}

static bool is_directory(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return false;
	if (!S_ISDIR(status.st_mode)) {
		errno = ENOTDIR;
		return false;
	}
	return true;
}

static bool make_one(const char *path)
{
	return mkdir(path, 0700) == 0 || (errno == EEXIST && is_directory(path));
}

bool file_make_directory(const char *path, struct error *err)
{
	char partial[PATH_MAX];
	size_t len = strlen(path);

	if (!str_copy(partial, sizeof(partial), str_from(path)))
		return error_set_errno(err, ENAMETOOLONG, "cannot make the directory %s", path);
	for (size_t i = 1; i < len; i++) {
		if (path[i] != '/')
			continue;
		partial[i] = '\0';
		/* A parent may be one we may not write into, and exist: only that counts. */
		if (!is_directory(partial) && !make_one(partial))
			return error_set_errno(err, errno, "cannot make the directory %s", partial);
		partial[i] = '/';
	}
	if (!make_one(partial))
		return error_set_errno(err, errno, "cannot make the directory %s", path);
	return true;
}

bool file_resolve(const char *base_file, struct str path, char *out, size_t out_size)
{
	size_t slash = str_find_last_char(str_from(base_file), '/');
	struct str folder = slash == STR_NONE ? STR("") : str_from_len(base_file, slash + 1);

	if (out_size == 0)
		return false;
	out[0] = '\0';
	/* A NUL would cut the name, and another file would be opened. */
	if (str_find_char(path, '\0') != STR_NONE)
		return false;
	if (str_starts_with(path, STR("/")))
		folder = STR("");
	if (path.len >= out_size || folder.len >= out_size - path.len)
		return false;
	snprintf(out, out_size, "%.*s%.*s", STR_ARG(folder), STR_ARG(path));
	return true;
}
