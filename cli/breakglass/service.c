/* tipstaff break-glass activate and ls: what the service is told, and tells. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "cli/admin_socket.h"
#include "cli/breakglass/breakglass.h"
#include "cli/cmd.h"
#include "cli/opts.h"
#include "cli/term.h"

#define ANSWER_MS 10000

/* The next frame; false: printed. */
static bool receive(struct admin_socket *s, struct frame *ret)
{
    enum admin_wait w = admin_receive(s, ANSWER_MS, ret);

    if (w == ADMIN_TIMEOUT)
        cli_error("no answer within %d seconds; tipstaff break-glass ls tells "
                  "what is in force",
                  ANSWER_MS / 1000);
    return w == ADMIN_GOT;
}

static bool unreadable(const char *what)
{
    cli_error("the service's answer cannot be read (%s); use the tipstaff of "
              "the same version",
              what);
    return false;
}

static bool told_json(const struct admin_escalated *m, const char *id)
{
    json_t *j = json_pack("{s:s, s:b, s:s%, s:s%}", "id", id, "in_force",
                          ts_str_eq_c(m->code, "ok"), "code", m->code.ptr,
                          m->code.len, "text", m->text.ptr, m->text.len);

    return breakglass_json(j) && ts_str_eq_c(m->code, "ok");
}

static bool told(const struct admin_escalated *m, bool json)
{
    char code[128], text[2048], id[33];

    ts_hex_encode(id, m->id, sizeof(m->id));
    if (json)
        return told_json(m, id);
    (void)ts_str_show(code, sizeof(code), m->code.ptr, m->code.len);
    (void)ts_str_show(text, sizeof(text), m->text.ptr, m->text.len);
    if (!ts_str_eq_c(m->code, "ok")) {
        cli_error("it is not in force (%s): %s", code, text);
        return false;
    }
    (void)printf("%s: %s\n", id, text);
    return true;
}

static bool activate(struct admin_socket *s, struct ts_bytes object, bool json)
{
    const struct admin_escalate m = {.object = object};
    struct admin_escalated answer;
    struct frame f = {.type = 0};
    const char *what = "type";
    struct ts_buf out;
    bool sent;

    ts_buf_init(&out, 2 * (size_t)ESCALATION_MAX);
    sent = admin_escalate_send(&out, &m) == TS_OK;
    if (!sent)
        cli_error("out of memory");
    sent = sent && admin_send(s, &out);
    ts_buf_done(&out);
    if (!sent || !receive(s, &f))
        return false;
    if (f.type != ADMIN_ESCALATED ||
        admin_escalated_decode(f.body, f.len, &answer, &what) != TS_OK)
        return unreadable(what);
    return told(&answer, json);
}

int breakglass_activate_run(int argc, char **argv)
{
    const char *socket = ADMIN_SOCKET_DEFAULT;
    bool json = false;
    const struct cli_option options[] = {
        {"--json", NULL, "one JSON object, also when it is refused", CLI_FLAG,
         &json, false},
        {"--socket", "PATH", "admin.sock (" ADMIN_SOCKET_DEFAULT ")", CLI_TEXT,
         &socket, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff break-glass activate",
        .operands = "FILE",
        .about = "Brings a signed escalation to the service. Bringing it twice "
                 "does no harm; one that has\nended does not come again.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff break-glass activate inc-17.both\n"
                    "  tipstaff break-glass activate inc-17.both --json | jq "
                    "-r .code\n",
    };
    struct breakglass_file file;
    struct admin_socket s;
    struct ts_arena arena;
    char **operands;
    size_t count;
    bool ok;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    ts_arena_init(&arena, (size_t)4 * ESCALATION_MAX);
    ok = breakglass_read(operands[0], &arena, &file) && admin_open(&s, socket);
    if (ok) {
        ok = activate(&s, file.object, json);
        admin_close(&s);
    }
    ts_arena_done(&arena);
    return ok ? CLI_OK : CLI_FAILED;
}

/* ---- ls ---------------------------------------------------------------------
 */

static void put(const char *key, struct ts_str v)
{
    (void)printf("  %-9s ", key);
    term_print(v);
    (void)putchar('\n');
}

static void show(const struct admin_escalation *m)
{
    char id[33], until[32];

    term_time(until, sizeof(until), m->expires);
    ts_hex_encode(id, m->id, sizeof(m->id));
    (void)printf("%s  ", id);
    term_print(m->state);
    (void)printf("  used %" PRIu32 " of %" PRIu32 ", until %s\n", m->used,
                 m->max_uses, until);
    put("tenant", m->tenant);
    put("user", m->user);
    put("agent", m->agent);
    put("task", m->task);
    for (uint32_t i = 0; i < m->people_count; i++)
        put("signed by", m->people[i]);
    put("reason", m->reason);
    if (m->incident.len > 0)
        put("incident", m->incident);
}

static bool show_json(const struct admin_escalation *m)
{
    json_t *people = json_array(), *j;
    char id[33];

    ts_hex_encode(id, m->id, sizeof(m->id));
    for (uint32_t i = 0; i < m->people_count; i++)
        (void)json_array_append_new(
            people, json_stringn(m->people[i].ptr, m->people[i].len));
    j = json_pack("{s:s, s:s%, s:s%, s:s%, s:s%, s:s%, s:I, s:i, s:i, s:o, "
                  "s:s%, s:s%}",
                  "id", id, "tenant", m->tenant.ptr, m->tenant.len, "user",
                  m->user.ptr, m->user.len, "agent", m->agent.ptr, m->agent.len,
                  "task", m->task.ptr, m->task.len, "state", m->state.ptr,
                  m->state.len, "expires", (json_int_t)m->expires, "used",
                  (int)m->used, "max_uses", (int)m->max_uses, "people", people,
                  "reason", m->reason.ptr, m->reason.len, "incident",
                  m->incident.ptr, m->incident.len);
    return breakglass_json(j);
}

static bool list(struct admin_socket *s, bool json)
{
    for (;;) {
        struct frame f = {.type = 0};
        struct admin_escalation m;
        const char *what = "type";

        if (!receive(s, &f))
            return false;
        if (f.type == ADMIN_ESCALATIONS_END &&
            admin_empty_decode(f.body, f.len, &what) == TS_OK)
            return true;
        if (f.type != ADMIN_ESCALATION ||
            admin_escalation_decode(f.body, f.len, &m, &what) != TS_OK)
            return unreadable(what);
        if (!json)
            show(&m);
        else if (!show_json(&m))
            return false;
    }
}

static bool ask_list(struct admin_socket *s, const char *tenant, bool json)
{
    const struct admin_escalations m = {.tenant = ts_str_of(tenant)};
    struct ts_buf out;
    bool sent;

    ts_buf_init(&out, 1024);
    sent = admin_escalations_send(&out, &m) == TS_OK;
    if (!sent)
        cli_error("--tenant is an id");
    sent = sent && admin_send(s, &out);
    ts_buf_done(&out);
    return sent && list(s, json);
}

int breakglass_ls_run(int argc, char **argv)
{
    const char *socket = ADMIN_SOCKET_DEFAULT, *tenant = "";
    bool json = false, ok;
    const struct cli_option options[] = {
        {"--tenant", "ID", "only this tenant", CLI_TEXT, &tenant, false},
        {"--json", NULL, "one JSON object a line", CLI_FLAG, &json, false},
        {"--socket", "PATH", "admin.sock (" ADMIN_SOCKET_DEFAULT ")", CLI_TEXT,
         &socket, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff break-glass ls",
        .operands = "",
        .about = "Lists escalations: active, used_up (the last tool still "
                 "runs), interrupted (by a restart;\nactivate the same file "
                 "again).",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples = "  tipstaff break-glass ls --tenant acme\n"
                    "  tipstaff break-glass ls --json | jq -r '.id'\n",
    };
    struct admin_socket s;
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    if (!admin_open(&s, socket))
        return CLI_FAILED;
    ok = ask_list(&s, tenant, json);
    admin_close(&s);
    return ok ? CLI_OK : CLI_FAILED;
}
