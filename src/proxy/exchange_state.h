/*
 * proxy/exchange_state.h - the inside of an exchange, for the files of its steps only.
 *
 * What holds while a step waits: exactly one of login_op, session_op, call is live, and
 * its callback does nothing but note the outcome and wake the front end. exchange_end()
 * cancels what is live, so that no callback outlives the exchange.
 */
#ifndef SALLYPORT_PROXY_EXCHANGE_STATE_H
#define SALLYPORT_PROXY_EXCHANGE_STATE_H

#include "http/forwarded.h"
#include "proxy/exchange.h"
#include "proxy/page.h"
#include "proxy/worker.h"

/*
 * The path of a request, written once: the enum, the functions and the words of error
 * messages come from here, and docs/internals/request.md is checked against it.
 */
#define EXCHANGE_STEPS(X)                                            \
	X(PARSE, parse, "reading the request")                       \
	X(ROUTE, route, "choosing a route")                          \
	X(AUTHENTICATE, authenticate, "authenticating the client")   \
	X(AUTHORIZE, authorize, "evaluating policy")                 \
	X(FORWARD, forward, "forwarding to the upstream")            \
	X(RESPOND, respond, "sending the response")                  \
	X(LOG, log, "writing the access log")

enum exchange_step {
#define X(name, function, doing) STEP_##name,
	EXCHANGE_STEPS(X)
#undef X
};

enum step_result {
	STEP_NEXT,	/* go on with the next step */
	STEP_WAIT,	/* run me again when my event has come */
	STEP_ANSWERED,	/* the response is set */
};

/* The gate's own paths below /.sallyport/, one row each in own_path.c. */
enum own_path {
	OWN_PATH_NONE,
	OWN_PATH_LOGIN,
	OWN_PATH_CALLBACK,
	OWN_PATH_LOGOUT,
	OWN_PATH_WHOAMI,
	OWN_PATH_JWKS,
	OWN_PATH_STATIC,
	OWN_PATH_UNKNOWN,
};

enum {
	EXCHANGE_ARENA_BYTES = 1024 * 1024,	/* ceiling of what one exchange may hold */
	EXCHANGE_PREFIX_BYTES = 64 * 1024,	/* small answers are collected and sent at once */
	EXCHANGE_ID_SIZE = 28,
	EXCHANGE_MAGIC = 0x5a11e7c4,
};

#define SESSION_COOKIE "__Host-sallyport"
#define RESERVED_PREFIX "/.sallyport/"

struct exchange {
	uint32_t magic;
	struct proxy_worker *worker;
	struct worker_view *view;
	struct arena *arena;
	const struct exchange_peer *peer;
	const struct exchange_transport *transport;
	void *transport_arg;
	struct exchange *next_free;

	char id[EXCHANGE_ID_SIZE];
	enum exchange_step step;
	int64_t started_us;
	int64_t started_wall_ms;

	/* PARSE */
	struct str raw_target;
	struct request request;
	struct forwarded forwarded;	/* the client's address and scheme as we judge them */
	struct str origin;		/* "https://wiki.example.com:8443" */
	struct str authority;		/* "wiki.example.com:8443" */
	struct str cookies;		/* the Cookie field, "" when none */

	/* ROUTE */
	const struct route *route;
	enum own_path own_path;

	/* AUTHENTICATE */
	enum authn_method authenticated_by;
	struct session *session;	/* one reference, when authenticated_by is AUTHN_SESSION */
	struct identity *identity;	/* one reference, NULL when anonymous */
	size_t methods_tried;
	bool bearer_presented;		/* a token came and did not hold */

	/* AUTHORIZE */
	bool has_decision;
	bool is_allowed;		/* FORWARD refuses without it */
	struct decision decision;
	bool step_up_is_over;		/* a step-up has just succeeded: its cookie is to go */

	/* what a step waits for */
	struct login_op *login_op;
	struct session_op *session_op;
	bool operation_done;		/* its callback has run; the outcome is below */
	bool operation_ok;
	enum login_outcome login_outcome;
	struct str login_provider;
	struct str login_location;
	struct str login_return_to;
	struct str set_cookies[LOGIN_MAX_FLOWS + 3];
	size_t set_cookies_count;
	struct identity *login_identity;	/* one reference */
	int64_t login_valid_until_s;		/* of a bearer token */
	char new_session_id[SESSION_ID_TEXT + 1];

	/* FORWARD */
	struct upstream_call *call;
	const struct response_head *head;	/* of the upstream, when it has come */
	bool upstream_failed;
	enum upstream_failure failure;
	bool body_ended;		/* the client's body is complete */
	uint64_t body_bytes;		/* of the client */
	uint64_t dropped_bytes;		/* of these, not forwarded */
	char *prefix;			/* first bytes of the answer, collected to be sent with the head */
	size_t prefix_len, prefix_sent;

	/* RESPOND */
	bool is_answered;
	unsigned refused_status;	/* of a head that the front end's own parser refused */
	struct response response;
	uint64_t sent_bytes;		/* of the response's body */
	bool is_cut;

	/* LOG */
	enum exchange_reason reason;
	struct error error;		/* the first failure, for the operator */
	char upstream_address[ENDPOINT_TEXT_SIZE];
	int64_t upstream_us;		/* -1: no answer came from an upstream */
};

enum step_result exchange_step_route(struct exchange *e);
enum step_result exchange_step_authenticate(struct exchange *e);
enum step_result exchange_step_authorize(struct exchange *e);
enum step_result exchange_step_forward(struct exchange *e);

const char *exchange_step_doing(enum exchange_step step);	/* "reading the request" */

/* route.c's neighbour own_path.c: which of our own paths is this, and serving it. */
enum own_path own_path_find(struct str path);
bool own_path_wants_session(enum own_path own_path);
enum step_result own_path_serve(struct exchange *e);

/* Health and metrics on the admin address: admin.c. */
enum step_result admin_serve(struct exchange *e);

/*
 * Send the client to its provider and come back to return_to: used by AUTHORIZE and by
 * /.sallyport/login. Call again after a wait.
 */
struct login_demand {
	const struct route *route;
	struct str return_to;
	int64_t max_age_s;		/* -1: none */
	struct str acr_values;
	bool prompt_login;		/* ask the person again, whatever the provider remembers */
};
enum step_result login_redirect(struct exchange *e, const struct login_demand *demand);
/* The answer to /.sallyport/callback. Call again after a wait. */
enum step_result login_callback(struct exchange *e);
/* The cookie that remembers for which route a step-up was asked a moment ago. */
#define STEP_UP_COOKIE "__Host-sallyport-step-up"

/* Is this a top-level navigation of a browser (Fetch Metadata, else Accept)? */
bool exchange_is_navigation(const struct exchange *e);
/* The method, path and query of this request as a place to come back to; "/" for others than GET. */
struct str exchange_return_to(struct exchange *e);

/* Callback of every login_op, with the exchange as arg. */
void exchange_on_login(void *arg, const struct login_result *result);
/* Callback of every session_op, likewise. */
void exchange_on_session_op(void *arg, bool ok, const struct error *err);

/* Upstream calls of FORWARD, torn down at any time. */
void forward_cancel(struct exchange *e);

/* Access and decision lines: access_log.c. */
void access_log_write(struct exchange *e, enum exchange_outcome outcome);

#endif
