#include "cli/opts.h"

#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "proto/base/ts_num.h"
#include "proto/base/ts_require.h"

bool cli_number(const char *s, uint64_t *ret)
{
    uint64_t v = 0;

    if (*s == '\0')
        return false;
    for (; *s != '\0'; s++) {
        if (*s < '0' || *s > '9' || ts_ckd_mul(&v, v, (uint64_t)10) ||
            ts_ckd_add(&v, v, (uint64_t)(*s - '0')))
            return false;
    }
    *ret = v;
    return true;
}

static uint64_t unit_seconds(char unit)
{
    switch (unit) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

bool cli_seconds(const char *s, uint64_t *ret)
{
    size_t n = strlen(s);
    uint64_t unit = n > 0 ? unit_seconds(s[n - 1]) : 0;
    char digits[24];
    uint64_t v;

    if (unit == 0)
        return cli_number(s, ret);
    if (n - 1 >= sizeof(digits))
        return false;
    memcpy(digits, s, n - 1);
    digits[n - 1] = '\0';
    if (!cli_number(digits, &v) || ts_ckd_mul(&v, v, unit))
        return false;
    *ret = v;
    return true;
}

static void print_help(const struct cli_usage *u)
{
    (void)printf("usage: %s%s%s%s\n\n%s\n", u->name,
                 u->option_count > 0 ? " [options]" : "",
                 *u->operands != '\0' ? " " : "", u->operands, u->about);
    if (u->option_count > 0)
        (void)printf("\n");
    for (size_t i = 0; i < u->option_count; i++) {
        const struct cli_option *o = &u->options[i];
        char left[64];

        if (o->help == NULL)
            continue;
        (void)snprintf(left, sizeof(left), "%s%s%s", o->name,
                       o->value != NULL ? " " : "",
                       o->value != NULL ? o->value : "");
        (void)printf("  %-24s %s%s\n", left, o->help,
                     o->required ? " (required)" : "");
    }
    if (u->examples != NULL)
        (void)printf("\nexamples:\n%s", u->examples);
}

static const struct cli_option *find(const struct cli_usage *u, const char *arg,
                                     size_t len)
{
    for (size_t i = 0; i < u->option_count; i++)
        if (strlen(u->options[i].name) == len &&
            memcmp(u->options[i].name, arg, len) == 0)
            return &u->options[i];
    return NULL;
}

static bool store(const struct cli_option *o, const char *value)
{
    struct cli_list *list;

    switch (o->kind) {
    case CLI_FLAG:
        *(bool *)o->to = true;
        return true;
    case CLI_TEXT:
        *(const char **)o->to = value;
        return true;
    case CLI_NUMBER:
        return cli_number(value, o->to);
    case CLI_SECONDS:
        return cli_seconds(value, o->to);
    case CLI_LIST:
        list = o->to;
        if (list->count >= CLI_LIST_MAX)
            return false;
        list->items[list->count++] = value;
        return true;
    }
    return false;
}

struct parse {
    const struct cli_usage *u;
    int argc;
    char **argv;
    int at;
    bool seen[CLI_OPTIONS_MAX];
};

/* One option at argv[at], and its value. */
static bool parse_option(struct parse *p)
{
    const char *arg = p->argv[p->at], *eq = strchr(arg, '=');
    size_t len = eq != NULL ? (size_t)(eq - arg) : strlen(arg);
    const struct cli_option *o = find(p->u, arg, len);
    const char *value = NULL;

    if (o == NULL) {
        cli_error("unknown option %.*s; see %s --help", (int)len, arg,
                  p->u->name);
        return false;
    }
    if (o->kind != CLI_FLAG) {
        value = eq != NULL ? eq + 1 : NULL;
        if (value == NULL && p->at + 1 < p->argc)
            value = p->argv[++p->at];
        if (value == NULL) {
            cli_error("%s needs a value: %s %s", o->name, o->name, o->value);
            return false;
        }
    } else if (eq != NULL) {
        cli_error("%s takes no value", o->name);
        return false;
    }
    if (o->kind != CLI_LIST && p->seen[o - p->u->options]) {
        cli_error("%s is given twice", o->name);
        return false;
    }
    p->seen[o - p->u->options] = true;
    if (store(o, value))
        return true;
    cli_error("%s %s: %s", o->name, value != NULL ? value : "",
              o->kind == CLI_LIST      ? "given too often"
              : o->kind == CLI_SECONDS ? "not a duration like 90s, 15m or 1h"
                                       : "not a number");
    return false;
}

/* Either name of an option will do: entries with the same target are one. */
static bool was_given(const struct parse *p, const struct cli_option *o)
{
    for (size_t i = 0; i < p->u->option_count; i++)
        if (p->u->options[i].to == o->to && p->seen[i])
            return true;
    return false;
}

static bool complete(const struct parse *p, size_t operands)
{
    const struct cli_usage *u = p->u;

    for (size_t i = 0; i < u->option_count; i++) {
        const struct cli_option *o = &u->options[i];

        if (o->required && !was_given(p, o)) {
            cli_error("%s %s is missing; see %s --help", o->name, o->value,
                      u->name);
            return false;
        }
    }
    if (operands >= u->operands_min && operands <= u->operands_max)
        return true;
    if (operands < u->operands_min)
        cli_error("%s is missing; see %s --help", u->operands, u->name);
    else
        cli_error("too many arguments; see %s --help", u->name);
    return false;
}

bool cli_parse(const struct cli_usage *u, int argc, char **argv,
               char ***ret_operands, size_t *ret_count, int *ret_exit)
{
    struct parse p = {.u = u, .argc = argc, .argv = argv, .at = 1};
    size_t operands = 0;
    bool plain = false;

    TS_REQUIRE(u->option_count <= CLI_OPTIONS_MAX);
    *ret_exit = CLI_USAGE;
    for (; p.at < argc; p.at++) {
        char *arg = argv[p.at];

        if (!plain && strcmp(arg, "--") == 0) {
            plain = true;
        } else if (!plain && strcmp(arg, "--help") == 0) {
            print_help(u);
            *ret_exit = CLI_OK;
            return false;
        } else if (!plain && arg[0] == '-' && arg[1] != '\0') {
            if (!parse_option(&p))
                return false;
        } else {
            argv[1 + operands++] = arg; /* operands move to the front */
        }
    }
    if (!complete(&p, operands))
        return false;
    *ret_operands = argv + 1;
    *ret_count = operands;
    return true;
}
