#include "check.h"

#include "base/digest.h"
#include "base/encode.h"

static void test_sha256(void **state)
{
	/* FIPS 180-4 examples, and the empty message. */
	static const struct {
		const char *text, *hex;
	} rows[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	unsigned char digest[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1], text[44];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		sha256(str_from(rows[i].text), digest);
		hex_encode(digest, sizeof(digest), hex);
		check_cstr(rows[i].text, "SHA-256", rows[i].hex, hex);
	}
	sha256(str_from(NULL), digest);
	hex_encode(digest, sizeof(digest), hex);
	check_cstr("NULL", "SHA-256", rows[0].hex, hex);
	/* The challenge of RFC 7636, appendix B. */
	sha256_base64url(STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), text);
	check_cstr("PKCE", "S256", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", text);
	check_done();
}

/* Any difference, of byte, of length, of place, makes another hash. */
static void test_table_hash(void **state)
{
	static const char zeros[64];
	char text[64];

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		uint64_t before;

		memset(text, 'a', sizeof(text));
		before = table_hash(str_from_len(text, len));
		CHECK("same again", before == table_hash(str_from_len(text, len)));
		for (size_t i = 0; i < len; i++) {
			text[i] ^= 1;
			CHECK("one bit", before != table_hash(str_from_len(text, len)));
			text[i] ^= 1;
		}
		for (size_t other = 0; other < len; other++)
			CHECK("zeros of another length",
			      table_hash(str_from_len(zeros, len)) !=
				      table_hash(str_from_len(zeros, other)));
	}
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_table_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
