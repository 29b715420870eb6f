/* Versions, protocols, client certificates, and which sessions may be resumed. */
#include "tests/unit/authn/session/fake_clock.h"

#include "tests/support/tls_pair.h"

static struct test_folder folder;
static struct test_certificate ca, other_ca, good, wrong_purpose, wrong_ca, expired, no_purpose,
	self_signed;
static struct tls_tickets *tickets;

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static int make_files(void **state)
{
	struct test_certificate site =
		tls_make((struct tls_spec){.name = "site", .names = "DNS:a.example"}, NULL);

	(void)state;
	folder = test_folder_make();
	tls_write(&folder, "site", &site, NULL);
	test_certificate_done(&site);
	ca = tls_make((struct tls_spec){.name = "ca", .is_ca = true}, NULL);
	other_ca = tls_make((struct tls_spec){.name = "other ca", .is_ca = true}, NULL);
	tls_write(&folder, "ca", &ca, NULL);
	tls_write(&folder, "other", &other_ca, NULL);
	tls_write(&folder, "both", &ca, &other_ca);
	good = tls_make((struct tls_spec){.name = "good", .purpose = "clientAuth"}, &ca);
	no_purpose = tls_make((struct tls_spec){.name = "good"}, &ca);
	wrong_purpose = tls_make((struct tls_spec){.name = "server", .purpose = "serverAuth"}, &ca);
	wrong_ca = tls_make((struct tls_spec){.name = "good", .purpose = "clientAuth"}, &other_ca);
	expired = tls_make((struct tls_spec){.name = "good",
					     .purpose = "clientAuth",
					     .is_expired = true},
			   &ca);
	self_signed = tls_make((struct tls_spec){.name = "good", .purpose = "clientAuth"}, NULL);
	tickets = tls_tickets_new();
	assert_non_null(tickets);
	return 0;
}

static int remove_files(void **state)
{
	struct test_certificate *const all[] = {&ca,	     &other_ca,	     &good,
						&no_purpose, &wrong_purpose, &wrong_ca,
						&expired,    &self_signed};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		test_certificate_done(all[i]);
	tls_tickets_free(tickets);
	test_folder_remove(&folder);
	return 0;
}

static struct tls_server *make_server(int mode, const char *authorities, const char *name,
				      struct tls_tickets *t)
{
	struct tls_listener l;

	tls_listener_init(&l, name);
	tls_listener_add(&l, &folder, "site");
	if (authorities)
		tls_listener_demand(&l, &folder, mode, authorities);
	return tls_listener_server(&l, t);
}

/* --- versions, ciphers, protocols */

static const struct {
	const char *name;
	int listener_min;
	struct tls_hello hello;
	const char *version, *alpn; /* version "": no handshake */
} hellos[] = {
	{"today's", TLS_1_2, {.max_version = 0}, "TLSv1.3", ""},
	{"TLS 1.2", TLS_1_2, {.max_version = TLS1_2_VERSION}, "TLSv1.2", ""},
	{"TLS 1.2 where 1.3 is asked", TLS_1_3, {.max_version = TLS1_2_VERSION}, "", ""},
	{"TLS 1.3 where 1.3 is asked", TLS_1_3, {.max_version = 0}, "TLSv1.3", ""},
	{"TLS 1.1", TLS_1_2, {.max_version = TLS1_1_VERSION}, "", ""},
	{"TLS 1.0", TLS_1_2, {.max_version = TLS1_VERSION}, "", ""},
	{"CBC",
	 TLS_1_2,
	 {.max_version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-SHA256"},
	 "",
	 ""},
	{"no forward secrecy",
	 TLS_1_2,
	 {.max_version = TLS1_2_VERSION, .ciphers = "AES128-GCM-SHA256"},
	 "",
	 ""},
	{"AEAD",
	 TLS_1_2,
	 {.max_version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305"},
	 "TLSv1.2",
	 ""},
	{"http/1.1", TLS_1_2, {.alpn = "\x08http/1.1"}, "TLSv1.3", "http/1.1"},
	{"http/1.1 behind h2", TLS_1_2, {.alpn = "\x02h2\x08http/1.1"}, "TLSv1.3", "http/1.1"},
	{"http/1.1 in TLS 1.2",
	 TLS_1_2,
	 {.alpn = "\x08http/1.1", .max_version = TLS1_2_VERSION},
	 "TLSv1.2",
	 "http/1.1"},
	{"a protocol nobody speaks (RFC 7301, 3.2)", TLS_1_2, {.alpn = "\x03xyz"}, "", ""},
};

static void test_hellos(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hellos); i++) {
		struct tls_listener l;
		struct tls_server *s;
		struct tls_result r;

		tls_listener_init(&l, "public");
		tls_listener_add(&l, &folder, "site");
		l.config.tls.min_version = hellos[i].listener_min;
		s = tls_listener_server(&l, tickets);
		r = tls_try(s, &hellos[i].hello);
		check_cstr(hellos[i].name, "version", hellos[i].version, r.version);
		check_cstr(hellos[i].name, "protocol", hellos[i].alpn, r.alpn);
		tls_result_done(&r);
		tls_server_unref(s);
	}
	check_done();
}

/* --- client certificates */

static const struct {
	const char *name;
	const struct test_certificate *certificate;
	bool none, optional, required; /* does the handshake succeed? */
	bool is_seen;
} demands[] = {
	{"none", NULL, true, true, false, false},
	{"a good one", &good, true, true, true, true},
	{"one that says no purpose", &no_purpose, true, true, true, true},
	{"one for servers", &wrong_purpose, true, false, false, false},
	{"of another authority", &wrong_ca, true, false, false, false},
	{"expired", &expired, true, false, false, false},
	{"of nobody", &self_signed, true, false, false, false},
};

static void test_client_certificates(void **state)
{
	struct tls_server *modes[3];

	(void)state;
	modes[0] = make_server(CLIENT_CERT_NONE, NULL, "public", tickets);
	modes[1] = make_server(CLIENT_CERT_OPTIONAL, "ca", "public", tickets);
	modes[2] = make_server(CLIENT_CERT_REQUIRED, "ca", "public", tickets);
	for (size_t v = 0; v < ARRAY_LEN(versions); v++) {
		for (size_t i = 0; i < ARRAY_LEN(demands); i++) {
			const bool wanted[] = {demands[i].none, demands[i].optional,
					       demands[i].required};
			struct tls_hello hello = {.certificate = demands[i].certificate,
						  .min_version = versions[v],
						  .max_version = versions[v]};

			for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
				struct tls_result r = tls_try(modes[m], &hello);

				check_i64(demands[i].name,
					  m == 0   ? "none"
					  : m == 1 ? "optional"
						   : "required",
					  wanted[m], r.done);
				check_i64(demands[i].name, "seen",
					  m > 0 && demands[i].is_seen && wanted[m],
					  r.client_certificate != NULL);
				tls_result_done(&r);
			}
		}
	}
	for (size_t m = 0; m < ARRAY_LEN(modes); m++)
		tls_server_unref(modes[m]);
	check_done();
}

static void test_authorities_at_fault(void **state)
{
	static const struct {
		const char *file;
		enum error_kind kind;
	} cases[] = {{"nothing", ERR_NOT_FOUND}, {"empty", ERR_SYNTAX}};

	(void)state;
	test_folder_write(&folder, "empty.pem", "no certificate\n", 0644);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tls_server *s = NULL;
		struct error err = {0};
		char text[ERROR_FORMAT_MAX];
		struct tls_listener l;

		tls_listener_init(&l, "public");
		tls_listener_add(&l, &folder, "site");
		tls_listener_demand(&l, &folder, CLIENT_CERT_OPTIONAL, cases[i].file);
		CHECK(cases[i].file, !tls_server_new(&l.config, tickets, &s, &err));
		check_i64(cases[i].file, "kind", cases[i].kind, err.kind);
		check_contains(cases[i].file, cases[i].file,
			       error_format(&err, text, sizeof(text)));
	}
	check_done();
}

/* --- resumption: a session of the first server, offered to the second */

struct side {
	int mode;
	const char *authorities, *name;
	bool own_tickets;
};

static const struct {
	const char *name;
	struct side first, second;
	const struct test_certificate *certificate;
	bool resumed;
	bool accepted; /* by the second, one way or the other */
} resumptions[] = {
	{"the same", {0, NULL, "a", false}, {0, NULL, "a", false}, NULL, true, true},
	{"another process", {0, NULL, "a", false}, {0, NULL, "a", true}, NULL, false, true},
	{"another listener", {0, NULL, "a", false}, {0, NULL, "b", false}, NULL, false, true},
	{"with a certificate",
	 {CLIENT_CERT_REQUIRED, "ca", "a", false},
	 {CLIENT_CERT_REQUIRED, "ca", "a", false},
	 &good,
	 true,
	 true},
	{"with one, where it is optional",
	 {CLIENT_CERT_OPTIONAL, "ca", "a", false},
	 {CLIENT_CERT_OPTIONAL, "ca", "a", false},
	 &good,
	 true,
	 true},
	{"made without a certificate, where one is now required",
	 {0, NULL, "a", false},
	 {CLIENT_CERT_REQUIRED, "ca", "a", false},
	 NULL,
	 false,
	 false},
	{"made where it is optional, now required",
	 {CLIENT_CERT_OPTIONAL, "ca", "a", false},
	 {CLIENT_CERT_REQUIRED, "ca", "a", false},
	 NULL,
	 false,
	 false},
	{"the authority is gone",
	 {CLIENT_CERT_OPTIONAL, "ca", "a", false},
	 {CLIENT_CERT_OPTIONAL, "other", "a", false},
	 &good,
	 false,
	 false},
	{"an authority was added",
	 {CLIENT_CERT_REQUIRED, "ca", "a", false},
	 {CLIENT_CERT_REQUIRED, "both", "a", false},
	 &good,
	 false,
	 true},
	{"an authority was taken away",
	 {CLIENT_CERT_REQUIRED, "both", "a", false},
	 {CLIENT_CERT_REQUIRED, "ca", "a", false},
	 &wrong_ca,
	 false,
	 false},
	{"no certificate is asked for any more",
	 {CLIENT_CERT_REQUIRED, "ca", "a", false},
	 {0, NULL, "a", false},
	 &good,
	 false,
	 true},
};

static void test_resumption(void **state)
{
	(void)state;
	for (size_t v = 0; v < ARRAY_LEN(versions); v++) {
		for (size_t i = 0; i < ARRAY_LEN(resumptions); i++) {
			const struct side *a = &resumptions[i].first, *b = &resumptions[i].second;
			struct tls_tickets *own = b->own_tickets ? tls_tickets_new() : NULL;
			struct tls_server *first =
				make_server(a->mode, a->authorities, a->name, tickets);
			struct tls_server *second =
				make_server(b->mode, b->authorities, b->name, own ? own : tickets);
			struct tls_hello hello = {.certificate = resumptions[i].certificate,
						  .min_version = versions[v],
						  .max_version = versions[v]};
			struct tls_result before = tls_try(first, &hello), after;

			check_i64(resumptions[i].name, "first", 1, before.done);
			assert_non_null(before.session);
			hello.session = before.session;
			after = tls_try(second, &hello);
			check_i64(resumptions[i].name, "accepted", resumptions[i].accepted,
				  after.done);
			check_i64(resumptions[i].name, "resumed", resumptions[i].resumed,
				  after.is_resumed);
			if (after.done && b->mode != CLIENT_CERT_NONE && resumptions[i].certificate)
				check_cstr(resumptions[i].name, "certificate seen again", "good",
					   tls_name_of(after.client_certificate));
			tls_result_done(&before);
			tls_result_done(&after);
			tls_server_unref(first);
			tls_server_unref(second);
			tls_tickets_free(own);
		}
	}
	check_done();
}

/* A certificate that has run out since does not come back with its session. */
static void test_resumption_after_expiry(void **state)
{
	struct test_certificate brief =
		tls_make((struct tls_spec){.name = "good", .purpose = "clientAuth"}, &ca);
	struct tls_server *s = make_server(CLIENT_CERT_OPTIONAL, "ca", "a", tickets);
	struct tls_hello hello = {.certificate = &brief};
	struct tls_result results[ARRAY_LEN(versions)], after;

	(void)state;
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(brief.certificate), 2));
	assert_true(X509_sign(brief.certificate, ca.key, EVP_sha256()) > 0);
	for (size_t v = 0; v < ARRAY_LEN(versions); v++) {
		hello.min_version = hello.max_version = versions[v];
		hello.session = NULL;
		results[v] = tls_try(s, &hello);
		assert_non_null(results[v].session);
		hello.session = results[v].session;
		after = tls_try(s, &hello);
		check_i64("while it is valid", "resumed", 1, after.is_resumed);
		tls_result_done(&after);
	}
	while (X509_cmp_current_time(X509_get0_notAfter(brief.certificate)) > 0)
		usleep(50000);
	for (size_t v = 0; v < ARRAY_LEN(versions); v++) {
		hello.min_version = hello.max_version = versions[v];
		hello.session = results[v].session;
		after = tls_try(s, &hello);
		check_i64("run out", "resumed", 0, after.is_resumed);
		check_i64("run out", "accepted", 0, after.done);
		tls_result_done(&after);
		tls_result_done(&results[v]);
	}
	tls_server_unref(s);
	test_certificate_done(&brief);
	check_done();
}

/* A key makes tickets for 12 hours and opens them for 24. */
static void test_ticket_keys(void **state)
{
	static const struct {
		const char *name;
		int64_t after_s;
		bool resumed;
	} cases[] = {
		{"at once", 0, true},
		{"12 hours less a second", 12 * 3600 - 1, true},
		{"12 hours: another key is in use", 12 * 3600, true},
		{"24 hours less a second", 24 * 3600 - 1, true},
		{"24 hours", 24 * 3600, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tls_tickets *t = tls_tickets_new();
		struct tls_server *s = make_server(0, NULL, "a", t);
		struct tls_hello hello = {.max_version = TLS1_2_VERSION};
		struct tls_result before, after;

		fake_clock_s = FAKE_CLOCK_START_S;
		before = tls_try(s, &hello);
		assert_non_null(before.session);
		fake_clock_s += cases[i].after_s;
		hello.session = before.session;
		after = tls_try(s, &hello);
		check_i64(cases[i].name, "done", 1, after.done);
		check_i64(cases[i].name, "resumed", cases[i].resumed, after.is_resumed);
		tls_result_done(&before);
		tls_result_done(&after);
		tls_server_unref(s);
		tls_tickets_free(t);
	}
	check_done();
}

static void test_references(void **state)
{
	struct tls_server *s = make_server(0, NULL, "a", tickets);
	struct tls_result r;

	(void)state;
	assert_ptr_equal(tls_server_ref(s), s);
	tls_server_unref(s);
	r = tls_try(s, &(struct tls_hello){.sni = "a.example"});
	CHECK("one reference is left", r.done);
	tls_result_done(&r);
	tls_server_unref(s);
	tls_server_unref(NULL);
	tls_tickets_free(NULL);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hellos),
		cmocka_unit_test(test_client_certificates),
		cmocka_unit_test(test_authorities_at_fault),
		cmocka_unit_test(test_resumption),
		cmocka_unit_test(test_resumption_after_expiry),
		cmocka_unit_test(test_ticket_keys),
		cmocka_unit_test(test_references),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
