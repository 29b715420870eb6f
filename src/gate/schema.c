/*
 * gate/schema.c - the schema of the configuration, from the tables that read it.
 */
#include "gate/schema.h"

#include <string.h>

#include "config/schema.h"
#include "gate/config.h"

bool gate_schema_print(const char *which, FILE *out)
{
	struct buf text;
	bool ok;

	if (strcmp(which, "config") != 0) {
		fprintf(stderr, "sallyport: there is no schema \"%s\"; there is \"config\"\n", which);
		return false;
	}
	buf_init(&text, CONFIG_SCHEMA_MAX_BYTES);
	config_schema_append(&text, &gate_options, "Sallyport configuration");
	ok = !buf_failed(&text) && fwrite(text.ptr, 1, text.len, out) == text.len;
	buf_done(&text);
	return ok;
}
