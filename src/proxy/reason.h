/*
 * proxy/reason.h - every way an exchange can end, in one table shared by the access log
 * ("reason"), the metrics and the manual (docs/internals/request.md).
 *
 *     X(NAME, "word in the log", "what it means")
 */
#ifndef SALLYPORT_PROXY_REASON_H
#define SALLYPORT_PROXY_REASON_H

#define EXCHANGE_REASONS(X)                                                                       \
	X(SERVED, "served", "the upstream's answer was delivered whole")                          \
	X(OWN_PAGE, "own_page", "answered by the gate itself: sign-in, sign-out, who am I")       \
	X(REDIRECT, "redirect_to_https", "sent to the TLS listener")                              \
	X(BAD_REQUEST, "bad_request", "the request is malformed, or could be read in two ways")   \
	X(TOO_LARGE, "too_large", "head, target or body passed its limit")                        \
	X(NOT_IMPLEMENTED, "not_implemented", "a method or expectation that is not served")       \
	X(NO_ROUTE, "no_route", "no route has this host and path")                                \
	X(MISDIRECTED, "misdirected", "the TLS connection was made for another host")             \
	X(LOOP, "loop", "the request has passed this gate before")                                \
	X(NOT_SIGNED_IN, "not_signed_in", "no proof of identity, and none could be asked for")    \
	X(LOGIN_STARTED, "login_started", "sent to the identity provider")                        \
	X(LOGIN_DONE, "login_done", "came back from the provider and is signed in")               \
	X(LOGIN_FAILED, "login_failed", "the login could not be completed")                       \
	X(STEP_UP, "step_up", "a fresher or stronger login is needed")                            \
	X(DENIED, "denied", "the policy refused")                                                 \
	X(SESSION_STORE, "session_store", "the session store could not answer")                   \
	X(CSRF, "cross_site", "a state-changing request came from another site")                  \
	X(OVERLOADED, "overloaded", "the gate or the upstream has no free place")                 \
	X(UPSTREAM_REFUSED, "upstream_refused", "no server took the connection")                  \
	X(UPSTREAM_TLS, "upstream_tls", "the upstream's TLS could not be verified")               \
	X(UPSTREAM_RESET, "upstream_reset", "the upstream closed before a complete head")         \
	X(UPSTREAM_MALFORMED, "upstream_malformed", "the upstream's head is not acceptable")      \
	X(UPSTREAM_TIMEOUT, "upstream_timeout", "the upstream was silent for too long")           \
	X(UPSTREAM_CUT, "upstream_cut", "the upstream ended amid a body: the client saw a cut")   \
	X(CLIENT_GONE, "client_gone", "the client left before the end")                           \
	X(CLIENT_TIMEOUT, "client_timeout", "the client sent or read too slowly")                 \
	X(INTERNAL, "internal", "a failure of the gate: memory, or a bug")

enum exchange_reason {
#define X(name, word, meaning) REASON_##name,
	EXCHANGE_REASONS(X)
#undef X
	REASON_COUNT,
};

const char *exchange_reason_word(enum exchange_reason reason);

#endif
