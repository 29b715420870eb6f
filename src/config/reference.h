/*
 * config/reference.h - the option tables as a page of the manual (Markdown).
 */
#ifndef SALLYPORT_CONFIG_REFERENCE_H
#define SALLYPORT_CONFIG_REFERENCE_H

#include "base/buf.h"
#include "config/option.h"

enum { CONFIG_REFERENCE_MAX_BYTES = 256 * 1024 };

/* Append the page: what holds for all values, then a section per table, a row per option. */
void config_reference_append(struct buf *out, const struct option_table *root);

#endif
