/*
 * authn/oidc/fuzz/callback.c - callbacks: a query in the first line of the input, the
 * Cookie field behind it. No cookie that this process did not seal may open.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "authn/oidc/flow.h"
#include "authn/oidc/response.h"
#include "http/fuzz/fuzz.h"

/* Keys of this run alone; their files are gone at once. */
static const struct keyring *fuzz_keys(void)
{
	static const char *const files[] = {"/keys/master", "/keys/assertion.pem"};
	static struct keyring *keys;
	char folder[] = "/tmp/sallyport-fuzz-XXXXXX", path[64];

	if (keys)
		return keys;
	ASSERT(mkdtemp(folder) && keyring_open(folder, &keys, NULL));
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		ASSERT(snprintf(path, sizeof(path), "%s%s", folder, files[i]) > 0);
		ASSERT(unlink(path) == 0);
	}
	ASSERT(snprintf(path, sizeof(path), "%s/keys", folder) > 0);
	ASSERT(rmdir(path) == 0 && rmdir(folder) == 0);
	return keys;
}

static void check_response(struct arena *a, const struct auth_response *r)
{
	struct error err = {0};

	ASSERT(r->state.len > 0);
	ASSERT((r->code.len > 0) != (r->error.len > 0));
	ASSERT((response_judge(a, r, &err) == LOGIN_OK) == (r->code.len > 0));
	for (const char *c = err.text; *c; c++)
		ASSERT(*c >= 0x20 && *c <= 0x7e);
	if (r->has_iss)
		ASSERT(response_check_issuer(r, r->iss, true, NULL));
	else
		ASSERT(!response_check_issuer(r, STR("https://id.example.com"), true, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str names[LOGIN_MAX_FLOWS + 1];
	struct str rest = fuzz_str(data, len), query = STR(""), state = STR("s");
	struct arena *a = fuzz_arena();
	struct auth_response r;
	struct flow flow;
	size_t stale;

	if (len > 64 * 1024)
		return 0;
	(void)str_next(&rest, '\n', &query);
	if (response_parse(a, query, &r, NULL)) {
		check_response(a, &r);
		state = r.state;
	}
	ASSERT(!flow_find(a, fuzz_keys(), rest, STR("h"), state, 0, &flow, NULL));
	stale = flow_list_stale(a, fuzz_keys(), rest, STR("h"), 0, names, ARRAY_LEN(names));
	ASSERT(stale <= ARRAY_LEN(names));
	for (size_t i = 0; i < stale; i++)
		ASSERT(names[i].len == FLOW_NAME_SIZE - 1);
	return 0;
}
