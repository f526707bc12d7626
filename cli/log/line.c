/* One record as one row: time, what, who, which tool on what, why. */
#include "cli/log/line.h"

#include <stdio.h>
#include <string.h>

json_t *log_line_parse(struct ts_str line)
{
    json_t *j = json_loadb(line.ptr, line.len,
                           JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

    if (j != NULL && !json_is_object(j)) {
        json_decref(j);
        j = NULL;
    }
    return j;
}

struct ts_str log_line_text(const json_t *j, const char *key)
{
    const json_t *v = json_object_get(j, key);

    if (!json_is_string(v))
        return ts_str_of("");
    return (struct ts_str){.ptr = json_string_value(v),
                           .len = json_string_length(v)};
}

static unsigned long long number(const json_t *j, const char *key)
{
    json_int_t v = json_integer_value(json_object_get(j, key));

    return v > 0 ? (unsigned long long)v : 0;
}

/* Escaped, then padded; a longer text keeps its end, since the end tells more
 * (paths). */
static void column(struct ts_str s, int width)
{
    char text[512];
    size_t n = ts_str_show(text, sizeof(text), s.ptr, s.len), shown = 0;

    for (size_t i = 0; i < n; i++) /* UTF-8: count first bytes only */
        shown += ((unsigned char)text[i] & 0xc0) != 0x80;
    (void)fputs(text, stdout);
    for (size_t i = shown; i < (size_t)width; i++)
        (void)fputc(' ', stdout);
    (void)fputc(' ', stdout);
}

static void print_time(const struct term *t, const json_t *j)
{
    struct ts_str s = log_line_text(j, "time");

    (void)fputs(t->dim, stdout);
    if (s.len == 27) { /* 2026-11-22T00:00:00.000123Z: the day is in -o json */
        s.ptr += 11;
        s.len = 12;
    }
    column(s, 12);
    (void)fputs(t->reset, stdout);
}

static void print_who(const json_t *j)
{
    column(log_line_text(j, "tenant"), 8);
    column(log_line_text(j, "user"), 10);
    column(log_line_text(j, "agent"), 14);
    column(log_line_text(j, "tool"), 14);
}

/* Names, escaped, with commas; nothing of an empty list. */
static void print_people(const char *before, const json_t *people)
{
    const json_t *v;
    size_t i;

    json_array_foreach(people, i, v)
    {
        char text[512];

        if (!json_is_string(v))
            continue;
        (void)ts_str_show(text, sizeof(text), json_string_value(v),
                          json_string_length(v));
        (void)printf("%s%s", i == 0 ? before : ", ", text);
    }
}

/* Which question: as `tipstaff approvals ls` calls it. */
static void print_question(const json_t *j)
{
    struct ts_str id = log_line_text(j, "ticket");

    if (id.len > 8)
        id.len = 8;
    column(id, 8);
}

/* [[argument, value] ..], values only where the log has arguments. */
static void print_endorses(const json_t *list)
{
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        const json_t *arg = json_array_get(one, 0);
        const json_t *value = json_array_get(one, 1);

        (void)fputs(i == 0 ? "  for the task " : ", ", stdout);
        if (json_is_string(value)) {
            term_print((struct ts_str){.ptr = json_string_value(value),
                                       .len = json_string_length(value)});
            (void)fputs(" as ", stdout);
        }
        if (json_is_string(arg))
            term_print((struct ts_str){.ptr = json_string_value(arg),
                                       .len = json_string_length(arg)});
    }
}

static void print_decision(const struct term *t, const json_t *j)
{
    struct ts_str effect = log_line_text(j, "effect");
    const json_t *policies = json_object_get(j, "policies"), *v;
    const char *colour = t->red;
    size_t i;

    if (ts_str_eq_c(effect, "permit"))
        colour = t->green;
    else if (ts_str_eq_c(effect, "pending"))
        colour = t->yellow;
    (void)fputs(colour, stdout);
    column(effect, 8);
    (void)fputs(t->reset, stdout);
    print_who(j);
    column(log_line_text(j, "resource"), 32);
    (void)fputs(colour, stdout);
    column(log_line_text(j, "code"), 0);
    (void)fputs(t->reset, stdout);
    json_array_foreach(policies, i, v)
    {
        struct ts_str id = {.ptr = json_string_value(v),
                            .len = json_string_length(v)};

        (void)fputs(i == 0 ? t->dim : "", stdout);
        if (id.ptr != NULL)
            column(id, 0);
    }
    (void)printf("%s%s%llu us%s", i > 0 ? t->reset : "", t->dim,
                 number(j, "us"), t->reset);
    print_people("  approved by ", json_object_get(j, "approved_by"));
    print_endorses(json_object_get(j, "endorses"));
    if (ts_str_eq_c(effect, "pending")) {
        (void)fputs("  question ", stdout);
        print_question(j);
    }
}

static void print_outcome(const struct term *t, const json_t *j)
{
    struct ts_str reason = log_line_text(j, "reason");
    struct ts_str box = log_line_text(j, "box");
    bool exited = ts_str_eq_c(reason, "exited");
    bool fine =
        exited && number(j, "exit_code") == 0 && number(j, "signal") == 0;

    (void)fputs(t->cyan, stdout);
    column(ts_str_of("ended"), 8);
    (void)fputs(t->reset, stdout);
    print_who(j);
    (void)fputs(fine ? t->green : t->yellow, stdout);
    if (!exited) {
        column(reason, 0);
        if (ts_str_eq_c(reason, "refused"))
            column(log_line_text(j, "code"), 0);
    } else if (number(j, "signal") > 0) {
        (void)printf("signal %llu ", number(j, "signal"));
    } else {
        (void)printf("exit %llu ", number(j, "exit_code"));
    }
    (void)printf("%s%s%llu.%03llu ms  %llu B out  %llu B err  ", t->reset,
                 t->dim, number(j, "wall_us") / 1000,
                 number(j, "wall_us") % 1000, number(j, "stdout_bytes"),
                 number(j, "stderr_bytes"));
    if (box.len > 0) { /* it ran */
        (void)fputs("box ", stdout);
        column(box, 0);
    }
    (void)fputs(t->reset, stdout);
    if (number(j, "redacted") > 0)
        (void)printf(" %sprinted a secret %llu times, redacted%s", t->red,
                     number(j, "redacted"), t->reset);
    if (json_is_true(json_object_get(j, "withheld")))
        (void)fputs(" output kept back", stdout);
    if (ts_str_eq_c(reason, "refused")) {
        (void)fputc(' ', stdout);
        column(log_line_text(j, "text"), 0);
    }
}

static void print_host(const json_t *j)
{
    struct ts_str method = log_line_text(j, "method");
    struct ts_str address = log_line_text(j, "address");
    char text[512];

    if (method.len > 0)
        column(method, 0);
    (void)ts_str_show(text, sizeof(text), log_line_text(j, "host").ptr,
                      log_line_text(j, "host").len);
    (void)printf("%s:%llu", text, number(j, "port"));
    if (method.len > 0)
        column(log_line_text(j, "path"), 0);
    (void)fputc(' ', stdout);
    if (address.len > 0)
        column(address, 0);
}

/* egress_opened, egress_closed, egress_denied */
static void print_egress(const struct term *t, const json_t *j,
                         struct ts_str kind)
{
    bool denied = ts_str_eq_c(kind, "egress_denied");
    bool closed = ts_str_eq_c(kind, "egress_closed");
    const char *what = denied ? "no conn" : closed ? "hung up" : "connect";

    (void)fputs(denied ? t->red : t->cyan, stdout);
    column(ts_str_of(what), 8);
    (void)fputs(t->reset, stdout);
    print_who(j);
    print_host(j);
    if (denied) {
        (void)fputs(t->red, stdout);
        column(log_line_text(j, "code"), 0);
        (void)fputs(t->reset, stdout);
        if (number(j, "count") > 1)
            (void)printf("%llu times", number(j, "count"));
    } else if (closed) {
        column(log_line_text(j, "reason"), 0);
        (void)printf("%s%llu B out  %llu B in  %llu ms%s", t->dim,
                     number(j, "bytes_out"), number(j, "bytes_in"),
                     number(j, "ms"), t->reset);
        if (number(j, "requests") > 1)
            (void)printf("  %llu requests", number(j, "requests"));
    } else {
        column(log_line_text(j, "via"), 0);
    }
}

/* approval: somebody has said something, whether it counts or not. */
static void print_answer(const struct term *t, const json_t *j)
{
    bool counts = ts_str_eq_c(log_line_text(j, "code"), "ok");
    bool no = ts_str_eq_c(log_line_text(j, "verdict"), "no");

    (void)fputs(!counts ? t->yellow : no ? t->red : t->green, stdout);
    column(ts_str_of("answer"), 8);
    (void)fputs(t->reset, stdout);
    column(log_line_text(j, "tenant"), 8);
    print_question(j);
    if (counts) {
        column(log_line_text(j, "person"), 10);
        (void)fputs(no ? t->red : t->green, stdout);
        column(ts_str_of(no ? "says no" : "says yes"), 8);
    } else {
        (void)fputs(t->yellow, stdout);
        column(ts_str_of("of no account:"), 0);
        column(log_line_text(j, "code"), 8);
    }
    (void)fputs(t->reset, stdout);
    column(log_line_text(j, "state"), 8);
    (void)printf("%s%llu yes so far, brought by uid %llu%s", t->dim,
                 number(j, "people"), number(j, "by_uid"), t->reset);
}

/* approval_ended: whatever became of a question */
static void print_question_ended(const struct term *t, const json_t *j)
{
    struct ts_str reason = log_line_text(j, "reason");
    bool taken = ts_str_eq_c(reason, "taken");

    (void)fputs(t->cyan, stdout);
    column(ts_str_of("no more"), 8);
    (void)fputs(t->reset, stdout);
    column(log_line_text(j, "tenant"), 8);
    print_question(j);
    (void)fputs(taken ? t->green : t->yellow, stdout);
    column(taken ? ts_str_of("ran") : reason, 8);
    (void)fputs(t->reset, stdout);
    print_people("yes of ", json_object_get(j, "people"));
}

/* Kinds that are rare: their name and whatever they say in words. */
static void print_other(const struct term *t, const json_t *j)
{
    static const char *const texts[] = {
        "process", "tenant",  "target_kind", "target",   "reason", "by",
        "boot",    "sidecar", "segment",     "previous", "tool",   "code",
        "text",    "id",      "user",        "agent",    "task",   "end"};
    static const char *const numbers[] = {
        "generation", "rev_seq", "dir_seq", "users",    "agents", "revoked",
        "bytes",      "ran",     "failed",  "left_out", "used",   "max_uses"};

    (void)fputs(t->bold, stdout);
    column(log_line_text(j, "kind"), 8);
    (void)fputs(t->reset, stdout);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct ts_str s = log_line_text(j, texts[i]);

        if (s.len > 0) {
            (void)printf("%s=", texts[i]);
            column(s, 0);
        }
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (json_is_integer(json_object_get(j, numbers[i])))
            (void)printf("%s=%llu ", numbers[i], number(j, numbers[i]));
}

void log_line_print(const struct term *t, const json_t *j)
{
    struct ts_str kind = log_line_text(j, "kind");

    print_time(t, j);
    if (ts_str_eq_c(kind, "decision"))
        print_decision(t, j);
    else if (ts_str_eq_c(kind, "exec_ended"))
        print_outcome(t, j);
    else if (ts_str_eq_c(kind, "approval"))
        print_answer(t, j);
    else if (ts_str_eq_c(kind, "approval_ended"))
        print_question_ended(t, j);
    else if (ts_str_starts(kind, TS_STR_LIT("egress_")))
        print_egress(t, j, kind);
    else
        print_other(t, j);
    (void)fputc('\n', stdout);
}
