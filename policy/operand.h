/*
 * policy/operand.h - one string of a condition: checked, and turned into what is compared.
 *
 * Each reports its fault at the build's place. False when there was one.
 */
#ifndef SALLYPORT_POLICY_OPERAND_H
#define SALLYPORT_POLICY_OPERAND_H

#include "policy/build.h"

typedef bool operand_reader(struct build *b, struct str text, union operand *ret);

operand_reader operand_text;	    /* not empty */
operand_reader operand_folded;	    /* the same, in lower case */
operand_reader operand_fingerprint; /* 64 hex digits */
operand_reader operand_method;	    /* an upper-case token */
operand_reader operand_path;
operand_reader operand_host;
operand_reader operand_prefix;
operand_reader operand_authenticated_by; /* "none", "session" ... */
operand_reader operand_duration;	 /* "12h" */
operand_reader operand_moment;		 /* a date or date-time, in the build's zone */

#endif
