/*
 * TLS towards servers: who is trusted and under which name, endings that are cuts, the
 * pool, resumption. Rows bear the numbers of RFC sections where one decides.
 */
#include "tests/unit/upstream/tls_server.h"

#define OK_BODY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct {
	char folder[64];
	char path[128]; /* of the authority's certificate */
	struct test_certificate authority;
} world;

static int set_up(void **state)
{
	(void)state;
	snprintf(world.folder, sizeof(world.folder), "/tmp/sallyport-test-XXXXXX");
	if (!mkdtemp(world.folder))
		return -1;
	world.authority = make_authority("Test authority");
	test_chain_write(world.folder, "ca.pem", &world.authority, NULL);
	snprintf(world.path, sizeof(world.path), "%s/ca.pem", world.folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(world.path);
	rmdir(world.folder);
	test_certificate_done(&world.authority);
	return 0;
}

/* A site with one https server, behind which t serves. */
static void open_tls(struct site *s, struct tls_server *t, const char *server_name)
{
	site_prepare(s, 1);
	snprintf(s->texts[0][0], sizeof(s->texts[0][0]), "https://%.64s", s->texts[0][1]);
	s->servers[0].url = str_from(s->texts[0][0]);
	s->servers[0].is_https = true;
	s->config.authorities = str_from(world.path);
	s->config.server_name = str_from(server_name);
	t->listener = s->listeners[0];
	tls_server_start(t);
}

static void close_tls(struct site *s, struct tls_server *t)
{
	upstream_free(s->upstream);
	s->upstream = NULL;
	tls_server_stop(t);
	site_close(s);
}

struct trust_row {
	const char *name;
	const char *common_name;
	const char *names;	 /* subject alternative names */
	const char *server_name; /* of the configuration */
	int days;
	bool is_stranger; /* issued by an authority that is not ours */
	int max_version;
	enum tls_manner manner;
	const char *fault; /* NULL: all is well */
	const char *sni;
};

static const struct trust_row trust_rows[] = {
	{"name", "x", "DNS:wiki.internal", "wiki.internal", 5, false, 0, ANSWER_AND_WAIT, NULL,
	 "wiki.internal"},
	{"one of its names", "x", "DNS:a.example, DNS:wiki.internal", "wiki.internal", 5, false, 0,
	 ANSWER_AND_WAIT, NULL, "wiki.internal"},
	{"wildcard (RFC 9525, 6.3)", "x", "DNS:*.corp.internal", "wiki.corp.internal", 5, false, 0,
	 ANSWER_AND_WAIT, NULL, "wiki.corp.internal"},
	{"TLS 1.2", "x", "DNS:wiki.internal", "wiki.internal", 5, false, TLS1_2_VERSION,
	 ANSWER_AND_WAIT, NULL, "wiki.internal"},
	{"an address; no SNI (RFC 6066, 3)", "x", "IP:127.0.0.1", "", 5, false, 0, ANSWER_AND_WAIT,
	 NULL, ""},

	{"wrong name", "x", "DNS:a.example", "b.example", 5, false, 0, ANSWER_AND_WAIT,
	 "certificate is for \"a.example\", wanted \"b.example\"", ""},
	{"partial wildcard (RFC 9525, 6.3)", "x", "DNS:w*.corp.internal", "wiki.corp.internal", 5,
	 false, 0, ANSWER_AND_WAIT,
	 "certificate is for \"w*.corp.internal\", wanted \"wiki.corp.internal\"", ""},
	{"wildcard over two labels", "x", "DNS:*.example", "a.b.example", 5, false, 0,
	 ANSWER_AND_WAIT, "certificate is for \"*.example\", wanted \"a.b.example\"", ""},
	{"wrong address", "x", "IP:127.0.0.2", "", 5, false, 0, ANSWER_AND_WAIT,
	 "certificate is for \"127.0.0.2\", wanted \"127.0.0.1\"", ""},
	{"an address is no name", "x", "DNS:127.0.0.1", "", 5, false, 0, ANSWER_AND_WAIT,
	 "wanted \"127.0.0.1\"", ""},
	{"many names", "x", "DNS:a.example, DNS:b.example, DNS:c.example, IP:::1", "d.example", 5,
	 false, 0, ANSWER_AND_WAIT,
	 "certificate is for \"a.example\", \"b.example\" and 2 more, wanted \"d.example\"", ""},
	{"common name alone (RFC 9525, 6.3)", "wiki.internal", NULL, "wiki.internal", 5, false, 0,
	 ANSWER_AND_WAIT, "no subject alternative name, wanted \"wiki.internal\"", ""},
	{"common name beside others", "wiki.internal", "DNS:a.example", "wiki.internal", 5, false,
	 0, ANSWER_AND_WAIT, "certificate is for \"a.example\", wanted \"wiki.internal\"", ""},
	{"unknown authority", "x", "DNS:wiki.internal", "wiki.internal", 5, true, 0,
	 ANSWER_AND_WAIT, "certificate is not accepted: unable to get local issuer certificate",
	 ""},
	{"expired", "x", "DNS:wiki.internal", "wiki.internal", -1, false, 0, ANSWER_AND_WAIT,
	 "certificate is not accepted: certificate has expired", ""},
	{"TLS 1.1", "x", "DNS:wiki.internal", "wiki.internal", 5, false, TLS1_1_VERSION,
	 ANSWER_AND_WAIT, "TLS failed", ""},
	{"plain HTTP", "x", "DNS:wiki.internal", "wiki.internal", 5, false, 0, SPEAK_PLAIN,
	 "TLS failed: wrong version number", ""},
};

static void check_trust(const struct trust_row *row)
{
	struct test_certificate stranger = make_authority("Another authority");
	struct test_certificate leaf = make_leaf(row->is_stranger ? &stranger : &world.authority,
						 row->common_name, row->names, row->days);
	struct tls_server t = {
		.certificate = &leaf,
		.manner = row->manner,
		.max_version = row->max_version,
		.answer = OK_BODY,
	};
	struct site s;
	struct caller r;

	open_tls(&s, &t, row->server_name);
	site_start(&s);
	caller_start(&r, &s, "GET");
	caller_finish(&r);
	check_i64(row->name, "failures", row->fault ? 1 : 0, r.failures);
	if (row->fault) {
		check_i64(row->name, "failure", UPSTREAM_TLS_FAILED, r.failure);
		check_contains(row->name, row->fault, r.error.text);
		check_contains(row->name, s.texts[0][1], r.error.text);
		check_contains(row->name, "upstream \"wiki\"", r.error.text);
		check_i64(row->name, "requests", 0, atomic_load(&t.requests));
	} else {
		check_str(row->name, "body", STR("ok"), buf_str(&r.body));
	}
	caller_done(&r);
	close_tls(&s, &t);
	check_cstr(row->name, "SNI", row->sni, t.sni);
	test_certificate_done(&leaf);
	test_certificate_done(&stranger);
}

static void test_trust(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(trust_rows); i++)
		check_trust(&trust_rows[i]);
	check_done();
}

/* CVE-2025-66220: a name with a NUL in it must not match what stands before the NUL. */
static void test_name_with_nul(void **state)
{
	static const char name[] = "admin.corp\0.evil.example";
	struct test_certificate leaf =
		test_certificate_make("x", test_key_ec(), &world.authority, 5);
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *general = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	struct tls_server t = {.certificate = &leaf, .answer = OK_BODY};
	struct site s;
	struct caller r;

	(void)state;
	assert_int_equal(ASN1_STRING_set(text, name, sizeof(name) - 1), 1);
	GENERAL_NAME_set0_value(general, GEN_DNS, text);
	sk_GENERAL_NAME_push(names, general);
	assert_int_equal(X509_add1_ext_i2d(leaf.certificate, NID_subject_alt_name, names, 0, 0), 1);
	GENERAL_NAMES_free(names);
	assert_true(X509_sign(leaf.certificate, world.authority.key, EVP_sha256()) > 0);

	open_tls(&s, &t, "admin.corp");
	site_start(&s);
	caller_start(&r, &s, "GET");
	caller_finish(&r);
	check_i64("NUL", "failure", UPSTREAM_TLS_FAILED, r.failures ? (int)r.failure : -1);
	check_contains("NUL", "certificate is for \"admin.corp?.evil.example\"", r.error.text);
	caller_done(&r);
	close_tls(&s, &t);
	test_certificate_done(&leaf);
	check_done();
}

static void test_handshake_timeout(void **state)
{
	struct test_certificate leaf = make_leaf(&world.authority, "x", "DNS:wiki.internal", 5);
	struct tls_server t = {.certificate = &leaf, .manner = STAY_SILENT};
	struct site s;
	struct caller r;

	(void)state;
	open_tls(&s, &t, "wiki.internal");
	s.config.connect_timeout_ms = 100;
	site_start(&s);
	caller_start(&r, &s, "GET");
	caller_finish(&r);
	check_i64("silent", "failure", UPSTREAM_CONNECT_TIMEOUT, r.failures ? (int)r.failure : -1);
	check_contains("silent", "TLS handshake", r.error.text);
	caller_done(&r);
	close_tls(&s, &t);
	test_certificate_done(&leaf);
	check_done();
}

/* Without close_notify the end of the connection is an attacker's as well as the server's. */
static void test_endings(void **state)
{
	static const struct {
		const char *name;
		enum tls_manner manner;
		const char *answer;
		int outcome;
		int max_version;
	} rows[] = {
		{"until close_notify", ANSWER_AND_CLOSE, "HTTP/1.1 200 OK\r\n\r\nok", UPSTREAM_END,
		 0},
		{"until cut", ANSWER_AND_CUT, "HTTP/1.1 200 OK\r\n\r\nok", UPSTREAM_CUT, 0},
		{"until close_notify, TLS 1.2", ANSWER_AND_CLOSE, "HTTP/1.1 200 OK\r\n\r\nok",
		 UPSTREAM_END, TLS1_2_VERSION},
		{"until cut, TLS 1.2", ANSWER_AND_CUT, "HTTP/1.1 200 OK\r\n\r\nok", UPSTREAM_CUT,
		 TLS1_2_VERSION},
		{"length, then cut", ANSWER_AND_CUT, OK_BODY, UPSTREAM_END, 0},
		{"cut inside the length", ANSWER_AND_CUT,
		 "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", UPSTREAM_CUT, 0},
		{"close_notify inside the length", ANSWER_AND_CLOSE,
		 "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", UPSTREAM_CUT, 0},
	};
	struct test_certificate leaf = make_leaf(&world.authority, "x", "DNS:wiki.internal", 5);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_server t = {
			.certificate = &leaf,
			.manner = rows[i].manner,
			.answer = rows[i].answer,
			.max_version = rows[i].max_version,
		};
		struct site s;
		struct caller r;

		open_tls(&s, &t, "wiki.internal");
		site_start(&s);
		caller_start(&r, &s, "GET");
		caller_finish(&r);
		check_i64(rows[i].name, "failures", 0, r.failures);
		check_i64(rows[i].name, "outcome", rows[i].outcome, r.outcome);
		check_str(rows[i].name, "body", STR("ok"), buf_str(&r.body));
		caller_done(&r);
		close_tls(&s, &t);
	}
	test_certificate_done(&leaf);
	check_done();
}

static void get_ok(struct site *s, const char *name)
{
	struct caller r;

	caller_start(&r, s, "GET");
	caller_finish(&r);
	check_i64(name, "failures", 0, r.failures);
	check_str(name, "body", STR("ok"), buf_str(&r.body));
	caller_done(&r);
}

static void pause_and_turn(struct site *s)
{
	for (int i = 0; i < 30; i++)
		loop_turn(s->loop, 3);
	usleep(60 * 1000);
	site_turn(s);
}

/* A ticket that comes late is no data; data that comes unasked closes. */
static void test_idle_connections(void **state)
{
	static const struct {
		const char *name;
		enum tls_manner manner;
		int connections;
	} rows[] = {
		{"kept", ANSWER_AND_WAIT, 1},
		{"kept, a ticket comes", ANSWER_AND_TICKET, 1},
		{"closed, unasked data", ANSWER_AND_SPEAK, 3},
		{"closed by the server", ANSWER_AND_CLOSE, 3},
	};
	struct test_certificate leaf = make_leaf(&world.authority, "x", "DNS:wiki.internal", 5);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_server t = {.certificate = &leaf,
				       .manner = rows[i].manner,
				       .answer = OK_BODY};
		struct site s;

		open_tls(&s, &t, "wiki.internal");
		site_start(&s);
		for (int j = 0; j < 3; j++) {
			get_ok(&s, rows[i].name);
			pause_and_turn(&s);
		}
		check_i64(rows[i].name, "connections", rows[i].connections,
			  atomic_load(&t.accepted));
		close_tls(&s, &t);
	}
	test_certificate_done(&leaf);
	check_done();
}

/* New connections resume, and those of another generation verify anew. */
static void test_resumption(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct test_certificate leaf = make_leaf(&world.authority, "x", "DNS:wiki.internal", 5);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		struct tls_server t = {.certificate = &leaf,
				       .manner = ANSWER_AND_CLOSE,
				       .answer = OK_BODY,
				       .max_version = versions[i]};
		struct site s;

		open_tls(&s, &t, "wiki.internal");
		site_start(&s);
		for (int j = 0; j < 3; j++) {
			get_ok(&s, "resumption");
			pause_and_turn(&s);
		}
		check_i64("resumption", "connections", 3, atomic_load(&t.accepted));
		check_i64("resumption", "resumed", 2, atomic_load(&t.resumed));
		upstream_free(s.upstream);
		site_start(&s);
		get_ok(&s, "new generation");
		check_i64("new generation", "resumed", 2, atomic_load(&t.resumed));
		close_tls(&s, &t);
	}
	test_certificate_done(&leaf);
	check_done();
}

static void test_uploads(void **state)
{
	static const struct {
		const char *name;
		enum tls_manner manner;
		int max_version;
	} rows[] = {
		{"read at once", COUNT_BODY, 0},
		{"read late", READ_LATE, 0},
		{"read late, TLS 1.2", READ_LATE, TLS1_2_VERSION},
	};
	enum { TOTAL = 6 * 1000 * 1000, PIECE = 70 * 1000 };
	static char piece[PIECE];
	struct test_certificate leaf = make_leaf(&world.authority, "x", "DNS:wiki.internal", 5);

	(void)state;
	memset(piece, 'x', sizeof(piece));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_server t = {.certificate = &leaf,
				       .manner = rows[i].manner,
				       .answer = OK_BODY,
				       .max_version = rows[i].max_version};
		struct site s;
		struct caller r;
		size_t at = 0;
		unsigned uneven = 0;

		open_tls(&s, &t, "wiki.internal");
		site_start(&s);
		caller_start_body(&r, &s, "POST", HTTP_BODY_CHUNKED, 0);
		/* Pieces of changing size: what TLS has begun it must not ask back from us. */
		while (at < TOTAL && !r.failures) {
			size_t len = PIECE - 1000 * (uneven++ % 60);
			size_t taken = upstream_call_write(r.call, piece,
							   len < TOTAL - at ? len : TOTAL - at);

			at += taken;
			if (taken == 0)
				loop_turn(s.loop, 2);
		}
		upstream_call_write_end(r.call);
		caller_finish(&r);
		check_i64(rows[i].name, "failures", 0, r.failures);
		check_i64(rows[i].name, "outcome", UPSTREAM_END, r.outcome);
		CHECK(rows[i].name, atomic_load(&t.body) > TOTAL);
		CHECK(rows[i].name, atomic_load(&t.body) < TOTAL + TOTAL / 100);
		caller_done(&r);
		close_tls(&s, &t);
	}
	test_certificate_done(&leaf);
	check_done();
}

static void test_bad_authorities(void **state)
{
	static const struct {
		const char *name;
		const char *file;
		const char *content;
		enum error_kind kind;
	} rows[] = {
		{"no file", "missing.pem", NULL, ERR_NOT_FOUND},
		{"no certificate", "empty.pem", "nothing here\n", ERR_SYNTAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct upstream *u = NULL;
		struct error err = {0};
		char path[256];
		struct site s;

		snprintf(path, sizeof(path), "%s/%s", world.folder, rows[i].file);
		if (rows[i].content) {
			FILE *f = test_file_open(world.folder, rows[i].file, 0644);

			fputs(rows[i].content, f);
			assert_int_equal(fclose(f), 0);
		}
		site_prepare(&s, 1);
		s.servers[0].is_https = true;
		s.config.authorities = str_from(path);
		CHECK(rows[i].name, !upstream_new(s.loop, &s.config, &u, &err));
		check_i64(rows[i].name, "kind", rows[i].kind, err.kind);
		CHECK(rows[i].name, u == NULL);
		site_close(&s);
		unlink(path);
	}
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trust),
		cmocka_unit_test(test_name_with_nul),
		cmocka_unit_test(test_handshake_timeout),
		cmocka_unit_test(test_endings),
		cmocka_unit_test(test_idle_connections),
		cmocka_unit_test(test_resumption),
		cmocka_unit_test(test_uploads),
		cmocka_unit_test(test_bad_authorities),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
