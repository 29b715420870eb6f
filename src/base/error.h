/*
 * base/error.h - what went wrong, said once, where it is known best.
 *
 * The deepest failure writes kind and text; layers above may add the place (file,
 * line, pointer) where it is still empty, and never overwrite what. The text is one
 * clause without newline, and never holds a secret.
 */
#ifndef SALLYPORT_BASE_ERROR_H
#define SALLYPORT_BASE_ERROR_H

#include "base/base.h"
#include "base/str.h"

enum error_kind {
	ERR_NONE = 0,
	ERR_SYNTAX,		/* the input is malformed */
	ERR_LIMIT,		/* a documented bound was passed */
	ERR_IO,			/* the system or the network failed */
	ERR_TIMEOUT,		/* a deadline passed */
	ERR_PROTOCOL,		/* the peer broke its protocol, or refused */
	ERR_DENIED,		/* proof was wrong: signature, issuer, nonce, state ... */
	ERR_NOT_FOUND,		/* the thing asked for is not there */
	ERR_NOMEM,
	ERR_BUG,		/* a state that cannot be */
};

struct error {
	enum error_kind kind;
	char file[128];		/* the file at fault, "" when none */
	unsigned line;		/* 1-based; 0 unknown */
	char pointer[128];	/* RFC 6901 pointer to the value at fault, "" when none */
	char text[256];		/* one clause, no newline, never a secret */
};

const char *error_kind_name(enum error_kind kind);	/* "syntax", "limit", ... */

/*
 * Record a failure: only the first one of err counts (kind ERR_NONE before). err may
 * be NULL. Control bytes in the text are replaced by '?'. Always returns false, so
 * that a function can end in `return error_set(err, ...)`.
 */
bool error_set(struct error *err, enum error_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same with ": " and the words of errno behind; kind ERR_IO (ERR_NOMEM for ENOMEM). */
bool error_set_errno(struct error *err, int errnum, const char *fmt, ...) PRINTF_LIKE(3, 4);
void error_clear(struct error *err);
void error_at_file(struct error *err, const char *file);		/* where still "" */
void error_at_pointer(struct error *err, const char *pointer);		/* where still "" */
/* "file:line: /pointer: text", the parts that are known. Returns out. */
const char *error_format(const struct error *err, char *out, size_t out_size);
enum { ERROR_FORMAT_MAX = 640 };

/*
 * A list of faults, for input that is checked whole in one run: configuration,
 * policies. Bounded: past FAULTS_MAX they are only counted.
 */
enum fault_severity { FAULT_ERROR, FAULT_WARNING };
enum { FAULTS_MAX = 200 };
struct fault {
	enum fault_severity severity;
	struct error error;
};
struct faults {
	struct fault *items;		/* in the order found */
	size_t count;
	size_t capacity;
	size_t errors;			/* all errors found, those beyond FAULTS_MAX too */
	size_t warnings;
};
void faults_init(struct faults *f);
void faults_done(struct faults *f);
void faults_add(struct faults *f, enum fault_severity severity, const struct error *err);
/* One fault; file and pointer may be NULL. */
void faults_addf(struct faults *f, enum fault_severity severity, const char *file, unsigned line,
		 const char *pointer, const char *fmt, ...) PRINTF_LIKE(6, 7);
bool faults_has_errors(const struct faults *f);

#endif
