/* tipstaff break-glass sign: one person more stands behind it. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/approval/agent_talk.h"
#include "cli/approval/sign.h"
#include "cli/breakglass/breakglass.h"
#include "cli/cmd.h"
#include "cli/files.h"
#include "cli/opts.h"
#include "proto/trust/sshsig.h"

#define ARMOUR_MAX 4096u

struct sign {
    struct approval_way way;
    const char *out;
    bool yes;
};

static bool way_ok(const struct sign *s)
{
    if (!approval_way_ok(&s->way))
        return false;
    if ((s->out == NULL) != (s->way.body_out != NULL)) {
        cli_error("-o FILE: where the signed escalation goes (not with "
                  "--body-out, which signs nothing)");
        return false;
    }
    return true;
}

/* Nobody signs what was not on the screen. */
static bool asked(const struct sign *s)
{
    char word[16];

    if (s->yes)
        return true;
    if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1) {
        cli_error("it is asked on a terminal; --yes signs without being asked");
        return false;
    }
    (void)tcflush(STDIN_FILENO, TCIFLUSH); /* typed before: no answer */
    (void)printf("\nSign all of this? Type yes or no: ");
    (void)fflush(stdout);
    if (fgets(word, sizeof(word), stdin) != NULL && strcmp(word, "yes\n") == 0)
        return true;
    cli_error("nothing was signed");
    return false;
}

static bool add(const struct breakglass_file *f, const uint8_t pk[TRUST_PK_LEN],
                struct ts_bytes sig, const char *path)
{
    uint8_t kid[TRUST_KID_LEN];
    struct ts_buf out;
    bool ok = false;
    ts_err e;

    trust_kid(pk, kid);
    ts_buf_init(&out, ESCALATION_MAX);
    e = escalation_join(&f->o, kid, sig, &out);
    if (e == TS_E_EXISTS)
        cli_error("this key has signed it already");
    else if (e == TS_E_LIMIT)
        cli_error("%u keys have signed it; that is enough",
                  ESCALATION_SIGS_MAX);
    else if (e != TS_OK)
        cli_error("out of memory");
    else
        ok = cli_write_new(path, 0644, ts_buf_bytes(&out), out.len);
    ts_buf_done(&out);
    return ok;
}

static bool by_key(const struct sign *s, const struct breakglass_file *f)
{
    struct trust_secret key = {.sk = NULL};
    uint8_t sig[TRUST_SIG_LEN];
    bool ok = false;

    if (!cli_secret_key(s->way.key, &key))
        return false;
    if (escalation_sign(f->o.body, &key, sig) != TS_OK)
        cli_error("out of memory");
    else
        ok = add(f, key.pk, (struct ts_bytes){sig, sizeof(sig)}, s->out);
    trust_secret_done(&key);
    return ok;
}

/* A blob of whatever origin: it must hold before it is passed on. */
static bool add_blob(const struct sign *s, const struct breakglass_file *f,
                     const struct ts_buf *blob)
{
    const struct ts_bytes b = {ts_buf_bytes(blob), blob->len};
    struct sshsig sig;

    if (sshsig_decode(b, &sig) != TRUST_OK ||
        sshsig_verify(&sig, ESCALATION_SSH_NAMESPACE, f->o.body, sig.pk) !=
            TRUST_OK) {
        cli_error("the signature is not one of this escalation by an "
                  "ssh-ed25519 or sk-ssh-ed25519 key for the namespace "
                  "\"" ESCALATION_SSH_NAMESPACE "\"");
        return false;
    }
    return add(f, sig.pk, b, s->out);
}

static bool by_blob(const struct sign *s, const struct breakglass_file *f)
{
    struct ts_bytes armour;
    struct ts_arena arena;
    struct ts_buf blob;
    bool ok;

    ts_buf_init(&blob, SSHSIG_MAX);
    ts_arena_init(&arena, (size_t)4 * ARMOUR_MAX);
    if (s->way.ssh_agent) {
        ok = agent_sign(ESCALATION_SSH_NAMESPACE, s->way.ssh_key, f->o.body,
                        &blob);
    } else {
        ok = cli_read(s->way.sshsig, ARMOUR_MAX, &arena, &armour);
        if (ok && sshsig_dearmour(
                      (struct ts_str){(const char *)armour.ptr, armour.len},
                      &blob) != TS_OK) {
            cli_error("%s: not what ssh-keygen -Y sign makes", s->way.sshsig);
            ok = false;
        }
    }
    ok = ok && add_blob(s, f, &blob);
    ts_arena_done(&arena);
    ts_buf_done(&blob);
    return ok;
}

static bool to_file(const struct sign *s, const struct breakglass_file *f)
{
    if (!cli_write_new(s->way.body_out, 0644, f->o.body.ptr, f->o.body.len))
        return false;
    (void)printf(
        "sign it with:  ssh-keygen -Y sign -n " ESCALATION_SSH_NAMESPACE
        " -f YOUR_KEY %s\n"
        "then give the same command --sshsig %s.sig -o NEW in place "
        "of --body-out\n",
        s->way.body_out, s->way.body_out);
    return true;
}

static bool run(const struct sign *s, const char *path, struct ts_arena *arena)
{
    struct breakglass_file f;

    if (!breakglass_read(path, arena, &f) || !breakglass_print(&f))
        return false;
    if (s->way.body_out != NULL)
        return to_file(s, &f);
    /* What is there was signed before. */
    if (s->way.sshsig == NULL && !asked(s))
        return false;
    return s->way.key != NULL ? by_key(s, &f) : by_blob(s, &f);
}

int breakglass_sign_run(int argc, char **argv)
{
    struct sign s = {.yes = false};
    const struct cli_option options[] = {
        {"--key", "FILE", "sign with this seed", CLI_TEXT, &s.way.key, false},
        {"--ssh-agent", NULL, "have the agent at $SSH_AUTH_SOCK sign", CLI_FLAG,
         &s.way.ssh_agent, false},
        {"--ssh-key", "FILE.pub", "which of the agent's keys", CLI_TEXT,
         &s.way.ssh_key, false},
        {"--body-out", "FILE", "write what is to be signed elsewhere", CLI_TEXT,
         &s.way.body_out, false},
        {"--sshsig", "FILE", "add what ssh-keygen -Y sign made of that",
         CLI_TEXT, &s.way.sshsig, false},
        {"--yes", NULL, "do not ask", CLI_FLAG, &s.yes, false},
        {"-o", "FILE", "where it goes, with the signature (new file)", CLI_TEXT,
         &s.out, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff break-glass sign",
        .operands = "FILE",
        .about = "Shows an escalation, asks, and adds a signature. Two people "
                 "or more sign one after the\nother; each is an approver of "
                 "the tenant with the class four-eyes, none the user, none\n"
                 "the owner of an agent in the chain.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff break-glass sign inc-17.bg --key bob.seed -o "
                    "inc-17.bob\n"
                    "  tipstaff break-glass sign inc-17.bob --ssh-agent -o "
                    "inc-17.both\n",
    };
    struct ts_arena arena;
    char **operands;
    size_t count;
    bool ok;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    if (!way_ok(&s))
        return CLI_USAGE;
    ts_arena_init(&arena, (size_t)4 * ESCALATION_MAX);
    ok = run(&s, operands[0], &arena);
    ts_arena_done(&arena);
    return ok ? CLI_OK : CLI_FAILED;
}
