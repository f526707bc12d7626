/* Form of a file of capabilities: every key known, every value of its type. */
#include "cli/capability/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/ts_str.h"

bool capability_fail(char *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(err, CAPABILITY_ERROR_MAX, fmt, ap);
    va_end(ap);
    return false;
}

const struct capability_tool *
capability_tool_of(const struct capability_rules *r, const char *name)
{
    for (size_t i = 0; i < r->tool_count; i++)
        if (strcmp(r->tools[i].name, name) == 0)
            return &r->tools[i];
    return NULL;
}

static bool only_keys(json_t *o, const char *what, size_t at,
                      const char *const *known, char *err)
{
    const char *key;
    json_t *v;

    json_object_foreach(o, key, v)
    {
        size_t i = 0;

        while (known[i] != NULL && strcmp(known[i], key) != 0)
            i++;
        if (known[i] == NULL) {
            char shown[64];

            (void)ts_str_show(shown, sizeof(shown), key, strlen(key));
            return capability_fail(err, "%s %zu: unknown key \"%s\"", what, at,
                                   shown);
        }
    }
    return true;
}

static bool is_texts(json_t *list)
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v) if (!json_is_string(v)) return false;
    return json_is_array(list) && json_array_size(list) > 0;
}

static bool is_sources(json_t *list)
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v) if (!is_texts(v) ||
                                       json_array_size(v) != 2) return false;
    return json_is_array(list) && json_array_size(list) > 0;
}

/* A name that was cut off would be that of another place. */
static bool names_fit(json_t *sources)
{
    size_t i;
    json_t *v;

    json_array_foreach(sources, i,
                       v) if (json_string_length(json_array_get(v, 0)) + 1 +
                                  json_string_length(json_array_get(v, 1)) >=
                              CAPABILITY_SOURCE_MAX) return false;
    return true;
}

static bool constraint(json_t *c, size_t at, char *err)
{
    static const char *const keys[] = {"in", "from", "from_untrusted", "any",
                                       NULL};
    json_t *in = json_object_get(c, "in");
    json_t *from = json_object_get(c, "from");
    json_t *any = json_object_get(c, "any");
    json_t *strangers = json_object_get(c, "from_untrusted");

    if (!json_is_object(c) ||
        (in != NULL) + (from != NULL) + (any != NULL) != 1)
        return capability_fail(err,
                               "capability %zu: a constraint has one of "
                               "\"in\", \"from\" and \"any\"",
                               at);
    if (!only_keys(c, "capability", at, keys, err))
        return false;
    if ((in != NULL && !is_texts(in)) || (from != NULL && !is_sources(from)) ||
        (any != NULL && !json_is_true(any)) ||
        (strangers != NULL && !json_is_boolean(strangers)))
        return capability_fail(
            err,
            "capability %zu: \"in\" is a list of texts, \"from\" a list "
            "of [tool, pattern], \"any\" is true",
            at);
    if (!names_fit(from))
        return capability_fail(err,
                               "capability %zu: a tool and pattern in \"from\" "
                               "are longer than %d bytes together",
                               at, CAPABILITY_SOURCE_MAX - 2);
    return true;
}

static bool known_arg(const struct capability_tool *t, const char *name)
{
    for (size_t i = 0; i < t->arg_count; i++)
        if (strcmp(t->args[i].name, name) == 0)
            return true;
    return false;
}

static bool constraints(const struct capability_tool *t, json_t *args,
                        size_t at, char *err)
{
    const char *name;
    json_t *list, *c;
    size_t i;

    json_object_foreach(args, name, list)
    {
        if (!json_is_array(list) || json_array_size(list) == 0 ||
            !known_arg(t, name))
            return capability_fail(
                err,
                "capability %zu: \"args\" maps arguments of the tool to "
                "lists of constraints",
                at);
        json_array_foreach(list, i,
                           c) if (!constraint(c, at, err)) return false;
    }
    return true;
}

static bool can_be_summed(const struct capability_tool *t, const char *name)
{
    for (size_t i = 0; i < t->arg_count; i++)
        if (strcmp(t->args[i].name, name) == 0)
            return t->args[i].kind == CAPABILITY_INT ||
                   t->args[i].kind == CAPABILITY_DECIMAL;
    return false;
}

static bool sums(const struct capability_tool *t, json_t *o, size_t at,
                 char *err)
{
    char amount[CAPABILITY_AMOUNT_MAX];
    const char *name;
    json_t *v;

    if (o != NULL && !json_is_object(o))
        return capability_fail(err,
                               "capability %zu: \"sums\" maps arguments "
                               "to amounts",
                               at);
    json_object_foreach(o, name, v)
    {
        if (!can_be_summed(t, name))
            return capability_fail(err,
                                   "capability %zu: \"sums\" is about int and "
                                   "decimal arguments of the tool",
                                   at);
        if (!capability_amount(v, amount))
            return capability_fail(
                err,
                "capability %zu: an amount in \"sums\" is a text like "
                "\"500.00\" or a whole number, not negative",
                at);
    }
    return true;
}

static bool one(const struct capability_rules *r, json_t *c, size_t at,
                char *err)
{
    static const char *const keys[] = {"tool", "max_calls", "sums", "args",
                                       NULL};
    const char *name = json_string_value(json_object_get(c, "tool"));
    json_t *args = json_object_get(c, "args");
    json_t *max = json_object_get(c, "max_calls");
    const struct capability_tool *t;

    if (!json_is_object(c) || name == NULL || !json_is_object(args))
        return capability_fail(err,
                               "capability %zu: an object with \"tool\" and "
                               "\"args\" is expected",
                               at);
    t = capability_tool_of(r, name);
    if (t == NULL)
        return capability_fail(err, "capability %zu: there is no such tool",
                               at);
    if (max != NULL && (!json_is_integer(max) || json_integer_value(max) < 1))
        return capability_fail(
            err, "capability %zu: \"max_calls\" is 1 or more", at);
    return only_keys(c, "capability", at, keys, err) &&
           sums(t, json_object_get(c, "sums"), at, err) &&
           constraints(t, args, at, err);
}

bool capability_check(json_t *file, const struct capability_rules *r, char *err)
{
    static const char *const keys[] = {"allow", "capabilities", NULL};
    json_t *allow = json_object_get(file, "allow");
    json_t *list = json_object_get(file, "capabilities");
    size_t i;
    json_t *c;

    if (!json_is_object(file) || !only_keys(file, "file", 1, keys, err))
        return json_is_object(file)
                   ? false
                   : capability_fail(err, "an object is expected");
    if (allow != NULL && json_array_size(allow) > 0 && !is_texts(allow))
        return capability_fail(err, "\"allow\" is a list of action groups");
    if (!json_is_array(list))
        return capability_fail(err, "\"capabilities\" is missing");
    json_array_foreach(list, i, c) if (!one(r, c, i + 1, err)) return false;
    return true;
}
