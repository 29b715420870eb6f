/*
 * HKDF with SHA-256 against the vectors of RFC 5869.
 */
#include "authn/jose/hkdf.h"
#include "base/encode.h"
#include "tests/unit/base/check.h"

static const struct row {
	const char *name, *key_material, *salt, *info, *prk, *okm; /* in hex */
} rows[] = {
	{"RFC 5869, A.1", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	 "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
	 "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
	 "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
	{"RFC 5869, A.2",
	 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b"
	 "2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
	 "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b"
	 "8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
	 "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadb"
	 "dcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	 "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
	 "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c6"
	 "5e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
	{"RFC 5869, A.3", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
	 "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
	 "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
};

static size_t from_hex(const char *hex, unsigned char *out)
{
	size_t len = strlen(hex) / 2;

	for (size_t i = 0; i < len; i++)
		out[i] = (unsigned char)(ascii_hex_value(hex[2 * i]) * 16 +
					 ascii_hex_value(hex[2 * i + 1]));
	return len;
}

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned char ikm[128], salt[128], info[128], prk[HKDF_PRK_SIZE], okm[128];
		size_t ikm_len = from_hex(rows[i].key_material, ikm);
		size_t salt_len = from_hex(rows[i].salt, salt);
		size_t info_len = from_hex(rows[i].info, info), okm_len = strlen(rows[i].okm) / 2;
		char hex[257];

		CHECK(rows[i].name, hkdf_extract(str_from_len((char *)salt, salt_len),
						 str_from_len((char *)ikm, ikm_len), prk));
		hex_encode(prk, sizeof(prk), hex);
		check_cstr(rows[i].name, "prk", rows[i].prk, hex);
		CHECK(rows[i].name,
		      hkdf_expand(prk, str_from_len((char *)info, info_len), okm, okm_len));
		hex_encode(okm, okm_len, hex);
		check_cstr(rows[i].name, "okm", rows[i].okm, hex);
	}
	check_done();
}

/* A shorter output is the beginning of a longer one, up to the most there can be. */
static void test_lengths(void **state)
{
	static unsigned char longest[HKDF_MAX_OUT], shorter[HKDF_MAX_OUT];
	unsigned char prk[HKDF_PRK_SIZE] = {1};

	(void)state;
	assert_true(hkdf_expand(prk, STR("x"), longest, sizeof(longest)));
	for (size_t len = 0; len < 100; len++) {
		assert_true(hkdf_expand(prk, STR("x"), shorter, len));
		assert_memory_equal(longest, shorter, len);
	}
	assert_true(hkdf_expand(prk, STR("y"), shorter, 32));
	assert_memory_not_equal(longest, shorter, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
