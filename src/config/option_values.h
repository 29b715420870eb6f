/*
 * config/option_values.h - how one value of each type is read: for option.c, and for
 * the read functions of options of a type of their own.
 *
 * A reader writes its field only when the value is good; otherwise it reports a fault
 * and answers false, and the walk puts the default there.
 */
#ifndef SALLYPORT_CONFIG_OPTION_VALUES_H
#define SALLYPORT_CONFIG_OPTION_VALUES_H

#include "config/option.h"

typedef bool option_reader_fn(struct option_reader *r, const struct option *o,
			      const struct json *value, void *field);

option_reader_fn option_read_string, option_read_name, option_read_bool, option_read_integer,
	option_read_duration, option_read_size, option_read_enum, option_read_secret,
	option_read_path, option_read_strings, option_read_prefixes, option_read_enums,
	option_read_string_map;

/* Is value of that type? Otherwise a fault: "must be WANTED, found ...". */
MUST_CHECK bool option_expect(struct option_reader *r, const struct json *value,
			      enum json_type type, const char *wanted);
/* A string that is not empty, borrowed from value; otherwise a fault. */
MUST_CHECK bool option_read_text(struct option_reader *r, const struct json *value,
				 const char *wanted, struct str *ret);
/* Is the length of a list within o's limits? Otherwise a fault that counts in noun. */
MUST_CHECK bool option_expect_count(struct option_reader *r, const struct option *o, size_t count,
				    const char *noun);

/* What was found, to be shown: "a list", the number 30, "text" (cut when long). Returns out. */
enum { OPTION_FOUND_SIZE = 80 };
const char *option_found(const struct json *value, char out[OPTION_FOUND_SIZE]);

#endif
