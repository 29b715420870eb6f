/*
 * gate/name_check.c - names: each given once, each reference to one that exists, none
 * defined for nothing.
 *
 * Names are looked up in sorted lists, since a configuration may hold ten thousand
 * routes and is loaded again at every reload.
 */
#include <stdlib.h>
#include <string.h>

#include "gate/cross_check.h"

struct name_entry {
	struct str name;
	size_t place; /* in the configuration's list */
	bool is_used;
};

/* The names of one section; the words are the same names as C strings, for hints. */
struct name_index {
	const char *section; /* "upstreams" */
	const char *noun;    /* "upstream" */
	struct name_entry *entries;
	const char **words;
	size_t count;
};

static int compare_entries(const void *a, const void *b)
{
	const struct name_entry *x = a, *y = b;
	int order = str_compare(x->name, y->name);

	return order ? order : x->place < y->place ? -1 : x->place > y->place;
}

static bool index_init(struct name_index *index, const char *section, const char *noun,
		       size_t capacity)
{
	*index = (struct name_index){.section = section, .noun = noun};
	index->entries = calloc(capacity + 1, sizeof(*index->entries));
	index->words = calloc(capacity + 1, sizeof(*index->words));
	return index->entries && index->words;
}

static void index_done(struct name_index *index)
{
	free(index->entries);
	free(index->words);
}

/* Names that could not be read are empty, and had their fault already. */
static void index_add(struct name_index *index, struct str name, size_t place)
{
	if (!str_is_empty(name))
		index->entries[index->count++] = (struct name_entry){.name = name, .place = place};
}

static void index_sort(struct name_index *index)
{
	qsort(index->entries, index->count, sizeof(*index->entries), compare_entries);
	for (size_t i = 0; i < index->count; i++)
		index->words[i] = index->entries[i].name.ptr;
}

static int compare_name(const void *key, const void *entry)
{
	const struct str *name = key;
	const struct name_entry *e = entry;

	return str_compare(*name, e->name);
}

/* A fault or warning at "name" of an entry of the section. */
static size_t enter_entry(struct option_reader *r, const struct name_index *index, size_t place)
{
	size_t mark = option_enter(r, str_from(index->section));

	(void)option_enter_index(r, place);
	return mark;
}

static void check_used_once(struct option_reader *r, const struct name_index *index)
{
	for (size_t i = 1; i < index->count; i++) {
		size_t mark;

		if (!str_equal(index->entries[i].name, index->entries[i - 1].name))
			continue;
		mark = enter_entry(r, index, index->entries[i].place);
		option_fault(r, "name", "another %s is called \"%.*s\" too", index->noun,
			     STR_ARG(index->entries[i].name));
		option_leave(r, mark);
	}
}

/* Find what is named at key of the walk's place. */
static void check_reference(struct option_reader *r, struct name_index *index, const char *key,
			    struct str name)
{
	char hint[OPTION_HINT_SIZE] = "";
	struct name_entry *entry;

	if (str_is_empty(name))
		return;
	entry = bsearch(&name, index->entries, index->count, sizeof(*entry), compare_name);
	if (entry) {
		entry->is_used = true;
		return;
	}
	if (r->faults->count < FAULTS_MAX)
		option_hint(name, index->words, index->count, hint);
	option_fault(r, key, "there is no %s \"%.*s\"%s", index->noun, STR_ARG(name), hint);
}

/* bsearch() may have marked any one of entries with the same name. */
static bool is_used(const struct name_index *index, size_t i)
{
	for (size_t j = i; j < index->count; j++)
		if (!str_equal(index->entries[j].name, index->entries[i].name))
			break;
		else if (index->entries[j].is_used)
			return true;
	return false;
}

static void warn_unused(struct option_reader *r, const struct name_index *index)
{
	for (size_t i = 0; i < index->count; i++) {
		size_t mark;

		if (is_used(index, i) ||
		    (i > 0 && str_equal(index->entries[i].name, index->entries[i - 1].name)))
			continue;
		mark = enter_entry(r, index, index->entries[i].place);
		option_warn(r, NULL, "no route uses the %s \"%.*s\"", index->noun,
			    STR_ARG(index->entries[i].name));
		option_leave(r, mark);
	}
}

static void warn_unused_policies(struct option_reader *r, const struct gate_config *c,
				 const struct name_index *policies)
{
	for (size_t i = 0; i < policies->count; i++) {
		const struct policy *p = policy_set_at(c->policies, policies->entries[i].place);

		if (!policies->entries[i].is_used)
			faults_addf(r->faults, FAULT_WARNING, policy_file(p), 0, NULL,
				    "no route uses the policy \"%s\"", policy_name(p));
	}
}

/* --- Routes */

struct indexes {
	struct name_index providers, upstreams, routes, policies;
};

static void check_provider(struct option_reader *r, struct name_index *providers,
			   const struct route_config *route)
{
	size_t mark = option_enter(r, STR("authenticate"));
	bool is_needed = route_needs_provider(route);
	struct str name = route->authenticate.provider;

	if (is_needed && str_is_empty(name) && providers->count == 1)
		option_fault(r, NULL,
			     "\"provider\" is missing: whom \"session\" and \"bearer\" rely on; "
			     "did you mean \"%.*s\"?",
			     STR_ARG(providers->entries[0].name));
	else if (is_needed && str_is_empty(name))
		option_fault(r, NULL,
			     "\"provider\" is missing: whom \"session\" and \"bearer\" rely on");
	else if (!is_needed && !str_is_empty(name) && route->authenticate.methods.count > 0)
		option_warn(r, "provider", "has no effect without \"session\" or \"bearer\"");
	check_reference(r, providers, "provider", name);
	option_leave(r, mark);
}

static void check_routes(struct option_reader *r, const struct gate_config *c, struct indexes *all)
{
	const struct route_config *routes = c->routes.items;

	for (size_t i = 0; i < c->routes.count; i++) {
		size_t mark = enter_entry(r, &all->routes, i);

		check_provider(r, &all->providers, &routes[i]);
		check_reference(r, &all->upstreams, "upstream", routes[i].upstream);
		if (c->policies)
			check_reference(r, &all->policies, "policy", routes[i].policy);
		option_leave(r, mark);
	}
}

static void fill_indexes(const struct gate_config *c, struct indexes *all)
{
	const struct provider_config *providers = c->providers.items;
	const struct upstream_config *upstreams = c->upstreams.items;
	const struct route_config *routes = c->routes.items;

	for (size_t i = 0; i < c->providers.count; i++)
		index_add(&all->providers, providers[i].name, i);
	for (size_t i = 0; i < c->upstreams.count; i++)
		index_add(&all->upstreams, upstreams[i].name, i);
	for (size_t i = 0; i < c->routes.count; i++)
		index_add(&all->routes, routes[i].name, i);
	for (size_t i = 0; c->policies && i < policy_set_count(c->policies); i++)
		index_add(&all->policies, str_from(policy_name(policy_set_at(c->policies, i))), i);
	index_sort(&all->providers);
	index_sort(&all->upstreams);
	index_sort(&all->routes);
	index_sort(&all->policies);
}

void gate_config_check_names(struct option_reader *r, const struct gate_config *c)
{
	size_t policies = c->policies ? policy_set_count(c->policies) : 0;
	struct indexes all;
	bool good;

	memset(&all, 0, sizeof(all));
	good = index_init(&all.providers, "identity_providers", "identity provider",
			  c->providers.count);
	good = index_init(&all.upstreams, "upstreams", "upstream", c->upstreams.count) && good;
	good = index_init(&all.routes, "routes", "route", c->routes.count) && good;
	good = index_init(&all.policies, "policies", "policy", policies) && good;
	if (good) {
		fill_indexes(c, &all);
		check_used_once(r, &all.providers);
		check_used_once(r, &all.upstreams);
		check_used_once(r, &all.routes);
		check_routes(r, c, &all);
		if (!faults_has_errors(
			    r->faults)) { /* a name misspelt would leave the right one unused */
			warn_unused(r, &all.providers);
			warn_unused(r, &all.upstreams);
			warn_unused_policies(r, c, &all.policies);
		}
	} else {
		option_fault(r, NULL, "out of memory");
	}
	index_done(&all.providers);
	index_done(&all.upstreams);
	index_done(&all.routes);
	index_done(&all.policies);
}
