/*
 * upstream/balance.c - which server takes a call; see balance.h.
 */
#include "upstream/balance.h"

#include "base/clock.h"
#include "base/log.h"

enum { BACK_OFF_MS = 1000 };

static bool is_resting(const struct pool *p)
{
	return p->is_down && p->down_until_ms > clock_ms();
}

static struct pool *choose(struct balance *b, uint64_t *tried, bool resting_too)
{
	for (size_t i = 0; i < b->count; i++) {
		size_t at = (b->next + i) % b->count;
		struct pool *p = &b->pools[at];

		if (*tried >> at & 1 || !pool_has_room(p) || (is_resting(p) && !resting_too))
			continue;
		*tried |= UINT64_C(1) << at;
		b->next = (at + 1) % b->count;
		if (p->is_down)		/* this call is the probe; others wait for how it goes */
			p->down_until_ms = clock_ms() + p->target.config->connect_timeout_ms;
		return p;
	}
	return NULL;
}

struct pool *balance_choose(struct balance *b, uint64_t *tried)
{
	struct pool *p = choose(b, tried, false);

	return p ? p : choose(b, tried, true);
}

void balance_note_up(struct pool *p)
{
	if (p->is_down)
		log_info("upstream \"%.*s\": server %.*s takes connections again",
			 STR_ARG(p->target.config->name), STR_ARG(p->target.server->url));
	p->is_down = false;
}

void balance_note_down(struct pool *p, const struct error *why)
{
	if (!p->is_down)
		log_warning("%s", why->text);
	p->is_down = true;
	p->down_until_ms = clock_ms() + BACK_OFF_MS;
}
