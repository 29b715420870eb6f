/*
 * policy/parse.h - the keys of a policy file and of its rules, which the schema lists as well.
 */
#ifndef SALLYPORT_POLICY_PARSE_H
#define SALLYPORT_POLICY_PARSE_H

#include "policy/place.h"

extern const struct key_table parse_file_keys;
extern const struct key_table parse_rule_keys;

#endif
