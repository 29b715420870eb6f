/*
 * tests of io/fetch.h over TLS: whom it trusts. The server is openssl's own, with
 * certificates made here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "io/fetch.h"

extern char **environ;

static char folder[64];
static char cert_file[96], key_file[96], other_cert_file[96], other_key_file[96];

/* Certificates: each is its own authority, and says 127.0.0.1 */

static bool add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	bool ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok;
}

static bool fill_cert(X509 *cert, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(cert);

	return X509_set_version(cert, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(cert), 3600) != NULL &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					  (const unsigned char *)"provider", -1, -1, 0) == 1 &&
	       X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 &&
	       add_extension(cert, NID_basic_constraints, "critical,CA:TRUE") &&
	       add_extension(cert, NID_subject_alt_name, "IP:127.0.0.1") &&
	       X509_sign(cert, key, EVP_sha256()) > 0;
}

static bool write_pem(const char *path, X509 *cert, EVP_PKEY *key)
{
	FILE *file = fopen(path, "w");

	if (file == NULL)
		return false;
	bool ok = cert != NULL ? PEM_write_X509(file, cert) == 1
			       : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
	return fclose(file) == 0 && ok;
}

static bool make_cert(const char *cert_path, const char *key_path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	bool ok = key != NULL && cert != NULL && fill_cert(cert, key) &&
		  write_pem(cert_path, cert, NULL) && write_pem(key_path, NULL, key);

	X509_free(cert);
	EVP_PKEY_free(key);
	return ok;
}

/* The server */

struct tls_server {
	pid_t pid;
	unsigned port;
};

/* It prints "ACCEPT 127.0.0.1:PORT". */
static bool read_port(int fd, unsigned *ret_port)
{
	FILE *out = fdopen(fd, "r");
	char line[256];
	bool ok = false;

	if (out == NULL)
		return false;
	while (!ok && fgets(line, sizeof(line), out) != NULL)
		ok = sscanf(line, "ACCEPT 127.0.0.1:%u", ret_port) == 1;
	fclose(out);
	return ok;
}

/* posix_spawnp() leaves the words alone, but its type does not say so. */
static bool spawn_server(struct tls_server *s, const char *const words[])
{
	posix_spawn_file_actions_t actions;
	char *const *argv = (char *const *)(uintptr_t)words;
	int out[2];

	if (pipe(out) != 0 || posix_spawn_file_actions_init(&actions) != 0)
		return false;
	bool ok = posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO) == 0 &&
		  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", 1, 0) == 0 &&
		  posix_spawn_file_actions_addclose(&actions, out[0]) == 0 &&
		  posix_spawnp(&s->pid, "openssl", &actions, NULL, argv, environ) == 0;
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	return ok && read_port(out[0], &s->port);
}

static bool start_server(struct tls_server *s, const char *version)
{
	const char *const words[] = {"openssl", "s_server", "-www", "-accept", "127.0.0.1:0",
				     "-cert", cert_file, "-key", key_file,
				     "-cipher", "ALL:@SECLEVEL=0", version, NULL};

	return spawn_server(s, words);
}

static void stop_server(struct tls_server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
}

/* The calls */

static struct loop *loop;
static struct fetcher *fetcher;

static int setup(void **state)
{
	struct error err = {0};

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	snprintf(folder, sizeof(folder), "/tmp/test_fetch_tls.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(cert_file, sizeof(cert_file), "%s/cert.pem", folder);
	snprintf(key_file, sizeof(key_file), "%s/key.pem", folder);
	snprintf(other_cert_file, sizeof(other_cert_file), "%s/other.pem", folder);
	snprintf(other_key_file, sizeof(other_key_file), "%s/other.key", folder);
	if (!make_cert(cert_file, key_file) || !make_cert(other_cert_file, other_key_file))
		return 1;
	loop = loop_new(&err);
	fetcher = loop != NULL ? fetcher_new(loop, &err) : NULL;
	return fetcher == NULL;
}

static int teardown(void **state)
{
	(void)state;
	fetcher_free(fetcher);
	loop_free(loop);
	unlink(cert_file);
	unlink(key_file);
	unlink(other_cert_file);
	unlink(other_key_file);
	return rmdir(folder);
}

static void on_done(void *arg, const struct fetch_result *result)
{
	struct fetch_result *copy = arg;

	*copy = *result;
	copy->body.ptr = result->ok ? "came" : NULL;
}

static struct fetch_result call(const struct tls_server *s, const char *host, const char *ca_file)
{
	struct fetch_result result = {.max_age_s = INT64_MIN};
	struct error err = {0};
	char url[128];

	snprintf(url, sizeof(url), "https://%s:%u/", host, s->port);
	struct fetch_request request = {
		.method = STR("GET"),
		.url = str_from(url),
		.ca_file = ca_file,
		.timeout_ms = 15000,
		.max_bytes = 100000,
	};
	if (fetch_start(fetcher, &request, on_done, &result, &err) == NULL)
		fail_msg("%s", err.text);
	int64_t limit = clock_now_us() + 20 * 1000000;
	while (result.max_age_s == INT64_MIN && clock_now_us() < limit)
		loop_turn(loop, 100);
	return result;
}

static void test_trust(void **state)
{
	const struct {
		const char *name;
		const char *host;
		const char *ca_file;
		enum error_kind want;
	} rows[] = {
		{"its authority", "127.0.0.1", cert_file, ERR_NONE},
		{"another authority of the same name", "127.0.0.1", other_cert_file, ERR_PROTOCOL},
		{"the system's authorities", "127.0.0.1", NULL, ERR_PROTOCOL},
		{"another name than the certificate's", "localhost", cert_file, ERR_PROTOCOL},
		{"no such file of authorities", "127.0.0.1", "/no/such/file", ERR_IO},
		{"its authority once more, after all these", "127.0.0.1", cert_file, ERR_NONE},
		/* A connection that is trusted for one call is not trusted for the next. */
		{"another authority, with a connection at hand", "127.0.0.1", other_cert_file,
		 ERR_PROTOCOL},
	};
	struct tls_server server;
	unsigned failed = 0;

	(void)state;
	assert_true(start_server(&server, NULL));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fetch_result got = call(&server, rows[i].host, rows[i].ca_file);
		if (got.err.kind != rows[i].want || got.ok != (rows[i].want == ERR_NONE)) {
			print_error("%s: want %s, got %s, ok %d (%s)\n", rows[i].name,
				    error_kind_name(rows[i].want), error_kind_name(got.err.kind),
				    got.ok, got.err.text);
			failed++;
		}
	}
	stop_server(&server);
	assert_int_equal(failed, 0);
}

static void test_versions(void **state)
{
	static const struct {
		const char *version;
		enum error_kind want;
	} rows[] = {
		{"-tls1_1", ERR_PROTOCOL},
		{"-tls1_2", ERR_NONE},
		{"-tls1_3", ERR_NONE},
	};
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_server server;
		assert_true(start_server(&server, rows[i].version));
		struct fetch_result got = call(&server, "127.0.0.1", cert_file);
		stop_server(&server);
		if (got.err.kind != rows[i].want || got.ok != (rows[i].want == ERR_NONE)) {
			print_error("%s: want %s, got %s (%s)\n", rows[i].version,
				    error_kind_name(rows[i].want), error_kind_name(got.err.kind),
				    got.err.text);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_trust, setup, teardown),
		cmocka_unit_test_setup_teardown(test_versions, setup, teardown),
	};

	return cmocka_run_group_tests_name("io/fetch over TLS", tests, NULL, NULL);
}
