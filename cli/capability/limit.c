#include "cli/capability/limit.h"

#include <stdio.h>
#include <string.h>

#include "cli/capability/check.h"

#define WHOLE_DIGITS 14 /* of a decimal: 64 bits hold any of them */

bool capability_amount(json_t *v, char ret[CAPABILITY_AMOUNT_MAX])
{
    char number[CAPABILITY_AMOUNT_MAX];
    const char *s = json_string_value(v);
    size_t whole, part = 0;

    if (json_is_integer(v)) {
        (void)snprintf(number, sizeof(number), "%lld",
                       (long long)json_integer_value(v));
        s = number;
    }
    if (s == NULL || strlen(s) >= CAPABILITY_AMOUNT_MAX - 2)
        return false;
    whole = strspn(s, "0123456789");
    if (s[whole] == '.')
        part = strspn(s + whole + 1, "0123456789");
    if (whole == 0 || whole > WHOLE_DIGITS || part > 4 ||
        (s[whole] == '.' && part == 0) ||
        s[whole + (part > 0 ? part + 1 : 0)] != '\0')
        return false;
    (void)snprintf(ret, CAPABILITY_AMOUNT_MAX, "%s%s", s,
                   part == 0 ? ".0" : "");
    return true;
}

static bool is_same(json_t *a, json_t *b)
{
    return json_equal(json_object_get(a, "tool"), json_object_get(b, "tool")) ==
               1 &&
           json_equal(json_object_get(a, "args"), json_object_get(b, "args")) ==
               1;
}

static bool is_summed(json_t *c)
{
    return json_object_size(json_object_get(c, "sums")) > 0;
}

/* The capability that this one is joined with: itself, or an earlier one. */
static size_t first_of(json_t *list, size_t at)
{
    json_t *c = json_array_get(list, at);

    for (size_t i = 0; !is_summed(c) && i < at; i++) {
        json_t *o = json_array_get(list, i);

        if (!is_summed(o) && is_same(o, c))
            return i;
    }
    return at;
}

bool limit_is_joined(json_t *list, size_t at)
{
    return first_of(list, at) != at;
}

long long limit_calls(json_t *list, size_t at)
{
    long long sum = 0;
    size_t i;
    json_t *c;

    json_array_foreach(list, i, c)
    {
        json_t *max = json_object_get(c, "max_calls");
        long long n;

        if (i < at || first_of(list, i) != at)
            continue;
        if (max == NULL)
            return 0;
        n = (long long)json_integer_value(max);
        sum = n > INT64_MAX - sum ? INT64_MAX : sum + n;
    }
    return sum;
}

bool limit_is_counted(json_t *list, size_t at)
{
    return limit_calls(list, at) > 0 || is_summed(json_array_get(list, at));
}

void limit_annotations(json_t *list, size_t at, struct text *out)
{
    json_t *sums = json_object_get(json_array_get(list, at), "sums"), *v;
    const char *name;
    size_t n = 0;

    if (limit_calls(list, at) > 0)
        text_add(out, "@counts(\"c%zu\")", at);
    if (json_object_size(sums) == 0)
        return;
    text_add(out, "@sums(\"");
    json_object_foreach(sums, name, v)
    {
        text_add(out, "%ss%zu.%zu=%s", n == 0 ? "" : ",", at, n, name);
        n++;
    }
    text_add(out, "\")");
}

void limit_room(json_t *list, size_t at, struct text *out)
{
    json_t *sums = json_object_get(json_array_get(list, at), "sums"), *v;
    char amount[CAPABILITY_AMOUNT_MAX];
    long long calls = limit_calls(list, at);
    const char *name;
    size_t n = 0;

    if (calls > 0)
        text_add(out,
                 "&&context.uses.hasTag(\"c%zu\")&&"
                 "context.uses.getTag(\"c%zu\")<%lld",
                 at, at, calls);
    json_object_foreach(sums, name, v)
    {
        if (!capability_amount(v, amount)) {
            out->failed = true; /* cannot be: it was checked */
            return;
        }
        text_add(out,
                 "&&context.sums.hasTag(\"s%zu.%zu\")&&"
                 "context.sums.getTag(\"s%zu.%zu\").lessThanOrEqual("
                 "decimal(\"%s\"))",
                 at, n, at, n, amount);
        n++;
    }
}

size_t limit_counters(json_t *list)
{
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        if (limit_is_joined(list, i))
            continue;
        n += limit_calls(list, i) > 0;
        n += json_object_size(json_object_get(json_array_get(list, i), "sums"));
    }
    return n;
}
