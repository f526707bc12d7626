#ifndef SIDECAR_COMMON_LOG_H
#define SIDECAR_COMMON_LOG_H

#include "proto/base/ts_attr.h"

/*
 * The service's own log, on stderr, for journald or a terminal: one line each,
 * "level process event key=value ...". Only sidecar mains and I/O shells log;
 * values from a peer go through ts_str_escape() first. Not the decision log.
 */
enum log_level {
    LOG_ERROR,
    LOG_WARN,
    LOG_INFO,
    LOG_DEBUG
};

/* Once, at the start of main(). name is static text. */
void log_init(const char *name, enum log_level most);
void log_event(enum log_level level, const char *fmt, ...) TS_PRINTF(2, 3);

#endif
