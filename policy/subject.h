/*
 * policy/subject.h - reading conditions on what has a name and a value: claims, headers,
 * query parameters, device facts.
 */
#ifndef SALLYPORT_POLICY_SUBJECT_H
#define SALLYPORT_POLICY_SUBJECT_H

#include "policy/build.h"

/* Read { key: name, operator: operand }; the place stands at the object. */
void subject_read(struct build *b, enum subject_kind kind, const char *key,
		  const struct json *object);
/* Read { fact: value, ... }, the place being there: every one must hold. */
void subject_read_device(struct build *b, const struct json *v);

const char *subject_operator_word(size_t index); /* NULL behind the last */
/* What stands behind that operator: a definition in policy/schema.c. NULL: not for that kind. */
const char *subject_operator_form(size_t index, enum subject_kind kind);
bool subject_is_operator(struct str key);

#endif
