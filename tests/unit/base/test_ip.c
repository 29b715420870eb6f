#include "check.h"

#include <netinet/in.h>

#include "base/ip.h"

static void test_parse(void **state)
{
	static const struct {
		struct str text;
		const char *want; /* formatted; NULL: refused */
	} rows[] = {
		{STR_INIT("192.0.2.1"), "192.0.2.1"},
		{STR_INIT("0.0.0.0"), "0.0.0.0"},
		{STR_INIT("255.255.255.255"), "255.255.255.255"},
		{STR_INIT("2001:DB8:0:0:0:0:0:1"), "2001:db8::1"},
		{STR_INIT("::"), "::"},
		{STR_INIT("::ffff:192.0.2.1"), "192.0.2.1"},
		{STR_INIT("::ffff:c000:201"), "192.0.2.1"},
		{STR_INIT("64:ff9b::192.0.2.1"), "64:ff9b::c000:201"},
		{STR_INIT("01.2.3.4"), NULL},
		{STR_INIT("1.2.3"), NULL},
		{STR_INIT("1.2.3.4.5"), NULL},
		{STR_INIT("1.2.3.256"), NULL},
		{STR_INIT("0x7f.0.0.1"), NULL},
		{STR_INIT("2130706433"), NULL},
		{STR_INIT(" 1.2.3.4"), NULL},
		{STR_INIT("1.2.3.4 "), NULL},
		{STR_INIT("1.2.3.4\0"), NULL},
		{STR_INIT("1.2.3.4\0.evil"), NULL},
		{STR_INIT("[::1]"), NULL},
		{STR_INIT("fe80::1%eth0"), NULL},
		{STR_INIT("1::2::3"), NULL},
		{STR_INIT("12345::"), NULL},
		{STR_INIT(""), NULL},
		{STR_INIT("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"), NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip ip;
		char out[IP_TEXT_SIZE];
		bool ok = ip_parse(rows[i].text, &ip);

		check_cstr(rows[i].text.ptr, "address", rows[i].want,
			   ok ? ip_format(&ip, out) : NULL);
	}
	check_done();
}

static void test_prefix_parse(void **state)
{
	static const struct {
		const char *text, *base;
		unsigned bits;
		const char *fault;
	} rows[] = {
		{"10.0.0.0/8", "10.0.0.0", 8, NULL},
		{"0.0.0.0/0", "0.0.0.0", 0, NULL},
		{"192.0.2.1", "192.0.2.1", 32, NULL},
		{"192.0.2.1/32", "192.0.2.1", 32, NULL},
		{"192.0.2.128/25", "192.0.2.128", 25, NULL},
		{"fd00::/8", "fd00::", 8, NULL},
		{"::/0", "::", 0, NULL},
		{"::1", "::1", 128, NULL},
		{"2001:db8:8000::/33", "2001:db8:8000::", 33, NULL},
		{"::ffff:10.0.0.0/104", "10.0.0.0", 8, NULL},
		{"::ffff:10.0.0.1", "10.0.0.1", 32, NULL},
		{"10.1.2.3/8", NULL, 0, "10.0.0.0/8"},
		{"192.0.2.129/25", NULL, 0, "192.0.2.128/25"},
		{"2001:db8::1/32", NULL, 0, "2001:db8::/32"},
		{"::ffff:10.1.0.0/104", NULL, 0, "10.0.0.0/8"},
		{"::ffff:10.0.0.0/8", NULL, 0, "96 to 128"},
		{"10.0.0.0/33", NULL, 0, "0 to 32"},
		{"fd00::/129", NULL, 0, "0 to 128"},
		{"10.0.0.0/08", NULL, 0, "0 to 32"},
		{"10.0.0.0/", NULL, 0, "0 to 32"},
		{"10.0.0.0/-1", NULL, 0, "0 to 32"},
		{"10.0.0.0/8/8", NULL, 0, "0 to 32"},
		{"example.com", NULL, 0, "not an IP address"},
		{"", NULL, 0, "not an IP address"},
		{"/8", NULL, 0, "not an IP address"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip_prefix p = {.bits = 777};
		struct error err = {.kind = ERR_NONE};
		char out[IP_TEXT_SIZE];
		bool ok = ip_prefix_parse(str_from(rows[i].text), &p, &err);

		check_i64(rows[i].text, "ok", !rows[i].fault, ok);
		if (ok) {
			check_cstr(rows[i].text, "base", rows[i].base, ip_format(&p.base, out));
			check_i64(rows[i].text, "bits", rows[i].bits, p.bits);
		} else {
			CHECK(rows[i].text, err.kind == ERR_SYNTAX && p.bits == 777);
			if (rows[i].fault)
				check_contains(rows[i].text, rows[i].fault, err.text);
		}
	}
	check_done();
}

static void test_contains(void **state)
{
	static const struct {
		const char *prefix, *ip;
		bool want;
	} rows[] = {
		{"10.0.0.0/8", "10.255.255.255", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"10.0.0.0/8", "::ffff:10.1.1.1", true},
		{"192.0.2.128/25", "192.0.2.128", true},
		{"192.0.2.128/25", "192.0.2.127", false},
		{"0.0.0.0/0", "255.1.2.3", true},
		{"0.0.0.0/0", "::1", false},
		{"::/0", "2001:db8::1", true},
		{"::/0", "10.0.0.1", false},
		{"fd00::/8", "fdff::1", true},
		{"fd00::/8", "fe00::1", false},
		{"2001:db8:8000::/33", "2001:db8:7fff::1", false},
		{"::1", "::1", true},
		{"::1", "::2", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip_prefix p;
		struct ip ip;

		assert_true(ip_prefix_parse(str_from(rows[i].prefix), &p, NULL));
		assert_true(ip_parse(str_from(rows[i].ip), &ip));
		check_i64(rows[i].prefix, rows[i].ip, rows[i].want, ip_prefix_contains(&p, &ip));
	}
	check_done();
}

static void test_loopback(void **state)
{
	static const struct {
		const char *text;
		bool loopback;
	} rows[] = {
		{"127.0.0.1", true},
		{"127.255.0.1", true},
		{"128.0.0.1", false},
		{"::1", true},
		{"::", false},
		{"::2", false},
		{"::ffff:127.0.0.1", true},
		{"169.254.169.254", false},
		{"169.253.0.1", false},
		{"fe80::1", false},
		{"febf::1", false},
		{"fec0::1", false},
		{"::ffff:169.254.0.1", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip ip;

		assert_true(ip_parse(str_from(rows[i].text), &ip));
		check_i64(rows[i].text, "loopback", rows[i].loopback, ip_is_loopback(&ip));
	}
	check_done();
}

static void test_sockaddr(void **state)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(443)};
	struct sockaddr other = {.sa_family = AF_UNIX};
	struct ip ip, want;
	uint16_t port = 0;

	(void)state;
	v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
	v6.sin6_addr.s6_addr[12] = 10;
	assert_true(ip_parse(STR("10.0.0.0"), &want));
	CHECK("mapped", ip_from_sockaddr((struct sockaddr *)&v6, &ip, &port));
	CHECK("is IPv4", ip.is_v4 && ip_equal(&ip, &want) && port == 443);
	v6.sin6_addr.s6_addr[11] = 0;
	CHECK("IPv6", ip_from_sockaddr((struct sockaddr *)&v6, &ip, &port) && !ip.is_v4);
	CHECK("Unix has none", !ip_from_sockaddr(&other, &ip, &port));
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	 cmocka_unit_test(test_prefix_parse),
		cmocka_unit_test(test_contains), cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_sockaddr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
