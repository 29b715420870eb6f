#include "check.h"

#include <netinet/in.h>
#include <sys/un.h>

#include "base/ip.h"

static void test_parse(void **state)
{
	static const struct {
		struct str text;
		const char *want; /* formatted, NULL: refused */
		const char *fault;
		bool loopback;
	} rows[] = {
		{STR_INIT("127.0.0.1:8443"), "127.0.0.1:8443", NULL, true},
		{STR_INIT("0.0.0.0:0"), "0.0.0.0:0", NULL, false},
		{STR_INIT("[::1]:65535"), "[::1]:65535", NULL, true},
		{STR_INIT("[2001:DB8::1]:80"), "[2001:db8::1]:80", NULL, false},
		{STR_INIT("[::ffff:127.0.0.1]:80"), "127.0.0.1:80", NULL, true},
		{STR_INIT("unix:/run/app.sock"), "unix:/run/app.sock", NULL, true},
		{STR_INIT("127.0.0.1"), NULL, "has no port", false},
		{STR_INIT("localhost:80"), NULL, "\"localhost\" is not an IP address", false},
		{STR_INIT(":80"), NULL, "not an IP address", false},
		{STR_INIT("::1:80"), NULL, "needs brackets", false},
		{STR_INIT("[127.0.0.1]:80"), NULL, "brackets around an IPv4", false},
		{STR_INIT("[::1]"), NULL, "not an IP address", false},
		{STR_INIT("[::1:80"), NULL, "not an IP address", false},
		{STR_INIT("[:80"), NULL, "not an IP address", false},
		{STR_INIT("[]:80"), NULL, "not an IP address", false},
		{STR_INIT("127.0.0.1:65536"), NULL, "port from 0 to 65535", false},
		{STR_INIT("127.0.0.1:080"), NULL, "port from 0 to 65535", false},
		{STR_INIT("127.0.0.1:"), NULL, "port from 0 to 65535", false},
		{STR_INIT("127.0.0.1:http"), NULL, "port from 0 to 65535", false},
		{STR_INIT("unix:run/app.sock"), NULL, "absolute path", false},
		{STR_INIT("unix:"), NULL, "absolute path", false},
		{STR_INIT("unix:/a\0b"), NULL, "absolute path", false},
		{STR_INIT(""), NULL, "has no port", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct endpoint e;
		struct error err = {.kind = ERR_NONE};
		char out[ENDPOINT_TEXT_SIZE];
		bool ok = endpoint_parse(rows[i].text, &e, &err);

		check_cstr(rows[i].text.ptr, "endpoint", rows[i].want,
			   ok ? endpoint_format(&e, out) : NULL);
		if (ok)
			check_i64(rows[i].text.ptr, "loopback", rows[i].loopback,
				  endpoint_is_loopback(&e));
		else if (rows[i].fault)
			check_contains(rows[i].text.ptr, rows[i].fault, err.text);
	}
	check_done();
}

static void test_socket_addresses(void **state)
{
	struct endpoint e;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	(void)state;
	assert_true(endpoint_parse(STR("192.0.2.1:258"), &e, NULL));
	memcpy(&v4, &e.addr, sizeof(v4));
	CHECK("IPv4", v4.sin_family == AF_INET && e.len == sizeof(v4));
	CHECK("in network order", memcmp(&v4.sin_port, "\1\2", 2) == 0 &&
					  memcmp(&v4.sin_addr, "\xc0\x00\x02\x01", 4) == 0);
	assert_true(endpoint_parse(STR("[::2]:258"), &e, NULL));
	memcpy(&v6, &e.addr, sizeof(v6));
	CHECK("IPv6", v6.sin6_family == AF_INET6 && e.len == sizeof(v6));
	CHECK("port and address",
	      memcmp(&v6.sin6_port, "\1\2", 2) == 0 && v6.sin6_addr.s6_addr[15] == 2);
	check_done();
}

/* sun_path has 108 bytes, one of them for the NUL. */
static void test_unix_length(void **state)
{
	struct endpoint e;
	struct error err = {.kind = ERR_NONE};
	struct sockaddr_un sun;
	char text[200], out[ENDPOINT_TEXT_SIZE];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "unix:/", 6);
	CHECK("107 bytes", endpoint_parse(str_from_len(text, 5 + 107), &e, &err));
	memcpy(&sun, &e.addr, sizeof(sun));
	CHECK("whole", strlen(sun.sun_path) == 107);
	check_str("format", "whole", str_from_len(text, 5 + 107),
		  str_from(endpoint_format(&e, out)));
	CHECK("108 bytes", !endpoint_parse(str_from_len(text, 5 + 108), &e, &err));
	CHECK("limit", err.kind == ERR_LIMIT);
	check_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_socket_addresses),
		cmocka_unit_test(test_unix_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
