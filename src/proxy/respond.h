/*
 * proxy/respond.h - the answers of the gate itself: pages, JSON, redirects.
 *
 * Each carries its status, "Cache-Control: no-store" and the headers of a page that
 * runs no script and sits in no frame. Browsers get HTML, everything else JSON
 * {"status", "title", "text", "request_id"}. A 500 says nothing but the request id.
 */
#ifndef SALLYPORT_PROXY_RESPOND_H
#define SALLYPORT_PROXY_RESPOND_H

#include "proxy/exchange_state.h"

/* A refusal: the reason goes to the log, the text to the client. Always STEP_ANSWERED. */
enum step_result respond_error(struct exchange *e, unsigned status, enum exchange_reason reason,
			       const char *text);
/* The same for a page with values of its own. */
enum step_result respond_page(struct exchange *e, unsigned status, enum exchange_reason reason,
			      enum page page, const struct page_value *values, size_t count);
enum step_result respond_data(struct exchange *e, unsigned status, enum exchange_reason reason,
			      const char *media_type, struct str data);
enum step_result respond_redirect(struct exchange *e, unsigned status, enum exchange_reason reason,
				  struct str location);
/* An empty answer that needs no memory, for when there is none or too much was written. */
void respond_bare(struct exchange *e, unsigned status, enum exchange_reason reason);
/* 500, for what cannot be: arena used up, no memory, a state nobody expected. */
enum step_result respond_internal(struct exchange *e, const char *what);

/* A field of the response; overflow shows as the arena's. */
void respond_add_header(struct exchange *e, const char *name, struct str value);
/* Delete a cookie of ours in this answer. */
void respond_clear_cookie(struct exchange *e, struct str name);

bool respond_wants_html(const struct exchange *e);	/* Accept names text/html */

#endif
