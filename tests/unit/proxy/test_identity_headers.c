/* What the application learns of the client: ours once each, the client's own never. */
#include "tests/support/proxy_world.h"

#include "proxy/identity_headers.h"

static struct proxy_world w;

#define ROUTES                                                                                  \
	"[" WORLD_PUBLIC "," ROUTE_TEXT(                                                        \
		"cert", "cert.example", "'client_certificate'", "anyone",                       \
		"") ","                                                                         \
		    "{'name': 'wiki', 'match': {'hosts': ['wiki.example']}, 'authenticate': "   \
		    "{'methods':"                                                               \
		    " ['session'], 'provider': 'corp'}, 'policy': 'anyone', 'upstream': 'app'," \
		    " 'identity_headers': {'Remote-User': 'preferred_username', 'X-Mail': "     \
		    "'email',"                                                                  \
		    " 'X-Roles': 'realm_access/roles', 'X-Level': 'level', 'X-Flag': 'flag',"   \
		    " 'X-Object': 'realm_access', 'X-None': 'nothing', 'X-Null': 'null'}}]"

/* Ask as somebody with these claims; the application's view is in w.app.seen. */
static void ask_as(const char *claims, const char *more)
{
	char record[8192], head[4096];

	snprintf(record, sizeof(record), IDENTITY_OF("corp", "ada", "%s"), claims);
	snprintf(head, sizeof(head), "GET / HTTP/1.1\nHost: wiki.example%s", more);
	loop_server_forget(&w.app);
	world_ask_as(&w, head, world_sign_in(&w, "wiki.example", record));
	world_skip_logs(&w);
}

static struct str seen(const char *name)
{
	return head_field(buf_str(&w.app.seen), name);
}

static const struct {
	const char *name, *claims, *field, *want;
} rows[] = {
	{"subject", "", "X-Forwarded-User", "ada"},
	{"verified e-mail", ",'email':'a@b.example','email_verified':true", "X-Forwarded-Email",
	 "a@b.example"},
	{"e-mail that is not verified", ",'email':'a@b.example','email_verified':false",
	 "X-Forwarded-Email", "(none)"},
	{"e-mail of which nothing is said", ",'email':'a@b.example'", "X-Forwarded-Email",
	 "(none)"},
	{"verified in a text", ",'email':'a@b.example','email_verified':'true'",
	 "X-Forwarded-Email", "(none)"},
	{"preferred name", ",'preferred_username':'lovelace'", "X-Forwarded-Preferred-Username",
	 "lovelace"},
	{"no preferred name", "", "X-Forwarded-Preferred-Username", "(none)"},
	{"UTF-8 stays", ",'preferred_username':'Zo\xc3\xab'", "X-Forwarded-Preferred-Username",
	 "Zo\xc3\xab"},
	{"a control byte: nothing rather than something else", ",'preferred_username':'a\\u000ab'",
	 "X-Forwarded-Preferred-Username", "(none)"},
	{"a tab at the end", ",'preferred_username':'a\\u0009'", "X-Forwarded-Preferred-Username",
	 "(none)"},
	{"DEL", ",'preferred_username':'a\\u007fb'", "X-Forwarded-Preferred-Username", "(none)"},

	{"groups", ",'groups':['eng','ops']", "X-Forwarded-Groups", "eng,ops"},
	{"no groups", ",'groups':[]", "X-Forwarded-Groups", "(none)"},
	{"a comma in a group", ",'groups':['a,b','c']", "X-Forwarded-Groups", "a%2Cb,c"},
	{"a percent in a group", ",'groups':['a%2Cb']", "X-Forwarded-Groups", "a%252Cb"},
	{"a line end in a group", ",'groups':['a\\u000d\\u000aX-Evil: 1']", "X-Forwarded-Groups",
	 "a%0D%0AX-Evil: 1"},
	{"DEL in a group", ",'groups':['a\\u007f']", "X-Forwarded-Groups", "a%7F"},
	{"a space within, and at the ends", ",'groups':['a b',' c ']", "X-Forwarded-Groups",
	 "a b,%20c%20"},
	{"UTF-8 in a group", ",'groups':['\xc3\xbc']", "X-Forwarded-Groups", "\xc3\xbc"},

	{"mapped text", ",'preferred_username':'lovelace'", "Remote-User", "lovelace"},
	{"mapped e-mail, verified", ",'email':'a@b.example','email_verified':true", "X-Mail",
	 "a@b.example"},
	{"mapped e-mail, not verified", ",'email':'a@b.example'", "X-Mail", "(none)"},
	{"mapped path", ",'realm_access':{'roles':['r1','r,2']}", "X-Roles", "r1,r%2C2"},
	{"mapped path that is a text", ",'realm_access':{'roles':'r1'}", "X-Roles", "r1"},
	{"mapped list with other things in it", ",'realm_access':{'roles':['a',1,{},null,'b']}",
	 "X-Roles", "a,b"},
	{"mapped number", ",'level':42", "X-Level", "42"},
	{"mapped truth", ",'flag':true", "X-Flag", "true"},
	{"mapped falsehood", ",'flag':false", "X-Flag", "false"},
	{"mapped object", ",'realm_access':{'roles':[]}", "X-Object", "(none)"},
	{"mapped null", ",'null':null", "X-Null", "(none)"},
	{"mapped claim that is not there", "", "X-None", "(none)"},
	{"mapped text with a line end", ",'level':'a\\u000aX-Evil: 1'", "X-Level", "(none)"},
};

static void test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool absent = strcmp(rows[i].want, "(none)") == 0;

		ask_as(rows[i].claims, "");
		check_i64(rows[i].name, "status", 200, w.status);
		check_str(rows[i].name, rows[i].field, str_from(rows[i].want), seen(rows[i].field));
		check_i64(rows[i].name, "copies", !absent,
			  (int64_t)head_count(buf_str(&w.app.seen), rows[i].field));
		check_i64(rows[i].name, "forged fields", 0,
			  (int64_t)head_count(buf_str(&w.app.seen), "X-Evil"));
	}
	check_done();
}

/* The client's own, in every spelling that an application could take for ours. */
#define FORGED                                                                               \
	"\nX-Forwarded-User: root\nx-forwarded-user: root\nX_Forwarded_User: root\n"         \
	"X.Forwarded.User: root\nX-FORWARDED-EMAIL: root@evil\nX-Forwarded-Groups: admin\n"  \
	"X-Forwarded-Preferred-Username: root\nRemote-User: root\nREMOTE_USER: root\n"       \
	"X-Sallyport-Assertion: ey.forged\nx_sallyport_assertion: ey.forged\n"               \
	"Client-Cert: :AAAA:\nclient_cert: :AAAA:\nX-Real-IP: 203.0.113.1\n"                 \
	"X-Forwarded-For: 203.0.113.1\nForwarded: for=203.0.113.1\nX-Forwarded-Proto: ftp\n" \
	"X-Forwarded-Host: evil.example\nX-Auth-Request-User: root\nX-Mail: root@evil\n"     \
	"X_Mail: root@evil\nX-Roles: admin\nX-Request-Id: forged\n"                          \
	"Connection: X-Forwarded-User, X-Sallyport-Assertion, X-Forwarded-For, close"

static const char *const once[] = {
	"X-Forwarded-User",
	"X-Forwarded-Email",
	"X-Forwarded-Groups",
	"X-Forwarded-Preferred-Username",
	"Remote-User",
	"X-Mail",
	"X-Sallyport-Assertion",
	"X-Forwarded-For",
	"X-Forwarded-Proto",
	"X-Forwarded-Host",
	"X-Real-IP",
	"Forwarded",
	"X-Request-Id",
	"Host",
};

static void check_nothing_forged(const char *name)
{
	static const char *const parts[] = {"root",   "forged", "admin", "203.0.113.1",
					    ":AAAA:", "evil",	"ftp"};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (str_find(buf_str(&w.app.seen), str_from(parts[i])) != STR_NONE)
			check_str(name, parts[i], STR("nothing forged"), buf_str(&w.app.seen));
}

static void test_forged(void **state)
{
	(void)state;
	ask_as(",'groups':['eng'],'email':'a@b.example','email_verified':true,'preferred_username':"
	       "'l'",
	       FORGED);
	check_i64("signed in", "status", 200, w.status);
	for (size_t i = 0; i < ARRAY_LEN(once); i++)
		check_i64("signed in", once[i], 1,
			  (int64_t)head_count(buf_str(&w.app.seen), once[i]));
	check_str("signed in", "user", STR("ada"), seen("X-Forwarded-User"));
	check_str("signed in", "groups", STR("eng"), seen("X-Forwarded-Groups"));
	check_str("signed in", "X-Roles", STR("(none)"), seen("X-Roles"));
	check_str("signed in", "X_Mail", STR("(none)"), seen("X_Mail"));
	check_done();
}

static void test_forged_on_a_public_route(void **state)
{
	char head[4096];

	(void)state;
	snprintf(head, sizeof(head), "GET / HTTP/1.1\nHost: public.example%s", FORGED);
	/* what the other route maps is only a name here */
	for (char *c = strstr(head, "X-Mail"); c; c = strstr(c, "X-Mail"))
		memcpy(c, "X-M-il", 6);
	loop_server_forget(&w.app);
	world_ask(&w, head);
	world_skip_logs(&w);
	check_i64("public", "status", 200, w.status);
	for (size_t i = 0; i < 4; i++)
		check_i64("public", once[i], 0, (int64_t)head_count(buf_str(&w.app.seen), once[i]));
	check_i64("public", "assertions", 0,
		  (int64_t)head_count(buf_str(&w.app.seen), "X-Sallyport-Assertion"));
	check_i64("public", "certificates", 0,
		  (int64_t)head_count(buf_str(&w.app.seen), "Client-Cert"));
	check_str("public", "address", STR("192.0.2.7"), seen("X-Forwarded-For"));
	check_str("public", "scheme", STR("https"), seen("X-Forwarded-Proto"));
	check_str("public", "host", STR("public.example"), seen("X-Forwarded-Host"));
	check_str("public", "Forwarded", STR("for=192.0.2.7;proto=https;host=\"public.example\""),
		  seen("Forwarded"));
	check_i64("public", "ids", 1, (int64_t)head_count(buf_str(&w.app.seen), "X-Request-Id"));
	check_done();
}

static void test_nothing_forged_anywhere(void **state)
{
	(void)state;
	ask_as("",
	       "\nX-Forwarded-User: root\nX_Forwarded_Groups: admin\nX-Forwarded-For: 203.0.113.1\n"
	       "Client-Cert: :AAAA:\nX-Sallyport-Assertion: forged\nRemote-User: root\nX-Mail: "
	       "root\n"
	       "X-Original-URL: /evil\nX-Rewrite-URL: /evil\nTrue-Client-IP: 203.0.113.1\n"
	       "CF-Connecting-IP: 203.0.113.1\nProxy: http://evil.example\nX-Forwarded-Proto: ftp");
	check_i64("folds", "status", 200, w.status);
	check_nothing_forged("folds");
	check_done();
}

static void test_certificate(void **state)
{
	static const struct client_certificate certificate = {
		.subject = STR_INIT("CN=bot"),
		.common_name = STR_INIT("bot"),
		.fingerprint_sha256 = STR_INIT("00"),
		.field = STR_INIT(":Q0VSVA==:"),
	};

	(void)state;
	w.peer.certificate = &certificate;
	loop_server_forget(&w.app);
	world_ask(&w,
		  "GET / HTTP/1.1\nHost: cert.example\nClient-Cert: :AAAA:\nclient_cert: :AAAA:");
	check_str("authenticated", "Client-Cert", STR(":Q0VSVA==:"), seen("Client-Cert"));
	check_i64("authenticated", "copies", 1,
		  (int64_t)head_count(buf_str(&w.app.seen), "Client-Cert"));
	check_str("authenticated", "user", STR("bot"), seen("X-Forwarded-User"));
	loop_server_forget(&w.app);
	world_ask(&w, "GET / HTTP/1.1\nHost: public.example");
	check_str("presented only", "Client-Cert", STR(":Q0VSVA==:"), seen("Client-Cert"));
	check_str("presented only", "user", STR("(none)"), seen("X-Forwarded-User"));
	w.peer.certificate = NULL;
	loop_server_forget(&w.app);
	world_ask(&w, "GET / HTTP/1.1\nHost: public.example");
	check_str("none", "Client-Cert", STR("(none)"), seen("Client-Cert"));
	world_skip_logs(&w);
	check_done();
}

/* An identity that does not fit in a head is not cut: nothing is forwarded. */
static void test_too_many_groups(void **state)
{
	struct exchange *e;
	struct identity *identity = NULL;
	struct headers out = {NULL, 0, 0};
	struct buf record;

	(void)state;
	buf_init(&record, 1024 * 1024);
	buf_append_cstr(&record,
			"{\"method\":\"session\",\"provider\":\"corp\",\"issuer\":\"https://i\","
			"\"groups_claim\":\"groups\",\"auth_time\":1,\"claims\":{\"sub\":\"u\","
			"\"groups\":[\"g\"");
	for (int i = 0; i < 4000; i++)
		buf_appendf(&record, ",\"a-long-group-name-%d\"", i);
	buf_append_cstr(&record, "]}}");
	assert_true(identity_parse(buf_str(&record), &identity, NULL));
	world_begin(&w, "GET / HTTP/1.1\nHost: public.example");
	e = w.e;
	assert_int_equal(exchange_step_route(e), STEP_NEXT);
	e->identity = identity;
	e->authenticated_by = AUTHN_SESSION;
	e->is_allowed = true;
	e->step = STEP_FORWARD;
	CHECK("refused", !identity_headers_add(e, &out, &e->error));
	loop_server_forget(&w.app);
	log_set_level(LOG_ERROR + 1);
	assert_int_equal(exchange_run(e), EXCHANGE_RESPONDS);
	world_note_response(&w);
	world_end(&w, EXCHANGE_COMPLETE);
	log_set_level(LOG_ERROR);
	check_refused("too many groups", &w, 500, "internal");
	buf_done(&record);
	check_done();
}

static int open_world(void **state)
{
	(void)state;
	world_open(&w, ROUTES);
	return 0;
}

static int close_world(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_forged_on_a_public_route),
		cmocka_unit_test(test_nothing_forged_anywhere),
		cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_too_many_groups),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
