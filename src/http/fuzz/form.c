/*
 * http/fuzz/form.c - forms: what was read, written again, reads the same.
 */
#include "fuzz.h"
#include "http/form.h"
#include "http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = fuzz_arena();
	struct form first, second;
	struct str value;
	struct buf b;

	if (len > 64 * 1024 || !form_parse(a, fuzz_str(data, len), &first))
		return 0;
	ASSERT(first.count <= FORM_MAX_PAIRS);
	buf_init(&b, len * 4 + FORM_MAX_PAIRS * 2);
	for (size_t i = 0; i < first.count; i++) {
		ASSERT(str_is_utf8(first.items[i].name) && str_is_utf8(first.items[i].value));
		ASSERT(str_find_char(first.items[i].name, '\0') == STR_NONE);
		ASSERT(str_find_char(first.items[i].value, '\0') == STR_NONE);
		form_append(&b, first.items[i].name, first.items[i].value);
	}
	ASSERT(!buf_failed(&b));
	ASSERT(form_parse(a, buf_str(&b), &second));
	ASSERT(first.count == second.count);
	for (size_t i = 0; i < first.count; i++) {
		ASSERT(str_equal(first.items[i].name, second.items[i].name));
		ASSERT(str_equal(first.items[i].value, second.items[i].value));
	}
	if (form_get(&first, "state", &value) == FORM_ONCE)
		ASSERT(form_get(&second, "state", &value) == FORM_ONCE);
	buf_done(&b);
	return 0;
}
