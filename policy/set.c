/*
 * policy/set.c - all policies of a folder.
 *
 * All or nothing: one fault in one file, and no set comes out, so that the policies
 * that run stay as they are. Names, not files, are what routes refer to.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "policy/policy.h"

struct policy_set {
	struct policy **items; /* sorted by name */
	size_t count;
	size_t tests_run;
};

static bool is_policy_file(const char *name)
{
	return name[0] != '.' && str_ends_with(str_from(name), STR(".json"));
}

static int is_policy_entry(const struct dirent *entry)
{
	return is_policy_file(entry->d_name);
}

static void fault_of(struct faults *faults, const struct error *err, const char *file)
{
	struct error copy = *err;

	error_at_file(&copy, file);
	faults_add(faults, FAULT_ERROR, &copy);
}

/* Parse one file and run its tests. NULL, with faults, when it is not to be used. */
static struct policy *load_file(const char *path, struct faults *faults, size_t *tests_run)
{
	struct policy *p = NULL;
	struct error err = {0};
	size_t run, failed;
	struct buf text;

	buf_init(&text, POLICY_MAX_BYTES + 1);
	if (!file_read(path, POLICY_MAX_BYTES, &text, &err)) {
		fault_of(faults, &err, path);
	} else if (policy_parse(buf_str(&text), path, faults, &p)) {
		policy_run_tests(p, faults, &run, &failed);
		*tests_run += run;
	}
	buf_done(&text);
	return p;
}

static int compare_policies(const void *a, const void *b)
{
	const struct policy *left = *(struct policy *const *)a;
	const struct policy *right = *(struct policy *const *)b;
	int order = strcmp(policy_name(left), policy_name(right));

	return order ? order : strcmp(policy_file(left), policy_file(right));
}

static void check_names(const struct policy_set *set, struct faults *faults)
{
	for (size_t i = 1; i < set->count; i++) {
		const struct policy *first = set->items[i - 1], *second = set->items[i];

		if (strcmp(policy_name(first), policy_name(second)) == 0)
			faults_addf(faults, FAULT_ERROR, policy_file(second), 0, "/policy",
				    "the name \"%s\" is taken: %s uses it", policy_name(second),
				    policy_file(first));
	}
}

static void load_entries(struct policy_set *set, const char *folder, struct dirent **entries,
			 int count, struct faults *faults)
{
	char path[4096];

	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		struct policy *p;

		if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path)) {
			faults_addf(faults, FAULT_ERROR, name, 0, NULL, "the path is too long");
			continue;
		}
		p = load_file(path, faults, &set->tests_run);
		if (p)
			set->items[set->count++] = p;
	}
	if (set->count)
		qsort(set->items, set->count, sizeof(struct policy *), compare_policies);
	check_names(set, faults);
}

static struct policy_set *set_new(size_t capacity)
{
	struct policy_set *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	set->items = calloc(capacity ? capacity : 1, sizeof(struct policy *));
	if (!set->items) {
		free(set);
		return NULL;
	}
	return set;
}

bool policy_set_load(const char *folder, struct faults *faults, struct policy_set **ret_set)
{
	size_t errors = faults->errors;
	struct policy_set *set = NULL;
	struct dirent **entries;
	struct error err = {0};
	int count = scandir(folder, &entries, is_policy_entry, alphasort);

	if (count < 0) {
		error_set_errno(&err, errno, "cannot list the policies");
		fault_of(faults, &err, folder);
		return false;
	}
	if (count > POLICY_MAX_FILES)
		faults_addf(faults, FAULT_ERROR, folder, 0, NULL,
			    "a folder holds at most %d policies", POLICY_MAX_FILES);
	else if (!(set = set_new((size_t)count)))
		faults_addf(faults, FAULT_ERROR, folder, 0, NULL, "out of memory");
	else
		load_entries(set, folder, entries, count, faults);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	if (faults->errors != errors) {
		policy_set_free(set);
		return false;
	}
	*ret_set = set;
	return true;
}

void policy_set_free(struct policy_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++)
		policy_unref(set->items[i]);
	free(set->items);
	free(set);
}

struct policy *policy_set_find(const struct policy_set *set, struct str name)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = str_compare(name, str_from(policy_name(set->items[middle])));

		if (!order)
			return set->items[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

size_t policy_set_count(const struct policy_set *set)
{
	return set->count;
}

const struct policy *policy_set_at(const struct policy_set *set, size_t index)
{
	ASSERT(index < set->count);
	return set->items[index];
}

size_t policy_set_tests_run(const struct policy_set *set)
{
	return set->tests_run;
}
