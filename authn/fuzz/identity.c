/*
 * authn/fuzz/identity.c - claims, as a provider may make them, on their way to an identity.
 */
#include "authn/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str record = str_from_len((const char *)data, len);
	struct identity *i = NULL;
	struct error err = {0};

	if (!identity_parse(record, &i, &err)) {
		ASSERT(!i && (err.kind == ERR_SYNTAX || err.kind == ERR_LIMIT));
		return 0;
	}
	ASSERT(i->subject.len > 0 && json_is(i->claims, JSON_OBJECT));
	ASSERT(i->groups_count <= IDENTITY_MAX_GROUPS && i->amr_count <= IDENTITY_MAX_GROUPS);
	ASSERT(str_is_empty(i->email) || json_bool(json_get(i->claims, "email_verified")));
	ASSERT(str_equal(i->record, record));
	identity_unref(i);
	return 0;
}
