#ifndef CLI_ISSUER_VERIFIER_H
#define CLI_ISSUER_VERIFIER_H

#include "cli/issuer/config.h"

/*
 * An external program that verifies the signatures that libsodium does not
 * know. It gets the token on its standard input and TIPSTAFF_ALG and
 * TIPSTAFF_ISS, from the configuration, in an otherwise clean environment;
 * when the signature holds it prints the claims as one JSON object and exits
 * with 0. No shell; 10 seconds; at most VERIFIER_OUTPUT_MAX bytes. Its standard
 * error is ours. What it prints is held to the same checks as any claims.
 */
#define VERIFIER_OUTPUT_MAX 65536
#define VERIFIER_MS         10000

/* Prints the error itself and returns false. *ret is in the arena. */
bool verifier_run(const char *const *argv, const struct idp *idp,
                  struct ts_str token, struct ts_arena *arena,
                  struct ts_str *ret);

#endif
