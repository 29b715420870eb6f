/*
 * policy/match.c - what one condition says about the facts.
 *
 * Whatever is missing, malformed or of the wrong type is unknown, never false: a deny
 * must not be passed, nor the "not" of an allow reached, by leaving something out.
 */
#include "policy/match.h"

#include <string.h>

#include "policy/calendar.h"

enum { CLOCK_SKEW_S = 60 };		      /* between the provider's clock and ours */
static const int64_t latest_s = 253402300800; /* the year 10000: no clock shows it */

static truths truths_of(bool value)
{
	return value ? MAY_BE_TRUE : MAY_BE_FALSE;
}

/* Is text one of the node's strings? */
static bool is_listed(const struct matcher *m, const struct node *n, struct str text)
{
	const union operand *operands = m->p->operands + n->first;

	for (uint32_t i = 0; i < n->count; i++) {
		struct str operand = operands[i].text; /* never empty */

		if (operand.len == text.len && operand.ptr[0] == text.ptr[0] &&
		    memcmp(operand.ptr, text.ptr, text.len) == 0)
			return true;
	}
	return false;
}

static bool is_any_listed(const struct matcher *m, const struct node *n, const struct str *texts,
			  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (is_listed(m, n, texts[i]))
			return true;
	}
	return false;
}

/* --- The request. */

static truths match_path(const struct matcher *m, const struct node *n)
{
	const union operand *operands = m->p->operands + n->first;

	if (!m->f->path.len)
		return MAY_BE_UNKNOWN;
	for (uint32_t i = 0; i < n->count; i++) {
		if (path_pattern_matches(&operands[i].path, m->f->path))
			return MAY_BE_TRUE;
	}
	return MAY_BE_FALSE;
}

static truths match_host(const struct matcher *m, const struct node *n)
{
	const union operand *operands = m->p->operands + n->first;

	if (!m->f->host.len)
		return MAY_BE_UNKNOWN;
	for (uint32_t i = 0; i < n->count; i++) {
		if (host_pattern_matches(&operands[i].host, m->f->host))
			return MAY_BE_TRUE;
	}
	return MAY_BE_FALSE;
}

static truths match_source_ip(const struct matcher *m, const struct node *n)
{
	const union operand *operands = m->p->operands + n->first;

	if (!m->f->has_source_ip)
		return MAY_BE_UNKNOWN;
	for (uint32_t i = 0; i < n->count; i++) {
		if (ip_prefix_contains(&operands[i].prefix, &m->f->source_ip))
			return MAY_BE_TRUE;
	}
	return MAY_BE_FALSE;
}

/* Unknown without a certificate: a deny on one must not be passed by not showing it. */
static truths match_certificate(const struct matcher *m, const struct node *n)
{
	const struct client_certificate *c = m->f->certificate;

	if (!c)
		return MAY_BE_UNKNOWN;
	switch ((enum certificate_field)n->detail) {
	case CERTIFICATE_SUBJECT: return truths_of(is_listed(m, n, c->subject));
	case CERTIFICATE_ISSUER: return truths_of(is_listed(m, n, c->issuer));
	case CERTIFICATE_SAN_DNS:
		return truths_of(is_any_listed(m, n, c->san_dns, c->san_dns_count));
	case CERTIFICATE_SAN_URI:
		return truths_of(is_any_listed(m, n, c->san_uri, c->san_uri_count));
	case CERTIFICATE_SAN_EMAIL:
		return truths_of(is_any_listed(m, n, c->san_email, c->san_email_count));
	case CERTIFICATE_FINGERPRINT: return truths_of(is_listed(m, n, c->fingerprint_sha256));
	}
	return MAY_BE_UNKNOWN;
}

/* --- How the client proved who it is. */

static truths match_authenticated_by(const struct matcher *m, const struct node *n)
{
	const union operand *operands = m->p->operands + n->first;
	enum facts_method seen = m->f->authenticated_by;

	if (m->world == WORLD_LOGIN) /* a login makes a session */
		seen = FACTS_SESSION;
	for (uint32_t i = 0; i < n->count; i++) {
		if (operands[i].method == seen)
			return MAY_BE_TRUE;
	}
	return MAY_BE_FALSE;
}

static truths match_provider(const struct matcher *m, const struct node *n)
{
	if (m->world == WORLD_LOGIN)
		return MAY_BE_ANY;
	if (m->f->authenticated_by == FACTS_ANONYMOUS || !m->f->provider.len)
		return MAY_BE_UNKNOWN;
	return truths_of(is_listed(m, n, m->f->provider));
}

static truths match_amr(const struct matcher *m, const struct node *n)
{
	if (m->world != WORLD_NOW)
		return MAY_BE_ANY;
	if (m->f->authenticated_by == FACTS_ANONYMOUS || !m->f->amr_count)
		return MAY_BE_UNKNOWN;
	return truths_of(is_any_listed(m, n, m->f->amr, m->f->amr_count));
}

static truths match_acr(const struct matcher *m, const struct node *n)
{
	if (m->world != WORLD_NOW)
		return MAY_BE_ANY;
	if (m->f->authenticated_by == FACTS_ANONYMOUS || !m->f->acr.len)
		return MAY_BE_UNKNOWN;
	return truths_of(is_listed(m, n, m->f->acr));
}

static truths match_max_age(const struct matcher *m, const struct node *n)
{
	int64_t age;

	if (m->world == WORLD_STEP_UP) /* asks the provider to authenticate anew */
		return MAY_BE_TRUE;
	if (m->world == WORLD_LOGIN) /* the provider may have known the person for long */
		return MAY_BE_ANY;
	if (m->f->authenticated_by == FACTS_ANONYMOUS || m->f->auth_time_s <= 0 ||
	    __builtin_sub_overflow(m->f->now_s, m->f->auth_time_s, &age) || age < -CLOCK_SKEW_S)
		return MAY_BE_UNKNOWN;
	return truths_of(n->count && age <= m->p->operands[n->first].seconds);
}

/* --- Time. */

static truths match_time(const struct matcher *m, const struct node *n)
{
	int64_t now = m->f->now_s, local, day;
	uint32_t minute;
	bool in_hours;

	if (now <= 0 || now >= latest_s)
		return MAY_BE_UNKNOWN;
	if (n->kind == NODE_AFTER)
		return truths_of(now >= m->p->operands[n->first].seconds);
	if (n->kind == NODE_BEFORE)
		return truths_of(now < m->p->operands[n->first].seconds);
	local = now + zone_offset(&m->p->zones[n->index], now);
	day = calendar_day_of(local);
	if (n->kind == NODE_DAYS)
		return truths_of(n->detail >> calendar_weekday(day) & 1);
	minute = (uint32_t)((local - day * DAY_S) / 60);
	if (n->first < n->count)
		in_hours = minute >= n->first && minute < n->count;
	else /* over midnight */
		in_hours = minute >= n->first || minute < n->count;
	return truths_of(in_hours);
}

/* --- Claims, headers, parameters, device facts. */

static bool is_in_list(const struct matcher *m, uint32_t value)
{
	return m->has[value / 64] >> value % 64 & 1;
}

/*
 * Is the seen value one of the node's? Unknown when none of them is of its type: the
 * text "true" is neither true nor false.
 */
static truths match_scalars(const struct matcher *m, const struct node *n,
			    const struct scalar *seen)
{
	const union operand *operands = m->p->operands + n->first;
	uint32_t low = 0, high = n->count;

	if (seen->type == SCALAR_NONE)
		return MAY_BE_UNKNOWN;
	while (low < high) { /* the first that is not less: those of a type stand together */
		uint32_t middle = low + (high - low) / 2;

		if (scalar_compare(&operands[middle].scalar, seen) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < n->count && scalar_compare(&operands[low].scalar, seen) == 0)
		return MAY_BE_TRUE;
	if ((low < n->count && operands[low].scalar.type == seen->type) ||
	    (low > 0 && operands[low - 1].scalar.type == seen->type))
		return MAY_BE_FALSE;
	return MAY_BE_UNKNOWN;
}

static truths match_has(const struct matcher *m, const struct node *n, const struct seen *seen)
{
	const union operand *operands = m->p->operands + n->first;
	bool wants_all = n->detail == OPERATOR_HAS_ALL;

	if (!seen->is_list)
		return MAY_BE_UNKNOWN;
	for (uint32_t i = 0; i < n->count; i++) {
		if (is_in_list(m, operands[i].scalar.value) != wants_all)
			return truths_of(!wants_all);
	}
	return truths_of(wants_all);
}

static truths match_affix(const struct matcher *m, const struct node *n, const struct seen *seen)
{
	struct str affix = m->p->operands[n->first].text;

	if (seen->scalar.type != SCALAR_STRING)
		return MAY_BE_UNKNOWN;
	return truths_of(n->detail == OPERATOR_STARTS_WITH ? str_starts_with(seen->text, affix)
							   : str_ends_with(seen->text, affix));
}

static truths match_bound(const struct matcher *m, const struct node *n, const struct seen *seen)
{
	double bound = m->p->operands[n->first].scalar.number;

	if (seen->scalar.type != SCALAR_NUMBER)
		return MAY_BE_UNKNOWN;
	return truths_of(n->detail == OPERATOR_AT_LEAST ? seen->scalar.number >= bound
							: seen->scalar.number <= bound);
}

static truths match_subject_node(struct matcher *m, const struct node *n)
{
	const struct seen *seen;

	if (m->world == WORLD_LOGIN && m->p->subjects[n->index].kind == SUBJECT_CLAIM)
		return n->detail == OPERATOR_EXISTS ? MAY_BE_TRUE | MAY_BE_FALSE : MAY_BE_ANY;
	seen = match_subject(m, n->index);
	switch ((enum subject_operator)n->detail) {
	case OPERATOR_IS:
	case OPERATOR_IN: return match_scalars(m, n, &seen->scalar);
	case OPERATOR_HAS:
	case OPERATOR_HAS_ANY:
	case OPERATOR_HAS_ALL: return match_has(m, n, seen);
	case OPERATOR_EXISTS: return n->first ? seen->exists : truths_not(seen->exists);
	case OPERATOR_STARTS_WITH:
	case OPERATOR_ENDS_WITH: return match_affix(m, n, seen);
	case OPERATOR_AT_LEAST:
	case OPERATOR_AT_MOST: return match_bound(m, n, seen);
	}
	return MAY_BE_UNKNOWN;
}

truths match_node(struct matcher *m, const struct node *n)
{
	switch ((enum node_kind)n->kind) {
	case NODE_METHOD: return truths_of(is_listed(m, n, m->f->method));
	case NODE_AUTHENTICATED_BY: return match_authenticated_by(m, n);
	case NODE_AFTER:
	case NODE_BEFORE:
	case NODE_DAYS:
	case NODE_HOURS: return match_time(m, n);
	case NODE_PATH: return match_path(m, n);
	case NODE_MAX_AGE: return match_max_age(m, n);
	case NODE_HOST: return match_host(m, n);
	case NODE_SOURCE_IP: return match_source_ip(m, n);
	case NODE_PROVIDER: return match_provider(m, n);
	case NODE_AMR: return match_amr(m, n);
	case NODE_ACR: return match_acr(m, n);
	case NODE_CERTIFICATE: return match_certificate(m, n);
	case NODE_SUBJECT: return match_subject_node(m, n);
	case NODE_NOT:
	case NODE_ALL:
	case NODE_ANY:
	case NODE_REFERENCE: break; /* those are walked by decide.c */
	}
	return MAY_BE_UNKNOWN;
}
