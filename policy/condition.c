/*
 * policy/condition.c - reading conditions.
 *
 * Every word is a row of a table: how it is read, and what node it becomes. A condition
 * that says nothing, or two things at once, is refused, because the reader of a policy
 * would guess which one counts.
 */
#include "policy/condition.h"

#include "policy/calendar.h"
#include "policy/operand.h"
#include "policy/subject.h"

struct word {
	const char *key;
	const char *form; /* what stands behind it: a definition in policy/schema.c */
	/* Append what the word means; v is what stands behind it. NULL: see the table. */
	void (*read)(struct build *b, const struct word *w, const struct json *v);
	enum node_kind kind;
	unsigned detail;
	/* Of words that take one or several strings: read one. */
	operand_reader *operand;
};

/* One node with one operand per string. */
static void read_strings(struct build *b, const struct word *w, const struct json *v)
{
	struct place_strings walk;
	struct str text;
	size_t at;

	if (!build_node(b, w->kind, w->detail, &at))
		return;
	for (bool ok = place_strings_first(&b->at, v, &walk, &text); ok;
	     ok = place_strings_next(&b->at, &walk, &text)) {
		union operand operand = {0};

		if (w->operand(b, text, &operand))
			build_operand(b, at, &operand);
	}
}

/* The same where a list would make no sense. */
static void read_string(struct build *b, const struct word *w, const struct json *v)
{
	if (place_expect(&b->at, v, JSON_STRING))
		read_strings(b, w, v);
}

/* --- Groups and references. */

static void read_group(struct build *b, const struct word *w, const struct json *v)
{
	size_t at, index = 0;

	if (!place_expect_some(&b->at, v, JSON_ARRAY) || !build_node(b, w->kind, 0, &at))
		return;
	for (const struct json *m = json_first(v); m; m = json_next(m)) {
		size_t mark = place_enter_index(&b->at, index++);

		condition_read(b, m);
		place_leave(&b->at, mark);
	}
	build_close(b, at);
}

static void read_not(struct build *b, const struct word *w, const struct json *v)
{
	size_t at;

	if (json_is(v, JSON_ARRAY)) {
		place_fault(&b->at, "\"not\" takes exactly one condition: join several with "
				    "\"all\" or \"any\"");
		return;
	}
	if (!build_node(b, w->kind, 0, &at))
		return;
	condition_read(b, v);
	build_close(b, at);
}

static void read_reference(struct build *b, const struct word *w, const struct json *v)
{
	(void)w;
	if (place_expect(&b->at, v, JSON_STRING))
		build_reference(b, json_str(v));
}

/* --- Objects whose members must all hold. */

static const struct word *find_word(const struct word *words, size_t count, struct str key)
{
	for (size_t i = 0; i < count; i++) {
		if (str_equal(key, str_from(words[i].key)))
			return &words[i];
	}
	return NULL;
}

static void unknown_word(struct build *b, const struct word *words, size_t count, struct str key)
{
	const char *keys[16];

	ASSERT(count <= ARRAY_LEN(keys));
	for (size_t i = 0; i < count; i++)
		keys[i] = words[i].key;
	place_unknown(&b->at, "key", key, keys, count);
}

static void read_members(struct build *b, const struct word *words, size_t count,
			 const struct json *v)
{
	size_t at;

	if (!place_expect_some(&b->at, v, JSON_OBJECT) || !build_node(b, NODE_ALL, 0, &at))
		return;
	for (const struct json *m = json_first(v); m; m = json_next(m)) {
		const struct word *w = find_word(words, count, json_key(m));
		size_t mark = place_enter(&b->at, json_key(m));

		if (!w)
			unknown_word(b, words, count, json_key(m));
		else if (w->read)
			w->read(b, w, m);
		place_leave(&b->at, mark);
	}
	build_close(b, at);
}

static const struct word certificate_words[] = {
	{"subject", "texts", read_strings, NODE_CERTIFICATE, CERTIFICATE_SUBJECT, operand_text},
	{"issuer", "texts", read_strings, NODE_CERTIFICATE, CERTIFICATE_ISSUER, operand_text},
	{"san_dns", "texts", read_strings, NODE_CERTIFICATE, CERTIFICATE_SAN_DNS, operand_folded},
	{"san_uri", "texts", read_strings, NODE_CERTIFICATE, CERTIFICATE_SAN_URI, operand_text},
	{"san_email", "texts", read_strings, NODE_CERTIFICATE, CERTIFICATE_SAN_EMAIL, operand_text},
	{"fingerprint_sha256", "fingerprints", read_strings, NODE_CERTIFICATE,
	 CERTIFICATE_FINGERPRINT, operand_fingerprint},
};

static const struct word authentication_words[] = {
	{"method", "authentication_methods", read_strings, NODE_AUTHENTICATED_BY, 0,
	 operand_authenticated_by},
	{"provider", "texts", read_strings, NODE_PROVIDER, 0, operand_text},
	{"amr", "texts", read_strings, NODE_AMR, 0, operand_text},
	{"acr", "texts", read_strings, NODE_ACR, 0, operand_text},
	{"max_age", "duration", read_string, NODE_MAX_AGE, 0, operand_duration},
};

static void read_certificate(struct build *b, const struct word *w, const struct json *v)
{
	(void)w;
	read_members(b, certificate_words, ARRAY_LEN(certificate_words), v);
}

static void read_authentication(struct build *b, const struct word *w, const struct json *v)
{
	(void)w;
	read_members(b, authentication_words, ARRAY_LEN(authentication_words), v);
}

static void read_device(struct build *b, const struct word *w, const struct json *v)
{
	(void)w;
	subject_read_device(b, v);
}

/* --- Time. */

static bool read_day(struct build *b, struct str text, unsigned *days)
{
	const char *names[7];

	for (unsigned i = 0; i < 7; i++) {
		names[i] = calendar_day_name(i);
		if (str_equal(text, str_from(names[i]))) {
			*days |= 1u << i;
			return true;
		}
	}
	place_unknown(&b->at, "day", text, names, ARRAY_LEN(names));
	return false;
}

static void read_days(struct build *b, const struct word *w, const struct json *v)
{
	struct place_strings walk;
	struct str text;
	unsigned days = 0;
	size_t at;

	for (bool ok = place_strings_first(&b->at, v, &walk, &text); ok;
	     ok = place_strings_next(&b->at, &walk, &text))
		(void)read_day(b, text, &days);
	if (build_node(b, w->kind, days, &at))
		b->p->nodes[at].index = b->zone;
}

static void read_hours(struct build *b, const struct word *w, const struct json *v)
{
	struct str text = json_str(v);
	size_t dash = str_find_char(text, '-'), at;
	unsigned from, to;

	if (!place_expect(&b->at, v, JSON_STRING))
		return;
	if (dash == STR_NONE || !calendar_parse_clock(str_slice(text, 0, dash), &from) ||
	    !calendar_parse_clock(str_after(text, dash + 1), &to) || from == to ||
	    from == 24 * 60 || to == 0) {
		place_fault(&b->at, "hours are written \"09:00-17:30\"; \"22:00-06:00\" spans "
				    "midnight, a day ends at \"24:00\"");
		return;
	}
	if (!build_node(b, w->kind, 0, &at))
		return;
	b->p->nodes[at].index = b->zone;
	b->p->nodes[at].first = from;
	b->p->nodes[at].count = to;
}

static const struct word time_words[] = {
	{"after", "moment", read_string, NODE_AFTER, 0, operand_moment},
	{"before", "moment", read_string, NODE_BEFORE, 0, operand_moment},
	{"days", "days", read_days, NODE_DAYS, 0, NULL},
	{"hours", "hours", read_hours, NODE_HOURS, 0, NULL},
	{"zone", "zone", NULL, 0, 0, NULL}, /* read before the others */
};

/* The zone comes first: the others are read in it. UTC where it is not named or bad. */
static bool read_zone(struct build *b, const struct json *v)
{
	struct str name = STR("UTC");

	if (v) {
		size_t mark = place_enter(&b->at, STR("zone"));
		bool ok = place_expect(&b->at, v, JSON_STRING) &&
			  build_zone(b, json_str(v), &b->zone);

		place_leave(&b->at, mark);
		if (ok)
			return true;
	}
	return build_zone(b, name, &b->zone);
}

static void check_span(struct build *b, size_t group)
{
	const struct policy *p = b->p;
	int64_t after = INT64_MIN, before = INT64_MAX;

	for (size_t i = group + 1; i < p->nodes_count; i++) {
		const struct node *n = &p->nodes[i];

		if (n->kind == NODE_AFTER && n->count)
			after = p->operands[n->first].seconds;
		if (n->kind == NODE_BEFORE && n->count)
			before = p->operands[n->first].seconds;
	}
	if (after >= before)
		place_fault(&b->at,
			    "this time never comes: \"before\" is not later than \"after\"");
}

static void read_time(struct build *b, const struct word *w, const struct json *v)
{
	size_t group = b->p->nodes_count;

	(void)w;
	b->judges_time = true;
	if (!place_expect(&b->at, v, JSON_OBJECT) || !read_zone(b, json_get(v, "zone")))
		return;
	if (json_count(v) == (json_get(v, "zone") ? 1 : 0)) {
		place_fault(&b->at, "a time names at least one of \"after\", \"before\", \"days\" "
				    "and \"hours\"");
		return;
	}
	read_members(b, time_words, ARRAY_LEN(time_words), v);
	check_span(b, group);
}

/* --- One condition. */

/* Those without a reader are subjects, with their operator beside them. */
static const struct word words[] = {
	{"all", "condition_list", read_group, NODE_ALL, 0, NULL},
	{"any", "condition_list", read_group, NODE_ANY, 0, NULL},
	{"not", "condition", read_not, NODE_NOT, 0, NULL},
	{"condition", "name", read_reference, NODE_REFERENCE, 0, NULL},
	{"claim", "claim_path", NULL, NODE_SUBJECT, SUBJECT_CLAIM, NULL},
	{"header", "header_name", NULL, NODE_SUBJECT, SUBJECT_HEADER, NULL},
	{"query", "text", NULL, NODE_SUBJECT, SUBJECT_QUERY, NULL},
	{"method", "methods", read_strings, NODE_METHOD, 0, operand_method},
	{"host", "hosts", read_strings, NODE_HOST, 0, operand_host},
	{"path", "paths", read_strings, NODE_PATH, 0, operand_path},
	{"source_ip", "prefixes", read_strings, NODE_SOURCE_IP, 0, operand_prefix},
	{"client_certificate", "client_certificate", read_certificate, NODE_CERTIFICATE, 0, NULL},
	{"authentication", "authentication", read_authentication, NODE_ALL, 0, NULL},
	{"device", "device", read_device, NODE_ALL, 0, NULL},
	{"time", "time", read_time, NODE_ALL, 0, NULL},
};

static const struct word *word_at(enum condition_table table, size_t index)
{
	static const struct {
		const struct word *words;
		size_t count;
	} tables[CONDITION_TABLES] = {
		[CONDITION_WORDS] = {words, ARRAY_LEN(words)},
		[CONDITION_CERTIFICATE] = {certificate_words, ARRAY_LEN(certificate_words)},
		[CONDITION_AUTHENTICATION] = {authentication_words,
					      ARRAY_LEN(authentication_words)},
		[CONDITION_TIME] = {time_words, ARRAY_LEN(time_words)},
	};

	if (table >= CONDITION_TABLES || index >= tables[table].count)
		return NULL;
	return &tables[table].words[index];
}

const char *condition_word(enum condition_table table, size_t index)
{
	const struct word *w = word_at(table, index);

	if (table == CONDITION_OPERATORS)
		return subject_operator_word(index);
	return w ? w->key : NULL;
}

const char *condition_form(enum condition_table table, size_t index)
{
	if (table == CONDITION_OPERATORS)
		return subject_operator_form(index, SUBJECT_CLAIM); /* it takes the most */
	return word_at(table, index)->form;
}

bool condition_takes_operator(size_t index, enum subject_kind *ret_kind)
{
	if (words[index].read)
		return false;
	*ret_kind = (enum subject_kind)words[index].detail;
	return true;
}

static void unknown_key(struct build *b, struct str key)
{
	const char *keys[ARRAY_LEN(words) + 16];
	size_t mark = place_enter(&b->at, key), count = 0;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		keys[count++] = words[i].key;
	for (size_t i = 0; subject_operator_word(i) && count < ARRAY_LEN(keys); i++)
		keys[count++] = subject_operator_word(i);
	place_unknown(&b->at, "condition or operator", key, keys, count);
	place_leave(&b->at, mark);
}

/* The one word that says what the condition is; NULL, and a fault, when there is none or more. */
static const struct word *find_head(struct build *b, const struct json *v, bool *ret_has_operator)
{
	const struct word *head = NULL;
	bool is_good = true;

	*ret_has_operator = false;
	for (const struct json *m = json_first(v); m; m = json_next(m)) {
		const struct word *w = find_word(words, ARRAY_LEN(words), json_key(m));

		if (w && head) {
			place_fault(&b->at,
				    "two conditions in one object, \"%s\" and \"%s\": join "
				    "them with \"all\" or \"any\"",
				    head->key, w->key);
			return NULL;
		}
		if (w) {
			head = w;
		} else if (subject_is_operator(json_key(m))) {
			*ret_has_operator = true;
		} else {
			unknown_key(b, json_key(m));
			is_good = false;
		}
	}
	if (!head && is_good)
		place_fault(&b->at,
			    "a condition says what it looks at, such as \"claim\", \"path\" "
			    "or \"all\"");
	return head;
}

void condition_read(struct build *b, const struct json *v)
{
	const struct word *head;
	bool has_operator;

	if (!place_expect(&b->at, v, JSON_OBJECT))
		return;
	head = find_head(b, v, &has_operator);
	if (!head || b->is_full)
		return;
	if (has_operator && head->read) {
		place_fault(&b->at,
			    "operators stand beside \"claim\", \"header\" and \"query\", not "
			    "beside \"%s\"",
			    head->key);
		return;
	}
	b->depth++;
	if (b->heights[b->owner] < b->depth)
		b->heights[b->owner] = b->depth;
	if (head->read) {
		size_t mark = place_enter(&b->at, str_from(head->key));

		head->read(b, head, json_get(v, head->key));
		place_leave(&b->at, mark);
	} else {
		subject_read(b, (enum subject_kind)head->detail, head->key, v);
	}
	b->depth--;
}
