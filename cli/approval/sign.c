/* An answer: signed here, by an agent, or somewhere else. */
#include "cli/approval/sign.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli/approval/agent_talk.h"
#include "cli/cmd.h"
#include "cli/files.h"
#include "proto/trust/sshsig.h"

#define ARMOUR_MAX 4096u
#define SUFFIX     ".sig"

bool approval_way_ok(const struct approval_way *w)
{
    int n = (w->key != NULL) + w->ssh_agent + (w->sshsig != NULL) +
            (w->body_out != NULL);

    if (n != 1) {
        cli_error("how is it signed? exactly one of --key, --ssh-agent, "
                  "--sshsig and --body-out");
        return false;
    }
    if (w->ssh_key != NULL && !w->ssh_agent) {
        cli_error("--ssh-key names a key of the agent: it goes with "
                  "--ssh-agent");
        return false;
    }
    return true;
}

static bool no_memory(void)
{
    cli_error("out of memory");
    return false;
}

static bool by_key(const char *path, struct ts_bytes body, struct ts_buf *out)
{
    struct trust_secret key = {.sk = NULL};
    ts_err e;

    if (!cli_secret_key(path, &key))
        return false;
    e = approval_sign(body, &key, out);
    trust_secret_done(&key);
    return e == TS_OK || no_memory();
}

static bool by_agent(const char *pub, struct ts_bytes body, struct ts_buf *out)
{
    struct ts_buf blob;
    bool ok;

    ts_buf_init(&blob, SSHSIG_MAX);
    ok = agent_sign(APPROVAL_SSH_NAMESPACE, pub, body, &blob);
    if (ok && approval_join_ssh(
                  body, (struct ts_bytes){ts_buf_bytes(&blob), blob.len},
                  out) != TS_OK)
        ok = no_memory();
    ts_buf_done(&blob);
    return ok;
}

/* FILE of FILE.sig, as ssh-keygen names it. */
static bool body_path(const char *sig, char out[PATH_MAX])
{
    size_t n = strlen(sig), tail = strlen(SUFFIX);

    if (n > tail && n < PATH_MAX && strcmp(sig + n - tail, SUFFIX) == 0) {
        memcpy(out, sig, n - tail);
        out[n - tail] = '\0';
        return true;
    }
    cli_error("--sshsig: the name of the signature is that of the body and "
              "\"" SUFFIX "\", as ssh-keygen -Y sign makes it");
    return false;
}

/* What was signed is what is asked here. */
static bool says(const char *path, struct ts_bytes body,
                 const struct approval *want)
{
    struct approval a;

    if (approval_decode(body, &a) != TRUST_OK) {
        cli_error("%s: not the body of an answer; --body-out writes one", path);
        return false;
    }
    if (memcmp(a.ticket_id, want->ticket_id, sizeof(a.ticket_id)) != 0 ||
        memcmp(a.decision_id, want->decision_id, sizeof(a.decision_id)) != 0) {
        cli_error("%s answers another question than this one", path);
        return false;
    }
    if (a.verdict != want->verdict) {
        cli_error("%s says %s", path,
                  a.verdict == APPROVAL_YES ? "yes; use approve"
                                            : "no; use deny");
        return false;
    }
    return true;
}

static bool join(const char *sig, const char *path, struct ts_bytes body,
                 struct ts_bytes armour, struct ts_buf *out)
{
    struct ts_buf blob;
    struct sshsig s;
    bool ok = false;

    ts_buf_init(&blob, SSHSIG_MAX);
    if (sshsig_dearmour((struct ts_str){(const char *)armour.ptr, armour.len},
                        &blob) != TS_OK ||
        sshsig_decode((struct ts_bytes){ts_buf_bytes(&blob), blob.len}, &s) !=
            TRUST_OK)
        cli_error("%s: not a signature by an ssh-ed25519 or sk-ssh-ed25519 key "
                  "as ssh-keygen -Y sign makes it",
                  sig);
    else if (sshsig_verify(&s, APPROVAL_SSH_NAMESPACE, body, s.pk) != TRUST_OK)
        cli_error("%s does not sign %s for the namespace "
                  "\"" APPROVAL_SSH_NAMESPACE "\"",
                  sig, path);
    else
        ok = approval_join_ssh(body,
                               (struct ts_bytes){ts_buf_bytes(&blob), blob.len},
                               out) == TS_OK ||
             no_memory();
    ts_buf_done(&blob);
    return ok;
}

static bool by_file(const char *sig, const struct approval *a,
                    struct ts_buf *out)
{
    struct ts_bytes body, armour;
    struct ts_arena arena;
    char path[PATH_MAX];
    bool ok = false;

    if (!body_path(sig, path))
        return false;
    ts_arena_init(&arena, (size_t)4 * (ARMOUR_MAX + APPROVAL_MAX));
    if (cli_read(path, APPROVAL_MAX, &arena, &body) && says(path, body, a) &&
        cli_read(sig, ARMOUR_MAX, &arena, &armour))
        ok = join(sig, path, body, armour, out);
    ts_arena_done(&arena);
    return ok;
}

static bool to_file(const char *path, struct ts_bytes body)
{
    if (!cli_write_new(path, 0644, body.ptr, body.len))
        return false;
    (void)printf("sign it with:  ssh-keygen -Y sign -n " APPROVAL_SSH_NAMESPACE
                 " -f YOUR_KEY %s\n"
                 "then give the same command --sshsig %s.sig in place of "
                 "--body-out\n",
                 path, path);
    return true;
}

bool approval_way_sign(const struct approval_way *w, const struct approval *a,
                       struct ts_buf *out)
{
    struct ts_buf made;
    struct ts_bytes body;
    bool ok;

    if (w->sshsig != NULL)
        return by_file(w->sshsig, a, out);
    ts_buf_init(&made, APPROVAL_MAX);
    if (approval_body(a, &made) != TS_OK) {
        cli_error("--as is an id of a person, --note UTF-8 of at most %u bytes",
                  APPROVAL_NOTE_MAX);
        ts_buf_done(&made);
        return false;
    }
    body = (struct ts_bytes){ts_buf_bytes(&made), made.len};
    ok = w->body_out != NULL ? to_file(w->body_out, body)
         : w->key != NULL    ? by_key(w->key, body, out)
                             : by_agent(w->ssh_key, body, out);
    ts_buf_done(&made);
    return ok;
}
