/*
 * policy/condition.h - the words of conditions: one table for reader, reference and schema.
 */
#ifndef SALLYPORT_POLICY_CONDITION_H
#define SALLYPORT_POLICY_CONDITION_H

#include "policy/build.h"

/* Read one condition at the build's place and append it. Every fault in it is reported. */
void condition_read(struct build *b, const struct json *v);

enum condition_table {
	CONDITION_WORDS,       /* all, any, claim ... */
	CONDITION_OPERATORS,   /* is, in, has ... */
	CONDITION_CERTIFICATE, /* members of client_certificate */
	CONDITION_AUTHENTICATION,
	CONDITION_TIME,
	CONDITION_TABLES,
};
/* The index-th word of a table; NULL behind its end. */
const char *condition_word(enum condition_table table, size_t index);
/* What stands behind that word: a definition in policy/schema.c. */
const char *condition_form(enum condition_table table, size_t index);
/* Does an operator stand beside that one of CONDITION_WORDS? */
bool condition_takes_operator(size_t index, enum subject_kind *ret_kind);

#endif
