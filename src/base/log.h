/*
 * base/log.h - the operator's log: one line per event on standard error.
 *
 *     2026-11-20T21:42:07.123Z error exchange=7f3a while authenticating the client: ...
 *
 * A line is written with one write(2). Control bytes and invalid UTF-8 are escaped,
 * so that no input can forge a line. The access log is something else: see
 * proxy/access_log.h. base, http, authn and policy never call these: they report
 * through struct error, and whoever turns the error into a consequence logs it once.
 */
#ifndef SALLYPORT_BASE_LOG_H
#define SALLYPORT_BASE_LOG_H

#include "base/base.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum { LOG_LINE_MAX = 2048 };			/* longer lines are cut and end in "..." */

void log_set_level(enum log_level lowest);	/* INFO at start */
void log_write(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

#endif
