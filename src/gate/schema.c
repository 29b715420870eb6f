/*
 * gate/schema.c - the schemas of configuration and policies, from the tables that read them.
 */
#include "gate/schema.h"

#include <string.h>

#include "config/schema.h"
#include "gate/config.h"
#include "policy/schema.h"

static void append_config(struct buf *out)
{
	config_schema_append(out, &gate_options, "Sallyport configuration");
}

static const struct schema {
	const char *name;
	void (*append)(struct buf *out);
	size_t max_bytes;
} schemas[] = {
	{"config", append_config, CONFIG_SCHEMA_MAX_BYTES},
	{"policy", policy_schema_append, POLICY_SCHEMA_MAX_BYTES},
};

static bool print(const struct schema *s, FILE *out)
{
	struct buf text;
	bool ok;

	buf_init(&text, s->max_bytes);
	s->append(&text);
	ok = !buf_failed(&text) && fwrite(text.ptr, 1, text.len, out) == text.len;
	buf_done(&text);
	return ok;
}

bool gate_schema_print(const char *which, FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
		if (strcmp(which, schemas[i].name) == 0)
			return print(&schemas[i], out);
	}
	fprintf(stderr,
		"sallyport: there is no schema \"%s\"; there are \"config\" and \"policy\"\n",
		which);
	return false;
}
