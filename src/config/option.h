/*
 * config/option.h - the option table: one row per option gives parser, limits, unit,
 * default and the words of the reference.
 *
 * Each module lists the options of its own section in rows beside its code; this file
 * walks them over the JSON of the configuration, fills the module's struct and reports
 * every fault in one run, with line, JSON pointer and the nearest valid word.
 */
#ifndef SALLYPORT_CONFIG_OPTION_H
#define SALLYPORT_CONFIG_OPTION_H

#include "base/arena.h"
#include "base/error.h"
#include "base/ip.h"
#include "base/json.h"
#include "base/secret.h"

enum option_type {
	OPTION_STRING,	   /* struct str, not empty when it is written */
	OPTION_NAME,	   /* struct str, [a-z0-9][a-z0-9._-]{0,62} */
	OPTION_BOOL,	   /* bool */
	OPTION_INTEGER,	   /* int64_t, within min..max */
	OPTION_DURATION,   /* int64_t milliseconds, from "250ms" "30s" "5m" "12h" "7d" */
	OPTION_SIZE,	   /* uint64_t bytes, from "64KiB" "1MiB" "4096B" */
	OPTION_ENUM,	   /* int: the index in words */
	OPTION_SECRET,	   /* struct secret: "text", {"file": path} or {"env": NAME} */
	OPTION_PATH,	   /* struct str: resolved against the configuration's folder */
	OPTION_STRINGS,	   /* struct str_list: a string or a list of strings */
	OPTION_PREFIXES,   /* struct ip_prefix_list */
	OPTION_ENUMS,	   /* struct int_list: a list of words, no repeats */
	OPTION_STRING_MAP, /* struct str_map: an object of strings */
	OPTION_OBJECT,	   /* the struct of table, embedded */
	OPTION_OBJECTS,	   /* struct object_list of the struct of table */
	OPTION_CUSTOM,	   /* what read() makes of it; with a table: an object of such */
};

struct str_list {
	struct str *items;
	size_t count;
};
struct int_list {
	int *items;
	size_t count;
};
struct ip_prefix_list {
	struct ip_prefix *items;
	size_t count;
};
struct str_map {
	struct str *keys;
	struct str *values;
	size_t count;
};
struct object_list {
	void *items; /* count structs of the table's size, one behind the other */
	size_t count;
};

struct option_reader;
struct option_table;

struct option {
	const char *key;
	enum option_type type;
	size_t offset; /* of the field in the section's struct */
	/*
	 * OBJECT that need not be there: the offset of a bool that says whether it is, never
	 * the struct's first field. 0: when it is absent, its options have their defaults.
	 */
	size_t present;
	bool required;
	int64_t min, max;	  /* numbers (DURATION: ms), lengths of lists; 0, 0: no limits */
	const char *standard;	  /* the default as JSON text; NULL: there is none */
	const char *const *words; /* ENUM, ENUMS: NULL-terminated */
	const struct option_table *table; /* OBJECT, OBJECTS */
	bool (*read)(struct option_reader *r, const struct json *value, void *field); /* CUSTOM */
	const char *form; /* CUSTOM: its JSON Schema, as JSON text */
	const char *help; /* what it does and why: for the reference and the schema */
};

enum { OPTION_TABLE_MAX = 32 }; /* options in one table */
struct option_table {
	const char *name; /* "listener": for the reference */
	const struct option *options;
	size_t count;
	size_t size; /* sizeof the struct */
	/*
	 * Faults among the options of one object; runs once all of them are read, also when
	 * some were at fault: those hold their default, or nothing. May be NULL.
	 */
	void (*check)(struct option_reader *r, void *object);
	/* Releases what the object holds outside the arena, secrets excepted. May be NULL. */
	void (*done)(void *object);
};

/* One walk over one document. */
struct option_reader {
	const struct json_doc *doc;
	const char *file;    /* the configuration file */
	struct arena *arena; /* owns strings and lists of the result */
	struct faults *faults;
	char pointer[128]; /* where the walk is */
};

/*
 * Fill object (zeroed, table->size bytes) from a JSON object: defaults first, then what
 * is written; unknown keys, wrong types and values out of range become faults, and the
 * walk goes on. The caller looks at faults. "$schema" is accepted at the top only.
 */
void option_read(struct option_reader *r, const struct option_table *table,
		 const struct json *value, void *object);
/* Wipe the secrets of an object and of all objects in it, and run their done functions. */
void option_done(const struct option_table *table, void *object);

/* A fault at the walk's place, or at a key below it (NULL: the place itself). */
void option_fault(struct option_reader *r, const char *key, const char *fmt, ...) PRINTF_LIKE(3, 4);
void option_warn(struct option_reader *r, const char *key, const char *fmt, ...) PRINTF_LIKE(3, 4);

/*
 * Move the walk one step down, for faults at entries of a list or of a map; leave with
 * the mark that entering gave.
 */
size_t option_enter(struct option_reader *r, struct str key);
size_t option_enter_index(struct option_reader *r, size_t index);
void option_leave(struct option_reader *r, size_t mark);

/* A path as written, resolved against the configuration's folder; a fault when too long. */
MUST_CHECK bool option_resolve_path(struct option_reader *r, struct str written,
				    struct str *ret_path);

/* The address written at key; "unix:path" is relative to the configuration's folder too. */
MUST_CHECK bool option_parse_endpoint(struct option_reader *r, const char *key, struct str written,
				      struct endpoint *ret);

/*
 * "; did you mean "x"?" for the word nearest to what was written, or "" when none is near.
 * Returns out.
 */
enum { OPTION_HINT_SIZE = 96 };
const char *option_hint(struct str written, const char *const *words, size_t count,
			char out[OPTION_HINT_SIZE]);

/* "30s" and "64KiB", also for policies' durations. False when malformed or out of int64. */
MUST_CHECK bool option_parse_duration(struct str text, int64_t *ret_ms);
MUST_CHECK bool option_parse_size(struct str text, uint64_t *ret_bytes);

/* The shortest spelling that parses to the same value. Returns out. */
enum { OPTION_UNIT_SIZE = 32 };
const char *option_format_duration(int64_t ms, char out[OPTION_UNIT_SIZE]);
const char *option_format_size(uint64_t bytes, char out[OPTION_UNIT_SIZE]);

#endif
