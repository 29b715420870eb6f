/*
 * io/fuzz/fetch_head.c - header lines of a response: whatever they say, what is kept of
 * them stays within its bounds.
 */
#include <string.h>

#include "io/fetch_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { MAX = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str rest = str_from_len((const char *)data, len);
	struct fetch_head head;
	struct str line;
	size_t taken = 0;

	fetch_head_init(&head);
	while (str_next(&rest, '\n', &line)) {
		if (!fetch_head_take(&head, line, MAX)) {
			ASSERT(taken + line.len > MAX);
			break;
		}
		taken += line.len;
	}
	ASSERT(taken <= MAX && head.bytes == taken);
	ASSERT(memchr(head.content_type, '\0', sizeof(head.content_type)) != NULL);
	ASSERT(strpbrk(head.content_type, ";\nABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
	ASSERT(fetch_head_max_age_s(&head) >= -1);
	ASSERT(fetch_head_max_age_s(&head) <= INT64_C(1) << 31);
	return 0;
}
