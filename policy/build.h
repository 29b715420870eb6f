/*
 * policy/build.h - a policy while it is being read: arrays that grow, references that wait.
 */
#ifndef SALLYPORT_POLICY_BUILD_H
#define SALLYPORT_POLICY_BUILD_H

#include "policy/compiled.h"
#include "policy/place.h"

struct named_condition {
	const char *name;
	uint32_t index;
};

struct reference {
	uint32_t from, to; /* conditions; from is conditions_count for rules */
	uint32_t depth;	   /* of the reference inside from */
};

struct build {
	struct place at;
	struct policy *p;
	size_t nodes_capacity;
	size_t operands_capacity;
	size_t subjects_capacity;
	bool is_full; /* a limit was passed, and reported */

	struct named_condition *named; /* sorted by name */
	const char **names;	       /* the same names, for the nearest one */
	size_t named_count;
	struct reference *references;
	size_t references_count;
	size_t references_capacity;
	uint32_t owner;	   /* whose condition is being read */
	uint32_t depth;	   /* of the condition being read */
	uint32_t *heights; /* of each owner's own conditions */

	uint16_t zone;	  /* of the "time" being read */
	bool judges_time; /* some condition looks at the time */
};

/*
 * Room for one more item of size bytes in an array of the policy's arena; the array
 * moves. False when memory ended: reported, and is_full is set.
 */
MUST_CHECK bool build_grow(struct build *b, void **items, size_t count, size_t *capacity,
			   size_t size);
/* Append a node; false past POLICY_MAX_NODES (reported once). */
MUST_CHECK bool build_node(struct build *b, enum node_kind kind, unsigned detail, size_t *ret_at);
/* Close a group: what was appended since belongs to it. */
void build_close(struct build *b, size_t at);
/* Append an operand to the node that was appended last. */
void build_operand(struct build *b, size_t node, const union operand *operand);
MUST_CHECK bool build_subject(struct build *b, enum subject_kind kind, struct str name,
			      uint16_t *ret_index);
/* The number of a value, noting it; false when there are too many. */
MUST_CHECK bool build_value(struct build *b, uint16_t subject, struct str text, uint32_t *ret);
MUST_CHECK bool build_zone(struct build *b, struct str name, uint16_t *ret_index);
/* A reference to a named condition, appended as a node. */
void build_reference(struct build *b, struct str name);
void build_out_of_memory(struct build *b);

/* Take the names of all conditions, so that they may refer to each other in any order. */
MUST_CHECK bool build_names(struct build *b, const struct json *conditions);
/* Faults for circles and for depth, warnings for conditions that nothing refers to. */
void build_check_references(struct build *b);
/* Put members of groups in the order in which they are asked, in arrays that fit. */
void build_arrange(struct build *b);

#endif
