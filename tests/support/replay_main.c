/*
 * tests/support/replay_main.c - runs a fuzzer's function over the files of a folder.
 *
 * Linked with a fuzzer where libFuzzer is not, so that every plain test run repeats what fuzzing found. A folder that
 * is missing or empty fails: a corpus that was lost must not look like one that passed.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void die(const char *what, const char *path)
{
	fprintf(stderr, "%s: %s: %s\n", path, what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* The bytes go into a block of exactly their size, so that the sanitizer sees one read too many. */
static void replay_file(const char *path, size_t len)
{
	uint8_t *data = malloc(len ? len : 1);
	FILE *file = fopen(path, "rb");

	if (!data || !file)
		die("cannot open", path);
	if (fread(data, 1, len, file) != len)
		die("cannot read", path);
	fclose(file);
	printf("%s\n", path);
	fflush(stdout); /* the last line names the culprit when the function crashes */
	LLVMFuzzerTestOneInput(data, len);
	free(data);
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	int count, replayed = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	count = scandir(argv[1], &entries, NULL, alphasort);
	if (count < 0)
		die("cannot list", argv[1]);

	for (int i = 0; i < count; i++) {
		char path[4096];
		struct stat status;

		snprintf(path, sizeof(path), "%s/%s", argv[1], entries[i]->d_name);
		free(entries[i]);
		if (stat(path, &status) < 0)
			die("cannot look at", path);
		if (!S_ISREG(status.st_mode))
			continue;
		replay_file(path, (size_t)status.st_size);
		replayed++;
	}
	free(entries);
	if (!replayed) {
		fprintf(stderr, "%s: no files\n", argv[1]);
		return EXIT_FAILURE;
	}

	uint8_t *nothing = malloc(1);
	LLVMFuzzerTestOneInput(nothing, 0);
	free(nothing);
	printf("%d files and the empty input\n", replayed);
	return EXIT_SUCCESS;
}
