/*
 * base/file.h - small files, whole.
 */
#ifndef SALLYPORT_BASE_FILE_H
#define SALLYPORT_BASE_FILE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/error.h"

/* Append a regular file of at most max bytes to ret_data (ceiling set by the caller). */
MUST_CHECK bool file_read(const char *path, size_t max, struct buf *ret_data, struct error *err);

/*
 * The same for a secret: refused when group or others may read it (ERR_DENIED, with
 * the remedy "chmod 600 FILE"), checked on the opened descriptor.
 */
MUST_CHECK bool file_read_secret(const char *path, size_t max, struct buf *ret_data, struct error *err);

/* Write through a temporary file, fsync and rename; mode such as 0600. */
MUST_CHECK bool file_write_atomic(const char *path, struct str data, unsigned mode, struct error *err);

/* Make a directory (0700) and its missing parents; an existing one must be a directory. */
MUST_CHECK bool file_make_directory(const char *path, struct error *err);

/* Join a path to the folder of base_file unless it is absolute. False when too long. */
MUST_CHECK bool file_resolve(const char *base_file, struct str path, char *out, size_t out_size);

#endif
