#include "cli/replay/output.h"

#include <stdio.h>
#include <string.h>

#define POINTER_MAX  1024
#define SELECTOR_MAX 32

struct split {
    json_t *listed;   /* pointers, or NULL */
    json_t *patterns; /* used when listed is NULL */
    const struct output_rules *rules;
    enum traces_label label;
    bool is_directory; /* a list of texts: short plain ones select */
    bool failed;
    char at[POINTER_MAX];
};

static size_t segment(const char *s)
{
    return strcspn(s, "/");
}

bool output_covers(const char *pattern, const char *pointer)
{
    if (*pattern == '\0')
        return true;
    if (*pattern == '/')
        pattern++;
    while (*pattern != '\0') {
        size_t n = segment(pattern), m;

        if (*pointer != '/')
            return false;
        pointer++;
        m = segment(pointer);
        if (!(n == 1 && *pattern == '*') &&
            (n != m || memcmp(pattern, pointer, n) != 0))
            return false;
        pattern += n;
        pointer += m;
        if (*pattern == '/')
            pattern++;
    }
    return true;
}

static bool is_selector(json_t *v)
{
    const char *s = json_string_value(v);
    size_t n = s != NULL ? strlen(s) : 0;

    return n > 0 && n <= SELECTOR_MAX &&
           strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                     "0123456789_.-") == n;
}

/* A pointer of a record covers what lies below it, too. */
static bool covered(json_t *list, const char *at)
{
    size_t i;
    json_t *p;

    json_array_foreach(list, i, p)
    {
        const char *t = json_string_value(p);

        if (t == NULL || output_covers(t, at))
            return true;
    }
    return false;
}

static bool is_untrusted(const struct split *s, json_t *v)
{
    bool found;

    if (covered(s->rules->untrusted, s->at))
        return true;
    if (covered(s->rules->trusted, s->at))
        return false;
    found = covered(s->listed != NULL ? s->listed : s->patterns, s->at);
    if (found && s->label == TRACES_S && s->is_directory && is_selector(v))
        return false;
    return found;
}

static size_t go(struct split *s, const char *key, size_t index)
{
    size_t before = strlen(s->at), n = before;

    if (key == NULL) {
        int m = snprintf(s->at + n, sizeof(s->at) - n, "/%zu", index);

        s->failed = s->failed || m < 0 || (size_t)m >= sizeof(s->at) - n;
        return before;
    }
    s->at[n++] = '/';
    for (; *key != '\0' && n + 3 < sizeof(s->at); key++) {
        if (*key == '~' || *key == '/') {
            s->at[n++] = '~';
            s->at[n++] = *key == '~' ? '0' : '1';
        } else {
            s->at[n++] = *key;
        }
    }
    s->at[n] = '\0';
    s->failed = s->failed || *key != '\0';
    return before;
}

/* The half of v that is wanted; NULL when there is no leaf of it. */
static json_t *half(struct split *s, json_t *v, bool untrusted)
{
    json_t *to, *child, *part;
    const char *key;
    bool some = false;
    size_t i;

    if (json_is_object(v)) {
        to = json_object();
        json_object_foreach(v, key, child)
        {
            size_t before = go(s, key, 0);

            part = s->failed ? NULL : half(s, child, untrusted);
            s->at[before] = '\0';
            some = some || part != NULL;
            if (part != NULL && json_object_set_new(to, key, part) != 0)
                s->failed = true;
        }
    } else if (json_is_array(v)) {
        to = json_array();
        json_array_foreach(v, i, child)
        {
            size_t before = go(s, NULL, i);

            part = s->failed ? NULL : half(s, child, untrusted);
            s->at[before] = '\0';
            some = some || part != NULL;
            if (json_array_append_new(to, part != NULL ? part : json_null()) !=
                0)
                s->failed = true;
        }
    } else {
        return is_untrusted(s, v) == untrusted ? json_incref(v) : NULL;
    }
    if (some)
        return to;
    json_decref(to);
    return NULL;
}

static bool is_directory(json_t *v)
{
    size_t i;
    json_t *c;

    json_array_foreach(v, i, c) if (!json_is_string(c)) return false;
    return json_is_array(v) && json_array_size(v) > 0;
}

json_t *output_of(json_t *call, const struct output_rules *rules,
                  enum traces_label l)
{
    json_t *listed =
        json_object_get(call, l == TRACES_C ? "untrusted_C" : "untrusted_F");
    json_t *whole = listed != NULL
                        ? json_incref(json_object_get(call, "output"))
                        : output_structure(json_object_get(call, "output"));
    struct split s = {.listed = json_is_array(listed) ? listed : NULL,
                      .patterns = rules->patterns,
                      .rules = rules,
                      .label = l,
                      .is_directory = is_directory(whole)};
    json_t *to = json_object(), *trusted, *untrusted, *everything = NULL;

    /* Text of a tool of which strangers write a part: no part of it is known
     * to be the tool's own. */
    if (s.listed == NULL && json_is_string(whole) &&
        json_array_size(s.patterns) > 0) {
        everything = json_pack("[s]", "");
        s.patterns = everything;
    }
    trusted = half(&s, whole, false);
    untrusted = half(&s, whole, true);
    if (to == NULL || s.failed ||
        (trusted != NULL &&
         json_object_set(to, &OUTPUT_TRUSTED_AT[1], trusted) != 0) ||
        (untrusted != NULL &&
         json_object_set(to, &OUTPUT_UNTRUSTED_AT[1], untrusted) != 0)) {
        json_decref(to);
        to = NULL;
    }
    json_decref(trusted);
    json_decref(untrusted);
    json_decref(everything);
    json_decref(whole);
    return to;
}
