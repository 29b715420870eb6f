/*
 * gate/schema.h - `sallyport schema`.
 */
#ifndef SALLYPORT_GATE_SCHEMA_H
#define SALLYPORT_GATE_SCHEMA_H

#include <stdbool.h>
#include <stdio.h>

/* Print the schema of "config" or "policy". False, with a line on stderr, for another word. */
bool gate_schema_print(const char *which, FILE *out);

#endif
