/*
 * tests of io/fetch_address.h
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "io/fetch_address.h"

static void test_addresses(void **state)
{
	static const struct {
		const char *address;
		bool special;
	} rows[] = {
		{"127.0.0.1", false},
		{"10.1.2.3", false},
		{"192.168.0.1", false},
		{"1.0.0.0", false},
		{"169.253.255.255", false},
		{"169.255.0.0", false},
		{"223.255.255.255", false},
		{"::1", false},
		{"2001:db8::1", false},
		{"fd00::1", false},
		{"fe7f::1", false},
		{"fec0::1", false},
		{"64:ff9b::c000:201", false},		/* 192.0.2.1 */
		{"2002:c000:201::1", false},
		{"::ffff:127.0.0.1", false},

		{"0.0.0.0", true},
		{"0.255.255.255", true},
		{"169.254.0.0", true},
		{"169.254.169.254", true},
		{"169.254.255.255", true},
		{"224.0.0.1", true},
		{"239.255.255.255", true},
		{"240.0.0.1", true},
		{"255.255.255.255", true},
		{"::", true},
		{"::ffff:169.254.169.254", true},
		{"::169.254.169.254", true},
		{"fe80::1", true},
		{"febf::1", true},
		{"ff02::1", true},
		{"fd00:ec2::254", true},
		{"64:ff9b::a9fe:a9fe", true},
		{"2002:a9fe:a9fe::", true},
	};
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip ip;
		assert_true(ip_parse(str_from(rows[i].address), &ip));
		if (fetch_address_is_special(&ip) != rows[i].special) {
			print_error("%s: want %d\n", rows[i].address, rows[i].special);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests_name("io/fetch_address", tests, NULL, NULL);
}
