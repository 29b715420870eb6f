/*
 * gate/cross_check.h - what no section of the configuration can see alone: names that
 * refer to another section, and what is said twice or for nothing.
 */
#ifndef SALLYPORT_GATE_CROSS_CHECK_H
#define SALLYPORT_GATE_CROSS_CHECK_H

#include "gate/config.h"

/*
 * Report the faults between the sections of a configuration that was read, whatever was
 * wrong within them. The reader's walk is at the top. Without policies (they could not be
 * loaded) nothing is said about the names of policies.
 */
void gate_config_cross_check(struct option_reader *r, const struct gate_config *c);

/* The parts of it: see gate/name_check.c and gate/cross_check.c. */
void gate_config_check_names(struct option_reader *r, const struct gate_config *c);

#endif
