/*
 * The names that a client must not choose. Rows named "row N" are the attacks of the
 * same name on other gates.
 */
#include "http/message.h"
#include "rows.h"

static const struct row {
	const char *name;
	bool goes;
} rows[] = {
	/* one forgotten alias stays trusted */
	{"X-Forwarded-For", true},
	{"X-Forwarded-Proto", true},
	{"X-Forwarded-Host", true},
	{"X-Forwarded-Port", true},
	{"X-Forwarded-Prefix", true},
	{"X-Forwarded-Server", true},
	{"X-Forwarded-User", true},
	{"X-Forwarded-Email", true},
	{"X-Forwarded-Groups", true},
	{"X-Forwarded-Preferred-Username", true},
	{"X-Forwarded-Access-Token", true},
	{"X-Forwarded-Uri", true},
	{"X-Forwarded-Ssl", true},
	{"X-Forwarded-Scheme", true},
	{"X-Forwarded-Tls-Client-Cert-Info", true},
	{"X-Forwarded-", true},
	{"X-Forwarded", true},
	{"Forwarded", true},
	{"X-Real-IP", true},
	{"X-Original-URL", true},
	{"X-Original-URI", true},
	{"X-Original-Host", true},
	{"X-Original-Forwarded-For", true},
	{"X-Rewrite-URL", true},
	{"True-Client-IP", true},
	{"X-Client-IP", true},
	{"X-Cluster-Client-IP", true},
	{"CF-Connecting-IP", true},
	{"Fastly-Client-IP", true},
	{"Client-Cert", true},
	{"Client-Cert-Chain", true},
	{"X-Sallyport-Assertion", true},
	{"X-Sallyport-Anything", true},
	{"X-Auth-Request-User", true},
	{"X-Auth-Request-Email", true},
	{"Remote-User", true},
	{"Remote-Groups", true},
	{"Remote-Email", true},
	{"Remote-Name", true},
	{"X-Request-Id", true},
	{"Proxy", true},
	/* what CGI and WSGI fold to the same */
	{"x-forwarded-user", true},
	{"X-FORWARDED-USER", true},
	{"X_Forwarded_User", true},
	{"X_Auth_Request_User", true},
	{"x-auth_request-user", true},
	{"X.Auth.Request.User", true},
	{"X-Forwarded.User", true},
	{"X!Forwarded~User", true},
	{"remote_user", true},
	{"REMOTE.USER", true},
	{"x_request_id", true},
	{"Client_Cert", true},
	{"PROXY", true},
	{"true_client_ip", true},
	{"CF_Connecting_IP", true},
	{"X'Real`IP", true},
	/* names that are no tokens are never sent on */
	{"X-Auth-Request-User ", true},
	{" Accept", true},
	{"", true},
	{"Acc\xc3\xa9pt", true},
	{"Remote-U\xc5\xbf"
	 "er",
	 true},
	/* extra, of the route below */
	{"X-Tenant", true},
	{"x_tenant", true},
	{"WebAuth-User-With-A-Very-Long-Name-Indeed", true},
	{"webauth_user_with_a_very_long_name_indeed", true},
	/* what stays */
	{"Accept", false},
	{"Authorization", false},
	{"Cookie", false},
	{"Host", false},
	{"User-Agent", false},
	{"X-Forward-For", false},
	{"X-Forwardedfor", false},
	{"Forwarded-", false},
	{"Forward", false},
	{"X-Real-IPs", false},
	{"X-Real", false},
	{"X-Originals", false},
	{"Client-Certs", false},
	{"Client-Cert-Chains", false},
	{"X-Sallyports-A", false},
	{"Remote-Users", false},
	{"Remote-Address", false},
	{"X-Request-Ids", false},
	{"Proxy-X", false},
	{"Proxies", false},
	{"X-Requested-With", false},
	{"X-Tenants", false},
	{"XForwarded-For", false},
	{"X-", false},
	{"X", false},
	{"-", false},
	{"Traceparent", false},
	{"X-Csrf-Token", false},
	{"WebAuth-User-With-A-Very-Long-Name-Inde", false},
};

static void test_remove(void **state)
{
	static const struct str extra[] = {
		STR_INIT("X-Tenant"),
		STR_INIT("WebAuth-User-With-A-Very-Long-Name-Indeed"),
	};
	struct arena *a = rows_arena();

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct headers h = {NULL, 0, 0};

		assert_true(headers_add(a, &h, STR("Accept"), STR("first")));
		assert_true(headers_add(a, &h, str_from(rows[i].name), STR("forged")));
		assert_true(headers_add(a, &h, STR("Accept"), STR("last")));
		row_u64(rows[i].name, "removed", rows[i].goes,
			request_remove_identity_headers(&h, extra, ARRAY_LEN(extra)));
		row_u64(rows[i].name, "left", rows[i].goes ? 2 : 3, h.count);
		row_str(rows[i].name, "first", STR("first"), h.items[0].value);
		row_str(rows[i].name, "last", STR("last"), h.items[h.count - 1].value);
	}
	rows_end();
	arena_free(a);
}

static void test_remove_all(void **state)
{
	struct arena *a = rows_arena();
	struct headers h = {NULL, 0, 0};
	size_t going = 0;

	(void)state;
	assert_int_equal(request_remove_identity_headers(&h, NULL, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(headers_add(a, &h, str_from(rows[i].name), STR("x")));
		going += rows[i].goes;
	}
	/* The four names of the route stay when the route does not name them. */
	assert_int_equal(request_remove_identity_headers(&h, NULL, 0), going - 4);
	assert_int_equal(request_remove_identity_headers(&h, NULL, 0), 0);
	assert_int_equal(headers_count(&h, STR("X-Tenant")), 1);
	arena_free(a);
}

static void test_reason_phrase(void **state)
{
	static const struct {
		unsigned status;
		const char *want;
	} phrases[] = {
		{100, "Continue"},
		{200, "OK"},
		{302, "Found"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{417, "Expectation Failed"},
		{421, "Misdirected Request"},
		{431, "Request Header Fields Too Large"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
		{511, "Network Authentication Required"},
		{0, ""},
		{299, ""},
		{599, ""},
		{65736, ""},
	};
	char name[8];

	(void)state;
	rows_begin();
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
		snprintf(name, sizeof(name), "%u", phrases[i].status);
		row_str(name, "phrase", str_from(phrases[i].want),
			str_from(http_reason_phrase(phrases[i].status)));
	}
	rows_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_remove_all),
		cmocka_unit_test(test_reason_phrase),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
