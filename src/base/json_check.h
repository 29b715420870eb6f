/*
 * base/json_check.h - the grammar of JSON, on the text itself; for json.c alone.
 */
#ifndef SALLYPORT_BASE_JSON_CHECK_H
#define SALLYPORT_BASE_JSON_CHECK_H

#include "base/base.h"
#include "base/error.h"
#include "base/str.h"

/*
 * Is text one JSON value and nothing else, as json_parse() demands it? All but the
 * uniqueness of keys. err gets kind, line and text.
 */
MUST_CHECK bool json_check(struct str text, struct error *err);

/*
 * The offset at which a value starts in a text that passed json_check(): steps[i] is the
 * position of the member or element to enter at depth i. The value must be there.
 */
size_t json_locate(struct str text, const size_t *steps, size_t count);

/* The line, from 1, of an offset into text. */
unsigned json_line_of(struct str text, size_t offset);

#endif
