#include "cli/replay/learn.h"

#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"

#define POINTER_MAX 512

struct walk {
    struct shape_tool *tool;
    struct ts_arena *arena;
    bool failed;
};

static bool is_index(const char *s, size_t n)
{
    return n > 0 && strspn(s, "0123456789") >= n;
}

/* Indices of lists as "*". */
static void general(const char *pointer, char out[POINTER_MAX])
{
    size_t at = 0;

    while (*pointer == '/' && at + 2 < POINTER_MAX) {
        size_t n = strcspn(pointer + 1, "/");

        if (is_index(pointer + 1, n))
            at += (size_t)snprintf(out + at, POINTER_MAX - at, "/*");
        else
            at += (size_t)snprintf(out + at, POINTER_MAX - at, "/%.*s", (int)n,
                                   pointer + 1);
        if (at >= POINTER_MAX)
            at = POINTER_MAX - 1;
        pointer += 1 + n;
    }
    out[at] = '\0';
}

static void note_id(struct walk *w, const char *pointer)
{
    struct shape_tool *t = w->tool;
    const char *copy;

    for (size_t i = 0; i < t->id_count; i++)
        if (strcmp(t->ids[i], pointer) == 0)
            return;
    if (t->id_count == SHAPE_PATTERNS_MAX)
        return; /* what is not declared an id is no id */
    if (ts_arena_strndup(w->arena, pointer, strlen(pointer), &copy) != TS_OK)
        w->failed = true;
    else
        t->ids[t->id_count++] = copy;
}

static bool is_id(const char *key)
{
    size_t n = strlen(key);

    return strcmp(key, "id") == 0 || strcmp(key, "id_") == 0 ||
           (n > 3 && strcmp(key + n - 3, "_id") == 0);
}

static void ids(struct walk *w, json_t *v, const char *at)
{
    char below[POINTER_MAX];
    const char *key;
    json_t *c;
    size_t i;

    if (json_is_object(v)) {
        json_object_foreach(v, key, c)
        {
            int n = snprintf(below, sizeof(below), "%s/%s", at, key);

            if (n < 0 || (size_t)n >= sizeof(below) ||
                strpbrk(key, "/~*") != NULL)
                continue;
            if (is_id(key) && (json_is_string(c) || json_is_integer(c)))
                note_id(w, below);
            ids(w, c, below);
        }
    } else if (json_is_array(v)) {
        json_array_foreach(v, i, c)
        {
            int n = snprintf(below, sizeof(below), "%s/*", at);

            if (n > 0 && (size_t)n < sizeof(below))
                ids(w, c, below);
        }
    }
}

static bool patterns(json_t *learned, const char *tool, json_t *listed)
{
    json_t *list = json_object_get(learned, tool), *p, *q;
    size_t i, k;

    if (list == NULL) {
        list = json_array();
        if (json_object_set_new(learned, tool, list) != 0)
            return false;
    }
    json_array_foreach(listed, i, p)
    {
        char pattern[POINTER_MAX];
        bool known = false;

        general(json_is_string(p) ? json_string_value(p) : "", pattern);
        json_array_foreach(list, k, q) known =
            known || strcmp(json_string_value(q), pattern) == 0;
        if (!known && json_array_append_new(list, json_string(pattern)) != 0)
            return false;
    }
    return true;
}

static bool record(const struct traces_record *r, enum traces_label l,
                   struct ts_arena *arena, struct shape *s)
{
    size_t i;
    json_t *c;

    json_array_foreach(r->calls, i, c)
    {
        const char *name = json_string_value(json_object_get(c, "tool"));
        json_t *listed =
            json_object_get(c, l == TRACES_C ? "untrusted_C" : "untrusted_F");
        const struct shape_tool *t =
            name != NULL ? shape_tool_of(s, name) : NULL;
        struct walk w = {.tool = t != NULL ? &s->tools[t - s->tools] : NULL,
                         .arena = arena};

        if (t == NULL || listed == NULL)
            continue;
        ids(&w, json_object_get(c, "output"), "");
        if (w.failed || !patterns(s->learned, name, listed))
            return false;
    }
    return true;
}

bool learn(const struct traces *t, enum traces_label l, struct ts_arena *arena,
           struct shape *s)
{
    s->learned = json_object();
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->records[i].suite, s->suite) == 0 &&
            !record(&t->records[i], l, arena, s)) {
            cli_error("out of memory");
            return false;
        }
    return true;
}
