/*
 * proxy/access_log.c - one JSON line per exchange, and one per decision.
 *
 * What the client chose is escaped and cut; query parameters that carry secrets are
 * blotted out, and the query of our own login paths is never written.
 */
#include "base/clock.h"
#include "base/json.h"
#include "proxy/exchange_state.h"

enum { LOG_TEXT_MAX = 2048, LOG_FIELD_MAX = 1024 };

static bool is_secret_parameter(struct str name)
{
	static const struct str secrets[] = {
		STR_INIT("access_token"), STR_INIT("api_key"),	 STR_INIT("apikey"),
		STR_INIT("assertion"),	  STR_INIT("client_secret"), STR_INIT("code"),
		STR_INIT("id_token"),	  STR_INIT("id_token_hint"), STR_INIT("jwt"),
		STR_INIT("key"),	  STR_INIT("logout_token"), STR_INIT("password"),
		STR_INIT("refresh_token"), STR_INIT("secret"),	 STR_INIT("session"),
		STR_INIT("sig"),	  STR_INIT("signature"), STR_INIT("state"),
		STR_INIT("token"),	  STR_INIT("x-amz-signature"),
		STR_INIT("auth"),	  STR_INIT("authorization"), STR_INIT("credential"),
		STR_INIT("otp"),	  STR_INIT("passwd"),	 STR_INIT("pwd"),
		STR_INIT("samlresponse"), STR_INIT("ticket"),	 STR_INIT("x-amz-credential"),
		STR_INIT("x-amz-security-token"), STR_INIT("x-goog-signature"),
	};

	for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
		if (str_equal_fold(name, secrets[i]))
			return true;
	return false;
}

/* A name counts however it is spelled: "%74oken" is "token". */
static bool carries_secret(struct exchange *e, struct str name)
{
	struct str decoded;

	return !uri_decode(e->arena, name, true, &decoded) || is_secret_parameter(decoded);
}

static struct str clip(struct str s, size_t max)
{
	return str_slice(s, 0, max);
}

/* "http://user:password@host/" is refused, and still no place for the password. */
static struct str without_userinfo(struct str target)
{
	size_t scheme = str_find(target, STR("://"));
	struct str authority;
	size_t at;

	if (scheme == STR_NONE || (target.len && target.ptr[0] == '/'))
		return target;
	authority = str_after(target, scheme + 3);
	authority = str_slice(authority, 0, str_find_char(authority, '/'));
	at = str_find_last_char(authority, '@');
	return at == STR_NONE ? target : str_after(target, scheme + 3 + at + 1);
}

/* Some applications split a query at ';' as well: a name behind one counts too. */
static bool next_parameter(struct str *rest, struct str *ret_part)
{
	size_t ampersand = str_find_char(*rest, '&'), semicolon = str_find_char(*rest, ';');

	return str_next(rest, semicolon < ampersand ? ';' : '&', ret_part);
}

/* The target as it came, without what could be replayed. */
static struct str loggable_target(struct exchange *e)
{
	struct str target = clip(without_userinfo(e->raw_target), LOG_TEXT_MAX);
	size_t question = str_find_char(target, '?');
	struct str rest, part, result;
	struct buf text;

	if (question == STR_NONE)
		return target;
	if (str_starts_with(target, STR(RESERVED_PREFIX)))
		return str_slice(target, 0, question);
	buf_init(&text, 8 * LOG_TEXT_MAX);	/* "&s=" may become "&s=[redacted]" */
	buf_append(&text, str_slice(target, 0, question));
	rest = str_after(target, question + 1);
	for (char mark = '?'; next_parameter(&rest, &part); mark = part.ptr[part.len]) {
		size_t equals = str_find_char(part, '=');
		bool secret = equals != STR_NONE && carries_secret(e, str_slice(part, 0, equals));

		buf_append_char(&text, mark);
		buf_append(&text, secret ? str_slice(part, 0, equals + 1) : part);
		if (secret)
			buf_append_cstr(&text, "[redacted]");
	}
	result = arena_str(e->arena, buf_str(&text));
	buf_done(&text);
	return result;
}

static void write_seconds(struct json_writer *w, const char *key, int64_t us)
{
	if (us < 0)
		json_write_null(w, key);
	else
		json_write_micros(w, key, us);
}

static void write_decision(struct json_writer *w, const struct exchange *e)
{
	const struct decision *d = &e->decision;

	json_write_str(w, "decision",
		       e->has_decision ? str_from(decision_answer_name(d->answer)) : STR(""));
	json_write_str(w, "rule", str_from(d->rule));
	json_write_array(w, "would");
	for (size_t i = 0; i < d->would_count; i++)
		json_write_str(w, NULL, str_from(d->would[i]));
	json_write_end(w);
	json_write_str(w, "policy_hash", str_from(d->policy_hash));
}

static void write_identity(struct json_writer *w, const struct exchange *e)
{
	json_write_str(w, "user", e->identity ? e->identity->subject : STR(""));
	json_write_str(w, "provider", e->identity ? e->identity->provider : e->login_provider);
	json_write_str(w, "authenticated_by", str_from(authn_method_name(e->authenticated_by)));
}

static void write_request(struct json_writer *w, const struct exchange *e, const char *time)
{
	char client[IP_TEXT_SIZE];

	json_write_str(w, "time", str_from(time));
	json_write_str(w, "request_id", str_from(e->id));
	json_write_str(w, "client_ip", str_from(ip_format(&e->forwarded.client, client)));
	json_write_str(w, "method", clip(e->request.method, LOG_FIELD_MAX));
	json_write_str(w, "host", str_from_len(e->request.authority.host, e->request.authority.host_len));
}

/* Without an answer of ours: the parser's own, 408 for silence, 499 for a client that left. */
static int64_t logged_status(const struct exchange *e, enum exchange_outcome outcome)
{
	if (e->is_answered)
		return e->response.status;
	if (outcome == EXCHANGE_HEAD_REFUSED)
		return e->refused_status;
	return outcome == EXCHANGE_CLIENT_TIMEOUT ? 408 : 499;
}

static void append_access_line(struct exchange *e, enum exchange_outcome outcome, struct buf *line)
{
	const struct str *agent = headers_get(&e->request.headers, STR("User-Agent"));
	bool is_head = str_equal(e->request.method, STR("HEAD"));
	uint64_t sent = e->response.is_stream ? e->sent_bytes : is_head ? 0 : e->response.data.len;
	char time[CLOCK_RFC3339_SIZE];
	struct json_writer w;

	json_write_begin(&w, line);
	json_write_object(&w, NULL);
	write_request(&w, e, clock_rfc3339(e->started_wall_ms, time));
	json_write_str(&w, "request_uri", loggable_target(e));
	json_write_i64(&w, "status", logged_status(e, outcome));
	json_write_str(&w, "route", e->route ? e->route->config->name : STR(""));
	json_write_str(&w, "upstream_addr", str_from(e->upstream_address));
	write_seconds(&w, "request_time", clock_now_us() - e->started_us);
	write_seconds(&w, "upstream_time", e->upstream_us);
	json_write_i64(&w, "bytes_sent", (int64_t)sent);
	json_write_i64(&w, "bytes_received", (int64_t)e->body_bytes);
	write_identity(&w, e);
	write_decision(&w, e);
	json_write_str(&w, "tls", str_from(e->peer->tls_version));
	json_write_str(&w, "user_agent", agent ? clip(*agent, LOG_FIELD_MAX) : STR(""));
	json_write_str(&w, "reason", str_from(exchange_reason_word(e->reason)));
	json_write_end(&w);
	buf_append_char(line, '\n');
}

static void append_decision_line(struct exchange *e, struct buf *line)
{
	char time[CLOCK_RFC3339_SIZE];
	struct json_writer w;

	json_write_begin(&w, line);
	json_write_object(&w, NULL);
	write_request(&w, e, clock_rfc3339(e->started_wall_ms, time));
	json_write_str(&w, "path", clip(e->request.target.path_decoded, LOG_TEXT_MAX));
	json_write_str(&w, "route", e->route->config->name);
	json_write_str(&w, "policy", str_from(policy_name(e->route->policy)));
	write_identity(&w, e);
	write_decision(&w, e);
	json_write_str(&w, "because", str_from(e->decision.reason));
	json_write_end(&w);
	buf_append_char(line, '\n');
}

static void write_line(struct log_producer *to, struct buf *line)
{
	if (!buf_failed(line))
		(void)log_producer_write(to, line->ptr, line->len);
	buf_clear(line);
}

void access_log_write(struct exchange *e, enum exchange_outcome outcome)
{
	struct proxy_worker *w = e->worker;

	if (e->call) {
		struct str address = str_from(upstream_call_address(e->call));

		if (!str_copy(e->upstream_address, sizeof(e->upstream_address), address))
			e->upstream_address[0] = '\0';
	}
	if (w->access_log && !e->peer->is_admin) {
		append_access_line(e, outcome, &w->log_line);
		write_line(w->access_log, &w->log_line);
	}
	if (w->decision_log && e->has_decision) {
		append_decision_line(e, &w->log_line);
		write_line(w->decision_log, &w->log_line);
	}
}
