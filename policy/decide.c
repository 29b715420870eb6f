/*
 * policy/decide.c - from rules to an answer.
 *
 * Every rule of a kind is asked in the order of the ids, so that the order in the file
 * changes neither the answer nor the rule that is named for it. Evaluation recurses at
 * most POLICY_MAX_DEPTH deep, and a named condition is worked out once per pass: a pass
 * takes no more steps than the policy has nodes.
 */
#include <string.h>

#include "policy/match.h"

struct walk {
	struct matcher m;
	uint8_t *named;		  /* truths of named conditions; 0 is "not yet"; one of: */
	uint8_t *named_now;	  /* with the facts as they are */
	uint8_t *named_other;	  /* of a later pass */
	struct decision *collect; /* gathers what a step-up must reach; else NULL */
};

static size_t node_span(const struct node *n)
{
	return n->kind == NODE_ALL || n->kind == NODE_ANY || n->kind == NODE_NOT ? n->count : 1;
}

/* Note what a condition asks of the authentication. */
static void collect(const struct walk *w, const struct node *n)
{
	const union operand *operands = w->m.p->operands + n->first;
	struct decision *d = w->collect;

	if (n->kind == NODE_MAX_AGE &&
	    (d->step_up_max_age_s < 0 || operands->seconds < d->step_up_max_age_s))
		d->step_up_max_age_s = operands->seconds;
	if (n->kind == NODE_ACR &&
	    (!d->step_up_acr[0] || strcmp(operands->text.ptr, d->step_up_acr) < 0))
		d->step_up_acr = operands->text.ptr;
}

static truths walk_node(struct walk *w, uint32_t at);

/* Stops at the member that settles the group, except where every member is to be seen. */
static truths walk_group(struct walk *w, uint32_t at)
{
	const struct node *nodes = w->m.p->nodes;
	bool is_all = nodes[at].kind == NODE_ALL;
	truths result = is_all ? MAY_BE_TRUE : MAY_BE_FALSE;
	truths settled = truths_not(result);
	uint32_t end = at + nodes[at].count;

	for (uint32_t i = at + 1; i < end; i += (uint32_t)node_span(&nodes[i])) {
		truths member = walk_node(w, i);

		result = is_all ? truths_and(result, member) : truths_or(result, member);
		if (result == settled && !w->collect)
			break;
	}
	return result;
}

static truths walk_reference(struct walk *w, uint32_t index)
{
	if (!w->named[index])
		w->named[index] = (uint8_t)walk_node(w, w->m.p->conditions[index]);
	return w->named[index];
}

static truths walk_node(struct walk *w, uint32_t at)
{
	const struct node *n = &w->m.p->nodes[at];
	truths result;

	switch ((enum node_kind)n->kind) {
	case NODE_ALL:
	case NODE_ANY: return walk_group(w, at);
	case NODE_NOT: return truths_not(walk_node(w, at + 1));
	case NODE_REFERENCE: return walk_reference(w, n->index);
	default:
		result = match_node(&w->m, n);
		if (w->collect)
			collect(w, n);
		return result;
	}
}

/* Start a pass that remembers nothing of the one before. */
static void begin_pass(struct walk *w, enum world world, uint8_t *named)
{
	w->m.world = world;
	w->named = named;
	memset(named, 0, w->m.p->conditions_count);
}

static const struct rule *allows_begin(const struct policy *p)
{
	return p->rules + p->denies_count;
}

static const struct rule *allows_end(const struct policy *p)
{
	return allows_begin(p) + p->allows_count;
}

/* What enforced rules say of the facts as they are. Returns the rule, NULL when no rule allows. */
static const struct rule *judge(struct walk *w, bool *ret_is_unknown)
{
	const struct policy *p = w->m.p;
	const struct rule *unknown = NULL;

	*ret_is_unknown = false;
	for (size_t i = 0; i < p->denies_count; i++) {
		truths t = walk_node(w, p->rules[i].node);

		if (t == MAY_BE_TRUE)
			return &p->rules[i];
		if (t == MAY_BE_UNKNOWN && !unknown)
			unknown = &p->rules[i];
	}
	if (unknown) {
		*ret_is_unknown = true;
		return unknown;
	}
	for (const struct rule *r = allows_begin(p); r < allows_end(p); r++) {
		if (walk_node(w, r->node) == MAY_BE_TRUE)
			return r;
	}
	return NULL;
}

/* Shadow rules that would have changed what the enforced ones said (by is their rule). */
static void judge_shadows(struct walk *w, const struct rule *by, struct decision *d)
{
	const struct policy *p = w->m.p;

	for (size_t i = p->denies_count + p->allows_count; i < p->rules_count; i++) {
		const struct rule *r = &p->rules[i];
		bool could_matter = r->is_deny ? by && !by->is_deny : !by;
		truths t;

		if (!could_matter || w->m.f->now_s >= r->until_s)
			continue;
		t = walk_node(w, r->node);
		if (t == MAY_BE_FALSE || (t == MAY_BE_UNKNOWN && !r->is_deny))
			continue;
		if (d->would_count < DECISION_MAX_WOULD)
			d->would[d->would_count++] = r->id;
	}
}

/* In the walk's world: the first allow that could win while every deny could pass; or NULL. */
static const struct rule *find_possible_allow(struct walk *w)
{
	const struct policy *p = w->m.p;

	for (size_t i = 0; i < p->denies_count; i++) {
		if (!(walk_node(w, p->rules[i].node) & MAY_BE_FALSE))
			return NULL;
	}
	for (const struct rule *r = allows_begin(p); r < allows_end(p); r++) {
		if (walk_node(w, r->node) & MAY_BE_TRUE)
			return r;
	}
	return NULL;
}

/* What the allow asks of the authentication, and the denies that stand in its way. */
static void collect_step_up(struct walk *w, const struct rule *allow, struct decision *d)
{
	const struct policy *p = w->m.p;

	begin_pass(w, WORLD_NOW, w->named_other);
	w->collect = d;
	walk_node(w, allow->node);
	for (size_t i = 0; i < p->denies_count; i++) {
		w->named = w->named_now;
		w->collect = NULL;
		if (walk_node(w, p->rules[i].node) == MAY_BE_FALSE)
			continue;
		w->named = w->named_other;
		w->collect = d;
		walk_node(w, p->rules[i].node);
	}
	w->collect = NULL;
}

/* Turn a denial into an invitation where a login could change it. */
static void invite(struct walk *w, struct decision *d)
{
	const struct facts *f = w->m.f;
	const struct rule *allow;

	if (f->authenticated_by == FACTS_ANONYMOUS && f->can_log_in)
		begin_pass(w, WORLD_LOGIN, w->named_other);
	else if (f->authenticated_by == FACTS_SESSION)
		begin_pass(w, WORLD_STEP_UP, w->named_other);
	else
		return;
	allow = find_possible_allow(w);
	if (!allow)
		return;
	d->rule = allow->id;
	d->message = "";
	if (w->m.world == WORLD_LOGIN) {
		d->answer = DECISION_LOGIN;
		d->reason = "signing in could change the answer";
	} else {
		d->answer = DECISION_STEP_UP;
		d->reason = "a fresh sign-in could change the answer";
		collect_step_up(w, allow, d);
	}
}

static void answer(struct walk *w, struct decision *d)
{
	const struct rule *by;
	bool is_unknown;

	begin_pass(w, WORLD_NOW, w->named_now);
	by = judge(w, &is_unknown);
	if (by) {
		d->rule = by->id;
		d->message = by->message;
	}
	if (!by)
		d->reason = "no rule allows";
	else if (is_unknown)
		d->reason = "a deny rule could not be evaluated";
	else
		d->reason = by->is_deny ? "denied by rule" : "allowed by rule";
	judge_shadows(w, by, d);
	if (by && !by->is_deny)
		d->answer = DECISION_ALLOW;
	else
		invite(w, d);
}

void policy_decide(const struct policy *p, const struct facts *f, struct decision *ret)
{
	uint64_t has[(POLICY_MAX_VALUES + 63) / 64];
	struct seen seen[POLICY_MAX_SUBJECTS];
	uint8_t named_now[POLICY_MAX_CONDITIONS], named_other[POLICY_MAX_CONDITIONS];
	struct query query;
	struct walk w = {
		.m = {.p = p, .f = f, .has = has, .seen = seen, .query = &query},
		.named_now = named_now,
		.named_other = named_other,
	};

	memset(has, 0, (p->values_count + 63) / 64 * sizeof(*has));
	for (size_t i = 0; i < p->subjects_count; i++)
		seen[i].state = SEEN_NOT_YET;
	query.state = QUERY_UNREAD;

	*ret = (struct decision){
		.answer = DECISION_DENY,
		.rule = "",
		.message = "",
		.step_up_max_age_s = -1,
		.step_up_acr = "",
		.policy_hash = p->hash,
	};
	answer(&w, ret);
}
