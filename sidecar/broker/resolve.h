#ifndef SIDECAR_BROKER_RESOLVE_H
#define SIDECAR_BROKER_RESOLVE_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/egress.h"

/*
 * Names to addresses, by c-ares: A and AAAA of the name as it stands, from the
 * servers that the supervisor handed over. No files, no search domains, no
 * cache: a name is resolved once for each connection, and what was found is
 * what is checked and dialled.
 */
#define RESOLVE_MAX 16 /* addresses of one name; the rest is left out */

struct resolver;
struct resolve_query;

struct resolved {
    enum egress_code code;            /* EGRESS_OK, NAME_UNKNOWN, NAME_FAILED */
    uint8_t address[RESOLVE_MAX][16]; /* IPv4 as ::ffff:a.b.c.d */
    uint32_t count;
};
typedef void (*resolve_done)(void *ctx, const struct resolved *r);

/* Before the confinement. csv: "ADDR[:PORT],..", from dns_servers(). */
TS_NODISCARD ts_err resolver_new(uv_loop_t *loop, const char *csv,
                                 struct resolver **ret);
/* Never calls done before it has returned. */
TS_NODISCARD ts_err resolve_start(struct resolver *r, const char *name,
                                  resolve_done done, void *ctx,
                                  struct resolve_query **ret);
/* done will not be called. */
void resolve_cancel(struct resolve_query *q);
/* Closes its handles; the loop must still run once. */
void resolver_close(struct resolver *r);

#endif
