/* tipstaff log show ID: one decision, readable. */
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/json_line.h"
#include "cli/log/files.h"
#include "cli/log/line.h"
#include "cli/log/log_cmds.h"
#include "cli/opts.h"
#include "cli/term.h"

#define ID_DIGITS_MIN 8
#define LABEL_WIDTH   12

struct shown {
    json_t *decision, *outcome;
    bool ambiguous;
    json_t *network; /* array of egress_* lines; NULL: none */
    size_t more;     /* of them than NETWORK_SHOWN */
    json_t *people;  /* array: what else bears its ticket; NULL: nothing */
    size_t more_people;
};
#define NETWORK_SHOWN 200
#define PEOPLE_SHOWN  200

static void label(const struct term *t, const char *name)
{
    (void)printf("%s%-*s%s ", t->dim, LABEL_WIDTH, name, t->reset);
}

static void show_text(const struct term *t, const json_t *j, const char *key)
{
    struct ts_str s = log_line_text(j, key);

    if (s.len == 0)
        return;
    label(t, key);
    term_print(s);
    (void)fputc('\n', stdout);
}

/* ASCII: whatever a terminal could mistake becomes \u escapes. */
static void print_json(const json_t *v)
{
    char text[2048];
    size_t n =
        json_dumpb(v, text, sizeof(text), JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

    if (n > sizeof(text))
        (void)printf("%.*s ... (-o json shows all)", (int)sizeof(text), text);
    else
        (void)printf("%.*s", (int)n, text);
}

/* Any value, on one line, its strings escaped for a terminal. */
static void show_value(const struct term *t, const json_t *j, const char *key)
{
    const json_t *v = json_object_get(j, key);

    if (v == NULL || json_is_null(v))
        return;
    if (json_is_string(v)) {
        show_text(t, j, key);
        return;
    }
    label(t, key);
    print_json(v);
    (void)fputc('\n', stdout);
}

static void show_list(const struct term *t, const json_t *j, const char *key,
                      const char *between)
{
    const json_t *list = json_object_get(j, key), *v;
    size_t i;

    if (json_array_size(list) == 0)
        return;
    label(t, key);
    json_array_foreach(list, i, v)
    {
        struct ts_str s = {.ptr = json_string_value(v),
                           .len = json_string_length(v)};

        (void)fputs(i > 0 ? between : "", stdout);
        if (s.ptr != NULL)
            term_print(s);
    }
    (void)fputc('\n', stdout);
}

/* [set, decision, [reasons], [[policy, error]], [permits]] */
static void show_sets(const struct term *t, const json_t *j)
{
    const json_t *sets = json_object_get(j, "cedar"), *set;
    size_t i;

    json_array_foreach(sets, i, set)
    {
        const char *name = json_string_value(json_array_get(set, 0));
        const char *answer = json_string_value(json_array_get(set, 1));
        const json_t *errors = json_array_get(set, 3);

        label(t, i == 0 ? "policies" : "");
        term_print(ts_str_of(name));
        (void)printf(": %s", ts_str_eq_c(ts_str_of(answer), "allow") ? t->green
                                                                     : t->red);
        term_print(ts_str_of(answer));
        (void)printf("%s ", t->reset);
        print_json(json_array_get(set, 2));
        if (json_array_size(errors) > 0) {
            (void)fputs(" errors ", stdout);
            print_json(errors);
        }
        (void)fputc('\n', stdout);
    }
}

/* [set, "calls" or "amount", name, before, added] */
static void show_uses(const struct term *t, const json_t *j)
{
    const json_t *list = json_object_get(j, "uses"), *u;
    size_t i;

    json_array_foreach(list, i, u)
    {
        label(t, i == 0 ? "uses" : "");
        term_print(ts_str_of(json_string_value(json_array_get(u, 0))));
        (void)putchar(' ');
        term_print(ts_str_of(json_string_value(json_array_get(u, 2))));
        (void)fputs(": ", stdout);
        print_json(json_array_get(u, 3));
        (void)fputs(" before, ", stdout);
        print_json(json_array_get(u, 4));
        (void)fputs(" taken\n", stdout);
    }
}

static void show_decision(const struct term *t, const json_t *j)
{
    static const char *const what[] = {"tool", "action",      "resource",
                                       "args", "sensitivity", "provenance"};
    static const char *const rest[] = {
        "ticket", "context", "task",    "grant",       "issuer",      "session",
        "peer",   "call",    "trace",   "generation",  "rev_seq",     "dir_seq",
        "order",  "box",     "require", "tool_digest", "args_digest", "us"};

    (void)printf("%sdecision %s%s\n", t->bold, log_line_text(j, "id").ptr,
                 t->reset);
    show_text(t, j, "time");
    show_text(t, j, "effect");
    show_text(t, j, "code");
    show_text(t, j, "text");
    show_text(t, j, "tenant");
    show_text(t, j, "user");
    show_text(t, j, "agent");
    show_list(t, j, "chain", " -> ");
    for (size_t i = 0; i < sizeof(what) / sizeof(what[0]); i++)
        show_value(t, j, what[i]);
    show_sets(t, j);
    show_list(t, j, "policies", ", ");
    show_uses(t, j);
    show_list(t, j, "approved_by", ", ");
    show_value(t, j, "endorses");
    for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++)
        show_value(t, j, rest[i]);
}

static void show_outcome(const struct term *t, const json_t *j,
                         const json_t *decision)
{
    static const char *const keys[] = {
        "reason",       "code",         "text",      "exit_code",
        "signal",       "wall_us",      "cpu_us",    "max_rss_kb",
        "stdout_bytes", "stderr_bytes", "truncated", "box",
        "layers",       "absent",       "weakened",  "landlock_abi",
        "launch_us",    "killed",       "redacted",  "withheld",
        "endorsed"};

    if (j == NULL) {
        (void)printf("%s\n", json_object_get(decision, "order") != NULL
                                 ? "no outcome yet"
                                 : "nothing was launched");
        return;
    }
    (void)printf("%soutcome%s\n", t->bold, t->reset);
    show_text(t, j, "time");
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        show_value(t, j, keys[i]);
}

/* The ids of one run of the service begin alike, so the end names one, too. */
static bool names(struct ts_str id, struct ts_str hex)
{
    return id.len >= hex.len &&
           (ts_str_starts(id, hex) ||
            memcmp(id.ptr + id.len - hex.len, hex.ptr, hex.len) == 0);
}

static void keep_network(struct shown *s, json_t *j)
{
    if (s->network == NULL)
        s->network = json_array();
    if (json_array_size(s->network) >= NETWORK_SHOWN ||
        json_array_append(s->network, j) != 0)
        s->more++;
}

/* Keeps the line if it is of this decision; hex is a part of its id. */
static void look(struct shown *s, json_t *j, struct ts_str hex)
{
    struct ts_str kind = log_line_text(j, "kind");
    bool decision = ts_str_eq_c(kind, "decision");
    json_t **to = decision ? &s->decision : &s->outcome;

    if (ts_str_starts(kind, TS_STR_LIT("egress_")) &&
        names(log_line_text(j, "id"), hex)) {
        keep_network(s, j);
        return;
    }
    if ((!decision && !ts_str_eq_c(kind, "exec_ended")) ||
        !names(log_line_text(j, "id"), hex))
        return;
    if (*to != NULL && decision)
        s->ambiguous = true;
    json_decref(*to);
    *to = json_incref(j);
}

/* Keeps what people said, how their question ended, and other decisions on the
 * same question. */
static void look_people(struct shown *s, json_t *j, struct ts_str ticket)
{
    if (!ts_str_eq(log_line_text(j, "ticket"), ticket) ||
        json_equal(j, s->decision))
        return;
    if (s->people == NULL)
        s->people = json_array();
    if (json_array_size(s->people) >= PEOPLE_SHOWN ||
        json_array_append(s->people, j) != 0)
        s->more_people++;
}

typedef void look_at(struct shown *s, json_t *j, struct ts_str hex);

static ts_err search(struct log_files *f, struct ts_str hex, look_at *at,
                     struct shown *s)
{
    struct log_place place;
    struct ts_str line;
    ts_err e;

    while ((e = log_files_next(f, &line, &place)) == TS_OK) {
        json_t *j;

        if (memmem(line.ptr, line.len, hex.ptr, hex.len) == NULL)
            continue; /* most lines need not be parsed */
        j = log_line_parse(line);
        if (j != NULL)
            at(s, j, hex);
        json_decref(j);
    }
    return e == TS_E_AGAIN || e == TS_E_TRUNCATED ? TS_OK : e;
}

/* As in the stream: in the order in which it happened. */
static void show_network(const struct term *t, const struct shown *s)
{
    const json_t *j;
    size_t i;

    if (s->network == NULL)
        return;
    (void)printf("%snetwork%s\n", t->bold, t->reset);
    json_array_foreach(s->network, i, j) log_line_print(t, j);
    if (s->more > 0)
        (void)printf("and %zu more\n", s->more);
}

static void show_people(const struct term *t, const struct shown *s)
{
    const json_t *j;
    size_t i;

    if (s->people == NULL)
        return;
    (void)printf("%speople%s\n", t->bold, t->reset);
    json_array_foreach(s->people, i, j) log_line_print(t, j);
    if (s->more_people > 0)
        (void)printf("and %zu more\n", s->more_people);
}

static int print_records(const struct shown *s)
{
    bool ok = cli_json_line(s->decision);
    const json_t *j;
    size_t i;

    json_array_foreach(s->people, i, j) ok = ok && cli_json_line(j);
    json_array_foreach(s->network, i, j) ok = ok && cli_json_line(j);
    if (s->outcome != NULL)
        ok = ok && cli_json_line(s->outcome);
    if (ok)
        return CLI_OK;
    cli_error("out of memory, or standard output does not take more");
    return CLI_FAILED;
}

static int print_found(const struct shown *s, struct ts_str hex, bool json)
{
    const struct term t = term_stdout();

    if (s->decision == NULL) {
        cli_error("no decision whose id begins with %.*s is in this log",
                  (int)hex.len, hex.ptr);
        return CLI_FAILED;
    }
    if (s->ambiguous) {
        cli_error(
            "more than one decision id begins or ends with %.*s; give more "
            "digits",
            (int)hex.len, hex.ptr);
        return CLI_FAILED;
    }
    if (json)
        return print_records(s);
    show_decision(&t, s->decision);
    show_people(&t, s);
    show_network(&t, s);
    show_outcome(&t, s->outcome, s->decision);
    return CLI_OK;
}

/* TS_E_NOT_FOUND: the log cannot be opened, which was told. What people said
 * bears another id than the call that then ran: a second pass, if there is a
 * ticket. */
static ts_err search_all(const char *const *paths, size_t count,
                         struct ts_str hex, struct shown *s)
{
    struct ts_str ticket = {0};
    struct log_files f;
    ts_err e;

    if (!log_files_open(&f, paths, count))
        return TS_E_NOT_FOUND;
    e = search(&f, hex, look, s);
    log_files_close(&f);
    if (e == TS_OK && s->decision != NULL)
        ticket = log_line_text(s->decision, "ticket");
    if (e != TS_OK || ticket.len == 0 || s->ambiguous)
        return e;
    if (!log_files_open(&f, paths, count))
        return TS_E_NOT_FOUND;
    e = search(&f, ticket, look_people, s);
    log_files_close(&f);
    return e;
}

static bool is_hex(const char *s)
{
    return strlen(s) >= ID_DIGITS_MIN && strlen(s) <= 32 &&
           s[strspn(s, "0123456789abcdef")] == '\0';
}

int log_show(int argc, char **argv)
{
    const char *format = "text";
    const struct cli_option options[] = {
        {"-o", "text|json",
         "for people, or json: a record a line, in ASCII (text)", CLI_TEXT,
         &format, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff log show",
        .operands = "ID [DIR|FILE...]",
        .about = "Shows one decision: who asked, through which chain, for "
                 "what, what each policy set\nsaid, and how it ended. ID is "
                 "the decision id or 8 or more digits of its end or "
                 "beginning.\nDefault "
                 "log: " LOG_DIR_DEFAULT,
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = CLI_LIST_MAX,
        .examples = "  tipstaff log show 3f2a9c01\n",
    };
    struct shown s = {0};
    char **operands;
    struct ts_str hex;
    size_t count;
    ts_err e;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    if (!is_hex(operands[0]) ||
        (strcmp(format, "text") != 0 && strcmp(format, "json") != 0)) {
        cli_error("usage: tipstaff log show ID [-o text|json]; ID is 8 to 32 "
                  "hex digits");
        return CLI_USAGE;
    }
    hex = ts_str_of(operands[0]);
    e = search_all((const char *const *)operands + 1, count - 1, hex, &s);
    if (e == TS_OK)
        code = print_found(&s, hex, strcmp(format, "json") == 0);
    else if (e != TS_E_NOT_FOUND)
        cli_error("the log cannot be read: %s", ts_err_text(e));
    json_decref(s.decision);
    json_decref(s.outcome);
    json_decref(s.network);
    json_decref(s.people);
    return e == TS_OK ? code : CLI_FAILED;
}
