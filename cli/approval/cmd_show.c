/* tipstaff approvals ls, show and watch: which calls wait for people. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/approval/approval.h"
#include "cli/approval/source.h"
#include "cli/cmd.h"
#include "cli/json_line.h"
#include "cli/term.h"
#include "proto/wire/limits.h"
#include "sidecar/question/screen.h"

#define ANSWER_MS    10000
#define WATCH_MS     3600000
#define SHORT_DIGITS 16 /* of a ticket id in a table */
#define CELL_MAX     512

/* Escaped, cut to width and padded to it. */
static void cell(struct ts_str s, unsigned width)
{
    char text[CELL_MAX];
    size_t n = ts_str_show(text, sizeof(text), s.ptr, s.len);

    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] >= 0x80)
            text[i] = '?'; /* a table keeps its columns; show has all of it */
    if (n > width)
        (void)printf("%.*s~  ", (int)width - 1, text);
    else
        (void)printf("%-*s  ", (int)width, text);
}

static void left_text(char out[24], uint64_t expires)
{
    uint64_t now = (uint64_t)time(NULL);
    uint64_t left = expires > now ? expires - now : 0;

    (void)snprintf(out, 24, "%" PRIu64 "m%02" PRIu64 "s", left / 60, left % 60);
}

static void head(const struct term *t)
{
    (void)printf("%s%-16s  %-8s  %-12s  %-12s  %-16s  %-18s  %-24s  %s%s\n",
                 t->bold, "TICKET", "LEFT", "TENANT", "USER", "AGENT", "TOOL",
                 "RESOURCE", "ASKED", t->reset);
}

static uint32_t yes_of(const struct approval_view *v, uint32_t rule)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < v->people_count; i++)
        n += v->people[i].rules >> rule & 1u;
    return n;
}

static void row(const struct approval_view *v)
{
    const struct ticket *t = &v->ticket;
    char hex[2 * TRUST_HASH_LEN + 1], left[24];

    ts_hex_encode(hex, v->id, sizeof(v->id));
    left_text(left, t->expires);
    (void)printf("%.*s  %-8s  ", SHORT_DIGITS, hex, left);
    cell(t->tenant, 12);
    cell(t->user, 12);
    cell(t->agents[t->agent_count - 1], 16);
    cell(t->tool, 18);
    cell(t->resource, 24);
    for (uint32_t i = 0; i < t->rule_count; i++)
        (void)printf("%s%.*s %" PRIu32 "/%" PRIu32, i == 0 ? "" : ", ",
                     (int)t->rules[i].class_id.len, t->rules[i].class_id.ptr,
                     yes_of(v, i), t->rules[i].count);
    (void)printf("%s\n", v->stage == TICKET_STAGE_GRANTED ? ", granted" : "");
}

static int list(struct approval_source *src)
{
    const struct term t = term_stdout();
    struct approval_told told;
    enum approval_event e = APPROVAL_EVENT_BROKEN;
    uint64_t shown = 0;
    size_t cut;

    if (!approval_source_ask(src, false))
        return CLI_FAILED;
    while ((e = approval_source_next(src, ANSWER_MS, &told)) ==
           APPROVAL_EVENT_TICKET) {
        if (src->json) {
            if (!approval_source_print(src, &told.view, &cut))
                return CLI_FAILED;
            continue;
        }
        if (shown++ == 0)
            head(&t);
        row(&told.view);
    }
    if (e == APPROVAL_EVENT_NONE)
        cli_error("%s: no answer within %d seconds", src->socket,
                  ANSWER_MS / 1000);
    if (e != APPROVAL_EVENT_LISTED)
        return CLI_FAILED;
    if (shown == 0 && !src->json && src->refused == 0)
        (void)printf("no call waits for approval\n");
    return src->refused == 0 ? CLI_OK : CLI_FAILED;
}

/* run() between opening and closing. */
static int with_service(struct approval_source *src,
                        int (*run)(struct approval_source *src))
{
    int code = approval_source_open(src);

    if (code != CLI_OK)
        return code;
    code = run(src);
    approval_source_close(src);
    return code;
}

int approval_ls_run(int argc, char **argv)
{
    struct approval_source src = {.socket = ADMIN_SOCKET_DEFAULT};
    const struct cli_option options[] = {
        {"--json", NULL, "one object a line", CLI_FLAG, &src.json, false},
        APPROVAL_SOURCE_OPTIONS(src),
    };
    const struct cli_usage usage = {
        .name = "tipstaff approvals ls",
        .operands = "",
        .about = "Lists the calls that wait for people, oldest first. Only "
                 "questions that the sidecar has\nsigned are shown.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples = "  tipstaff approvals ls --sidecar-key keys/sidecar.pub\n"
                    "  tipstaff approvals ls --json | jq .ticket_id\n",
    };
    char **operand;
    size_t n;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &n, &code))
        return code;
    return with_service(&src, list);
}

int approval_show_run(int argc, char **argv)
{
    struct approval_source src = {.socket = ADMIN_SOCKET_DEFAULT};
    const struct cli_option options[] = {
        {"--all", NULL, "every value whole, however long", CLI_FLAG, &src.all,
         false},
        {"--json", NULL, "one object on one line", CLI_FLAG, &src.json, false},
        APPROVAL_SOURCE_OPTIONS(src),
    };
    const struct cli_usage usage = {
        .name = "tipstaff approvals show",
        .operands = "ID",
        .about = "Shows one call that waits: who asks for whom, the exact "
                 "arguments, where they come from, what\nis unusual, who is "
                 "asked. ID is the ticket's or the decision's, or the first 8 "
                 "or more of its digits.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff approvals show 3f2a91bc --all\n"
                    "  tipstaff approvals show 3f2a91bc --json | jq .args\n",
    };
    struct approval_wanted wanted;
    struct approval_told told;
    struct ts_buf keep;
    char **operand;
    size_t n, cut;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &n, &code))
        return code;
    if (!approval_wanted_parse(operand[0], &wanted))
        return CLI_USAGE;
    code = approval_source_open(&src);
    if (code != CLI_OK)
        return code;
    ts_buf_init(&keep, TS_FRAME_MAX);
    code = approval_source_find(&src, &wanted, &told, &keep) &&
                   approval_source_print(&src, &told.view, &cut)
               ? CLI_OK
               : CLI_FAILED;
    ts_buf_done(&keep);
    approval_source_close(&src);
    return code;
}

static bool news_json(const struct admin_ticket_news *m)
{
    char id[2 * sizeof(m->decision_id) + 1];
    json_t *j;
    bool done;

    ts_hex_encode(id, m->decision_id, sizeof(m->decision_id));
    j = json_pack("{s:s, s:s%, s:s%, s:I}", "decision_id", id, "tenant",
                  m->tenant.ptr, m->tenant.len, "news", m->what.ptr,
                  m->what.len, "people", (json_int_t)m->people);
    done = cli_json_line(j);
    json_decref(j);
    return done;
}

static bool tell_news(const struct approval_source *src,
                      const struct admin_ticket_news *m)
{
    char id[2 * sizeof(m->decision_id) + 1];

    if (src->json)
        return news_json(m) && fflush(stdout) == 0;
    ts_hex_encode(id, m->decision_id, sizeof(m->decision_id));
    (void)printf("decision %s: ", id);
    term_print(m->what);
    (void)printf(", %" PRIu32 " yes\n", m->people);
    return fflush(stdout) == 0;
}

static int watch(struct approval_source *src)
{
    struct approval_told told;

    if (!approval_source_ask(src, true))
        return CLI_FAILED;
    for (;;) {
        size_t cut;

        switch (approval_source_next(src, WATCH_MS, &told)) {
        case APPROVAL_EVENT_TICKET:
            if (!approval_source_print(src, &told.view, &cut))
                return CLI_FAILED;
            if (!src->json)
                (void)printf("\n");
            break;
        case APPROVAL_EVENT_NEWS:
            if (!tell_news(src, &told.news))
                return CLI_FAILED;
            break;
        case APPROVAL_EVENT_LISTED:
        case APPROVAL_EVENT_NONE:
            break;
        case APPROVAL_EVENT_BROKEN:
            return CLI_FAILED;
        }
        if (fflush(stdout) != 0)
            return CLI_FAILED;
    }
}

int approval_watch_run(int argc, char **argv)
{
    struct approval_source src = {.socket = ADMIN_SOCKET_DEFAULT};
    const struct cli_option options[] = {
        {"--all", NULL, "every value whole, however long", CLI_FLAG, &src.all,
         false},
        {"--json", NULL, "one object a line", CLI_FLAG, &src.json, false},
        APPROVAL_SOURCE_OPTIONS(src),
    };
    const struct cli_usage usage = {
        .name = "tipstaff approvals watch",
        .operands = "",
        .about = "Shows what waits, then every new question and what becomes "
                 "of each, until it is interrupted.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples = "  tipstaff approvals watch --tenant acme\n"
                    "  tipstaff approvals watch --json | ./tell-chat\n",
    };
    char **operand;
    size_t n;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &n, &code))
        return code;
    return with_service(&src, watch);
}
