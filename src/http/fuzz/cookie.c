/*
 * http/fuzz/cookie.c - Cookie values: what is withheld from the application is gone
 * from what is passed on, for readers in any case, and the rest stays.
 */
#include "fuzz.h"
#include "http/cookie.h"

#define PREFIX STR("__Host-sallyport")

static size_t count_pairs(struct str header, bool with_prefix)
{
	struct str name, value;
	size_t count = 0;

	while (cookie_next(&header, &name, &value)) {
		ASSERT(name.len);
		ASSERT(str_find_char(name, ';') == STR_NONE &&
		       str_find_char(value, ';') == STR_NONE);
		count += with_prefix == str_equal_fold(str_slice(name, 0, PREFIX.len), PREFIX);
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str header = fuzz_str(data, len);
	struct str value;
	struct buf out, again;

	buf_init(&out, len * 2 + 1);
	buf_init(&again, len * 2 + 1);
	cookie_append_without(&out, header, PREFIX);
	ASSERT(!buf_failed(&out));
	ASSERT(count_pairs(buf_str(&out), true) == 0);
	ASSERT(count_pairs(buf_str(&out), false) == count_pairs(header, false));
	ASSERT(!cookie_find(buf_str(&out), PREFIX, &value));
	cookie_append_without(&again, buf_str(&out), PREFIX);
	ASSERT(str_equal(buf_str(&out), buf_str(&again)));
	if (cookie_find(header, PREFIX, &value))
		ASSERT(count_pairs(header, true) >= 1);
	buf_done(&out);
	buf_done(&again);
	return 0;
}
