#ifndef SIDECAR_BROKER_PROXY_SETUP_H
#define SIDECAR_BROKER_PROXY_SETUP_H

#include <stddef.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/broker/proxy/inject.h"
#include "sidecar/common/manifest/manifest.h"

/*
 * What the proxy needs of the file system, which the broker can see only until
 * it is confined.
 */
struct tls_trust;

/* The system's trust store: the first that is there of $SSL_CERT_FILE and the
 * places where distributions keep it. TS_E_NOT_FOUND: none; hosts with `tls:`
 * are then refused. */
TS_NODISCARD ts_err proxy_trust_load(struct tls_trust **ret);

/*
 * The values of secrets with delivery `header`. before: of the generation that
 * is served, or NULL at the start, when sources are read: credentials from
 * BROKER_FD_SECRETS, and files. Later nothing can be read any more: a source
 * that is known keeps its value, and one that is not is an error that says to
 * restart the service. At the start a secret that cannot be read is told in
 * *reterr_text only: calls of its tool get no network, the others are served.
 */
TS_NODISCARD ts_err proxy_secrets_load(const struct manifests *m,
                                       const struct inject_store *before,
                                       struct inject_store **ret,
                                       char *reterr_text, size_t reterr_cap);

#endif
