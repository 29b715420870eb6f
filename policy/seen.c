/*
 * policy/seen.c - what the facts say about claims, headers, parameters and device facts.
 *
 * Each is looked up once per decision. A string that some condition of the policy names
 * becomes its number, a list becomes bits, so that each further condition on it costs
 * one test.
 */
#include "policy/match.h"

static void has_add(struct matcher *m, uint32_t subject, struct str text)
{
	uint32_t value = policy_find_value(m->p, subject, text);

	if (value != VALUE_NONE)
		m->has[value / 64] |= (uint64_t)1 << value % 64;
}

static void see_string(struct matcher *m, uint32_t subject, struct str text, struct seen *s)
{
	s->scalar.type = SCALAR_STRING;
	s->scalar.value = policy_find_value(m->p, subject, text);
	s->text = text;
}

/* A list is judged when all of it is strings; any other element leaves it unknown. */
static void see_list(struct matcher *m, uint32_t subject, const struct json *v, struct seen *s)
{
	for (const struct json *e = json_first(v); e; e = json_next(e)) {
		if (!json_is(e, JSON_STRING))
			return;
		has_add(m, subject, json_str(e));
	}
	s->is_list = true;
}

/* Null is no value: a claim that is null counts as absent. */
static void see_json(struct matcher *m, uint32_t subject, const struct json *v, struct seen *s)
{
	s->exists = MAY_BE_TRUE;
	switch (json_type(v)) {
	case JSON_NULL: s->exists = MAY_BE_FALSE; break;
	case JSON_BOOL:
		s->scalar = (struct scalar){.type = SCALAR_BOOL, .number = json_bool(v)};
		break;
	case JSON_NUMBER:
		s->scalar = (struct scalar){.type = SCALAR_NUMBER, .number = json_number(v)};
		break;
	case JSON_STRING: see_string(m, subject, json_str(v), s); break;
	case JSON_ARRAY: see_list(m, subject, v, s); break;
	case JSON_OBJECT: break;
	}
}

/*
 * An address counts only when the provider says that it verified it; one with two '@'
 * is no address, however it ends ("attacker@evil.com@example.com").
 */
static bool is_good_email(const struct json *claims, const struct json *email)
{
	struct str text = json_str(email);
	size_t at = str_find_char(text, '@');

	return json_bool(json_get(claims, "email_verified")) && at != STR_NONE &&
	       str_find_char(str_after(text, at + 1), '@') == STR_NONE;
}

static bool is_absent_declared_empty(const struct facts *f, struct str claim)
{
	for (size_t i = 0; i < f->absent_is_empty_count; i++) {
		if (str_equal(f->absent_is_empty[i], claim))
			return true;
	}
	return false;
}

static void see_claim(struct matcher *m, uint32_t index, struct seen *s)
{
	const struct subject *subject = &m->p->subjects[index];
	const struct facts *f = m->f;
	const struct json *v = f->claims;

	s->exists = MAY_BE_FALSE;
	if (f->authenticated_by == FACTS_ANONYMOUS)
		return;
	for (size_t i = 0; i < subject->parts_count && v; i++) {
		if (!json_is(v, JSON_OBJECT)) {
			if (json_type(v) == JSON_NULL)
				break;
			return; /* not absent: of a shape nobody declared */
		}
		v = json_get_str(v, subject->parts[i]);
	}
	if (!v || json_type(v) == JSON_NULL)
		s->is_list = is_absent_declared_empty(f, subject->name);
	else if (!subject->is_email || is_good_email(f->claims, v))
		see_json(m, index, v, s);
}

static void see_device(struct matcher *m, uint32_t index, struct seen *s)
{
	const struct json *v = json_get_str(m->f->device, m->p->subjects[index].name);

	s->exists = MAY_BE_FALSE;
	if (v)
		see_json(m, index, v, s);
}

/*
 * All elements of all lines of a name, which two lines and one line with a comma spell
 * alike. Names are compared as applications behind CGI and the like read them, so that
 * X_Role is not a way around a deny on X-Role.
 */
static void see_header(struct matcher *m, uint32_t index, struct seen *s)
{
	const struct headers *h = m->f->headers;
	struct str name = m->p->subjects[index].name;
	size_t count = 0;

	s->exists = MAY_BE_FALSE;
	s->is_list = true;
	for (size_t i = 0; h && i < h->count; i++) {
		struct str rest = h->items[i].value, element;

		if (!header_name_fold_equal(h->items[i].name, name))
			continue;
		s->exists = MAY_BE_TRUE;
		while (header_list_next(&rest, &element)) {
			has_add(m, index, element);
			if (++count == 1)
				see_string(m, index, element, s);
		}
	}
	if (count != 1)
		s->scalar.type = SCALAR_NONE;
}

static void see_query(struct matcher *m, uint32_t index, struct seen *s)
{
	struct str name = m->p->subjects[index].name;
	size_t count = 0;

	if (m->query->state == QUERY_UNREAD)
		query_read(m->query, m->f->query);
	if (m->query->state == QUERY_BAD) {
		s->exists = MAY_BE_UNKNOWN;
		return;
	}
	s->is_list = true;
	for (size_t i = 0; i < m->query->count; i++) {
		const struct form_pair *pair = &m->query->pairs[i];

		if (!str_equal(pair->name, name))
			continue;
		has_add(m, index, pair->value);
		if (++count == 1)
			see_string(m, index, pair->value, s);
	}
	s->exists = count ? MAY_BE_TRUE : MAY_BE_FALSE;
	if (count != 1)
		s->scalar.type = SCALAR_NONE;
}

const struct seen *match_subject(struct matcher *m, uint32_t index)
{
	struct seen *s = &m->seen[index];

	if (s->state == SEEN)
		return s;
	*s = (struct seen){.state = SEEN};
	switch (m->p->subjects[index].kind) {
	case SUBJECT_CLAIM: see_claim(m, index, s); break;
	case SUBJECT_HEADER: see_header(m, index, s); break;
	case SUBJECT_QUERY: see_query(m, index, s); break;
	case SUBJECT_DEVICE: see_device(m, index, s); break;
	}
	return s;
}
