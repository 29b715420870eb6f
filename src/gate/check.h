/*
 * gate/check.h - "sallyport check": is this configuration one that could be run?
 */
#ifndef SALLYPORT_GATE_CHECK_H
#define SALLYPORT_GATE_CHECK_H

#include <stdio.h>

#include "base/error.h"

/*
 * Load a configuration and its policies, run the policies' tests, and print what was
 * found: a line per fault, sorted by file and line, or one line when all is fine.
 *
 *   as_json   one JSON object instead: {"file", "ok", "errors", "warnings", "faults": [...]}
 *   out       where to; colours only when it is a terminal
 *
 * Answers the exit status: 0 fine (warnings or not), 1 faults.
 */
int gate_check(const char *path, bool as_json, FILE *out);

/* Sort by file (first_file before others), then line, then as they were found. */
void gate_faults_sort(struct faults *faults, const char *first_file);
/* The lines of gate_check(). */
void gate_faults_print(const struct faults *faults, FILE *out);

#endif
