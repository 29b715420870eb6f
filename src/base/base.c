/*
 * base/base.c - the end of a process that found itself in a state that cannot be.
 */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void assert_failed(const char *file, int line, const char *function, const char *condition)
{
	char text[512];
	int len = snprintf(text, sizeof(text), "%s:%d: %s: this must hold and does not: %s\n", file,
			   line, function, condition);

	/* Straight to the descriptor: what failed may be what stands before it. */
	if (len > 0) {
		size_t shown = (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
		ssize_t written = write(STDERR_FILENO, text, shown);

		(void)written;
	}
	abort();
}
