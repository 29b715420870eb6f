/*
 * io/fetch_head.h - what a fetch keeps of a response's header lines.
 *
 * Lines arrive one by one, as the peer sent them. A status line begins anew, so that what
 * an interim response (100, 103) said is forgotten; the ceiling is for all of them.
 */
#ifndef SALLYPORT_IO_FETCH_HEAD_H
#define SALLYPORT_IO_FETCH_HEAD_H

#include "base/base.h"
#include "base/str.h"

enum { FETCH_CONTENT_TYPE_SIZE = 128 };

struct fetch_head {
	size_t bytes;					/* of all lines so far */
	char content_type[FETCH_CONTENT_TYPE_SIZE];	/* no parameters, lower case; or "" */
	int64_t max_age_s;				/* of max-age; -1 when absent */
	bool no_store;					/* no-store or no-cache was there */
};

void fetch_head_init(struct fetch_head *head);
/* Take one line, its end included. False when the lines are more than max bytes together. */
MUST_CHECK bool fetch_head_take(struct fetch_head *head, struct str line, size_t max);
/* How long the response may be kept: 0 not at all, -1 when it does not say. */
int64_t fetch_head_max_age_s(const struct fetch_head *head);

#endif
