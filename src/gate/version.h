/*
 * gate/version.h - `sallyport version`.
 */
#ifndef SALLYPORT_GATE_VERSION_H
#define SALLYPORT_GATE_VERSION_H

#include <stdbool.h>
#include <stdio.h>

/* Print version, commit, the versions of the libraries that run, and features. */
void gate_version_print(bool as_json, FILE *out);

#endif
