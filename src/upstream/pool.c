/*
 * upstream/pool.c - the links of one worker to one server; see pool.h.
 *
 * The timer of a link follows lazily: it stays armed while a call uses the link, and is
 * set anew only when it fires. Keeping a link thus moves no timer per call.
 */
#include "upstream/pool.h"

#include "base/clock.h"

void pool_init(struct pool *p, struct loop *loop, const struct upstream_config *config,
	       const struct upstream_server_config *server, struct tls_client *tls)
{
	*p = (struct pool){
		.target = {.loop = loop, .config = config, .server = server, .tls = tls},
	};
	for (size_t i = 0; i < server->addresses_count; i++)
		endpoint_format(&server->addresses[i], p->target.addresses[i]);
}

static void idle_add(struct pool *p, struct link *l)
{
	l->newer = NULL;
	l->older = p->newest;
	if (l->older)
		l->older->newer = l;
	else
		p->oldest = l;
	p->newest = l;
	p->idle_count++;
}

static void idle_remove(struct pool *p, struct link *l)
{
	if (l->newer)
		l->newer->older = l->older;
	else
		p->newest = l->older;
	if (l->older)
		l->older->newer = l->newer;
	else
		p->oldest = l->newer;
	l->newer = l->older = NULL;
	p->idle_count--;
}

void pool_close(struct pool *p, struct link *l)
{
	link_close(l);
	p->open_count--;
}

static void idle_close(struct pool *p, struct link *l)
{
	idle_remove(p, l);
	pool_close(p, l);
}

void pool_done(struct pool *p)
{
	while (p->newest)
		idle_close(p, p->newest);
	ASSERT(p->open_count == 0);
	tls_resumption_done(&p->target.resumption);
}

static bool timer_follow(struct link *l)
{
	return timer_is_armed(&l->timer) ||
	       timer_set(l->target->loop, &l->timer, l->idle_until_ms);
}

static void idle_on_event(struct link *l, enum link_event event)
{
	struct pool *p = l->owner;

	switch (event) {
	case LINK_IS_READY:
		if (!link_is_quiet(l))
			idle_close(p, l);
		return;
	case LINK_HAS_EXPIRED:
		if (l->idle_until_ms <= clock_ms() || !timer_follow(l))
			idle_close(p, l);
		return;
	case LINK_IS_OPEN:
	case LINK_HAS_FAILED:
		return;
	}
}

bool pool_has_room(const struct pool *p)
{
	return p->idle_count > 0 || p->open_count < (size_t)p->target.config->max_connections;
}

struct link *pool_take(struct pool *p, void (*on_event)(struct link *l, enum link_event event),
		       void *owner)
{
	struct link *l;

	while ((l = p->newest)) {
		if (l->idle_until_ms > clock_ms() && link_is_quiet(l)) {
			idle_remove(p, l);
			l->on_event = on_event;
			l->owner = owner;
			l->is_reused = true;
			return l;
		}
		idle_close(p, l);
	}
	return NULL;
}

struct link *pool_open(struct pool *p, void (*on_event)(struct link *l, enum link_event event),
		       void *owner)
{
	struct link *l;

	ASSERT(pool_has_room(p));
	if (p->open_count >= (size_t)p->target.config->max_connections)
		idle_close(p, p->oldest);
	l = link_open(&p->target, on_event, owner);
	if (l)
		p->open_count++;
	return l;
}

void pool_put(struct pool *p, struct link *l)
{
	const struct upstream_config *config = p->target.config;

	l->idle_until_ms = clock_ms() + config->keepalive_ms;
	if (config->keepalive_ms == 0 || config->keepalive_connections == 0 || !link_is_quiet(l) ||
	    !timer_follow(l)) {
		pool_close(p, l);
		return;
	}
	if (p->idle_count >= (size_t)config->keepalive_connections)
		idle_close(p, p->oldest);
	link_rest(l);
	l->on_event = idle_on_event;
	l->owner = p;
	idle_add(p, l);
}
