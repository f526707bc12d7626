#ifndef SIDECAR_SUPERVISOR_RESOLV_H
#define SIDECAR_SUPERVISOR_RESOLV_H

#include <stddef.h>

#include "proto/base/ts_str.h"

/*
 * The DNS servers of this host, for the broker, which opens no file. Only the
 * nameserver lines of /etc/resolv.conf; whole ones, up to cap bytes. What they
 * mean, the broker reads (sidecar/common/dns_text.h). "" if there are none.
 */
struct ts_str resolv_read(char *buf, size_t cap);

#endif
