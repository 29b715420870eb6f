/*
 * tests/support/proxy_world.h - everything an exchange needs, in one thread: routes and
 * policies from text, a session store in a folder of its own, an application and a
 * provider in the same loop, the two logs in files, and a front end that is a struct.
 *
 * In texts, ' stands for ". PORT stands for the application's port, IDP for the provider's.
 */
#ifndef SALLYPORT_TESTS_SUPPORT_PROXY_WORLD_H
#define SALLYPORT_TESTS_SUPPORT_PROXY_WORLD_H

#include <signal.h>

#include "tests/support/folder.h"
#include "tests/support/loop_server.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "proxy/exchange_state.h"

enum { WORLD_ROUTES_MAX = 16, PROXY_PATIENCE_MS = 5000, WORLD_LOG_MAX = 16 * 1024 * 1024 };

struct proxy_world {
	struct test_folder folder;
	struct arena *arena;
	struct loop *loop;
	struct loop_server app, idp;
	struct keyring *keys;
	struct session_config session_config;
	struct session_store *store;
	struct policy_set *policies;
	struct upstream_config upstreams[2];
	struct provider_config providers[2];
	size_t providers_count;
	struct route_config routes[WORLD_ROUTES_MAX];
	size_t routes_count;
	struct snapshot *snapshot;
	struct proxy_worker worker;
	struct worker_group group;
	struct proxy_worker *workers[1];
	struct log_sink *access, *decisions;
	size_t access_read, decisions_read; /* bytes of the two files already looked at */

	/* The far end, changed by tests at will. */
	struct exchange_peer peer;

	/* The exchange under way, or the last one. */
	struct exchange *e;
	unsigned wakes;
	unsigned status;
	bool closes, was_cut;
	struct buf head; /* "Name: value\n" ... */
	struct buf body;
	struct json_doc *line; /* of the access log */
	struct json_doc *decision_line;
};

/* Turn the loop until the condition holds; false when it never does. */
#define WORLD_TURN_UNTIL(w, condition)                                                   \
	({                                                                               \
		int64_t give_up_us = clock_now_us() + PROXY_PATIENCE_MS * INT64_C(1000); \
		bool is_met;                                                             \
		while (!(is_met = (condition)) && clock_now_us() < give_up_us)           \
			loop_turn((w)->loop, 5);                                         \
		is_met;                                                                  \
	})

/* --- texts */

static inline const char *world_text(const struct proxy_world *w, const char *text)
{
	static char storage[4][32768];
	static unsigned next;
	char *out = storage[next++ % 4];
	size_t len = 0;

	for (const char *c = text; *c; c++) {
		assert_true(len + 16 < sizeof(storage[0]));
		if (strncmp(c, "PORT", 4) == 0) {
			len += (size_t)snprintf(out + len, 8, "%u", w->app.port);
			c += 3;
		} else if (strncmp(c, "IDP", 3) == 0) {
			len += (size_t)snprintf(out + len, 8, "%u", w->idp.port);
			c += 2;
		} else {
			out[len++] = *c == '\'' ? '"' : *c;
		}
	}
	out[len] = '\0';
	return out;
}

static inline void world_read_object(struct proxy_world *w, const struct option_table *table,
				     struct json_doc *doc, const struct json *value, void *object)
{
	struct faults faults;
	struct option_reader r = {.file = "test.json",
				  .doc = doc,
				  .arena = w->arena,
				  .faults = &faults};

	faults_init(&faults);
	memset(object, 0, table->size);
	option_read(&r, table, value, object);
	if (faults.errors)
		fail_msg("%s: %s", faults.items[0].error.pointer, faults.items[0].error.text);
	faults_done(&faults);
}

static inline size_t world_read_list(struct proxy_world *w, const struct option_table *table,
				     const char *text, void *objects, size_t max)
{
	struct json_doc *doc = NULL;
	struct error err = {0};
	size_t count = 0;

	if (!json_parse(str_from(world_text(w, text)), 65536, "test.json", &doc, &err))
		fail_msg("line %u: %s", err.line, err.text);
	for (const struct json *v = json_first(json_root(doc)); v; v = json_next(v)) {
		assert_true(count < max);
		world_read_object(w, table, doc, v, (char *)objects + count++ * table->size);
	}
	json_doc_free(doc);
	return count;
}

/* --- policies that most tests share */

#define POLICY_ANYONE                                                                       \
	"{'policy': 'anyone', 'rules': [{'id': 'all', 'effect': 'allow', 'when': {'path': " \
	"'/**'}}]}"
#define POLICY_STAFF                                                                         \
	"{'policy': 'staff', 'rules': ["                                                     \
	"{'id': 'no-contractors', 'effect': 'deny', 'when': {'claim': 'groups', 'has': "     \
	"'contractors'}, 'message': 'Contractors use the <partner> portal.'},"               \
	"{'id': 'engineers', 'effect': 'allow', 'when': {'claim': 'groups', 'has': 'eng'}}," \
	"{'id': 'no-hidden', 'effect': 'deny', 'mode': 'shadow', 'until': '2099-01-31',"     \
	" 'when': {'path': '/hidden/**'}}]}"
#define POLICY_FRESH                                                                         \
	"{'policy': 'fresh', 'rules': [{'id': 'fresh', 'effect': 'allow', 'when': {'all': [" \
	"{'claim': 'groups', 'has': 'eng'}, {'authentication': {'max_age': '1h'}}]}}]}"
#define POLICY_NOBODY                                                                          \
	"{'policy': 'nobody', 'rules': [{'id': 'purge', 'effect': 'allow', 'when': {'method':" \
	" ['PURGE']}}]}"

static inline void world_write_policies(struct proxy_world *w)
{
	struct faults faults;

	test_folder_below(&w->folder, "policies");
	test_folder_write(&w->folder, "policies/anyone.json", world_text(w, POLICY_ANYONE), 0644);
	test_folder_write(&w->folder, "policies/staff.json", world_text(w, POLICY_STAFF), 0644);
	test_folder_write(&w->folder, "policies/fresh.json", world_text(w, POLICY_FRESH), 0644);
	test_folder_write(&w->folder, "policies/nobody.json", world_text(w, POLICY_NOBODY), 0644);
	faults_init(&faults);
	if (!policy_set_load(test_folder_path(&w->folder, "policies"), &faults, &w->policies))
		fail_msg("%s: %s: %s", faults.items[0].error.file, faults.items[0].error.pointer,
			 faults.items[0].error.text);
	faults_done(&faults);
}

/* --- opening and closing */

#define ROUTE_TEXT(name, host, methods, policy, more)                                         \
	"{'name': '" name "', 'match': {'hosts': ['" host "'], 'path': '/'}, 'authenticate':" \
	" {'methods': [" methods "]" more "}, 'policy': '" policy "', 'upstream': 'app'}"
#define CORP	     ", 'provider': 'corp'"
#define WORLD_PUBLIC ROUTE_TEXT("public", "public.example", "'none'", "anyone", "")
#define WORLD_WIKI   ROUTE_TEXT("wiki", "wiki.example", "'session'", "staff", CORP)

#define WORLD_PROVIDERS                                                                     \
	"[{'name': 'corp', 'type': 'oidc', 'issuer': 'http://127.0.0.1:IDP', 'client_id': " \
	"'gate', 'client_secret': 'the-clients-secret', 'userinfo': 'never'},"              \
	"{'name': 'other', 'type': 'oidc', 'issuer': 'http://127.0.0.1:IDP', 'client_id': " \
	"'gate', 'client_secret': 'the-clients-secret', 'userinfo': 'never'}]"
#define WORLD_UPSTREAMS                                                                      \
	"[{'name': 'app', 'servers': [{'url': 'http://127.0.0.1:PORT'}], 'connect_timeout':" \
	" '1s', 'response_timeout': '600ms', 'idle_timeout': '5s'},"                         \
	"{'name': 'dead', 'servers': [{'url': 'http://127.0.0.1:1'}]}]"

static inline void world_idp_discover(struct loop_server *s, struct str request, struct buf *out)
{
	char text[1024];
	int n;

	if (!str_starts_with(request, STR("GET /.well-known/"))) {
		buf_append_cstr(out, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
		return;
	}
	n = snprintf(
		text, sizeof(text),
		"{\"issuer\":\"http://127.0.0.1:%u\",\"authorization_endpoint\":"
		"\"http://127.0.0.1:%u/authorize\",\"token_endpoint\":\"http://127.0.0.1:%u/"
		"token\",\"jwks_uri\":\"http://127.0.0.1:%u/jwks\",\"response_types_supported\":"
		"[\"code\"],\"subject_types_supported\":[\"public\"],"
		"\"id_token_signing_alg_values_supported\":[\"RS256\",\"ES256\"],"
		"\"code_challenge_methods_supported\":[\"S256\"]}",
		s->port, s->port, s->port, s->port);
	buf_appendf(
		out,
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		n, text);
}

static inline void world_open_sessions(struct proxy_world *w)
{
	struct error err = {0};

	w->session_config = (struct session_config){
		.lifetime_ms = 12 * 3600 * INT64_C(1000),
		.idle_timeout_ms = 3600 * INT64_C(1000),
		.max_bytes = 64 * 1024 * 1024,
	};
	if (!keyring_open(w->folder.path, &w->keys, &err) ||
	    !session_store_open(w->folder.path, w->keys, &w->session_config, &w->store, &err) ||
	    !session_cache_new(w->store, w->loop, 100, &w->worker.sessions, &err))
		fail_msg("%s", err.text);
}

static inline void world_open_logs(struct proxy_world *w)
{
	w->access = log_sink_open(test_folder_path(&w->folder, "access.jsonl"), NULL);
	w->decisions = log_sink_open(test_folder_path(&w->folder, "decisions.jsonl"), NULL);
	assert_non_null(w->access);
	assert_non_null(w->decisions);
	w->worker.access_log = log_sink_add_producer(w->access, 1024 * 1024);
	w->worker.decision_log = log_sink_add_producer(w->decisions, 1024 * 1024);
	assert_non_null(w->worker.access_log);
	assert_non_null(w->worker.decision_log);
	buf_init(&w->worker.log_line, 64 * 1024);
}

/* A snapshot of what the world holds; one reference, the caller's. */
static inline struct snapshot *world_snapshot(struct proxy_world *w)
{
	struct snapshot_params params = {
		.routes = w->routes,
		.routes_count = w->routes_count,
		.upstreams = w->upstreams,
		.upstreams_count = ARRAY_LEN(w->upstreams),
		.providers = w->providers,
		.providers_count = w->providers_count,
		.policies = w->policies,
		.keys = w->keys,
	};
	struct snapshot *s = NULL;
	struct error err = {0};

	if (!snapshot_new(&params, &s, &err))
		fail_msg("%s", err.text);
	return s;
}

static inline void world_use(struct proxy_world *w, struct snapshot *s)
{
	struct worker_view *view = NULL;
	struct error err = {0};

	if (!worker_view_new(&w->worker, s, &view, &err))
		fail_msg("%s", err.text);
	worker_set_view(&w->worker, view);
}

/* routes: a JSON list, or NULL for a public and a signed-in one. */
static inline void world_open(struct proxy_world *w, const char *routes)
{
	(void)signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_ERROR);
	clock_update();
	*w = (struct proxy_world){.folder = test_folder_make()};
	w->loop = loop_new(NULL);
	w->arena = arena_new(8 * 1024 * 1024);
	assert_non_null(w->loop);
	assert_non_null(w->arena);
	assert_true(page_load(NULL));
	loop_server_start(&w->app, w->loop);
	loop_server_start(&w->idp, w->loop);
	w->idp.on_request = world_idp_discover;
	world_write_policies(w);
	world_read_list(w, &upstream_options, WORLD_UPSTREAMS, w->upstreams, 2);
	w->providers_count =
		world_read_list(w, &provider_options, WORLD_PROVIDERS, w->providers, 2);
	w->routes_count = world_read_list(w, &route_options,
					  routes ? routes : "[" WORLD_PUBLIC "," WORLD_WIKI "]",
					  w->routes, WORLD_ROUTES_MAX);
	w->worker.loop = w->loop;
	w->worker.group = &w->group;
	w->workers[0] = &w->worker;
	world_open_sessions(w);
	world_open_logs(w);
	w->group.workers = w->workers;
	w->group.count = 1;
	w->group.store = w->store;
	w->snapshot = world_snapshot(w);
	world_use(w, w->snapshot);
	w->peer = (struct exchange_peer){.port = 40000,
					 .is_tls = true,
					 .tls_version = "TLSv1.3",
					 .sni = ""};
	assert_true(ip_parse(STR("192.0.2.7"), &w->peer.ip));
	buf_init(&w->head, 1024 * 1024);
	buf_init(&w->body, SERVER_BYTES_MAX);
}

static inline void world_close(struct proxy_world *w)
{
	worker_set_view(&w->worker, NULL);
	session_cache_free(w->worker.sessions);
	worker_release(&w->worker);
	snapshot_unref(w->snapshot);
	session_store_close(w->store);
	log_sink_close(w->access);
	log_sink_close(w->decisions);
	loop_server_stop(&w->app);
	loop_server_stop(&w->idp);
	loop_free(w->loop);
	keyring_free(w->keys);
	policy_set_free(w->policies);
	for (size_t i = 0; i < w->providers_count; i++)
		option_done(&provider_options, &w->providers[i]);
	arena_free(w->arena);
	buf_done(&w->head);
	buf_done(&w->body);
	json_doc_free(w->line);
	json_doc_free(w->decision_line);
	test_folder_remove(&w->folder);
}

/* --- sessions */

#define IDENTITY_OF(provider, sub, claims) \
	IDENTITY_FROM("http://127.0.0.1:IDP", provider, sub, claims)
/* The same, vouched for by any issuer. */
#define IDENTITY_FROM(issuer, provider, sub, claims)                           \
	"{'method':'session','provider':'" provider "','issuer':'" issuer "'," \
	"'groups_claim':'groups','auth_time':1700000000,'claims':{'sub':'" sub "'" claims "}}"
#define IDENTITY_ADA                                                      \
	IDENTITY_OF("corp", "ada",                                        \
		    ",'groups':['eng','wiki'],'email':'ada@example.com'," \
		    "'email_verified':true,'preferred_username':'lovelace','name':'Ada L.'")

struct world_done {
	bool is_done, ok;
};

static inline void world_on_created(void *arg, bool ok, const struct error *err)
{
	struct world_done *d = arg;

	(void)err;
	d->is_done = true;
	d->ok = ok;
}

/* The id of a new session at a host; storage of the next call but three. */
static inline const char *world_sign_in(struct proxy_world *w, const char *host, const char *record)
{
	static char storage[4][SESSION_ID_TEXT + 1];
	static unsigned next;
	char *id = storage[next++ % 4];
	struct world_done done = {false, false};
	struct identity *identity = NULL;
	struct error err = {0};

	if (!identity_parse(str_from(world_text(w, record)), &identity, &err))
		fail_msg("%s", err.text);
	assert_non_null(session_create(w->worker.sessions, identity, str_from(host), STR(""), id,
				       world_on_created, &done, &err));
	identity_unref(identity);
	assert_true(WORLD_TURN_UNTIL(w, done.is_done));
	assert_true(done.ok);
	return id;
}

/* --- asking */

static inline void world_wake(void *arg)
{
	struct proxy_world *w = arg;

	w->wakes++;
}

static const struct exchange_transport world_transport = {.wake = world_wake};

/* The head is "GET /x HTTP/1.1\nHost: a\n...": strings live in the world's exchange. */
static inline void world_begin(struct proxy_world *w, const char *head)
{
	struct str rest = str_from(head), line, target;
	struct headers headers = {NULL, 0, 0};
	struct request_head h = {.headers = &headers};
	struct arena *a;
	size_t space;

	w->e = exchange_new(&w->worker, &w->peer, &world_transport, w);
	assert_non_null(w->e);
	a = exchange_arena(w->e);
	rest = arena_str(a, rest);
	assert_true(str_next(&rest, '\n', &line));
	space = str_find_char(line, ' ');
	h.method = str_slice(line, 0, space);
	target = str_after(line, space + 1);
	space = str_find_last_char(target, ' ');
	h.version = str_after(target, space + 1);
	h.target = str_slice(target, 0, space);
	while (str_next(&rest, '\n', &line)) {
		size_t colon = str_find_char(line, ':');

		assert_true(colon != STR_NONE);
		assert_true(headers_add(a, &headers, str_slice(line, 0, colon),
					str_trim(str_after(line, colon + 1))));
	}
	exchange_set_raw_target(w->e, h.target);
	exchange_begin(w->e, &h);
	w->wakes = 0;
	w->status = 0;
	w->closes = w->was_cut = false;
	buf_clear(&w->head);
	buf_clear(&w->body);
}

static inline void world_note_response(struct proxy_world *w)
{
	const struct response *r = exchange_response(w->e);

	w->status = r->status;
	w->closes = r->close;
	for (size_t i = 0; i < r->headers.count; i++)
		buf_appendf(&w->head, "%.*s: %.*s\n", STR_ARG(r->headers.items[i].name),
			    STR_ARG(r->headers.items[i].value));
	if (!r->is_stream)
		buf_append(&w->body, r->data);
}

/* Turn the loop until the exchange is woken; false when it never is. */
static inline bool world_wait(struct proxy_world *w)
{
	unsigned before = w->wakes;

	return WORLD_TURN_UNTIL(w, w->wakes != before);
}

/*
 * Run until an answer is there, feeding the body when it is asked for. As a front end
 * does, it runs the exchange again only when it was woken, or has got more of the body.
 */
static inline bool world_answer(struct proxy_world *w, const char *body, size_t len)
{
	size_t sent = 0;
	bool ended = false;

	for (;;) {
		enum exchange_want want = exchange_run(w->e);

		if (want == EXCHANGE_RESPONDS) {
			world_note_response(w);
			return true;
		}
		if (want == EXCHANGE_WANTS_BODY && sent < len)
			sent += exchange_body(w->e, body + sent, len - sent);
		if (want == EXCHANGE_WANTS_BODY && sent == len && !ended) {
			exchange_body_end(w->e);
			ended = true;
			continue;
		}
		if (!world_wait(w))
			return false;
	}
}

static inline void world_read_stream(struct proxy_world *w)
{
	int64_t give_up_us = clock_now_us() + PROXY_PATIENCE_MS * INT64_C(1000);
	static char piece[32 * 1024];
	ssize_t n;

	while (clock_now_us() < give_up_us) {
		n = exchange_read(w->e, piece, sizeof(piece));
		if (n == EXCHANGE_READ_END)
			return;
		if (n == EXCHANGE_READ_CUT) {
			w->was_cut = true;
			return;
		}
		if (n > 0)
			buf_append(&w->body, str_from_len(piece, (size_t)n));
		else
			(void)world_wait(w);
	}
	fail_msg("a streamed body has no end");
}

static inline void world_end(struct proxy_world *w, enum exchange_outcome outcome)
{
	exchange_end(w->e, outcome);
	w->e = NULL;
}

/* A whole exchange; afterwards status, head, body and the log's line are the world's. */
static inline void world_ask_body(struct proxy_world *w, const char *head, const char *body,
				  size_t len)
{
	world_begin(w, head);
	if (!world_answer(w, body, len))
		fail_msg("no answer to %s", head);
	if (exchange_response(w->e)->is_stream)
		world_read_stream(w);
	world_end(w, EXCHANGE_COMPLETE);
}

static inline void world_ask(struct proxy_world *w, const char *head)
{
	world_ask_body(w, head, "", 0);
}

/* The same with the session cookie of an id. */
static inline void world_ask_as(struct proxy_world *w, const char *head, const char *id)
{
	char text[16384];

	snprintf(text, sizeof(text), "%s\nCookie: __Host-sallyport=%s", head, id);
	world_ask(w, text);
}

static inline struct str world_field(const struct proxy_world *w, const char *name)
{
	return head_field(buf_str(&w->head), name);
}

/* --- the logs */

static inline struct json_doc *world_new_line(struct proxy_world *w, struct log_sink *sink,
					      const char *name, size_t *read_to)
{
	struct json_doc *doc = NULL;
	struct error err = {0};
	struct str fresh;
	struct buf text;

	assert_true(log_sink_flush(sink, 3000));
	buf_init(&text, WORLD_LOG_MAX);
	assert_true(file_read(test_folder_path(&w->folder, name), WORLD_LOG_MAX, &text, &err));
	fresh = str_after(buf_str(&text), *read_to);
	*read_to = text.len;
	if (fresh.len) {
		/* exactly one line, its end included */
		assert_int_equal(str_find_char(fresh, '\n'), fresh.len - 1);
		if (!json_parse(str_slice(fresh, 0, fresh.len - 1), 65536, NULL, &doc, &err))
			fail_msg("the log's line is no JSON: %s: %.*s", err.text, STR_ARG(fresh));
	}
	buf_done(&text);
	return doc;
}

/* The one line that came since the last call; NULL when none did. */
static inline const struct json *world_log(struct proxy_world *w)
{
	json_doc_free(w->line);
	w->line = world_new_line(w, w->access, "access.jsonl", &w->access_read);
	return w->line ? json_root(w->line) : NULL;
}

static inline const struct json *world_decision(struct proxy_world *w)
{
	json_doc_free(w->decision_line);
	w->decision_line = world_new_line(w, w->decisions, "decisions.jsonl", &w->decisions_read);
	return w->decision_line ? json_root(w->decision_line) : NULL;
}

/* The same without looking. */
static inline void world_skip_logs(struct proxy_world *w)
{
	struct stat info;

	assert_true(log_sink_flush(w->access, 3000));
	assert_true(log_sink_flush(w->decisions, 3000));
	assert_int_equal(stat(test_folder_path(&w->folder, "access.jsonl"), &info), 0);
	w->access_read = (size_t)info.st_size;
	assert_int_equal(stat(test_folder_path(&w->folder, "decisions.jsonl"), &info), 0);
	w->decisions_read = (size_t)info.st_size;
}

static inline struct str log_text(const struct json *line, const char *field)
{
	return json_str(json_get(line, field));
}

/* --- checks that many tests make */

static inline void check_refused(const char *name, struct proxy_world *w, unsigned status,
				 const char *reason)
{
	check_i64(name, "status", status, w->status);
	check_cstr(name, "reason", reason, log_text(world_log(w), "reason").ptr);
	check_i64(name, "bytes at the application", 0, (int64_t)w->app.seen.len);
}

#endif
