/*
 * gate/run.h - `sallyport run`: the whole gate, from configuration to exit.
 */
#ifndef SALLYPORT_GATE_RUN_H
#define SALLYPORT_GATE_RUN_H

/*
 * Serve until SIGTERM or SIGINT, then drain. SIGHUP loads the configuration again: a
 * good one replaces what requests are judged by, a bad one changes nothing and is
 * reported. Addresses, workers, sessions and logs are those of the start.
 *
 * Returns the exit status: 0 after a drain, 1 when the configuration is at fault or
 * something of it cannot be had (an address in use, an unwritable state directory).
 */
int gate_run(const char *config_path);

#endif
