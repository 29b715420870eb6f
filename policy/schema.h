/*
 * policy/schema.h - policy files as a JSON Schema (2020-12), for editors and CI.
 */
#ifndef SALLYPORT_POLICY_SCHEMA_H
#define SALLYPORT_POLICY_SCHEMA_H

#include "base/buf.h"

enum { POLICY_SCHEMA_MAX_BYTES = 64 * 1024 };

/*
 * Append the schema, indented, a newline at its end. It accepts whatever the reader accepts
 * and refuses what one value shows to be wrong. What only the whole file tells, such as an
 * id that is used twice or a condition that is not defined, the reader alone knows.
 */
void policy_schema_append(struct buf *out);

#endif
