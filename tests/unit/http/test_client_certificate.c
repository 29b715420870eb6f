/*
 * What is read from a client certificate. A name with a NUL or another control byte is left
 * out whole: cut at the NUL it would be somebody else's.
 */
#include "../base/check.h"
#include "tests/support/certificates.h"

#include <openssl/x509v3.h>

#include "base/digest.h"
#include "base/encode.h"
#include "http/client_certificate.h"

/* A subject alternative name, of any bytes. */
struct san {
	int kind; /* GEN_DNS, GEN_URI, GEN_EMAIL, GEN_IPADD */
	struct str text;
};

static void add_names(X509 *x, const struct san *names, size_t count)
{
	GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();

	assert_non_null(list);
	for (size_t i = 0; i < count; i++) {
		GENERAL_NAME *name = GENERAL_NAME_new();
		ASN1_STRING *text = ASN1_STRING_type_new(
			names[i].kind == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);

		assert_true(name && text);
		assert_int_equal(ASN1_STRING_set(text, names[i].text.ptr, (int)names[i].text.len),
				 1);
		GENERAL_NAME_set0_value(name, names[i].kind, text);
		assert_true(sk_GENERAL_NAME_push(list, name) > 0);
	}
	assert_int_equal(X509_add1_ext_i2d(x, NID_subject_alt_name, list, 0, 0), 1);
	GENERAL_NAMES_free(list);
}

/* The DER of a certificate with that CN and those names; the caller frees. */
static unsigned char *make_der(struct str cn, const struct san *names, size_t count,
			       size_t *ret_len)
{
	struct test_certificate c = test_certificate_make("x", test_key_ec(), NULL, 30);
	X509_NAME *subject = X509_get_subject_name(c.certificate);
	unsigned char *der = NULL;
	int len;

	X509_NAME_ENTRY_free(X509_NAME_delete_entry(subject, 0));
	assert_int_equal(X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
						    (const unsigned char *)"Example", -1, -1, 0),
			 1);
	if (cn.len)
		assert_int_equal(X509_NAME_add_entry_by_NID(subject, NID_commonName,
							    V_ASN1_UTF8STRING,
							    (const unsigned char *)cn.ptr,
							    (int)cn.len, -1, 0),
				 1);
	if (count)
		add_names(c.certificate, names, count);
	assert_true(X509_sign(c.certificate, c.key, EVP_sha256()) > 0);
	len = i2d_X509(c.certificate, &der);
	assert_true(len > 0);
	test_certificate_done(&c);
	*ret_len = (size_t)len;
	return der;
}

static struct client_certificate *read_one(struct str cn, const struct san *names, size_t count)
{
	struct client_certificate *c = NULL;
	struct error err = {0};
	size_t len;
	unsigned char *der = make_der(cn, names, count, &len);

	if (!client_certificate_read(der, len, &c, &err))
		fail_msg("%s", err.text);
	OPENSSL_free(der);
	return c;
}

/* --- names */

static void append(struct buf *b, const struct str *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_append(b, items[i]);
		buf_append_char(b, ' ');
	}
	buf_append_char(b, '|');
}

#define NO_SANS                         \
	{                               \
		{                       \
			0,              \
			{               \
				NULL, 0 \
			}               \
		}                       \
	}

static const struct {
	const char *name;
	struct san names[4];
	size_t count;
	const char *want; /* DNS names | URIs | e-mail addresses | */
} rows[] = {
	{"none", NO_SANS, 0, "|||"},
	{"one of each",
	 {{GEN_DNS, STR_INIT("a.example")},
	  {GEN_URI, STR_INIT("spiffe://x/Y")},
	  {GEN_EMAIL, STR_INIT("A@b.example")}},
	 3,
	 "a.example |spiffe://x/Y |A@b.example |"},
	{"several",
	 {{GEN_URI, STR_INIT("u:1")}, {GEN_DNS, STR_INIT("b")}, {GEN_DNS, STR_INIT("a")}},
	 3,
	 "b a |u:1 ||"},
	{"DNS names in small letters",
	 {{GEN_DNS, STR_INIT("API.Example.COM")}},
	 1,
	 "api.example.com |||"},
	{"a NUL", {{GEN_DNS, STR_INIT("good.example\0.evil.example")}}, 1, "|||"},
	{"a NUL at the end", {{GEN_DNS, STR_INIT("good.example\0")}}, 1, "|||"},
	{"a NUL in a URI", {{GEN_URI, STR_INIT("spiffe://x/admin\0/bot")}}, 1, "|||"},
	{"a NUL in an address", {{GEN_EMAIL, STR_INIT("root@example\0.evil")}}, 1, "|||"},
	{"a line end", {{GEN_URI, STR_INIT("u:1\r\nX-Forwarded-User: root")}}, 1, "|||"},
	{"DEL", {{GEN_DNS, STR_INIT("a\x7f.example")}}, 1, "|||"},
	{"invalid UTF-8", {{GEN_DNS, STR_INIT("a\xff.example")}}, 1, "|||"},
	{"empty", {{GEN_DNS, STR_INIT("")}}, 1, "|||"},
	{"one at fault hides no other",
	 {{GEN_DNS, STR_INIT("a\0b")}, {GEN_DNS, STR_INIT("fine.example")}},
	 2,
	 "fine.example |||"},
	{"an address is none of them", {{GEN_IPADD, STR_INIT("\x7f\0\0\x01")}}, 1, "|||"},
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct client_certificate *c = read_one(STR("bot"), rows[i].names, rows[i].count);
		struct buf got;

		buf_init(&got, 65536);
		append(&got, c->san_dns, c->san_dns_count);
		append(&got, c->san_uri, c->san_uri_count);
		append(&got, c->san_email, c->san_email_count);
		check_str(rows[i].name, "names", str_from(rows[i].want), buf_str(&got));
		buf_done(&got);
		client_certificate_free(c);
	}
	check_done();
}

static const struct {
	const char *name;
	struct str cn;
	const char *common_name, *subject; /* subject NULL: anything without a raw control byte */
} subjects[] = {
	{"plain", STR_INIT("deploy-bot"), "deploy-bot", "CN=deploy-bot,O=Example"},
	{"none", STR_INIT(""), "", "O=Example"},
	{"UTF-8", STR_INIT("Zo\xc3\xab"), "Zo\xc3\xab", "CN=Zo\xc3\xab,O=Example"},
	{"a comma is no other field", STR_INIT("a,O=Evil"), "a,O=Evil", "CN=a\\,O=Evil,O=Example"},
	{"a plus", STR_INIT("a+b"), "a+b", "CN=a\\+b,O=Example"},
	{"a NUL", STR_INIT("admin\0.evil"), "", NULL},
	{"a line end", STR_INIT("a\nb"), "", NULL},
};

static void test_subjects(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
		struct client_certificate *c = read_one(subjects[i].cn, NULL, 0);

		check_str(subjects[i].name, "common name", str_from(subjects[i].common_name),
			  c->common_name);
		if (subjects[i].subject)
			check_str(subjects[i].name, "subject", str_from(subjects[i].subject),
				  c->subject);
		for (size_t b = 0; b < c->subject.len; b++)
			CHECK(subjects[i].name, (unsigned char)c->subject.ptr[b] >= 0x20);
		client_certificate_free(c);
	}
	check_done();
}

static void test_issuer_and_last_cn(void **state)
{
	struct test_certificate ca = test_certificate_make("the CA", test_key_ec(), NULL, 30);
	struct test_certificate leaf = test_certificate_make("first", test_key_ec(), &ca, 30);
	struct client_certificate *c = NULL;
	unsigned char *der = NULL;
	int len;

	(void)state;
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(leaf.certificate), "CN",
						    MBSTRING_ASC, (const unsigned char *)"last", -1,
						    -1, 0),
			 1);
	assert_true(X509_sign(leaf.certificate, ca.key, EVP_sha256()) > 0);
	len = i2d_X509(leaf.certificate, &der);
	assert_true(client_certificate_read(der, (size_t)len, &c, NULL));
	check_str("leaf", "issuer", STR("CN=the CA"), c->issuer);
	check_str("leaf", "the last CN", STR("last"), c->common_name);
	client_certificate_free(c);
	OPENSSL_free(der);
	test_certificate_done(&leaf);
	test_certificate_done(&ca);
	check_done();
}

/* --- the whole certificate */

static void test_field_and_fingerprint(void **state)
{
	unsigned char digest[SHA256_SIZE], back[8192];
	struct client_certificate *c = NULL;
	char hex[2 * SHA256_SIZE + 1];
	struct str inside;
	size_t len;
	unsigned char *der = make_der(STR("bot"), NULL, 0, &len);
	int decoded;

	(void)state;
	assert_true(client_certificate_read(der, len, &c, NULL));
	sha256(str_from_len((char *)der, len), digest);
	hex_encode(digest, sizeof(digest), hex);
	check_str("certificate", "fingerprint", str_from(hex), c->fingerprint_sha256);
	/* RFC 9440, section 2.2: a byte sequence of the DER, RFC 8941, section 3.3.5 */
	CHECK("colons", str_starts_with(c->field, STR(":")) && str_ends_with(c->field, STR(":")));
	inside = str_slice(c->field, 1, c->field.len - 2);
	CHECK("padded base64", inside.len % 4 == 0 && str_find_char(inside, '\n') == STR_NONE);
	decoded = EVP_DecodeBlock(back, (const unsigned char *)inside.ptr, (int)inside.len);
	CHECK("the DER", decoded >= (int)len && !memcmp(back, der, len));
	client_certificate_free(c);
	OPENSSL_free(der);
	check_done();
}

static void test_faults(void **state)
{
	static unsigned char large[65 * 1024];
	struct client_certificate *c = NULL;
	size_t len;
	unsigned char *der = make_der(STR("bot"), NULL, 0, &len);
	unsigned char *longer = malloc(len + 1);
	struct error err = {0};

	(void)state;
	assert_non_null(longer);
	memcpy(longer, der, len);
	longer[len] = 0;
	CHECK("nothing", !client_certificate_read(der, 0, &c, &err));
	check_i64("nothing", "kind", ERR_SYNTAX, err.kind);
	error_clear(&err);
	CHECK("bytes behind", !client_certificate_read(longer, len + 1, &c, &err));
	check_i64("bytes behind", "kind", ERR_SYNTAX, err.kind);
	error_clear(&err);
	CHECK("too large", !client_certificate_read(large, sizeof(large), &c, &err));
	check_i64("too large", "kind", ERR_LIMIT, err.kind);
	for (size_t cut = 1; cut < len; cut += 7)
		CHECK("cut", !client_certificate_read(der, cut, &c, NULL));
	CHECK("untouched", !c);
	client_certificate_free(NULL);
	OPENSSL_free(der);
	free(longer);
	check_done();
}

/* Names enough to fill a memory are bounded, and the certificate still reads. */
static void test_many_names(void **state)
{
	static struct san names[1000];
	struct client_certificate *c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		names[i] = (struct san){GEN_DNS, STR("a-name.example")};
	c = read_one(STR("bot"), names, ARRAY_LEN(names));
	CHECK("bounded", c->san_dns_count > 0 && c->san_dns_count <= 256);
	client_certificate_free(c);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_subjects),
		cmocka_unit_test(test_issuer_and_last_cn),
		cmocka_unit_test(test_field_and_fingerprint),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_many_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
