#ifndef SIDECAR_BROKER_PROXY_INJECT_H
#define SIDECAR_BROKER_PROXY_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/broker/proxy/http_head.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/common/tripwire/tripwire.h"

/*
 * Secrets that a tool uses and never has: header fields that the broker adds to
 * its requests, on the way to the hosts that the manifest names for them.
 *
 * Values live in memory of libsodium: locked, guarded, not in core dumps,
 * zeroed when freed. Nothing here prints one.
 */
struct inject_store; /* the stored secrets of one generation of manifests */

/* Reads the value of one secret (SECRET_CREDENTIAL, SECRET_FILE) into buf; one
 * newline at its end is not part of it. Errors go on to the caller of
 * inject_load(). */
typedef ts_err (*inject_read)(void *ctx, const struct manifest_secret *s,
                              uint8_t *buf, size_t cap, size_t *ret_len);

/*
 * Reads every secret with delivery `header` of every manifest. A value must be
 * MANIFEST_SECRET_MIN..MAX bytes of visible ASCII (spaces inside are fine): it
 * becomes part of a header field. Error: *reterr_text names manifest and
 * secret. The manifests must outlive the store.
 */
TS_NODISCARD ts_err inject_load(const struct manifests *m, bool tolerant,
                                inject_read read, void *ctx,
                                struct inject_store **ret, char *reterr_text,
                                size_t reterr_cap);
void inject_store_free(struct inject_store *s); /* NULL is fine */
/* The value of a secret of the same source, of whatever manifest; ptr is NULL
 * when there is none. */
struct ts_bytes inject_stored(const struct inject_store *s,
                              const struct manifest_secret *like);

/* What of it is for one call. */
struct inject;
/* token: minted for this call, or 0 bytes; copied. The store must outlive it.
 * TS_E_NOT_FOUND: the manifest wants a secret that the store, or the call, does
 * not have. *ret is NULL for a manifest without such secrets. */
TS_NODISCARD ts_err inject_new(const struct inject_store *s,
                               const struct manifest *m, const char *token,
                               size_t token_len, struct inject **ret);
void inject_free(struct inject *i); /* NULL is fine */

/* Whether requests under this rule get a secret. inject may be NULL. */
bool inject_applies(const struct inject *i, const struct manifest_host *rule);
/* Whether a field of the tool's is replaced by one of ours. */
bool inject_replaces(const struct inject *i, const struct manifest_host *rule,
                     struct ts_str field);
/* Bytes that inject_write() needs at most. */
size_t inject_room(const struct inject *i, const struct manifest_host *rule);
/* The field lines, CRLF included; returns their length. out: memory that is
 * zeroed by whoever frees it. */
size_t inject_write(const struct inject *i, const struct manifest_host *rule,
                    uint8_t *out, size_t cap);
/* How answers of these hosts are looked through; never NULL. */
const struct tripwires *inject_tripwires(const struct inject *i);

#endif
