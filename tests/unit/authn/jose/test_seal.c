/*
 * Sealed values: what opens them, and that nothing else does.
 */
#include "authn/jose/seal.h"
#include "tests/unit/authn/scratch.h"

enum { CEILING = 1024 * 1024, NONCE_AT = 5, NONCE_SIZE = 12 };

struct fixture {
	char *folder, *other_folder;
	struct keyring *keys, *other_keys;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->folder = scratch_make();
	f->other_folder = scratch_make();
	assert_true(keyring_open(f->folder, &f->keys, NULL));
	assert_true(keyring_open(f->other_folder, &f->other_keys, NULL));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	keyring_free(f->keys);
	keyring_free(f->other_keys);
	scratch_remove(f->folder);
	scratch_remove(f->other_folder);
	free(f);
	return 0;
}

static const struct row {
	const char *name;
	bool other_keys;
	enum seal_purpose purpose;
	struct str context1, context2;
	bool opens;
} rows[] = {
	{"the same", false, SEAL_LOGIN_FLOW, STR_INIT("a"), STR_INIT("bc"), true},
	{"other purpose", false, SEAL_SESSION_RECORD, STR_INIT("a"), STR_INIT("bc"), false},
	{"context split elsewhere", false, SEAL_LOGIN_FLOW, STR_INIT("ab"), STR_INIT("c"),
	 false},
	{"context all in the first", false, SEAL_LOGIN_FLOW, STR_INIT("abc"), STR_INIT(""), false},
	{"context all in the second", false, SEAL_LOGIN_FLOW, STR_INIT(""), STR_INIT("abc"), false},
	{"context swapped", false, SEAL_LOGIN_FLOW, STR_INIT("bc"), STR_INIT("a"), false},
	{"no context", false, SEAL_LOGIN_FLOW, STR_INIT(""), STR_INIT(""), false},
	{"context with a NUL", false, SEAL_LOGIN_FLOW, STR_INIT("a\0"), STR_INIT("bc"), false},
	{"other keys", true, SEAL_LOGIN_FLOW, STR_INIT("a"), STR_INIT("bc"), false},
};

static void test_who_opens(void **state)
{
	struct fixture *f = *state;
	struct str plain = STR("state and \0 nonce");
	struct buf sealed, out;

	buf_init(&sealed, CEILING);
	buf_init(&out, CEILING);
	assert_true(
		seal_append(&sealed, f->keys, SEAL_LOGIN_FLOW, STR("a"), STR("bc"), plain, NULL));
	assert_int_equal(sealed.len, plain.len + SEAL_OVERHEAD);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct error err = {0};
		bool ok;

		buf_clear(&out);
		buf_append_cstr(&out, "x");
		ok = seal_open(&out, r->other_keys ? f->other_keys : f->keys, r->purpose,
			       r->context1, r->context2, buf_str(&sealed), &err);
		check_i64(r->name, "opens", r->opens, ok);
		check_i64(r->name, "kind", r->opens ? ERR_NONE : ERR_DENIED, err.kind);
		check_str(r->name, "plain", r->opens ? plain : STR(""),
			  str_after(buf_str(&out), 1));
	}
	buf_done(&sealed);
	buf_done(&out);
	check_done();
}

/* Whatever bytes the parts hold, where one ends is part of the context. */
static void test_context_of_zeros(void **state)
{
	struct fixture *f = *state;
	struct buf sealed, out;

	buf_init(&sealed, CEILING);
	buf_init(&out, CEILING);
	assert_true(seal_append(&sealed, f->keys, SEAL_LOGIN_FLOW, STR("a"), STR("b\0\0\0\0c"),
				STR("text"), NULL));
	assert_false(seal_open(&out, f->keys, SEAL_LOGIN_FLOW, STR("a\0\0\0\0b"), STR("c"),
			       buf_str(&sealed), NULL));
	assert_true(seal_open(&out, f->keys, SEAL_LOGIN_FLOW, STR("a"), STR("b\0\0\0\0c"),
			      buf_str(&sealed), NULL));
	buf_done(&sealed);
	buf_done(&out);
}

/* Version, key id, nonce, text, tag: each bit of each byte counts. One error for all. */
static void test_every_bit_counts(void **state)
{
	struct fixture *f = *state;
	struct error first = {0};
	struct buf sealed, out;

	buf_init(&sealed, CEILING);
	buf_init(&out, CEILING);
	assert_true(seal_append(&sealed, f->keys, SEAL_SESSION_RECORD, STR("key"), STR(""),
				STR("a record"), NULL));
	for (size_t i = 0; i < sealed.len * 8; i++) {
		struct error err = {0};

		sealed.ptr[i / 8] ^= (char)(1 << i % 8);
		if (seal_open(&out, f->keys, SEAL_SESSION_RECORD, STR("key"), STR(""),
			      buf_str(&sealed), &err) ||
		    err.kind != ERR_DENIED || out.len != 0)
			fail_msg("opened, or failed otherwise, with bit %zu flipped", i);
		if (first.kind == ERR_NONE)
			first = err;
		assert_string_equal(first.text, err.text);
		sealed.ptr[i / 8] ^= (char)(1 << i % 8);
	}
	assert_true(seal_open(&out, f->keys, SEAL_SESSION_RECORD, STR("key"), STR(""),
			      buf_str(&sealed), NULL));
	buf_done(&sealed);
	buf_done(&out);
}

static void test_every_length_counts(void **state)
{
	struct fixture *f = *state;
	struct buf sealed, out;

	buf_init(&sealed, CEILING);
	buf_init(&out, CEILING);
	assert_true(seal_append(&sealed, f->keys, SEAL_LOGIN_FLOW, STR("n"), STR("h"), STR("text"),
				NULL));
	for (size_t len = 0; len < sealed.len; len++) {
		struct error err = {0};

		assert_false(seal_open(&out, f->keys, SEAL_LOGIN_FLOW, STR("n"), STR("h"),
				       str_slice(buf_str(&sealed), 0, len), &err));
		assert_int_equal(err.kind, ERR_DENIED);
	}
	buf_append_char(&sealed, '\0');
	assert_false(seal_open(&out, f->keys, SEAL_LOGIN_FLOW, STR("n"), STR("h"), buf_str(&sealed),
			       NULL));
	buf_done(&sealed);
	buf_done(&out);
}

static void test_sizes(void **state)
{
	static const size_t sizes[] = {0, 1, 15, 16, 17, 4095, 4096, 100000};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char *text = calloc(1, sizes[i] + 1);
		struct buf sealed, out;

		assert_non_null(text);
		memset(text, 'x', sizes[i]);
		buf_init(&sealed, CEILING);
		buf_init(&out, CEILING);
		assert_true(seal_append(&sealed, f->keys, SEAL_LOGIN_FLOW, STR(""), STR(""),
					str_from_len(text, sizes[i]), NULL));
		assert_int_equal(sealed.len, sizes[i] + SEAL_OVERHEAD);
		assert_true(seal_open(&out, f->keys, SEAL_LOGIN_FLOW, STR(""), STR(""),
				      buf_str(&sealed), NULL));
		check_str("sizes", "plain", str_from_len(text, sizes[i]), buf_str(&out));
		buf_done(&sealed);
		buf_done(&out);
		free(text);
	}
	check_done();
}

static void test_limits(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};
	char context[1100];
	struct buf b;

	memset(context, 'c', sizeof(context));
	buf_init(&b, 10 + SEAL_OVERHEAD);
	assert_true(seal_append(&b, f->keys, SEAL_LOGIN_FLOW, STR("a"), STR("b"), STR("0123456789"),
				&err));
	assert_false(seal_append(&b, f->keys, SEAL_LOGIN_FLOW, STR("a"), STR("b"), STR(""), &err));
	assert_int_equal(err.kind, ERR_LIMIT);
	buf_done(&b);
	error_clear(&err);
	assert_false(seal_append(&b, f->keys, SEAL_LOGIN_FLOW,
				 str_from_len(context, sizeof(context)), STR(""), STR("x"), &err));
	assert_int_equal(err.kind, ERR_LIMIT);
	buf_done(&b);
}

static int nonce_compare(const void *a, const void *b)
{
	return memcmp(a, b, NONCE_SIZE);
}

/* Row 52: a nonce never comes twice, and equal texts share no block. */
static void test_nonces(void **state)
{
	enum { COUNT = 100000 };
	struct fixture *f = *state;
	unsigned char(*nonces)[NONCE_SIZE] = calloc(COUNT, NONCE_SIZE);
	struct buf sealed;

	assert_non_null(nonces);
	buf_init(&sealed, CEILING);
	for (size_t i = 0; i < COUNT; i++) {
		buf_clear(&sealed);
		assert_true(seal_append(&sealed, f->keys, SEAL_LOGIN_FLOW, STR("n"), STR("h"),
					STR(""), NULL));
		memcpy(nonces[i], sealed.ptr + NONCE_AT, NONCE_SIZE);
	}
	qsort(nonces, COUNT, NONCE_SIZE, nonce_compare);
	for (size_t i = 1; i < COUNT; i++)
		assert_memory_not_equal(nonces[i - 1], nonces[i], NONCE_SIZE);
	buf_done(&sealed);
	free(nonces);
}

static void test_no_block_in_common(void **state)
{
	struct str plain = STR("sixteen bytes...sixteen bytes...sixteen bytes...sixteen bytes...");
	struct fixture *f = *state;
	struct buf a, b;

	buf_init(&a, CEILING);
	buf_init(&b, CEILING);
	assert_true(seal_append(&a, f->keys, SEAL_LOGIN_FLOW, STR(""), STR(""), plain, NULL));
	assert_true(seal_append(&b, f->keys, SEAL_LOGIN_FLOW, STR(""), STR(""), plain, NULL));
	for (size_t i = NONCE_AT + NONCE_SIZE; i + 16 <= a.len; i++) {
		for (size_t j = NONCE_AT + NONCE_SIZE; j + 16 <= b.len; j++)
			assert_memory_not_equal(a.ptr + i, b.ptr + j, 16);
	}
	buf_done(&a);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_opens),
		cmocka_unit_test(test_every_bit_counts),
		cmocka_unit_test(test_context_of_zeros),
		cmocka_unit_test(test_every_length_counts),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_nonces),
		cmocka_unit_test(test_no_block_in_common),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
