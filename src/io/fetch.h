/*
 * io/fetch.h - calls to identity providers and other services: the one user of libcurl.
 *
 * Asynchronous on a loop. Never used on the data path. No redirects, no proxies, https
 * unless the caller allows plain http, bounded in time and size.
 */
#ifndef SALLYPORT_IO_FETCH_H
#define SALLYPORT_IO_FETCH_H

#include "base/error.h"
#include "base/str.h"
#include "io/loop.h"

struct fetcher;		/* a libcurl multi handle on a loop; keeps connections alive */
struct fetch;		/* one call under way */

MUST_CHECK struct fetcher *fetcher_new(struct loop *loop, struct error *err);
void fetcher_free(struct fetcher *f);	/* cancels what is under way, callbacks do not run */

enum {
	FETCH_MAX_HEADERS = 8,
	FETCH_MAX_URL = 8192,
	FETCH_MAX_HEAD = 64 * 1024,	/* of a response, all its header lines together */
	FETCHER_MAX_FETCHES = 256,	/* under way at once; one more is refused */
};

struct fetch_request {
	struct str method;		/* "GET" or "POST" */
	struct str url;
	struct str headers[FETCH_MAX_HEADERS];	/* "Name: value" lines; empty ones are skipped */
	struct str body;		/* of a POST; copied */
	const char *ca_file;		/* authorities to trust; NULL: the system's */
	bool allow_http;		/* plain http is allowed */
	bool allow_private;		/* link-local and other special addresses are allowed too;
					   otherwise those of fetch_address_is_special() are
					   refused after name resolution */
	unsigned timeout_ms;		/* in total; never 0 */
	unsigned connect_timeout_ms;	/* 0: timeout_ms alone counts */
	size_t max_bytes;		/* of the response's body */
};

struct fetch_result {
	bool ok;			/* a complete response came, of whatever status */
	unsigned status;
	struct str body;		/* borrowed for the callback; wiped afterwards */
	struct str content_type;	/* without parameters, lower case; borrowed likewise */
	int64_t max_age_s;		/* of Cache-Control: max-age; 0 for no-store and no-cache;
					   -1 when it says nothing */
	struct error err;		/* when not ok: ERR_TIMEOUT, ERR_LIMIT, ERR_IO,
					   ERR_PROTOCOL, ERR_DENIED (a forbidden address) or
					   ERR_NOMEM */
};

typedef void fetch_done(void *arg, const struct fetch_result *result);

/*
 * Start a call. Everything of the request is copied. done runs once, from the loop,
 * unless the call is cancelled first; the handle is invalid from then on (done may start
 * and cancel other calls and free the fetcher). NULL on failure: ERR_SYNTAX (URL, header
 * line or method), ERR_DENIED (scheme), ERR_LIMIT, ERR_NOMEM; done will not run.
 */
MUST_CHECK struct fetch *fetch_start(struct fetcher *f, const struct fetch_request *request,
				     fetch_done *done, void *arg, struct error *err);
void fetch_cancel(struct fetch *f);	/* wipes its buffers; NULL is fine */

/* The version of libcurl that runs, "7.88.1". */
const char *fetch_library_version(void);

#endif
