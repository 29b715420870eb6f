/*
 * authn/oidc/document.c - see authn/oidc/document.h.
 *
 * A person who clicks while the provider is known to be down should not wait for the next
 * scheduled attempt, nor should a thousand of them be a thousand calls: a login may cause
 * one by itself once PROVIDER_MIN_RETRY_MS have passed since the last.
 */
#include "authn/oidc/document.h"

#include "authn/oidc/provider_call.h"
#include "base/clock.h"
#include "base/random.h"

void provider_waiter_stop(struct provider_waiter *w)
{
	if (!w->link)
		return;
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	w->next = NULL;
	w->link = NULL;
}

void document_wait(struct document *d, struct provider_waiter *w)
{
	ASSERT(!w->link);
	w->next = d->waiters;
	w->link = &d->waiters;
	if (w->next)
		w->next->link = &w->next;
	d->waiters = w;
}

/* Those who wait anew while they are told go to the new list. */
static void tell_waiters(struct document *d)
{
	struct provider_waiter *told = d->waiters;
	struct error err = d->err;
	enum login_outcome outcome = d->outcome;

	d->waiters = NULL;
	if (told)
		told->link = &told;
	while (told) {
		struct provider_waiter *w = told;

		provider_waiter_stop(w);
		w->on_ready(w, outcome, &err);
	}
}

/* Up to a quarter more, so that the gates of a fleet do not call together. */
static int64_t spread(int64_t ms)
{
	uint32_t r;

	random_bytes(&r, sizeof(r));
	return ms + (int64_t)(r % 1024) * ms / 4096;
}

static int64_t retry_ms(unsigned failures)
{
	unsigned doublings = failures - 1 < 6 ? failures - 1 : 6;
	int64_t ms = (int64_t)PROVIDER_MIN_RETRY_MS << doublings;

	return spread(ms < PROVIDER_MAX_RETRY_MS ? ms : PROVIDER_MAX_RETRY_MS);
}

static int64_t life_ms(int64_t max_age_s)
{
	if (max_age_s < 0)
		return PROVIDER_STANDARD_LIFE_MS;
	if (max_age_s > PROVIDER_MAX_LIFE_MS / 1000)
		return PROVIDER_MAX_LIFE_MS;
	if (max_age_s < PROVIDER_MIN_LIFE_MS / 1000)
		return PROVIDER_MIN_LIFE_MS;
	return max_age_s * 1000;
}

/* Without memory for the timer, the next login that looks at due_ms does its work. */
static void schedule(struct document *d, int64_t in_ms)
{
	d->ended_ms = clock_ms();
	d->due_ms = d->ended_ms + in_ms;
	if (!timer_set(d->loop, &d->refresh, d->due_ms))
		timer_cancel(&d->refresh);
}

static void note_failure(struct document *d, enum login_outcome outcome, const struct error *err)
{
	d->outcome = outcome;
	d->err = *err;
	d->failures++;
	schedule(d, retry_ms(d->failures));
}

static void on_fetched(void *arg, const struct fetch_result *result)
{
	struct document *d = arg;
	struct error err = {0};
	enum login_outcome outcome = provider_call_judge(d->what, result, &err);

	d->fetch = NULL;
	if (outcome == LOGIN_OK && !d->take(d, result->body, &err))
		outcome = provider_call_outcome(err.kind);
	if (outcome != LOGIN_OK) {
		note_failure(d, outcome, &err);
		tell_waiters(d);
		return;
	}
	d->state = DOCUMENT_HELD;
	d->outcome = LOGIN_OK;
	d->err = (struct error){0};
	d->failures = 0;
	schedule(d, life_ms(result->max_age_s));
	tell_waiters(d);
	if (d->on_taken)
		d->on_taken(d);
}

bool document_fetch(struct document *d)
{
	struct fetch_request request;
	struct error err = {0};
	struct buf url;

	if (d->fetch)
		return true;
	buf_init(&url, FETCH_MAX_URL);
	d->append_url(d, &url);
	if (buf_failed(&url)) {
		error_set(&err, ERR_NOMEM, "%s: out of memory for its URL", d->what);
	} else {
		provider_call_init(&request, d->config, buf_str(&url), d->max_bytes);
		d->fetch = fetch_start(d->fetcher, &request, on_fetched, d, &err);
	}
	buf_done(&url);
	if (!d->fetch) /* too many calls under way is no fault of the provider's */
		note_failure(d,
			     err.kind == ERR_LIMIT ? LOGIN_UNAVAILABLE
						   : provider_call_outcome(err.kind),
			     &err);
	return d->fetch != NULL;
}

static void on_due(struct timer *t)
{
	(void)document_fetch(CONTAINER_OF(t, struct document, refresh));
}

enum provider_answer document_want(struct document *d, struct provider_waiter *w,
				   enum login_outcome *ret_outcome, struct error *err)
{
	bool may_call =
		d->ended_ms == INT64_MIN || clock_ms() - d->ended_ms >= PROVIDER_MIN_RETRY_MS;

	if (d->state == DOCUMENT_HELD) {
		if (clock_ms() >= d->due_ms)
			(void)document_fetch(d);
		return PROVIDER_HAS_IT;
	}
	if (d->fetch || (may_call && document_fetch(d))) {
		document_wait(d, w);
		return PROVIDER_WAIT;
	}
	*ret_outcome = d->outcome;
	*err = d->err;
	return PROVIDER_CANNOT;
}

void document_init(struct document *d)
{
	d->state = DOCUMENT_ABSENT;
	d->refresh = (struct timer)TIMER_INIT(on_due);
	d->ended_ms = INT64_MIN;
	d->outcome = LOGIN_OK;
}

void document_done(struct document *d)
{
	ASSERT(!d->waiters);
	fetch_cancel(d->fetch);
	d->fetch = NULL;
	timer_cancel(&d->refresh);
}
