/*
 * policy/fuzz/zone.c - any bytes as a zone file. What is accepted names only offsets
 * that a clock can have, at every moment a policy can ask about.
 */
#include "policy/calendar.h"
#include "policy/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new(1024 * 1024);
	struct zone z;
	struct error err = {0};

	ASSERT(a);
	if (zone_parse(a, str_from_len((const char *)data, len), &z, &err)) {
		for (int64_t at = -DAY_S; at < 253402300800; at += (int64_t)397 * DAY_S + 12345) {
			int32_t offset = zone_offset(&z, at);

			ASSERT(offset >= -27 * 3600 && offset <= 27 * 3600);
			(void)zone_moment(&z, at);
		}
	} else {
		ASSERT(err.kind != ERR_NONE);
	}
	arena_free(a);
	return 0;
}
