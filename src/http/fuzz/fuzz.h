/*
 * http/fuzz/fuzz.h - what the fuzz targets of this folder share. Properties are stated
 * with ASSERT: a broken one ends the process, as the fuzzer wants it.
 */
#ifndef SALLYPORT_HTTP_FUZZ_FUZZ_H
#define SALLYPORT_HTTP_FUZZ_FUZZ_H

#include <string.h>

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* One arena for all inputs of the process, empty. */
static inline struct arena *fuzz_arena(void)
{
	static struct arena *arena;

	if (!arena) {
		arena = arena_new(4 * 1024 * 1024);
		ASSERT(arena);
	}
	arena_reset(arena);
	return arena;
}

static inline struct str fuzz_str(const uint8_t *data, size_t len)
{
	return str_from_len((const char *)data, len);
}

#endif
