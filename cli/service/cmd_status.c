/* tipstaff status: asks the running service how it is. For probes, too. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/admin_socket.h"
#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/opts.h"
#include "cli/term.h"

/* Decides about new calls, and can write the decisions down. */
static bool is_serving(const json_t *status)
{
    const char *ring = json_string_value(json_object_get(status, "ring"));

    return json_is_false(json_object_get(status, "draining")) && ring != NULL &&
           strcmp(ring, "stopped") != 0;
}

static void print_value(const char *prefix, const char *key, const json_t *v)
{
    char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);

    (void)printf("%s%-20s ", prefix, key);
    if (text != NULL)
        term_print(ts_str_of(json_is_string(v) ? json_string_value(v) : text));
    (void)putchar('\n');
    if (text != NULL) {
        json_free_t release;

        json_get_alloc_funcs(NULL, &release);
        release(text);
    }
}

/* 364 d, 23 h, 5 min, 12 s: the largest unit that fits. */
static void put_span(uint64_t s)
{
    static const struct {
        uint64_t s;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t i = 0;

    while (i < 3 && s < units[i].s)
        i++;
    (void)printf("%llu %s", (unsigned long long)(s / units[i].s),
                 units[i].name);
}

static uint64_t number(const json_t *v, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(v, key));

    return n > 0 ? (uint64_t)n : 0;
}

/* One line that says what an operator wants to know: does it decide, which
 * directory, and for how long still. */
static void print_tenant(const struct term *t, const char *name,
                         const json_t *v)
{
    const char *state = json_string_value(json_object_get(v, "state"));
    bool ready = state != NULL && strcmp(state, "ready") == 0;
    uint64_t seq = number(v, "dir_seq");

    (void)printf("    %-20s %s", name, ready ? t->green : t->red);
    term_print(ts_str_of(state != NULL ? state : "?"));
    (void)fputs(t->reset, stdout);
    if (seq > 0) {
        (void)printf(", directory %llu, seen as the newest ",
                     (unsigned long long)seq);
        put_span(number(v, "age_s"));
        (void)fputs(" ago", stdout);
    } else {
        (void)fputs(", no directory", stdout);
    }
    if (ready) {
        (void)fputs(", good for ", stdout);
        put_span(number(v, "fresh_for_ms") / 1000);
    }
    if (json_is_true(json_object_get(v, "revocations_full")))
        (void)printf(", %sno room for its revocations%s", t->red, t->reset);
    (void)putchar('\n');
}

/* How many tools there are, and a line for each that is not served. */
static void print_tools(const struct term *t, const json_t *v)
{
    const json_t *one;
    size_t i;

    (void)printf("    %-20s %llu\n", "served",
                 (unsigned long long)number(v, "served"));
    if (number(v, "refused") == 0)
        return;
    (void)printf("    %-20s %s%llu%s\n", "refused", t->red,
                 (unsigned long long)number(v, "refused"), t->reset);
    json_array_foreach(json_object_get(v, "first"), i, one)
    {
        const char *text = json_string_value(json_object_get(one, "text"));

        (void)fputs("      ", stdout);
        term_print(ts_str_of(text));
        (void)putchar('\n');
    }
}

static void print_status(json_t *status)
{
    const struct term t = term_stdout();
    const char *key, *sub;
    bool serving = is_serving(status);
    json_t *v, *w;

    (void)printf("%s%s%s\n", serving ? t.green : t.red,
                 serving ? "serving" : "not serving", t.reset);
    json_object_foreach(status, key, v)
    {
        bool tenants = strcmp(key, "tenants") == 0;

        if (!json_is_object(v)) {
            print_value("  ", key, v);
            continue;
        }
        (void)printf("  %s\n", key);
        if (strcmp(key, "tools") == 0) {
            print_tools(&t, v);
            continue;
        }
        json_object_foreach(v, sub, w)
        {
            if (tenants && json_is_object(w))
                print_tenant(&t, sub, w);
            else
                print_value("    ", sub, w);
        }
    }
}

static int show(struct ts_str text, bool as_json)
{
    json_t *status =
        json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    int code;

    if (!json_is_object(status)) {
        cli_error("the service's answer is malformed");
        json_decref(status);
        return CLI_FAILED;
    }
    code = is_serving(status) ? CLI_OK : CLI_FAILED;
    if (as_json)
        (void)printf("%.*s\n", (int)text.len, text.ptr);
    else
        print_status(status);
    json_decref(status);
    return code;
}

static int ask(struct admin_socket *s, uint64_t timeout_s, bool as_json)
{
    struct ts_buf out;
    struct frame f;
    struct admin_text m;
    const char *what = "";
    enum admin_wait w = ADMIN_BROKEN;

    ts_buf_init(&out, 256);
    if (admin_empty_send(&out, ADMIN_STATUS) != TS_OK)
        cli_error("out of memory");
    else if (admin_send(s, &out))
        w = admin_receive(s, timeout_s * 1000, &f);
    ts_buf_done(&out);
    if (w == ADMIN_TIMEOUT)
        cli_error("no answer within %llu s; the service hangs",
                  (unsigned long long)timeout_s);
    if (w != ADMIN_GOT)
        return CLI_FAILED;
    if (f.type != ADMIN_STATUS ||
        admin_text_decode(f.body, f.len, &m, &what) != TS_OK) {
        cli_error("the service's answer is malformed");
        return CLI_FAILED;
    }
    return show(m.text, as_json);
}

int cmd_status(int argc, char **argv)
{
    const char *socket_path = ADMIN_SOCKET_DEFAULT;
    uint64_t timeout_s = 5;
    bool as_json = false;
    const struct cli_option options[] = {
        {"--socket", "PATH", "admin.sock (" ADMIN_SOCKET_DEFAULT ")", CLI_TEXT,
         &socket_path, false},
        {"--timeout", "TIME", "how long to wait for the answer (5s)",
         CLI_SECONDS, &timeout_s, false},
        {"--json", NULL, "the answer as it came", CLI_FLAG, &as_json, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff status",
        .operands = "",
        .about = "Asks the running service how it is. Exit code 0: it serves; "
                 "1: it does not, or\nit cannot be asked.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples = "  tipstaff status\n"
                    "  tipstaff status --json | jq .running\n",
    };
    struct admin_socket s;
    char **operand;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &count, &code))
        return code;
    if (timeout_s > 3600) {
        cli_error("--timeout may be 1h at most");
        return CLI_USAGE;
    }
    if (!admin_open(&s, socket_path))
        return CLI_FAILED;
    code = ask(&s, timeout_s, as_json);
    admin_close(&s);
    return code;
}
