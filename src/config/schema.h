/*
 * config/schema.h - the option tables as a JSON Schema (2020-12), for editors and CI.
 */
#ifndef SALLYPORT_CONFIG_SCHEMA_H
#define SALLYPORT_CONFIG_SCHEMA_H

#include "base/buf.h"
#include "config/option.h"

enum { CONFIG_SCHEMA_MAX_BYTES = 256 * 1024 };

/*
 * Append the schema of a root table, indented, a newline at its end. It says what one
 * value may look like; what two values must be to each other only the loader knows.
 */
void config_schema_append(struct buf *out, const struct option_table *root, const char *title);

/* Append a compact JSON text with line breaks and two spaces a level; strings are left alone. */
void config_json_indent(struct buf *out, struct str compact);

#endif
