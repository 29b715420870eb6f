/*
 * policy/parse.c - a policy file, from its text to the compiled form.
 *
 * The walk goes on behind every fault, so that an author sees all of them at once; what
 * was compiled is thrown away when there was one. Of the clock only today's date is
 * read, to warn about shadow rules that have run out.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/encode.h"
#include "policy/calendar.h"
#include "policy/condition.h"
#include "policy/parse.h"
#include "policy/test.h"

enum { ARENA_CEILING = 64 * 1024 * 1024 };

static const char *const effects[] = {"deny", "allow"};
static const char *const modes[] = {"enforce", "shadow"};

static const struct key file_keys[] = {
	{.name = "$schema", .form = "string"},
	{.name = "policy", .form = "name", .is_required = true},
	{.name = "description", .form = "string"},
	{.name = "conditions", .form = "named_conditions"},
	{.name = "rules", .form = "rules", .is_required = true},
	{.name = "tests", .form = "tests"},
};
const struct key_table parse_file_keys = {file_keys, ARRAY_LEN(file_keys)};

static const struct key rule_keys[] = {
	{.name = "id", .form = "name", .is_required = true},
	{.name = "description", .form = "string"},
	{.name = "effect",
	 .words = effects,
	 .words_count = ARRAY_LEN(effects),
	 .is_required = true},
	{.name = "mode", .words = modes, .words_count = ARRAY_LEN(modes)},
	{.name = "until", .form = "moment"},
	{.name = "when", .form = "condition", .is_required = true},
	{.name = "message", .form = "message"},
};
const struct key_table parse_rule_keys = {rule_keys, ARRAY_LEN(rule_keys)};

/* Expect a string at a key that may be absent. True, and the string, when it is there and good. */
static bool read_optional(struct build *b, const struct json *object, const char *key,
			  struct str *ret)
{
	const struct json *v = json_get(object, key);
	size_t mark;
	bool ok;

	if (!v)
		return false;
	mark = place_enter(&b->at, str_from(key));
	ok = place_expect(&b->at, v, JSON_STRING);
	place_leave(&b->at, mark);
	*ret = json_str(v);
	return ok;
}

static bool read_required(struct build *b, const struct json *object, const char *key,
			  struct str *ret)
{
	if (!json_get(object, key)) {
		place_fault(&b->at, "\"%s\" is missing", key);
		return false;
	}
	return read_optional(b, object, key, ret);
}

/* One of a few words; index 0 when the key is absent and has a default. */
static bool read_choice(struct build *b, const struct json *object, const char *key,
			const char *const *words, size_t count, size_t *ret)
{
	struct str text;
	size_t mark;

	if (!read_optional(b, object, key, &text))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (str_equal(text, str_from(words[i]))) {
			*ret = i;
			return true;
		}
	}
	mark = place_enter(&b->at, str_from(key));
	place_unknown(&b->at, key, text, words, count);
	place_leave(&b->at, mark);
	return false;
}

static void read_name(struct build *b, const struct json *root)
{
	struct str name;
	size_t mark;

	if (!read_required(b, root, "policy", &name))
		return;
	mark = place_enter(&b->at, STR("policy"));
	if (place_expect_name(&b->at, name))
		b->p->name = arena_cstr(b->p->arena, name);
	place_leave(&b->at, mark);
}

static void read_conditions(struct build *b, const struct json *conditions)
{
	size_t mark = place_enter(&b->at, STR("conditions"));
	bool is_good = !conditions || place_expect(&b->at, conditions, JSON_OBJECT);
	uint32_t index = 0;

	if (is_good && json_count(conditions) > POLICY_MAX_CONDITIONS) {
		place_fault(&b->at, "a policy has at most %d named conditions",
			    POLICY_MAX_CONDITIONS);
		is_good = false;
	}
	if (!is_good)
		conditions = NULL;
	if (build_names(b, conditions)) {
		for (const struct json *m = json_first(conditions); m; m = json_next(m), index++) {
			size_t inner = place_enter(&b->at, json_key(m));

			(void)place_expect_name(&b->at, json_key(m));
			b->owner = index;
			b->p->conditions[index] = (uint32_t)b->p->nodes_count;
			condition_read(b, m);
			place_leave(&b->at, inner);
		}
	}
	b->owner = index; /* the rules */
	place_leave(&b->at, mark);
}

static void read_until(struct build *b, struct str text, struct rule *r)
{
	size_t mark = place_enter(&b->at, STR("until"));
	int64_t days;

	if (calendar_parse_date(text, &days))
		r->until_s = (days + 1) * DAY_S; /* to the end of that day */
	else if (!calendar_parse_time(text, &r->until_s))
		place_fault(&b->at, "\"until\" is a date such as \"2027-01-31\"");
	if (r->until_s && r->until_s <= clock_wall_s())
		place_warn(&b->at, "this shadow rule has run out and is no longer evaluated: "
				   "enforce it or remove it");
	place_leave(&b->at, mark);
}

static void read_mode(struct build *b, const struct json *v, struct rule *r)
{
	bool has_until = json_get(v, "until") != NULL;
	struct str text;
	size_t mode = 0;

	if (!read_choice(b, v, "mode", modes, ARRAY_LEN(modes), &mode) && json_get(v, "mode"))
		return;
	r->is_shadow = mode == 1;
	if (r->is_shadow && !has_until)
		place_fault(&b->at, "a shadow rule names the day on which it ends: \"until\"");
	else if (!r->is_shadow && has_until)
		place_fault(&b->at, "\"until\" belongs to shadow rules: add \"mode\": \"shadow\"");
	else if (has_until && read_optional(b, v, "until", &text))
		read_until(b, text, r);
}

static void read_message(struct build *b, const struct json *v, struct rule *r)
{
	struct str text;
	size_t mark;

	if (!read_optional(b, v, "message", &text))
		return;
	mark = place_enter(&b->at, STR("message"));
	if (!r->is_deny)
		place_fault(&b->at, "only a deny rule has a message");
	if (!text.len || text.len > POLICY_MAX_MESSAGE)
		place_fault(&b->at, "a message has 1 to %d bytes", POLICY_MAX_MESSAGE);
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) {
			place_fault(&b->at, "a message is one line without control characters");
			break;
		}
	}
	r->message = arena_cstr(b->p->arena, text);
	place_leave(&b->at, mark);
}

static void read_when(struct build *b, const struct json *v, struct rule *r)
{
	size_t mark;

	r->node = (uint32_t)b->p->nodes_count;
	if (!json_get(v, "when")) {
		place_fault(&b->at, "\"when\" is missing: a rule for every request says "
				    "{\"path\": \"/**\"}");
		return;
	}
	mark = place_enter(&b->at, STR("when"));
	condition_read(b, json_get(v, "when"));
	place_leave(&b->at, mark);
}

static void read_rule(struct build *b, const struct json *v, struct rule *r)
{
	struct str text;
	size_t effect = 0;

	*r = (struct rule){.id = "", .message = ""};
	if (!place_expect(&b->at, v, JSON_OBJECT))
		return;
	place_check_keys(&b->at, v, &parse_rule_keys);
	if (read_required(b, v, "id", &text)) {
		size_t mark = place_enter(&b->at, STR("id"));

		if (place_expect_name(&b->at, text))
			r->id = arena_cstr(b->p->arena, text);
		place_leave(&b->at, mark);
	}
	(void)read_optional(b, v, "description", &text);
	if (!json_get(v, "effect"))
		place_fault(&b->at, "\"effect\" is missing: \"allow\" or \"deny\"");
	(void)read_choice(b, v, "effect", effects, ARRAY_LEN(effects), &effect);
	r->is_deny = effect == 0;
	read_mode(b, v, r);
	read_message(b, v, r);
	read_when(b, v, r);
}

/* Enforced denies, enforced allows, shadow rules. */
static int rule_class(const struct rule *r)
{
	return r->is_shadow ? 2 : !r->is_deny;
}

static int compare_rules(const void *a, const void *b)
{
	const struct rule *left = a, *right = b;

	if (rule_class(left) != rule_class(right))
		return rule_class(left) - rule_class(right);
	return strcmp(left->id, right->id);
}

struct rule_id {
	const char *id;
	size_t index;
};

static int compare_ids(const void *a, const void *b)
{
	const struct rule_id *left = a, *right = b;
	int order = strcmp(left->id, right->id);

	return order ? order : (left->index > right->index) - (left->index < right->index);
}

/* The place stands at the rules, which are still in the order of the file. */
static void check_ids(struct build *b)
{
	struct policy *p = b->p;
	struct rule_id *ids = arena_alloc_array(p->arena, p->rules_count, sizeof(*ids));

	if (!ids) {
		build_out_of_memory(b);
		return;
	}
	for (size_t i = 0; i < p->rules_count; i++)
		ids[i] = (struct rule_id){p->rules[i].id, i};
	qsort(ids, p->rules_count, sizeof(*ids), compare_ids);
	for (size_t i = 1; i < p->rules_count; i++) {
		size_t mark;

		if (!ids[i].id[0] || strcmp(ids[i].id, ids[i - 1].id) != 0)
			continue;
		mark = place_enter_index(&b->at, ids[i].index);
		(void)place_enter(&b->at, STR("id"));
		place_fault(&b->at, "the id \"%s\" is used twice, first by rule %zu", ids[i].id,
			    ids[i - 1].index);
		place_leave(&b->at, mark);
	}
}

static void read_rules(struct build *b, const struct json *rules)
{
	struct policy *p = b->p;
	size_t mark = place_enter(&b->at, STR("rules"));

	if (!place_expect_some(&b->at, rules, JSON_ARRAY))
		goto out;
	if (json_count(rules) > POLICY_MAX_RULES) {
		place_fault(&b->at, "a policy has at most %d rules", POLICY_MAX_RULES);
		goto out;
	}
	p->rules = arena_alloc_array(p->arena, json_count(rules), sizeof(*p->rules));
	if (!p->rules) {
		build_out_of_memory(b);
		goto out;
	}
	for (const struct json *m = json_first(rules); m; m = json_next(m)) {
		size_t inner = place_enter_index(&b->at, p->rules_count);

		read_rule(b, m, &p->rules[p->rules_count++]);
		place_leave(&b->at, inner);
	}
	if (arena_overflowed(p->arena))
		build_out_of_memory(b);
	else
		check_ids(b);
out:
	place_leave(&b->at, mark);
}

static void sort_rules(struct policy *p)
{
	if (p->rules_count)
		qsort(p->rules, p->rules_count, sizeof(*p->rules), compare_rules);
	for (size_t i = 0; i < p->rules_count; i++) {
		p->denies_count += rule_class(&p->rules[i]) == 0;
		p->allows_count += rule_class(&p->rules[i]) == 1;
	}
}

static void read_file(struct build *b, const struct json *root)
{
	struct policy *p = b->p;
	struct str text;

	if (!place_expect(&b->at, root, JSON_OBJECT))
		return;
	place_check_keys(&b->at, root, &parse_file_keys);
	(void)read_optional(b, root, "$schema", &text);
	(void)read_optional(b, root, "description", &text);
	read_name(b, root);
	read_conditions(b, json_get(root, "conditions"));
	if (b->is_full)
		return;
	read_rules(b, json_get(root, "rules"));
	if (b->is_full)
		return;
	build_check_references(b);
	sort_rules(p);
	if (json_get(root, "tests"))
		test_check_all(&b->at, p, json_get(root, "tests"), b->judges_time);
	if (!b->at.errors)
		build_arrange(b);
}

static struct policy *policy_new(struct str text, const char *file)
{
	struct arena *a = arena_new(ARENA_CEILING);
	unsigned char digest[SHA256_SIZE];
	struct policy *p;

	if (!a)
		return NULL;
	p = arena_alloc(a, sizeof(*p));
	if (!p)
		goto fail;
	p->arena = a;
	p->references = 1;
	p->name = "";
	p->file = arena_cstr(a, str_from(file));
	p->text = arena_str(a, text);
	sha256(text, digest);
	hex_encode(digest, (sizeof(p->hash) - 1) / 2, p->hash);
	if (!arena_overflowed(a))
		return p;
fail:
	arena_free(a);
	return NULL;
}

bool policy_parse(struct str text, const char *file, struct faults *faults,
		  struct policy **ret_policy)
{
	struct build b = {.at = {.file = file, .faults = faults}};
	struct json_doc *doc;
	struct error err = {0};

	if (!json_parse(text, POLICY_MAX_BYTES, file, &doc, &err)) {
		error_at_file(&err, file);
		faults_add(faults, FAULT_ERROR, &err);
		return false;
	}
	clock_update();
	b.at.doc = doc;
	b.p = policy_new(text, file);
	if (b.p)
		read_file(&b, json_root(doc));
	else
		place_fault(&b.at, "out of memory");
	if (b.p && arena_overflowed(b.p->arena))
		build_out_of_memory(&b);
	json_doc_free(doc);
	if (b.at.errors || b.is_full) {
		policy_unref(b.p);
		return false;
	}
	*ret_policy = b.p;
	return true;
}
