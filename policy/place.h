/*
 * policy/place.h - where a walk through a policy file is, and the faults it finds there.
 *
 * The walk never stops at a fault: all of them are reported in one run.
 */
#ifndef SALLYPORT_POLICY_PLACE_H
#define SALLYPORT_POLICY_PLACE_H

#include "base/error.h"
#include "base/json.h"

struct place {
	const struct json_doc *doc;
	const char *file;
	struct faults *faults;
	size_t errors;	    /* that this walk found */
	char pointer[1024]; /* longer than an error shows, so that leaving is exact */
};

/* One step down; leave with the mark that entering gave. */
size_t place_enter(struct place *at, struct str key);
size_t place_enter_index(struct place *at, size_t index);
void place_leave(struct place *at, size_t mark);

void place_fault(struct place *at, const char *fmt, ...) PRINTF_LIKE(2, 3);
void place_warn(struct place *at, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A fault of the form `unknown KIND "written"; did you mean "nearest"?`. */
void place_unknown(struct place *at, const char *kind, struct str written, const char *const *words,
		   size_t count);

/* Is v of that type? Otherwise a fault, also for a v that is NULL. */
bool place_expect(struct place *at, const struct json *v, enum json_type type);
/* A list or object with at least one member; otherwise a fault. */
bool place_expect_some(struct place *at, const struct json *v, enum json_type type);

/* The keys that an object of the file may have: one table for reader and schema. */
struct key {
	const char *name;
	const char *form;	  /* what belongs there: a definition in policy/schema.c, or ... */
	const char *const *words; /* ... one of these */
	size_t words_count;
	bool is_required;
};
struct key_table {
	const struct key *keys;
	size_t count; /* at most PLACE_MAX_KEYS */
};
enum { PLACE_MAX_KEYS = 16 };
/* Every key of an object that is none of the table is a fault. */
void place_check_keys(struct place *at, const struct json *object, const struct key_table *table);
/* [a-z0-9-_.], 1 to POLICY_MAX_NAME bytes: names of policies and conditions, ids of rules. */
bool place_expect_name(struct place *at, struct str name);

/* For printing what was written: no more than fits a fault's text. */
struct str place_excerpt(struct str s);

/*
 * Walk a string, or a list of at least one; the place stands at each while it is looked at:
 *
 *     for (ok = place_strings_first(at, v, &walk, &s); ok; ok = place_strings_next(at, &walk, &s))
 *
 * What is no string is a fault and skipped.
 */
struct place_strings {
	const struct json *item;
	size_t index;
	size_t mark;
	bool is_list;
};
bool place_strings_first(struct place *at, const struct json *v, struct place_strings *walk,
			 struct str *ret);
bool place_strings_next(struct place *at, struct place_strings *walk, struct str *ret);

#endif
