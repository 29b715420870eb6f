/*
 * A server on the loopback that sends what it is told to, for tests of a client.
 *
 * One thread, one connection at a time, and of each request it keeps the bytes. On a
 * connection it answers any number of requests with the same script, until the client
 * leaves or the script says otherwise.
 */
#ifndef TESTS_UNIT_IO_SCRIPTED_SERVER_H
#define TESTS_UNIT_IO_SCRIPTED_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"

enum script_end {
	THEN_KEEP,		/* wait for the next request */
	THEN_CLOSE,
	THEN_RESET,		/* close with a TCP reset */
	THEN_REPEAT,		/* send what is behind the first line again and again */
	THEN_HANG,		/* say nothing more until the client leaves */
};

struct script {
	const char *answer;
	enum script_end end;
	unsigned drip_ms;	/* not 0: one byte at a time, so far apart */
};

struct scripted_server {
	struct script script;
	int listener;
	uint16_t port;
	pthread_t thread;
	atomic_bool stopping;
	atomic_uint connections;
	atomic_uint requests;
	char request[16384];	/* the latest one; read it once its answer has come */
};

/* Wait for fd, but no longer than the server is meant to live. */
static inline bool server_ready(struct scripted_server *s, int fd, short events)
{
	struct pollfd ready = {.fd = fd, .events = events};

	while (!atomic_load(&s->stopping)) {
		if (poll(&ready, 1, 20) > 0)
			return true;
	}
	return false;
}

static inline size_t server_body_len(const char *head)
{
	const char *field = strcasestr(head, "\r\nContent-Length:");

	return field == NULL ? 0 : (size_t)strtoul(field + 17, NULL, 10);
}

/* One request, to its end; what does not fit s->request is read and forgotten. */
static inline bool server_read_request(struct scripted_server *s, int fd)
{
	char rest[16384];
	size_t len = 0, kept = 0;

	for (;;) {
		if (!server_ready(s, fd, POLLIN))
			return false;
		size_t room = sizeof(s->request) - 1 - kept;
		ssize_t n = recv(fd, room > 0 ? s->request + kept : rest,
				 room > 0 ? room : sizeof(rest), 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
		kept += room > 0 ? (size_t)n : 0;
		s->request[kept] = '\0';
		const char *end = strstr(s->request, "\r\n\r\n");
		if (end != NULL &&
		    len >= (size_t)(end + 4 - s->request) + server_body_len(s->request))
			return true;
	}
}

static inline bool server_send(struct scripted_server *s, int fd, const char *at)
{
	size_t left = strlen(at);

	while (left > 0) {
		size_t step = s->script.drip_ms > 0 ? 1 : left;
		if (!server_ready(s, fd, POLLOUT))
			return false;
		ssize_t n = send(fd, at, step, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0)
			return false;
		at += n;
		left -= (size_t)n;
		usleep(s->script.drip_ms * 1000);
	}
	return true;
}

static inline void server_serve(struct scripted_server *s, int fd)
{
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};
	bool more = true;

	while (more && server_read_request(s, fd)) {
		atomic_fetch_add(&s->requests, 1);
		more = server_send(s, fd, s->script.answer);
		while (more && s->script.end == THEN_REPEAT)
			more = server_send(s, fd, strstr(s->script.answer, "\n") + 1);
		if (s->script.end == THEN_RESET) {
			usleep(50 * 1000);	/* the client reads what came before */
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		}
		if (s->script.end == THEN_HANG && server_ready(s, fd, POLLIN))
			more = false;
		more = more && s->script.end == THEN_KEEP;
	}
	close(fd);
}

static inline void *server_main(void *arg)
{
	struct scripted_server *s = arg;

	while (server_ready(s, s->listener, POLLIN)) {
		int fd = accept(s->listener, NULL, NULL);
		if (fd < 0)
			continue;
		atomic_fetch_add(&s->connections, 1);
		server_serve(s, fd);
	}
	return NULL;
}

/* False when the machine has no loopback, say. */
static inline bool server_start(struct scripted_server *s, struct script script)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	memset(s, 0, sizeof(*s));
	s->script = script;
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&address, len) != 0 ||
	    listen(s->listener, 64) != 0 ||
	    getsockname(s->listener, (struct sockaddr *)&address, &len) != 0)
		return false;
	s->port = ntohs(address.sin_port);
	return pthread_create(&s->thread, NULL, server_main, s) == 0;
}

static inline void server_stop(struct scripted_server *s)
{
	atomic_store(&s->stopping, true);
	pthread_join(s->thread, NULL);
	close(s->listener);
}

#endif
