/*
 * gate/config.c - the root of the option tables, and loading.
 *
 * Loading looks, and changes nothing: it makes no folder and binds no address, so that
 * "check" can be run beside a gate that serves.
 */
#include "gate/config.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/encode.h"
#include "base/file.h"
#include "gate/cross_check.h"

enum { CONFIG_MEMORY_MIB = 256 };

#define FIELD(member) .offset = offsetof(struct gate_config, member)

static const struct option gate_rows[] = {
	{.key = "server",
	 .type = OPTION_OBJECT,
	 FIELD(server),
	 .table = &server_options,
	 .help = "The process as a whole."},
	{.key = "listeners",
	 .type = OPTION_OBJECTS,
	 .min = 1,
	 .max = 64,
	 FIELD(listeners),
	 .required = true,
	 .table = &listener_options,
	 .help = "The addresses that clients connect to. Every route is served on all of them."},
	{.key = "admin",
	 .type = OPTION_OBJECT,
	 FIELD(admin),
	 .present = offsetof(struct gate_config, has_admin),
	 .table = &admin_options,
	 .help = "Health and metrics, on an address of their own; none by "
		 "default."},
	{.key = "identity_providers",
	 .type = OPTION_OBJECTS,
	 .max = 64,
	 FIELD(providers),
	 .standard = "[]",
	 .table = &provider_options,
	 .help = "Who vouches for people: needed by routes that take \"session\" or \"bearer\"."},
	{.key = "sessions",
	 .type = OPTION_OBJECT,
	 FIELD(sessions),
	 .table = &session_options,
	 .help = "What is kept of people who signed in."},
	{.key = "upstreams",
	 .type = OPTION_OBJECTS,
	 .max = 20000,
	 FIELD(upstreams),
	 .standard = "[]",
	 .table = &upstream_options,
	 .help = "The applications behind the gate."},
	{.key = "routes",
	 .type = OPTION_OBJECTS,
	 .min = 1,
	 .max = 20000,
	 FIELD(routes),
	 .required = true,
	 .table = &route_options,
	 .help = "Which requests go where, and what they need. A request without a route is "
		 "refused; the order does not matter."},
	{.key = "policies",
	 .type = OPTION_PATH,
	 FIELD(policies_folder),
	 .standard = "\"policies\"",
	 .help = "Folder of the policy files, each *.json in it a policy. Their own tests run "
		 "whenever they are loaded."},
	{.key = "log",
	 .type = OPTION_OBJECT,
	 FIELD(log),
	 .table = &log_options,
	 .help = "What is written down, and where."},
};

const struct option_table gate_options = {
	.name = "configuration",
	.options = gate_rows,
	.count = ARRAY_LEN(gate_rows),
	.size = sizeof(struct gate_config),
};

/* A folder that is not there is a fault of the line that names it, not of any policy. */
static void load_policies(struct option_reader *r, struct gate_config *c)
{
	struct stat info;

	if (str_is_empty(c->policies_folder))
		return;
	if (stat(c->policies_folder.ptr, &info) != 0 || !S_ISDIR(info.st_mode))
		option_fault(r, "policies", "there is no folder %s", c->policies_folder.ptr);
	else if (!policy_set_load(c->policies_folder.ptr, r->faults, &c->policies))
		c->policies = NULL; /* its faults are reported */
}

static void read_sections(struct option_reader *r, struct gate_config *c)
{
	size_t mark;

	option_read(r, &gate_options, json_root(r->doc), c);
	if (!json_is(json_root(r->doc), JSON_OBJECT))
		return;
	mark = option_enter(r, STR("listeners"));
	listeners_check(r, &c->listeners);
	option_leave(r, mark);
	load_policies(r, c);
	gate_config_cross_check(r, c);
	if (arena_overflowed(c->arena))
		option_fault(r, NULL, "takes more than %d MiB of memory", CONFIG_MEMORY_MIB);
}

static struct gate_config *config_new(struct str text)
{
	struct gate_config *c = calloc(1, sizeof(*c));
	unsigned char digest[SHA256_SIZE];

	if (!c)
		return NULL;
	c->arena = arena_new((size_t)CONFIG_MEMORY_MIB << 20);
	if (!c->arena) {
		free(c);
		return NULL;
	}
	sha256(text, digest);
	hex_encode(digest, (sizeof(c->hash) - 1) / 2, c->hash);
	return c;
}

bool gate_config_load(const char *path, struct faults *faults, struct gate_config **ret)
{
	struct option_reader reader = {.file = path, .faults = faults};
	size_t errors_before = faults->errors;
	struct gate_config *c = NULL;
	struct json_doc *doc = NULL;
	struct error err = {0};
	struct buf text;

	clock_update(); /* policies judge by it what has run out */
	buf_init(&text, CONFIG_MAX_BYTES);
	if (!file_read(path, CONFIG_MAX_BYTES, &text, &err) ||
	    !json_parse(buf_str(&text), CONFIG_MAX_BYTES, path, &doc, &err)) {
		error_at_file(&err, path);
		faults_add(faults, FAULT_ERROR, &err);
		goto out;
	}
	c = config_new(buf_str(&text));
	if (!c) {
		faults_addf(faults, FAULT_ERROR, path, 0, NULL, "out of memory");
		goto out;
	}
	reader.doc = doc;
	reader.arena = c->arena;
	read_sections(&reader, c);
out:
	json_doc_free(doc);
	buf_wipe(&text); /* it may hold secrets */
	if (c && faults->errors == errors_before) {
		*ret = c;
		return true;
	}
	gate_config_free(c);
	return false;
}

void gate_config_free(struct gate_config *c)
{
	if (!c)
		return;
	option_done(&gate_options, c);
	policy_set_free(c->policies);
	arena_free(c->arena);
	free(c);
}
