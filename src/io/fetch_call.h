/*
 * io/fetch_call.h - one call of io/fetch.h, for the two files that make it up.
 */
#ifndef SALLYPORT_IO_FETCH_CALL_H
#define SALLYPORT_IO_FETCH_CALL_H

#include <curl/curl.h>

#include "base/buf.h"
#include "io/fetch.h"
#include "io/fetch_head.h"

enum { FETCH_ORIGIN_SIZE = 128 };

struct fetch {
	struct fetcher *fetcher;
	struct fetch *next;
	struct fetch **link;		/* what points here */
	fetch_done *done;
	void *arg;

	CURL *easy;			/* NULL once it ended */
	struct curl_slist *headers;
	struct buf request_body;
	bool allow_private;
	char origin[FETCH_ORIGIN_SIZE];	/* for error texts */
	char words[CURL_ERROR_SIZE];

	struct fetch_head head;
	struct buf body;
	unsigned status;
	bool ok;
	struct error err;		/* the first thing that went wrong */
	struct task answer;		/* queued once it ended */
};

/*
 * Set everything on call->easy that stands in the request: URL, method, header lines, body,
 * bounds and TLS. ERR_SYNTAX, ERR_DENIED, ERR_LIMIT, ERR_NOMEM as fetch_start() says.
 */
MUST_CHECK bool fetch_setup(struct fetch *call, const struct fetch_request *request,
			    struct error *err);

#endif
