/*
 * gate/check.c - "sallyport check".
 *
 * The line for a fault is the one that editors and CI know how to jump to; a warning
 * says so behind the place, since most tools read "file:line:" from the start.
 */
#include "gate/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "gate/config.h"

enum { REPORT_MAX_BYTES = 4 * 1024 * 1024 };

/* --- Order */

struct ordered {
	struct fault fault;
	const char *first_file;
	size_t place;
};

static int compare_faults(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;
	const struct error *e = &x->fault.error, *f = &y->fault.error;
	int order = strcmp(e->file, f->file);

	if (order != 0) {
		if (strcmp(e->file, x->first_file) == 0)
			return -1;
		return strcmp(f->file, x->first_file) == 0 ? 1 : order;
	}
	if (e->line != f->line)
		return e->line < f->line ? -1 : 1;
	return x->place < y->place ? -1 : 1;
}

/* Without memory they stay in the order found, which is no worse than late. */
void gate_faults_sort(struct faults *faults, const char *first_file)
{
	struct ordered *all = calloc(faults->count + 1, sizeof(*all));

	if (!all)
		return;
	for (size_t i = 0; i < faults->count; i++)
		all[i] = (struct ordered){faults->items[i], first_file, i};
	qsort(all, faults->count, sizeof(*all), compare_faults);
	for (size_t i = 0; i < faults->count; i++)
		faults->items[i] = all[i].fault;
	free(all);
}

/* --- For people */

static bool wants_colour(FILE *out)
{
	const char *term = getenv("TERM");
	int fd = fileno(out);

	return fd >= 0 && isatty(fd) && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

static void print_fault(const struct fault *fault, bool colour, FILE *out)
{
	const struct error *e = &fault->error;
	const char *bold = colour ? "\033[1m" : "", *plain = colour ? "\033[0m" : "";

	fputs(bold, out);
	if (e->file[0] && e->line)
		fprintf(out, "%s:%u: ", e->file, e->line);
	else if (e->file[0])
		fprintf(out, "%s: ", e->file);
	fputs(plain, out);
	if (fault->severity == FAULT_WARNING)
		fprintf(out, "%swarning: %s", colour ? "\033[33m" : "", plain);
	if (e->pointer[0])
		fprintf(out, "%s: ", e->pointer);
	fprintf(out, "%s\n", e->text);
}

void gate_faults_print(const struct faults *faults, FILE *out)
{
	size_t found = faults->errors + faults->warnings;
	bool colour = wants_colour(out);

	for (size_t i = 0; i < faults->count; i++)
		print_fault(&faults->items[i], colour, out);
	if (found > faults->count)
		fprintf(out, "and %zu more\n", found - faults->count);
}

static const char *plural(size_t count, const char *one, const char *many)
{
	return count == 1 ? one : many;
}

static void print_success(const char *path, const struct gate_config *c, FILE *out)
{
	size_t policies = policy_set_count(c->policies);
	size_t tests = policy_set_tests_run(c->policies);

	fprintf(out, "%s: configuration and %zu %s are fine, %zu policy %s passed\n", path,
		policies, plural(policies, "policy", "policies"), tests,
		plural(tests, "test", "tests"));
}

/* --- For programs */

static void write_fault(struct json_writer *w, const struct fault *fault)
{
	json_write_object(w, NULL);
	json_write_str(w, "severity",
		       fault->severity == FAULT_ERROR ? STR("error") : STR("warning"));
	json_write_str(w, "file", str_from(fault->error.file));
	json_write_i64(w, "line", fault->error.line);
	json_write_str(w, "pointer", str_from(fault->error.pointer));
	json_write_str(w, "text", str_from(fault->error.text));
	json_write_end(w);
}

static bool print_json(const char *path, const struct gate_config *c, const struct faults *faults,
		       FILE *out)
{
	struct json_writer w;
	struct buf text;
	bool good;

	buf_init(&text, REPORT_MAX_BYTES);
	json_write_begin(&w, &text);
	json_write_object(&w, NULL);
	json_write_str(&w, "file", str_from(path));
	json_write_bool(&w, "ok", c != NULL);
	json_write_i64(&w, "errors", (int64_t)faults->errors);
	json_write_i64(&w, "warnings", (int64_t)faults->warnings);
	if (c) {
		json_write_i64(&w, "policies", (int64_t)policy_set_count(c->policies));
		json_write_i64(&w, "policy_tests", (int64_t)policy_set_tests_run(c->policies));
	}
	json_write_array(&w, "faults");
	for (size_t i = 0; i < faults->count; i++)
		write_fault(&w, &faults->items[i]);
	json_write_end(&w);
	json_write_end(&w);
	good = !buf_failed(&text);
	if (good)
		fprintf(out, "%s\n", text.ptr);
	buf_done(&text);
	return good;
}

int gate_check(const char *path, bool as_json, FILE *out)
{
	struct gate_config *c = NULL;
	struct faults faults;
	bool fine, printed = true;

	faults_init(&faults);
	fine = gate_config_load(path, &faults, &c);
	gate_faults_sort(&faults, path);
	if (as_json)
		printed = print_json(path, c, &faults, out);
	else
		gate_faults_print(&faults, out);
	if (fine && !as_json)
		print_success(path, c, out);
	gate_config_free(c);
	faults_done(&faults);
	return fine && printed ? 0 : 1;
}
