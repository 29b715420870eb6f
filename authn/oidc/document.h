/*
 * authn/oidc/document.h - a document of a provider that is fetched again and again: when
 * to call, whom to tell. What it says is its owner's (provider.c).
 *
 *     ABSENT --fetched--> HELD         in both: at most one call under way
 *
 * Of the identity thread alone.
 */
#ifndef SALLYPORT_AUTHN_OIDC_DOCUMENT_H
#define SALLYPORT_AUTHN_OIDC_DOCUMENT_H

#include "authn/oidc/provider.h"

enum document_state { DOCUMENT_ABSENT, DOCUMENT_HELD };

struct document {
	const char *what; /* "discovery", for errors */
	const struct provider_config *config;
	struct loop *loop;
	struct fetcher *fetcher;
	size_t max_bytes;
	/* The URL to call, appended to b. */
	void (*append_url)(const struct document *d, struct buf *b);
	/* Take over what came. False: it is no good, and what is held stays. */
	bool (*take)(struct document *d, struct str body, struct error *err);
	/* It was taken, and those who waited have been told. NULL when there is nothing to do. */
	void (*on_taken)(struct document *d);

	enum document_state state;
	struct fetch *fetch; /* the call under way, NULL when there is none */
	struct timer refresh;
	int64_t due_ms;		    /* when the next call is due by itself */
	int64_t ended_ms;	    /* when the last call ended; INT64_MIN: never called */
	unsigned failures;	    /* in a row */
	enum login_outcome outcome; /* of the last call */
	struct error err;
	struct provider_waiter *waiters;
};

/* The members above state are the caller's to set. */
void document_init(struct document *d);
void document_done(struct document *d);

/* Call now, unless a call is under way. False when it cannot start: outcome and err say why. */
bool document_fetch(struct document *d);
/*
 * Is it held? A stale one is, too; it is then refreshed without anybody waiting. One that
 * is absent is waited for, unless the last call ended just before.
 */
enum provider_answer document_want(struct document *d, struct provider_waiter *w,
				   enum login_outcome *ret_outcome, struct error *err);
void document_wait(struct document *d, struct provider_waiter *w);

#endif
