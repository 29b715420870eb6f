/* Which certificate a client is shown, and which files are no certificates. */
#include "tests/support/tls_pair.h"

static struct test_folder folder;
static struct tls_tickets *tickets;

static const struct {
	const char *file;
	struct tls_spec spec;
} files[] = {
	{"first", {.name = "first", .names = "DNS:first.example", .purpose = "serverAuth"}},
	{"wild", {.name = "wild", .names = "DNS:*.example.com,DNS:*.other.test"}},
	{"exact", {.name = "exact", .names = "DNS:wiki.example.com,DNS:UPPER.example.com"}},
	{"rsa", {.name = "rsa", .names = "DNS:both.example", .is_rsa = true}},
	{"ec", {.name = "ec", .names = "DNS:both.example"}},
	{"nameless", {.name = "cn-only.example"}},
	{"wild-rsa", {.name = "wild-rsa", .names = "DNS:*.example.com", .is_rsa = true}},
	{"ec-again", {.name = "ec-again", .names = "DNS:both.example"}},
};

static int make_files(void **state)
{
	struct test_certificate root, middle, leaf;

	(void)state;
	folder = test_folder_make();
	tickets = tls_tickets_new();
	assert_non_null(tickets);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct test_certificate c = tls_make(files[i].spec, NULL);

		tls_write(&folder, files[i].file, &c, NULL);
		test_certificate_done(&c);
	}
	root = tls_make((struct tls_spec){.name = "root", .is_ca = true}, NULL);
	middle = tls_make((struct tls_spec){.name = "middle", .is_ca = true}, &root);
	leaf = tls_make((struct tls_spec){.name = "leaf", .names = "DNS:leaf.example"}, &middle);
	tls_write(&folder, "chain", &leaf, &middle);
	test_certificate_done(&root);
	test_certificate_done(&middle);
	test_certificate_done(&leaf);
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	tls_tickets_free(tickets);
	test_folder_remove(&folder);
	return 0;
}

static struct tls_server *server_of_all(void)
{
	struct tls_listener l;

	tls_listener_init(&l, "public");
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		tls_listener_add(&l, &folder, files[i].file);
	return tls_listener_server(&l, tickets);
}

static const char rsa_only[] = "rsa_pss_rsae_sha256:rsa_pkcs1_sha256";
static const char ec_only[] = "ecdsa_secp256r1_sha256";

static const struct {
	const char *name, *sni, *sigalgs, *want; /* "(none)": no handshake */
} choices[] = {
	{"exact", "first.example", NULL, "first"},
	{"exact before wildcard", "wiki.example.com", NULL, "exact"},
	{"wildcard", "x.example.com", ec_only, "wild"},
	{"wildcard, another of its names", "x.other.test", NULL, "wild"},
	{"a wildcard is one label", "x.y.example.com", NULL, "first"},
	{"a wildcard is not nothing", "example.com", NULL, "first"},
	{"case of the client", "WIKI.Example.COM", NULL, "exact"},
	{"case of the certificate", "upper.example.com", NULL, "exact"},
	{"nobody's name", "evil.example", NULL, "first"},
	{"a suffix", "notfirst.example", NULL, "first"},
	{"no name", NULL, NULL, "first"},
	{"a CN is no name", "cn-only.example", NULL, "first"},
	{"both kinds: RSA alone is understood", "both.example", rsa_only, "rsa"},
	{"both kinds: ECDSA alone is understood", "both.example", ec_only, "ec"},
	{"both kinds of a wildcard", "x.example.com", rsa_only, "wild-rsa"},
	{"one kind, the other alone is understood", "first.example", rsa_only, "(none)"},
};

static void test_choices(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct tls_server *s = server_of_all();

	(void)state;
	for (size_t v = 0; v < ARRAY_LEN(versions); v++) {
		for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
			struct tls_hello hello = {.sni = choices[i].sni,
						  .sigalgs = choices[i].sigalgs,
						  .min_version = versions[v],
						  .max_version = versions[v]};
			struct tls_result r = tls_try(s, &hello);

			check_cstr(v ? "TLS 1.3" : "TLS 1.2", choices[i].name, choices[i].want,
				   tls_name_of(r.server_certificate));
			tls_result_done(&r);
		}
	}
	tls_server_unref(s);
	check_done();
}

/* Which connections may serve which names. */
static void test_same(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{"wiki.example.com", "wiki.example.com", true},
		{"x.example.com", "y.example.com", true},
		{"wiki.example.com", "upper.example.com", true},
		{"wiki.example.com", "x.example.com", false},
		{"x.example.com", "x.other.test", false}, /* the second has no RSA one */
		{"first.example", "nobody.example", true},
		{"both.example", "first.example", false},
	};
	struct tls_server *s = server_of_all();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		check_i64(cases[i].a, cases[i].b, cases[i].same,
			  tls_certificates_same(s, str_from(cases[i].a), str_from(cases[i].b)));
		check_i64(cases[i].b, cases[i].a, cases[i].same,
			  tls_certificates_same(s, str_from(cases[i].b), str_from(cases[i].a)));
	}
	tls_server_unref(s);
	check_done();
}

static void test_chain(void **state)
{
	struct tls_listener l;
	struct tls_server *s;
	struct tls_result r;

	(void)state;
	tls_listener_init(&l, "public");
	tls_listener_add(&l, &folder, "chain");
	s = tls_listener_server(&l, tickets);
	r = tls_try(s, &(struct tls_hello){.sni = "leaf.example"});
	check_cstr("chain", "leaf", "leaf", tls_name_of(r.server_certificate));
	check_i64("chain", "certificates sent", 2, r.server_chain);
	tls_result_done(&r);
	tls_server_unref(s);
	check_done();
}

/* Two names that share no certificate in one context do not leak into each other's handshake. */
static void test_one_after_another(void **state)
{
	struct tls_server *s = server_of_all();

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct tls_result r =
			tls_try(s, &(struct tls_hello){.sni = i % 2 ? "first.example"
								    : "wiki.example.com"});

		check_cstr("in turn", "certificate", i % 2 ? "first" : "exact",
			   tls_name_of(r.server_certificate));
		tls_result_done(&r);
	}
	tls_server_unref(s);
	check_done();
}

/* --- files at fault */

static const struct {
	const char *name, *chain, *key; /* files of the folder */
	enum error_kind kind;
	const char *file; /* named in the error */
} faults[] = {
	{"no chain", "nothing.pem", "first.key", ERR_NOT_FOUND, "nothing.pem"},
	{"no key", "first.pem", "nothing.key", ERR_NOT_FOUND, "nothing.key"},
	{"an empty chain", "empty.pem", "first.key", ERR_SYNTAX, "empty.pem"},
	{"a key in place of a chain", "first.key", "first.key", ERR_SYNTAX, "first.key"},
	{"a chain in place of a key", "first.pem", "copy.pem", ERR_SYNTAX, "copy.pem"},
	{"the key of another", "first.pem", "exact.key", ERR_SYNTAX, "exact.key"},
	{"a key that others can read", "first.pem", "open.key", ERR_DENIED, "open.key"},
	{"a key behind a passphrase", "first.pem", "locked.key", ERR_SYNTAX, "locked.key"},
};

static void test_faults(void **state)
{
	EVP_PKEY *key = test_key_ec();

	(void)state;
	test_folder_write(&folder, "empty.pem", "", 0644);
	test_folder_write(&folder, "copy.pem", "-----BEGIN CERTIFICATE-----\n", 0600);
	test_key_write(folder.path, "open.key", key, 0644, NULL);
	test_key_write(folder.path, "locked.key", key, 0600, "secret");
	EVP_PKEY_free(key);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		struct tls_server *s = NULL;
		struct error err = {0};
		char text[ERROR_FORMAT_MAX];
		struct tls_listener l;

		tls_listener_init(&l, "public");
		tls_listener_add(&l, &folder, "first");
		snprintf(l.texts[0], sizeof(l.texts[0]), "%s/%s", folder.path, faults[i].chain);
		snprintf(l.texts[1], sizeof(l.texts[1]), "%s/%s", folder.path, faults[i].key);
		l.certificates[0].chain = str_from(l.texts[0]);
		l.certificates[0].key = str_from(l.texts[1]);
		CHECK(faults[i].name, !tls_server_new(&l.config, tickets, &s, &err));
		check_i64(faults[i].name, "kind", faults[i].kind, err.kind);
		check_contains(faults[i].name, faults[i].file,
			       error_format(&err, text, sizeof(text)));
		CHECK(faults[i].name, err.text[0] != '\0' && !s);
	}
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choices), cmocka_unit_test(test_same),
		cmocka_unit_test(test_chain),	cmocka_unit_test(test_one_after_another),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
