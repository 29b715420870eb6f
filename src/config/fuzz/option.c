/*
 * config/fuzz/option.c - any JSON against a table with options of (nearly) every type.
 *
 * Secrets are left out: a fuzzer must not choose which files are read.
 */
#include <string.h>

#include "base/ip.h"
#include "config/option.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct part {
	struct str label;
	int64_t weight;
};

struct whole {
	struct str text, name, path;
	bool flag, has_extra;
	int64_t number, wait_ms;
	uint64_t size;
	int colour;
	struct str_list texts;
	struct ip_prefix_list networks;
	struct int_list colours;
	struct str_map map;
	struct part part, extra;
	struct object_list parts;
	struct endpoint endpoint;
};

enum { MEMORY = 256 * 1024, LIMIT = 16 };

static const struct option part_rows[] = {
	{.key = "label",
	 .type = OPTION_STRING,
	 .offset = offsetof(struct part, label),
	 .max = LIMIT,
	 .help = "Label."},
	{.key = "weight",
	 .type = OPTION_INTEGER,
	 .offset = offsetof(struct part, weight),
	 .min = 1,
	 .max = 100,
	 .standard = "5",
	 .help = "Weight."},
};
static const struct option_table part_table = {
	.name = "part",
	.options = part_rows,
	.count = ARRAY_LEN(part_rows),
	.size = sizeof(struct part),
};

static void whole_check(struct option_reader *r, void *object)
{
	struct whole *w = object;

	if (w->text.len > 0 && !option_parse_endpoint(r, "text", w->text, &w->endpoint))
		memset(&w->endpoint, 0, sizeof(w->endpoint));
}

static const char *const colours[] = {"red", "green", "blue", NULL};

#define FIELD(member) .offset = offsetof(struct whole, member)

static const struct option whole_rows[] = {
	{.key = "text", .type = OPTION_STRING, FIELD(text), .help = "T."},
	{.key = "name", .type = OPTION_NAME, FIELD(name), .required = true, .help = "N."},
	{.key = "path", .type = OPTION_PATH, FIELD(path), .standard = "\"state\"", .help = "P."},
	{.key = "flag", .type = OPTION_BOOL, FIELD(flag), .standard = "true", .help = "F."},
	{.key = "number", .type = OPTION_INTEGER, FIELD(number), .help = "N."},
	{.key = "wait",
	 .type = OPTION_DURATION,
	 FIELD(wait_ms),
	 .min = 1000,
	 .max = 3600000,
	 .standard = "\"30s\"",
	 .help = "W."},
	{.key = "size", .type = OPTION_SIZE, FIELD(size), .standard = "\"64KiB\"", .help = "S."},
	{.key = "colour",
	 .type = OPTION_ENUM,
	 FIELD(colour),
	 .words = colours,
	 .standard = "\"green\"",
	 .help = "C."},
	{.key = "texts", .type = OPTION_STRINGS, FIELD(texts), .max = LIMIT, .help = "T."},
	{.key = "networks", .type = OPTION_PREFIXES, FIELD(networks), .max = LIMIT, .help = "N."},
	{.key = "colours",
	 .type = OPTION_ENUMS,
	 FIELD(colours),
	 .words = colours,
	 .max = LIMIT,
	 .help = "C."},
	{.key = "map", .type = OPTION_STRING_MAP, FIELD(map), .max = LIMIT, .help = "M."},
	{.key = "part", .type = OPTION_OBJECT, FIELD(part), .table = &part_table, .help = "P."},
	{.key = "extra",
	 .type = OPTION_OBJECT,
	 FIELD(extra),
	 .table = &part_table,
	 .present = offsetof(struct whole, has_extra),
	 .help = "E."},
	{.key = "parts",
	 .type = OPTION_OBJECTS,
	 FIELD(parts),
	 .table = &part_table,
	 .max = LIMIT,
	 .help = "P."},
};
static const struct option_table whole_table = {
	.name = "whole",
	.options = whole_rows,
	.count = ARRAY_LEN(whole_rows),
	.size = sizeof(struct whole),
	.check = whole_check,
};

/* What was read without fault keeps every limit of the table. */
static void expect_sound(const struct whole *w)
{
	const struct part *parts = w->parts.items;

	ASSERT(w->name.len >= 1 && w->name.len <= 63);
	ASSERT(w->path.len > 0 && w->path.ptr[w->path.len] == '\0');
	ASSERT(w->wait_ms >= 1000 && w->wait_ms <= 3600000);
	ASSERT(w->colour >= 0 && w->colour <= 2);
	ASSERT(w->texts.count <= LIMIT && w->networks.count <= LIMIT && w->map.count <= LIMIT);
	ASSERT(w->colours.count <= ARRAY_LEN(colours) - 1); /* no word twice */
	ASSERT(w->parts.count <= LIMIT);
	for (size_t i = 0; i < w->parts.count; i++)
		ASSERT(parts[i].weight >= 1 && parts[i].weight <= 100 &&
		       parts[i].label.len <= LIMIT);
}

static void expect_faults_placed(const struct faults *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		const struct error *e = &faults->items[i].error;

		ASSERT(e->text[0] != '\0' && e->line > 0);
		ASSERT(e->pointer[0] == '\0' || e->pointer[0] == '/');
	}
}

static void expect_units_round_trip(struct str text)
{
	char out[OPTION_UNIT_SIZE];
	int64_t ms, again_ms;
	uint64_t bytes, again_bytes;

	if (option_parse_duration(text, &ms))
		ASSERT(option_parse_duration(str_from(option_format_duration(ms, out)),
					     &again_ms) &&
		       ms == again_ms);
	if (option_parse_size(text, &bytes))
		ASSERT(option_parse_size(str_from(option_format_size(bytes, out)), &again_bytes) &&
		       bytes == again_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_from_len((const char *)data, size);
	struct option_reader r = {.file = "conf/fuzz.json"};
	struct json_doc *doc = NULL;
	struct error err = {0};
	struct faults faults;
	struct whole whole;

	expect_units_round_trip(text);
	if (!json_parse(text, 65536, r.file, &doc, &err))
		return 0;
	memset(&whole, 0, sizeof(whole));
	faults_init(&faults);
	r.doc = doc;
	r.faults = &faults;
	r.arena = arena_new(MEMORY);
	if (r.arena) {
		option_read(&r, &whole_table, json_root(doc), &whole);
		ASSERT(r.pointer[0] == '\0');
		expect_faults_placed(&faults);
		if (!faults_has_errors(&faults) && !arena_overflowed(r.arena))
			expect_sound(&whole);
		option_done(&whole_table, &whole);
	}
	arena_free(r.arena);
	faults_done(&faults);
	json_doc_free(doc);
	return 0;
}
