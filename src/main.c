/*
 * main.c - arguments and exit status; the rest is in the libraries.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/str.h"
#include "gate/check.h"
#include "gate/run.h"
#include "gate/schema.h"
#include "gate/version.h"

enum { EXIT_FINE = 0, EXIT_FAULT = 1, EXIT_USAGE = 2 };

struct arguments {
	const char *config;
	const char *word;	/* the first argument that is no option */
	bool json;
	bool help;
};

static int command_run(const struct arguments *a)
{
	return gate_run(a->config);
}

static int command_check(const struct arguments *a)
{
	return gate_check(a->config, a->json, stdout);
}

static int command_schema(const struct arguments *a)
{
	bool known = gate_schema_print(a->word, stdout);

	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("sallyport: cannot write to standard output");
		return EXIT_FAULT;
	}
	return known ? EXIT_FINE : EXIT_USAGE;
}

static int command_version(const struct arguments *a)
{
	gate_version_print(a->json, stdout);
	return EXIT_FINE;
}

static const struct command {
	const char *name;
	const char *usage;
	const char *help;
	bool wants_config, takes_word, takes_json;
	int (*run)(const struct arguments *a);
} commands[] = {
	{"run", "run --config FILE",
	 "Serve in the foreground. SIGHUP loads the configuration again, SIGTERM drains and ends.",
	 true, false, false, command_run},
	{"check", "check --config FILE [--json]",
	 "Validate a configuration and its policies and run the policies' own tests.\n"
	 "Exit status: 0 fine, 1 faults were found.",
	 true, false, true, command_check},
	{"schema", "schema config|policy",
	 "Print the JSON Schema of the configuration or of policy files, for editors and CI.", false,
	 true, false, command_schema},
	{"version", "version [--json]", "Print the version, its commit, libraries and features.", false,
	 false, true, command_version},
};

static void print_usage(FILE *out)
{
	fprintf(out, "usage: sallyport COMMAND [OPTIONS]\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(out, "  sallyport %s\n", commands[i].usage);
	fprintf(out, "\n`sallyport COMMAND --help` says more.\n");
}

static int usage_error(const char *what, const char *which)
{
	fprintf(stderr, "sallyport: %s%s%s\n\n", what, which ? " " : "", which ? which : "");
	print_usage(stderr);
	return EXIT_USAGE;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* Both "--config FILE" and "--config=FILE". Returns the word at fault, or NULL. */
static const char *read_arguments(const struct command *c, int argc, char **argv, struct arguments *a)
{
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];

		if (strcmp(word, "--help") == 0)
			a->help = true;
		else if (c->takes_json && strcmp(word, "--json") == 0)
			a->json = true;
		else if (c->wants_config && strncmp(word, "--config=", 9) == 0)
			a->config = word + 9;
		else if (c->wants_config && strcmp(word, "--config") == 0 && i + 1 < argc)
			a->config = argv[++i];
		else if (c->takes_word && word[0] != '-' && !a->word)
			a->word = word;
		else
			return word;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct arguments arguments = {.config = NULL};
	const struct command *command;
	const char *fault;

	if (argc < 2)
		return usage_error("a command is missing", NULL);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		print_usage(stdout);
		return EXIT_FINE;
	}
	command = find_command(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
	if (!command)
		return usage_error("there is no command", argv[1]);
	fault = read_arguments(command, argc - 2, argv + 2, &arguments);
	if (fault)
		return usage_error("cannot use", fault);
	if (arguments.help) {
		printf("usage: sallyport %s\n\n%s\n", command->usage, command->help);
		return EXIT_FINE;
	}
	if (command->wants_config && !arguments.config)
		return usage_error("--config FILE is missing for", command->name);
	if (command->takes_word && !arguments.word)
		return usage_error("a word is missing for", command->name);
	return command->run(&arguments);
}
