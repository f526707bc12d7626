#ifndef SIDECAR_COMMON_DNS_TEXT_H
#define SIDECAR_COMMON_DNS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * Which DNS servers: text of tipstaff.yaml (egress.dns) and of resolv.conf(5),
 * any bytes at all, into one spelling that c-ares takes: "ADDR:PORT" or
 * "[ADDR6]:PORT", where the port of one that names none is 53. Names, zone ids
 * and ports outside 1 to 65535 are no servers. Pure; nothing is kept.
 */
#define DNS_SERVERS_MAX 8
#define DNS_SERVER_MAX  64 /* bytes of one in that spelling, and its end */
#define DNS_CSV_MAX     (DNS_SERVERS_MAX * DNS_SERVER_MAX)

/* "ADDR", "ADDR:PORT", "[ADDR6]" or "[ADDR6]:PORT". False, and ret untouched,
 * for anything else. */
TS_NODISCARD bool dns_server(struct ts_str s, char ret[DNS_SERVER_MAX]);

/* Of those of `list` (separated by commas) if it is not empty, else of the
 * nameserver lines of `resolv`, the first DNS_SERVERS_MAX that are servers,
 * with commas between them. TS_E_NOT_FOUND, and ret untouched: there is none.
 */
TS_NODISCARD ts_err dns_servers(struct ts_str list, struct ts_str resolv,
                                char ret[DNS_CSV_MAX]);

/* The nameserver lines alone: whole ones in valid UTF-8, with their ends, up to
 * cap bytes in buf, which the result borrows. */
struct ts_str dns_lines(struct ts_str resolv, char *buf, size_t cap);

#endif
