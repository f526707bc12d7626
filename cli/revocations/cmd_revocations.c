/* tipstaff revocations ls: what is revoked, from the recorder's socket. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/admin_socket.h"
#include "cli/cmd.h"
#include "cli/opts.h"
#include "cli/revocations/revocations.h"

#define SOCKET_DEFAULT "/run/tipstaff/admin/log.sock"
#define WAIT_MS        10000

struct listing {
    const char *tenant, *kind, *socket;
    bool json;
    enum revocation_kind only; /* REVOCATION_NONE: all */
    uint64_t now_s, shown;
    struct term term;
};

static bool ask(const struct listing *l, struct admin_socket *s)
{
    struct ts_buf out;
    bool sent = false;

    ts_buf_init(&out, 1024);
    if (admin_list_send(&out, &(struct admin_list){
                                  .tenant = ts_str_of(l->tenant)}) != TS_OK)
        cli_error("--tenant is an id of at most 64 printable characters");
    else
        sent = admin_send(s, &out);
    ts_buf_done(&out);
    return sent;
}

static bool show(struct listing *l, const struct frame *f)
{
    struct revocation_row row = {.now_s = l->now_s};
    struct admin_entry m;
    const char *what = "";
    ts_err e = admin_entry_decode(f->body, f->len, &m, &what);

    if (e == TS_OK)
        e = revocation_entry_decode(m.payload.ptr, m.payload.len, &row.entry,
                                    &what);
    if (e != TS_OK) {
        cli_error("the recorder sent an entry that this version cannot read "
                  "(%s); use the tipstaff of the same version as the service",
                  what);
        return false;
    }
    if (l->only != REVOCATION_NONE && row.entry.kind != l->only)
        return true;
    row.keep_until = m.keep_until;
    if (l->shown++ == 0 && !l->json)
        revocation_row_head(&l->term);
    if (!l->json)
        revocation_row_print(&l->term, &row);
    else if (!revocation_row_json(&row)) {
        cli_error("out of memory, or standard output does not take more");
        return false;
    }
    return true;
}

static int receive(struct listing *l, struct admin_socket *s)
{
    struct frame f;

    for (;;) {
        enum admin_wait w = admin_receive(s, WAIT_MS, &f);

        if (w == ADMIN_TIMEOUT)
            cli_error("%s: no answer within %d seconds", l->socket,
                      WAIT_MS / 1000);
        if (w != ADMIN_GOT)
            return CLI_FAILED;
        if (f.type == ADMIN_TAIL_END)
            return CLI_OK;
        if (f.type != ADMIN_ENTRY) {
            cli_error("the recorder sent something that is not an entry; use "
                      "the tipstaff of the same version as the service");
            return CLI_FAILED;
        }
        if (!show(l, &f))
            return CLI_FAILED;
    }
}

static int revocations_ls(int argc, char **argv)
{
    struct listing l = {.socket = SOCKET_DEFAULT,
                        .now_s = (uint64_t)time(NULL)};
    const struct cli_option options[] = {
        {"--tenant", "ID", "only this tenant", CLI_TEXT, &l.tenant, false},
        {"--kind", "KIND", "only grant, block, key, user, agent, task, ...",
         CLI_TEXT, &l.kind, false},
        {"--json", NULL, "one object a line", CLI_FLAG, &l.json, false},
        {"--socket", "PATH", "log.sock (" SOCKET_DEFAULT ")", CLI_TEXT,
         &l.socket, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff revocations ls",
        .operands = "",
        .about = "Lists what is revoked and still remembered, oldest first.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples = "  tipstaff revocations ls --tenant acme --kind agent\n"
                    "  tipstaff revocations ls --json | jq .target\n",
    };
    struct admin_socket s;
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    if (l.kind != NULL && !revocation_kind_parse(ts_str_of(l.kind), &l.only)) {
        cli_error("--kind is grant, block, key, user, agent, task, tenant, "
                  "issuer-key, approver, escalation, decision or session");
        return CLI_USAGE;
    }
    l.term = term_stdout();
    if (!admin_open(&s, l.socket))
        return CLI_FAILED;
    code = ask(&l, &s) ? receive(&l, &s) : CLI_FAILED;
    admin_close(&s);
    if (code == CLI_OK && l.shown == 0 && !l.json)
        (void)printf("nothing is revoked%s\n",
                     l.tenant != NULL || l.kind != NULL ? " that fits" : "");
    return code;
}

int cmd_revocations(int argc, char **argv)
{
    static const struct cli_command table[] = {
        {"ls", "list what is revoked", revocations_ls},
        {NULL, NULL, NULL},
    };

    return cli_dispatch(table, "tipstaff revocations", NULL, argc, argv);
}
