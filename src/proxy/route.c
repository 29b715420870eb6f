/*
 * proxy/route.c - two hash tables: hosts, then (host, path) pairs.
 *
 * A look-up probes the whole path first and then cuts it at each '/' from the end, but
 * never deeper than the deepest route of that host, so that a path of thousands of
 * segments costs no more than a short one.
 */
#include "proxy/route.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

struct host_entry {
	struct str name;		/* for wildcards what follows "*", ".example.com" */
	bool is_wildcard;
	unsigned max_depth;		/* segments of its deepest route */
	const struct route *login;	/* its first route that can log in */
};

struct path_entry {
	size_t host;			/* index of its host_entry */
	struct str path;		/* "/" or "/a/b" */
	const struct route *route;
};

/* Open addressing; slots hold index + 1, 0 is free. Never full: twice as many slots as entries. */
struct index {
	uint32_t *slots;
	size_t mask;
};

struct route_table {
	struct host_entry *hosts;
	size_t hosts_count;
	struct path_entry *paths;
	size_t paths_count;
	struct index by_host;
	struct index by_path;
};

static bool index_init(struct index *index, size_t entries)
{
	size_t slots = 8;

	while (slots < entries * 2)
		slots *= 2;
	index->slots = calloc(slots, sizeof(*index->slots));
	index->mask = slots - 1;
	return index->slots != NULL;
}

static uint64_t path_hash(size_t host, struct str path)
{
	return table_hash(path) ^ (host * 0x9e3779b97f4a7c15ULL);
}

static size_t host_index(const struct route_table *t, struct str name, bool is_wildcard)
{
	size_t slot = table_hash(name) & t->by_host.mask;

	for (; t->by_host.slots[slot]; slot = (slot + 1) & t->by_host.mask) {
		size_t i = t->by_host.slots[slot] - 1;

		if (t->hosts[i].is_wildcard == is_wildcard && str_equal(t->hosts[i].name, name))
			return i;
	}
	return STR_NONE;
}

static const struct route *path_find(const struct route_table *t, size_t host, struct str path)
{
	size_t slot = path_hash(host, path) & t->by_path.mask;

	for (; t->by_path.slots[slot]; slot = (slot + 1) & t->by_path.mask) {
		const struct path_entry *p = &t->paths[t->by_path.slots[slot] - 1];

		if (p->host == host && str_equal(p->path, path))
			return p->route;
	}
	return NULL;
}

static void index_add(struct index *index, uint64_t hash, size_t entry)
{
	size_t slot = hash & index->mask;

	while (index->slots[slot])
		slot = (slot + 1) & index->mask;
	index->slots[slot] = (uint32_t)entry + 1;
}

static size_t host_add(struct route_table *t, struct str pattern)
{
	bool is_wildcard = str_starts_with(pattern, STR("*."));
	struct str name = is_wildcard ? str_after(pattern, 1) : pattern;
	size_t i = host_index(t, name, is_wildcard);

	if (i != STR_NONE)
		return i;
	i = t->hosts_count++;
	t->hosts[i] = (struct host_entry){.name = name, .is_wildcard = is_wildcard};
	index_add(&t->by_host, table_hash(name), i);
	return i;
}

static unsigned path_depth(struct str path)
{
	unsigned depth = 0;

	for (size_t i = 0; i < path.len; i++)
		depth += path.ptr[i] == '/' && i + 1 < path.len;
	return depth;
}

static void route_add(struct route_table *t, const struct route *route)
{
	struct str path = route->config->match.path;

	for (size_t i = 0; i < route->config->match.hosts.count; i++) {
		size_t host = host_add(t, route->config->match.hosts.items[i]);
		struct host_entry *h = &t->hosts[host];

		if (path_depth(path) > h->max_depth)
			h->max_depth = path_depth(path);
		if (route->can_log_in && !h->login)
			h->login = route;
		t->paths[t->paths_count] = (struct path_entry){host, path, route};
		index_add(&t->by_path, path_hash(host, path), t->paths_count);
		t->paths_count++;
	}
}

bool route_table_new(const struct route *routes, size_t count, struct route_table **ret,
		     struct error *err)
{
	struct route_table *t = calloc(1, sizeof(*t));
	size_t pairs = 0;

	for (size_t i = 0; i < count; i++)
		pairs += routes[i].config->match.hosts.count;
	if (!t || pairs >= UINT32_MAX)
		goto out;
	t->hosts = calloc(pairs + 1, sizeof(*t->hosts));
	t->paths = calloc(pairs + 1, sizeof(*t->paths));
	if (!t->hosts || !t->paths || !index_init(&t->by_host, pairs) ||
	    !index_init(&t->by_path, pairs))
		goto out;
	for (size_t i = 0; i < count; i++)
		route_add(t, &routes[i]);
	*ret = t;
	return true;
out:
	route_table_free(t);
	return error_set(err, ERR_NOMEM, "no memory for %zu routes", count);
}

void route_table_free(struct route_table *t)
{
	if (!t)
		return;
	free(t->hosts);
	free(t->paths);
	free(t->by_host.slots);
	free(t->by_path.slots);
	free(t);
}

/* The exact host, else the longest wildcard: ".b.example.com" before ".example.com". */
static size_t host_find(const struct route_table *t, struct str host)
{
	size_t i = host_index(t, host, false);

	for (size_t dot = 1; i == STR_NONE && dot < host.len; dot++)
		if (host.ptr[dot] == '.')
			i = host_index(t, str_after(host, dot), true);
	return i;
}

bool route_host_is_known(const struct route_table *t, struct str host)
{
	return host_find(t, host) != STR_NONE;
}

const struct route *route_find_login(const struct route_table *t, struct str host)
{
	size_t i = host_find(t, host);

	return i == STR_NONE ? NULL : t->hosts[i].login;
}

/* The first depth segments of a path: "/a/b" of "/a/b/c" for 2. */
static struct str path_cut(struct str path, unsigned depth)
{
	size_t end = 1;

	for (unsigned segments = 0; end < path.len; end++)
		if (path.ptr[end] == '/' && ++segments == depth)
			break;
	return str_slice(path, 0, end);
}

const struct route *route_find(const struct route_table *t, struct str host, struct str path)
{
	size_t i = host_find(t, host);
	struct str candidate;

	if (i == STR_NONE || path.len == 0 || path.ptr[0] != '/')
		return NULL;
	candidate = t->hosts[i].max_depth ? path_cut(path, t->hosts[i].max_depth) : STR("/");
	while (candidate.len > 1) {
		const struct route *route = path_find(t, i, candidate);
		size_t slash = str_find_last_char(candidate, '/');

		if (route)
			return route;
		candidate = str_slice(candidate, 0, slash ? slash : 1);
	}
	return path_find(t, i, STR("/"));
}
