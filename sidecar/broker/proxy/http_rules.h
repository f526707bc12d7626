#ifndef SIDECAR_BROKER_PROXY_HTTP_RULES_H
#define SIDECAR_BROKER_PROXY_HTTP_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "sidecar/broker/proxy/http_head.h"
#include "sidecar/broker/rules.h"

/*
 * Request targets in one spelling, so that rules are compared with what the
 * host will understand. Pure.
 */

/*
 * A path in its one spelling: "%41" is "A", hex upper case, "//" is "/", "."
 * and
 * ".." removed. Case stays: paths have it.
 *
 * ambiguous: some servers would understand another path than this. Encoded
 * slashes, backslashes, "?", "#", "%" or control bytes, a bare backslash, a
 * path above its root, dots before a ";" ("/a/..;/b"), bytes that are no UTF-8
 * when decoded. A rule with `paths:` never lets such a path pass.
 */
#define HTTP_PATH_MAX 4096 /* bytes, without the query */
struct http_path {
    char text[HTTP_PATH_MAX + 1]; /* begins with "/" */
    size_t len;
    bool ambiguous;
};

/* raw: without query. TS_E_FORMAT: does not begin with "/", or a byte or a "%"
 * that no URL has; TS_E_LIMIT. */
TS_NODISCARD ts_err http_path_read(struct ts_str raw, struct http_path *ret);

/* An absolute-form or authority-form target. Texts borrow from the raw one. */
struct http_target {
    bool https;          /* the scheme; false in authority form */
    struct ts_str host;  /* as written, brackets included */
    uint16_t port;       /* 0: none was written */
    struct ts_str path;  /* as written; "/" when empty */
    struct ts_str query; /* with its "?", or "" */
};
/* TS_E_FORMAT with a static sentence: user names, fragments, other schemes and
 * origin form are refused. */
TS_NODISCARD ts_err http_target_read(struct ts_str raw, struct http_target *ret,
                                     const char **reterr_what);
/* "host:port", for CONNECT: both must be there. */
TS_NODISCARD ts_err http_authority_read(struct ts_str raw,
                                        struct http_target *ret,
                                        const char **reterr_what);
/* "host" or "host:port" of a Host field; port 0 when none. */
TS_NODISCARD ts_err http_host_read(struct ts_str raw, struct http_target *ret);

/*
 * The port that is meant: the one written; 443 of https; else of the first rule
 * for this host that has its usual port, 443 with tls and 80 without; else 80.
 */
uint16_t http_port_meant(const struct manifest_network *n,
                         const struct rules_name *name,
                         const struct http_target *t);

#endif
