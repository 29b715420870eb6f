/*
 * proxy/worker.c - a worker's views of snapshots, each kept as long as exchanges run under it.
 */
#include "proxy/worker.h"

#include <stdlib.h>

#include "proxy/exchange_state.h"

static void view_free(struct worker_view *view)
{
	size_t count = view->snapshot->params.upstreams_count;

	for (size_t i = 0; view->upstreams && i < count; i++)
		upstream_free(view->upstreams[i]);
	free(view->upstreams);
	bearer_cache_free(view->bearers);
	snapshot_unref(view->snapshot);
	free(view);
}

bool worker_view_new(struct proxy_worker *w, struct snapshot *snapshot, struct worker_view **ret,
		     struct error *err)
{
	size_t count = snapshot->params.upstreams_count;
	struct worker_view *view = calloc(1, sizeof(*view));

	if (!view)
		return error_set(err, ERR_NOMEM, "no memory for a worker's view");
	view->worker = w;
	view->snapshot = snapshot_ref(snapshot);
	view->upstreams = calloc(count + 1, sizeof(struct upstream *));
	view->bearers = bearer_cache_new();
	if (!view->upstreams || !view->bearers) {
		view_free(view);
		return error_set(err, ERR_NOMEM, "no memory for a worker's view");
	}
	for (size_t i = 0; i < count; i++) {
		if (!upstream_new(w->loop, &snapshot->params.upstreams[i], &view->upstreams[i], err)) {
			view_free(view);
			return false;
		}
	}
	*ret = view;
	return true;
}

void worker_set_view(struct proxy_worker *w, struct worker_view *view)
{
	struct worker_view *old = w->view;

	w->view = view;
	if (!old)
		return;
	old->retired = true;
	if (!old->exchanges)
		view_free(old);
}

struct worker_view *worker_view_pin(struct proxy_worker *w)
{
	if (w->view)
		w->view->exchanges++;
	return w->view;
}

void worker_view_unpin(struct worker_view *view)
{
	ASSERT(view->exchanges > 0);
	view->exchanges--;
	if (view->retired && !view->exchanges)
		view_free(view);
}

void worker_release(struct proxy_worker *w)
{
	while (w->free_exchanges) {
		struct exchange *e = w->free_exchanges;

		w->free_exchanges = e->next_free;
		arena_free(e->arena);
		free(e);
	}
	w->free_exchanges_count = 0;
	buf_done(&w->log_line);
}
