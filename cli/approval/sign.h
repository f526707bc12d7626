#ifndef CLI_APPROVAL_SIGN_H
#define CLI_APPROVAL_SIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_buf.h"
#include "proto/trust/approval.h"

/* How an answer is signed, or an escalation: one of the four. All functions
 * print their errors. */
struct approval_way {
    const char *key;      /* a seed file */
    bool ssh_agent;       /* with ssh_key, a .pub file, or NULL */
    const char *ssh_key;  /* only with ssh_agent */
    const char *sshsig;   /* FILE.sig, made elsewhere over FILE */
    const char *body_out; /* writes the body for that; no answer */
};
/* Exactly one of them, and what goes with it. */
bool approval_way_ok(const struct approval_way *w);

/*
 * Appends the signed answer that says a to out: with sshsig what was signed
 * before, which must say the same of the same ticket. With body_out the body
 * goes to that file and out stays empty.
 */
bool approval_way_sign(const struct approval_way *w, const struct approval *a,
                       struct ts_buf *out);

#endif
