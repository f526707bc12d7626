/* tipstaff approvals approve and deny: a person's answer, signed. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cli/approval/approval.h"
#include "cli/approval/sign.h"
#include "cli/approval/source.h"
#include "cli/cmd.h"
#include "cli/json_line.h"
#include "cli/term.h"
#include "proto/wire/limits.h"

#define ANSWER_MS 10000
#define VALID_S   600u

struct answer {
    struct approval_source src;
    struct approval_way way;
    enum approval_verdict verdict;
    const char *id, *person, *note;
    uint64_t valid_s;
    bool yes;
};

static bool is_yes(const struct answer *a)
{
    return a->verdict == APPROVAL_YES;
}

/* One short line. */
static bool typed(char out[16])
{
    size_t n;

    if (fgets(out, 16, stdin) == NULL)
        return false;
    n = strcspn(out, "\n");
    if (out[n] != '\n') { /* a longer line is none of ours */
        for (int c = getchar(); c != '\n' && c != EOF;)
            c = getchar();
        n = 0;
    }
    out[n] = '\0';
    return true;
}

/* Nobody says yes to what was not on the screen. */
static bool ask(struct answer *a, const struct approval_view *v, size_t cut)
{
    char word[16];

    if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1) {
        cli_error("it is asked on a terminal; --yes signs without being asked");
        return false;
    }
    for (;;) {
        (void)tcflush(STDIN_FILENO, TCIFLUSH); /* typed before: no answer */
        (void)printf("\n%s this call, as ", is_yes(a) ? "Approve" : "Deny");
        term_print(ts_str_of(a->person));
        (void)printf("? Type yes or no%s: ",
                     cut > 0 ? ", or all to see every value whole" : "");
        (void)fflush(stdout);
        if (!typed(word) || strcmp(word, "no") == 0) {
            cli_error("nothing was signed");
            return false;
        }
        if (strcmp(word, "all") == 0) {
            a->src.all = true;
            if (!approval_source_print(&a->src, v, &cut))
                return false;
        } else if (strcmp(word, "yes") == 0) {
            if (cut == 0 || !is_yes(a))
                return true;
            (void)printf("Not all of it was on the screen: type all first.\n");
        }
    }
}

static int told(const struct answer *a, const struct admin_answered *m)
{
    bool counts = ts_str_eq_c(m->code, "ok");

    if (a->src.json) {
        json_t *j =
            json_pack("{s:s%, s:s%, s:s%, s:b}", "code", m->code.ptr,
                      m->code.len, "text", m->text.ptr, m->text.len, "state",
                      m->state.ptr, m->state.len, "counts", counts ? 1 : 0);
        bool done = cli_json_line(j);

        json_decref(j);
        return done && counts ? CLI_OK : CLI_FAILED;
    }
    if (!counts) {
        char code[128], text[1024];

        (void)ts_str_show(code, sizeof(code), m->code.ptr, m->code.len);
        (void)ts_str_show(text, sizeof(text), m->text.ptr, m->text.len);
        cli_error("the answer does not count (%s): %s", code, text);
        return CLI_FAILED;
    }
    if (ts_str_eq_c(m->state, "granted"))
        (void)printf("approved: the call runs, now or when the agent makes it "
                     "again\n");
    else if (ts_str_eq_c(m->state, "denied"))
        (void)printf("denied: the call ends, and the same one is not asked "
                     "again for a while\n");
    else
        (void)printf("the answer counts; more people are asked\n");
    return CLI_OK;
}

static int receive(struct answer *a)
{
    struct admin_answered m;
    struct frame f = {.type = 0};
    const char *what = "type";
    enum admin_wait w = admin_receive(&a->src.s, ANSWER_MS, &f);

    if (w == ADMIN_TIMEOUT)
        cli_error("no answer within %d seconds: it is not known whether it "
                  "counts; tipstaff approvals show tells",
                  ANSWER_MS / 1000);
    if (w != ADMIN_GOT)
        return CLI_FAILED;
    if (f.type == ADMIN_ANSWERED &&
        admin_answered_decode(f.body, f.len, &m, &what) == TS_OK)
        return told(a, &m);
    cli_error("the service's answer cannot be read (%s); use the tipstaff of "
              "the same version",
              what);
    return CLI_FAILED;
}

/* A person may have looked for long: on a connection of its own. */
static int deliver(struct answer *a, const struct ts_buf *signed_answer)
{
    const struct admin_answer m = {
        .answer = {ts_buf_bytes(signed_answer), signed_answer->len}};
    struct ts_buf out;
    int code = CLI_FAILED;

    approval_source_close(&a->src);
    if (!admin_open(&a->src.s, a->src.socket))
        return CLI_FAILED;
    ts_buf_init(&out, TS_FRAME_MAX);
    if (admin_answer_send(&out, &m) != TS_OK)
        cli_error("out of memory");
    else if (admin_send(&a->src.s, &out))
        code = receive(a);
    ts_buf_done(&out);
    return code;
}

static int answer(struct answer *a, const struct approval_view *v)
{
    struct approval says = {.tenant = v->ticket.tenant,
                            .person = ts_str_of(a->person),
                            .verdict = a->verdict,
                            .note = ts_str_of(a->note)};
    struct ts_buf out;
    size_t cut = 0;
    int code = CLI_FAILED;

    if (!a->src.json && !approval_source_print(&a->src, v, &cut))
        return CLI_FAILED;
    if (!a->yes && a->way.sshsig == NULL && !ask(a, v, cut))
        return CLI_FAILED;
    memcpy(says.ticket_id, v->id, sizeof(says.ticket_id));
    memcpy(says.decision_id, v->ticket.decision_id, sizeof(says.decision_id));
    says.iat = (uint64_t)time(NULL);
    says.exp = says.iat + a->valid_s;
    ts_buf_init(&out, APPROVAL_MAX);
    if (approval_way_sign(&a->way, &says, &out))
        code = a->way.body_out != NULL ? CLI_OK : deliver(a, &out);
    ts_buf_done(&out);
    return code;
}

static int run(struct answer *a)
{
    struct approval_wanted wanted;
    struct approval_told t;
    struct ts_buf keep;
    int code;

    if (!approval_wanted_parse(a->id, &wanted))
        return CLI_USAGE;
    if (a->person == NULL)
        a->person = getenv("TIPSTAFF_APPROVER");
    if (a->way.sshsig != NULL && a->person == NULL)
        a->person = ""; /* what was signed says who */
    if (a->person == NULL) {
        cli_error("--as (or TIPSTAFF_APPROVER): who are you, in the tenant's "
                  "directory of approvers?");
        return CLI_USAGE;
    }
    if (!approval_way_ok(&a->way))
        return CLI_USAGE;
    if (a->valid_s == 0 || a->valid_s > APPROVAL_TTL_MAX_S) {
        cli_error("--valid may be 1s to 1h");
        return CLI_USAGE;
    }
    if (a->src.json && !a->yes && a->way.sshsig == NULL) {
        cli_error("--json asks nothing: it goes with --yes");
        return CLI_USAGE;
    }
    code = approval_source_open(&a->src);
    if (code != CLI_OK)
        return code;
    ts_buf_init(&keep, TS_FRAME_MAX);
    code = approval_source_find(&a->src, &wanted, &t, &keep)
               ? answer(a, &t.view)
               : CLI_FAILED;
    ts_buf_done(&keep);
    approval_source_close(&a->src);
    return code;
}

static int parse(struct answer *a, const char *name, const char *about,
                 const char *examples, int argc, char **argv)
{
    const struct cli_option options[] = {
        {"--as", "PERSON", "who answers (TIPSTAFF_APPROVER)", CLI_TEXT,
         &a->person, false},
        {"--note", "TEXT", "for the log, signed with the answer", CLI_TEXT,
         &a->note, false},
        {"--key", "FILE", "sign with this seed", CLI_TEXT, &a->way.key, false},
        {"--ssh-agent", NULL, "sign with the agent of SSH_AUTH_SOCK", CLI_FLAG,
         &a->way.ssh_agent, false},
        {"--ssh-key", "FILE", "which of the agent's keys: its .pub file",
         CLI_TEXT, &a->way.ssh_key, false},
        {"--body-out", "FILE", "write what ssh-keygen -Y sign is to sign",
         CLI_TEXT, &a->way.body_out, false},
        {"--sshsig", "FILE", "send FILE.sig that it made of FILE", CLI_TEXT,
         &a->way.sshsig, false},
        {"--valid", "TIME", "until when the answer counts (10m)", CLI_SECONDS,
         &a->valid_s, false},
        {"--yes", NULL, "sign without being asked", CLI_FLAG, &a->yes, false},
        {"--all", NULL, "every value whole, however long", CLI_FLAG,
         &a->src.all, false},
        {"--json", NULL, "what became of it, as one object", CLI_FLAG,
         &a->src.json, false},
        APPROVAL_SOURCE_OPTIONS(a->src),
    };
    const struct cli_usage usage = {
        .name = name,
        .operands = "ID",
        .about = about,
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples = examples,
    };
    char **operand;
    size_t n;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &n, &code))
        return code;
    a->id = operand[0];
    return run(a);
}

int approval_approve_run(int argc, char **argv)
{
    struct answer a = {.src = {.socket = ADMIN_SOCKET_DEFAULT},
                       .verdict = APPROVAL_YES,
                       .valid_s = VALID_S};

    return parse(
        &a, "tipstaff approvals approve",
        "Shows a call that waits, asks, and says yes to exactly that call, "
        "once. The answer is signed by\na key of an approver of the tenant's "
        "directory: a seed file, a key in an ssh-agent, or anything\nthat "
        "ssh-keygen -Y sign can use.",
        "  tipstaff approvals approve 3f2a91bc --as bob --key bob.seed\n"
        "  tipstaff approvals approve 3f2a91bc --as bob --ssh-agent --ssh-key "
        "bob.pub\n"
        "  tipstaff approvals approve 3f2a91bc --as bob --body-out answer\n"
        "  tipstaff approvals approve 3f2a91bc --sshsig answer.sig\n",
        argc, argv);
}

int approval_deny_run(int argc, char **argv)
{
    struct answer a = {.src = {.socket = ADMIN_SOCKET_DEFAULT},
                       .verdict = APPROVAL_NO,
                       .valid_s = VALID_S};

    return parse(&a, "tipstaff approvals deny",
                 "Says no to a call that waits, signed as an approval is. One "
                 "no of anybody who is asked ends it for good.",
                 "  tipstaff approvals deny 3f2a91bc --as bob --key bob.seed "
                 "--note \"not my order\"\n",
                 argc, argv);
}
