/* Certificates and keys that a configuration names, good and bad. */
#include "tests/support/certificates.h"
#include "tests/support/config_case.h"
#include "tests/support/folder.h"

#include <time.h>

#include "config/tls_files.h"

static struct test_folder folder;

static int make_files(void **state)
{
	struct test_certificate ca, middle, site, other, weak;
	EVP_PKEY *rsa = EVP_RSA_gen(1024);

	(void)state;
	folder = test_folder_make();
	assert_non_null(rsa);
	ca = test_certificate_make("ca", test_key_ec(), NULL, 10);
	middle = test_certificate_make("middle", test_key_ec(), &ca, 10);
	site = test_certificate_make("site", test_key_ec(), &middle, 10);
	other = test_certificate_make("other", test_key_ec(), NULL, 10);
	weak = test_certificate_make("weak", rsa, NULL, 10);
	test_chain_write(folder.path, "site.pem", &site, &middle, &ca, NULL);
	test_chain_write(folder.path, "leaf.pem", &site, NULL);
	test_chain_write(folder.path, "reversed.pem", &middle, &site, NULL);
	test_chain_write(folder.path, "broken-chain.pem", &site, &other, NULL);
	test_chain_write(folder.path, "weak.pem", &weak, NULL);
	test_key_write(folder.path, "site.key", site.key, 0600, NULL);
	test_key_write(folder.path, "open.key", site.key, 0644, NULL);
	test_key_write(folder.path, "other.key", other.key, 0600, NULL);
	test_key_write(folder.path, "encrypted.key", site.key, 0600, "passphrase");
	test_key_write(folder.path, "weak.key", weak.key, 0600, NULL);
	test_folder_write(&folder, "empty.pem", "", 0600);
	test_folder_write(&folder, "text.pem", "not a certificate\n", 0600);
	test_folder_write(&folder, "torn.pem",
			  "-----BEGIN CERTIFICATE-----\nMIIB!!!\n"
			  "-----END CERTIFICATE-----\n",
			  0600);
	test_certificate_done(&ca);
	test_certificate_done(&middle);
	test_certificate_done(&site);
	test_certificate_done(&other);
	test_certificate_done(&weak);
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	test_folder_remove(&folder);
	return 0;
}

struct row {
	const char *name, *chain, *key;
	enum error_kind kind;
	const char *want; /* a part of the text */
};

static const struct row pairs[] = {
	{"chain", "site.pem", "site.key", ERR_NONE, ""},
	{"leaf alone", "leaf.pem", "site.key", ERR_NONE, ""},
	{"key that others can read", "site.pem", "open.key", ERR_DENIED, "chmod 600"},
	{"key of another certificate", "site.pem", "other.key", ERR_SYNTAX,
	 "does not belong to the certificate"},
	{"leaf not first", "reversed.pem", "site.key", ERR_SYNTAX,
	 "the certificate of the key is number 2, it must come first"},
	{"a chain of strangers", "broken-chain.pem", "site.key", ERR_SYNTAX,
	 "certificate 2 did not issue the one before it"},
	{"encrypted key", "site.pem", "encrypted.key", ERR_SYNTAX, "is encrypted"},
	{"weak key", "weak.pem", "weak.key", ERR_SYNTAX, "a key of 1024 bits is too weak"},
	{"no chain", "missing.pem", "site.key", ERR_NOT_FOUND, "missing.pem"},
	{"no key", "site.pem", "missing.key", ERR_NOT_FOUND, "missing.key"},
	{"empty chain", "empty.pem", "site.key", ERR_SYNTAX, "holds no PEM certificate"},
	{"chain that is none", "text.pem", "site.key", ERR_SYNTAX, "holds no PEM certificate"},
	{"torn certificate", "torn.pem", "site.key", ERR_SYNTAX, "certificate 1 cannot be read"},
	{"key that is none", "site.pem", "text.pem", ERR_SYNTAX, "holds no PEM private key"},
	{"the two exchanged", "site.key", "site.pem", ERR_SYNTAX, "holds no PEM certificate"},
};

static void test_certificates(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		const struct row *row = &pairs[i];
		struct error err = {0};
		int64_t ends_s = -1, in_ten_days = (int64_t)time(NULL) + 10 * 86400;
		bool good =
			tls_check_certificate(test_folder_path(&folder, row->chain),
					      test_folder_path(&folder, row->key), &ends_s, &err);

		if (good != (row->kind == ERR_NONE) || err.kind != row->kind ||
		    !strstr(err.text, row->want) || (!good && ends_s != -1) ||
		    (good && (ends_s < in_ten_days - 60 || ends_s > in_ten_days + 60))) {
			print_error("%s: want %s \"%s\", got %s \"%s\" (ends %lld)\n", row->name,
				    error_kind_name(row->kind), row->want,
				    error_kind_name(err.kind), err.text, (long long)ends_s);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

static void test_authorities(void **state)
{
	static const struct row files[] = {
		{"some", "site.pem", NULL, ERR_NONE, ""},
		{"none", "text.pem", NULL, ERR_SYNTAX, "holds no PEM certificate"},
		{"empty", "empty.pem", NULL, ERR_SYNTAX, "holds no PEM certificate"},
		{"a key", "site.key", NULL, ERR_SYNTAX, "holds no PEM certificate"},
		{"torn", "torn.pem", NULL, ERR_SYNTAX, "certificate 1 cannot be read"},
		{"missing", "missing.pem", NULL, ERR_NOT_FOUND, "missing.pem"},
	};
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		const struct row *row = &files[i];
		struct error err = {0};
		bool good = tls_check_authorities(test_folder_path(&folder, row->chain), &err);

		if (good != (row->kind == ERR_NONE) || err.kind != row->kind ||
		    !strstr(err.text, row->want)) {
			print_error("%s: want %s \"%s\", got %s \"%s\"\n", row->name,
				    error_kind_name(row->kind), row->want,
				    error_kind_name(err.kind), err.text);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_authorities),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
