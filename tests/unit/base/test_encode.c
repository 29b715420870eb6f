#include "check.h"

#include "base/encode.h"

/* RFC 4648, section 10, and bytes that need the two characters of section 5. */
static const struct {
	struct str plain;
	const char *url, *std, *hex;
} vectors[] = {
	{STR_INIT(""), "", "", ""},
	{STR_INIT("f"), "Zg", "Zg==", "66"},
	{STR_INIT("fo"), "Zm8", "Zm8=", "666f"},
	{STR_INIT("foo"), "Zm9v", "Zm9v", "666f6f"},
	{STR_INIT("foob"), "Zm9vYg", "Zm9vYg==", "666f6f62"},
	{STR_INIT("fooba"), "Zm9vYmE", "Zm9vYmE=", "666f6f6261"},
	{STR_INIT("foobar"), "Zm9vYmFy", "Zm9vYmFy", "666f6f626172"},
	{STR_INIT("\xfb\xff\x00"), "-_8A", "+/8A", "fbff00"},
};

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		struct str plain = vectors[i].plain, url = str_from(vectors[i].url);
		unsigned char back[16];
		char out[16];
		size_t len = 99;
		struct buf b;

		buf_init(&b, 100);
		check_i64(vectors[i].url, "macro", (int64_t)url.len,
			  (int64_t)BASE64URL_LEN(plain.len));
		check_i64(vectors[i].url, "length", (int64_t)url.len,
			  (int64_t)base64url_encode(plain.ptr, plain.len, out));
		check_cstr("base64url", "encode", vectors[i].url, out);
		base64url_append(&b, plain.ptr, plain.len);
		check_str("base64url", "append", url, buf_str(&b));
		buf_clear(&b);
		base64_append(&b, plain.ptr, plain.len);
		check_str("base64", "append", str_from(vectors[i].std), buf_str(&b));
		hex_encode(plain.ptr, plain.len, out);
		check_cstr("hex", "encode", vectors[i].hex, out);
		CHECK(vectors[i].url, base64url_decode(url, back, plain.len, &len));
		check_str("base64url", "decode", plain, str_from_len((char *)back, len));
		buf_done(&b);
	}
	check_done();
}

static void test_refused(void **state)
{
	static const struct {
		const char *name;
		struct str text;
	} rows[] = {
		{"padding", STR_INIT("Zg==")},
		{"one character", STR_INIT("Z")},
		{"one too many", STR_INIT("Zm9vY")},
		{"bits behind one byte", STR_INIT("Zh")},
		{"bits behind two bytes", STR_INIT("Zm9")},
		{"the other alphabet", STR_INIT("+/8A")},
		{"a space", STR_INIT("Zm 9v")},
		{"a newline at the end", STR_INIT("Zm9v\n")},
		{"a NUL", STR_INIT("Zm9\0")},
		{"a byte over 0x7f", STR_INIT("Zm9\xff")},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned char out[16];
		size_t len = 99;

		CHECK(rows[i].name, !base64url_decode(rows[i].text, out, sizeof(out), &len));
		CHECK(rows[i].name, len == 99);
	}
	check_done();
}

static void test_room(void **state)
{
	unsigned char out[3] = {0};
	size_t len = 99;
	struct buf b;

	(void)state;
	CHECK("enough", base64url_decode(STR("Zm9v"), out, 3, &len) && len == 3);
	CHECK("too little", !base64url_decode(STR("Zm9v"), out, 2, &len));
	CHECK("two bytes into two", base64url_decode(STR("Zm8"), out, 2, &len) && len == 2);
	CHECK("two bytes into one", !base64url_decode(STR("Zm8"), out, 1, &len));
	buf_init(&b, 4);
	base64url_append(&b, "foo", 3);
	CHECK("exactly", !buf_failed(&b));
	base64url_append(&b, "f", 1);
	CHECK("over", buf_failed(&b) && b.len == 4);
	buf_clear(&b);
	base64_append(&b, "foob", 4);
	CHECK("base64 over", buf_failed(&b) && b.len == 0);
	buf_done(&b);
	check_done();
}

/* Every byte value comes back from every position. */
static void test_there_and_back(void **state)
{
	unsigned char data[258], back[258];
	char text[BASE64URL_LEN(258) + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)i;
	for (size_t from = 0; from < 3; from++) {
		size_t len = 0;
		size_t n = base64url_encode(data + from, 255, text);

		CHECK("decodes", base64url_decode(str_from_len(text, n), back, 255, &len));
		CHECK("the same", len == 255 && memcmp(back, data + from, 255) == 0);
	}
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
