/*
 * policy/fuzz/policy_facts.c - any bytes as facts, put to one policy that looks at all of them.
 *
 * Lines: method, path, host, query, one header's value; what follows is the claims. The
 * query must be read as http/form.h reads it.
 */
#include <string.h>

#include "http/form.h"
#include "policy/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char policy_text[] =
	"{\"policy\":\"p\",\"rules\":["
	"{\"id\":\"a\",\"effect\":\"allow\",\"when\":{\"all\":[{\"method\":\"GET\"},{\"path\":[\"/"
	"a/*/b/**\",\"/c\"]},"
	"{\"host\":[\"*.example.com\",\"localhost\"]}]}},"
	"{\"id\":\"b\",\"effect\":\"allow\",\"when\":{\"query\":\"q\",\"has_any\":[\"x\",\"a "
	"b\"]}},"
	"{\"id\":\"c\",\"effect\":\"allow\",\"when\":{\"query\":\"q\",\"starts_with\":\"y\"}},"
	"{\"id\":\"d\",\"effect\":\"deny\",\"when\":{\"header\":\"X-Role\",\"has\":\"admin\"}},"
	"{\"id\":\"e\",\"effect\":\"allow\",\"when\":{\"header\":\"X-Role\",\"is\":\"user\"}},"
	"{\"id\":\"f\",\"effect\":\"allow\",\"when\":{\"claim\":\"realm_access/"
	"roles\",\"has_all\":[\"x\",\"y\"]}},"
	"{\"id\":\"g\",\"effect\":\"allow\",\"when\":{\"claim\":\"email\",\"ends_with\":\"@example."
	"com\"}},"
	"{\"id\":\"h\",\"effect\":\"deny\",\"when\":{\"claim\":\"level\",\"at_most\":3}},"
	"{\"id\":\"i\",\"effect\":\"allow\",\"when\":{\"claim\":\"level\",\"in\":[\"x\",4,true]}}]"
	"}";

static struct policy *the_policy(void)
{
	static struct policy *p; /* made once; a fuzzer runs in one thread */
	struct faults faults;

	if (p)
		return p;
	faults_init(&faults);
	ASSERT(policy_parse(str_from(policy_text), "fuzz.json", &faults, &p));
	faults_done(&faults);
	return p;
}

static struct str take_line(struct str *rest)
{
	struct str line = STR("");

	(void)str_next(rest, '\n', &line);
	return line;
}

/* The two decoders of queries agree. */
static void compare_query(struct str raw)
{
	struct arena *a = arena_new(1024 * 1024);
	static struct query q;
	struct form form = {NULL, 0};
	bool ok;

	ASSERT(a);
	ok = raw.len <= QUERY_MAX_BYTES && form_parse(a, raw, &form);
	query_read(&q, raw);
	ASSERT(ok == (q.state == QUERY_GOOD));
	ASSERT(!ok || form.count == q.count);
	for (size_t i = 0; ok && i < form.count; i++)
		ASSERT(str_equal(form.items[i].name, q.pairs[i].name) &&
		       str_equal(form.items[i].value, q.pairs[i].value));
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str rest = str_from_len((const char *)data, len);
	struct header header = {.name = STR("x_role")};
	struct headers headers = {.items = &header, .count = 1, .capacity = 1};
	struct facts f = {
		.headers = &headers,
		.authenticated_by = FACTS_SESSION,
		.now_s = 1767268800,
	};
	struct json_doc *doc = NULL;
	struct decision d;
	struct error err = {0};

	f.method = take_line(&rest);
	f.path = take_line(&rest);
	f.host = take_line(&rest);
	f.query = take_line(&rest);
	header.value = take_line(&rest);
	if (json_parse(rest, 100000, NULL, &doc, &err))
		f.claims = json_root(doc);
	compare_query(f.query);
	policy_decide(the_policy(), &f, &d);
	/* Without a level that is a number over 3 the deny on it holds. */
	ASSERT(d.answer != DECISION_ALLOW || json_number(json_get(f.claims, "level")) > 3);
	json_doc_free(doc);
	return 0;
}
