#include "cli/replay/traces.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/replay/lines.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_str.h"

#define PATH_CAP  4096
#define FILES_MAX 256

struct names {
    char name[FILES_MAX][256];
    size_t count;
};

const char *traces_label_name(enum traces_label l)
{
    return l == TRACES_F ? "F" : l == TRACES_S ? "S" : "C";
}

const char *traces_kind_name(enum traces_kind k)
{
    return k == TRACES_TASK ? "task" : k == TRACES_PAIR ? "pair" : "run";
}

static bool wrong(const char *path, size_t line, const char *what)
{
    char shown[512];

    (void)ts_str_show(shown, sizeof(shown), path, strlen(path));
    cli_error("%s:%zu: %s", shown, line, what);
    return false;
}

static const char *text_of(json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static bool room(struct traces *t)
{
    size_t cap = t->cap == 0 ? 1024 : 2 * t->cap;
    struct traces_record *more;

    if (t->count < t->cap)
        return true;
    if (cap > TRACES_RECORDS_MAX)
        return false;
    more = ts_mem_alloc(cap * sizeof(*more));
    if (more == NULL)
        return false;
    if (t->count > 0)
        memcpy(more, t->records, t->count * sizeof(*more));
    ts_mem_free(t->records);
    t->records = more;
    t->cap = cap;
    return true;
}

static bool calls_are_good(json_t *calls)
{
    size_t i;
    json_t *c;

    json_array_foreach(calls, i, c)
    {
        json_t *tool = json_object_get(c, "tool");

        if (!json_is_object(c) ||
            (!json_is_string(tool) && !json_is_null(tool)))
            return false;
    }
    return json_is_array(calls);
}

static bool add(struct traces *t, enum traces_kind kind, json_t *o,
                const char *path, size_t line)
{
    struct traces_record r = {.kind = kind,
                              .json = o,
                              .suite = text_of(o, "suite"),
                              .id = text_of(o, "task_id"),
                              .calls = json_object_get(o, "calls")};
    const char *what = text_of(o, "kind");

    r.task = kind == TRACES_TASK ? r.id : text_of(o, "user_task_id");
    if (r.suite == NULL || r.id == NULL || r.task == NULL)
        return wrong(path, line, "suite, task_id or user_task_id is missing");
    if (!calls_are_good(r.calls))
        return wrong(path, line, "calls: a list of objects with a tool each");
    r.is_attack = what != NULL && strcmp(what, "attack") == 0;
    if (!room(t) || json_array_append(t->all, o) != 0)
        return wrong(path, line, "too many records, or memory is short");
    t->records[t->count++] = r;
    return true;
}

static bool on_task(void *ctx, json_t *o, const char *path, size_t line)
{
    return add(ctx, TRACES_TASK, o, path, line);
}

static bool on_pair(void *ctx, json_t *o, const char *path, size_t line)
{
    return add(ctx, TRACES_PAIR, o, path, line);
}

static bool on_run(void *ctx, json_t *o, const char *path, size_t line)
{
    return add(ctx, TRACES_RUN, o, path, line);
}

static bool on_tool(void *ctx, json_t *o, const char *path, size_t line)
{
    struct traces *t = ctx;

    if (text_of(o, "suite") == NULL || text_of(o, "tool") == NULL ||
        text_of(o, "effect") == NULL ||
        !json_is_object(json_object_get(o, "parameters")))
        return wrong(path, line,
                     "suite, tool, effect or parameters is missing");
    return json_array_append(t->tools, o) == 0
               ? true
               : wrong(path, line, "out of memory");
}

static bool on_delegation(void *ctx, json_t *o, const char *path, size_t line)
{
    struct traces *t = ctx;

    if (text_of(o, "suite") == NULL || text_of(o, "task_id") == NULL ||
        text_of(o, "labels") == NULL ||
        !json_is_array(json_object_get(o, "capabilities")))
        return wrong(path, line,
                     "suite, task_id, labels or capabilities is missing");
    return json_array_append(t->delegations, o) == 0
               ? true
               : wrong(path, line, "out of memory");
}

static bool on_reference(void *ctx, json_t *o, const char *path, size_t line)
{
    struct traces *t = ctx;
    const char *s = text_of(o, "suite"), *id = text_of(o, "task_id");
    const char *l = text_of(o, "labels"), *p = text_of(o, "policy");
    json_t *d = json_object_get(o, "decisions");
    char key[512];
    int n;

    if (s == NULL || id == NULL || l == NULL || p == NULL || !json_is_string(d))
        return wrong(path, line,
                     "suite, task_id, labels, policy or decisions is missing");
    n = snprintf(key, sizeof(key), "%s|%s|%s|%s", l, p, s, id);
    if (n < 0 || (size_t)n >= sizeof(key))
        return wrong(path, line, "its names are too long");
    return json_object_set(t->reference, key, d) == 0
               ? true
               : wrong(path, line, "out of memory");
}

static const struct {
    const char *end;
    lines_seen seen;
} kinds[] = {{"_tools", on_tool},
             {"_user_tasks", on_task},
             {"_attack_pairs", on_pair},
             {"_recorded_runs", on_run},
             {"_delegations", on_delegation},
             {"_reference_decisions", on_reference}};

/* name ends in end, then ".jsonl" or ".jsonl.xz" */
static bool ends_with(const char *name, const char *end)
{
    static const char *const more[] = {".jsonl", ".jsonl.xz"};
    char whole[64];

    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(name);
        int m = snprintf(whole, sizeof(whole), "%s%s", end, more[i]);

        if (m > 0 && n >= (size_t)m && strcmp(name + n - (size_t)m, whole) == 0)
            return true;
    }
    return false;
}

static bool labels_file(struct traces *t, const char *path)
{
    json_error_t e;
    json_t *o = json_load_file(path, JSON_REJECT_DUPLICATES, &e), *list;
    bool ok = true;
    size_t i;
    json_t *v;

    if (o == NULL)
        return wrong(path, (size_t)(e.line > 0 ? e.line : 1), e.text);
    list = json_object_get(o, "user_identities");
    json_array_foreach(list, i, v) ok = ok && json_is_string(v);
    if (!ok)
        (void)wrong(path, 1, "user_identities: a list of texts is expected");
    if (ok && list != NULL && json_array_extend(t->identities, list) != 0)
        ok = wrong(path, 1, "out of memory");
    json_decref(o);
    return ok;
}

static bool one_file(struct traces *t, const char *dir, const char *name,
                     size_t kind)
{
    static const char labels[] = "_labels.json";
    char path[PATH_CAP];
    size_t n = strlen(name);
    int m = snprintf(path, sizeof(path), "%s/%s", dir, name);

    if (m < 0 || (size_t)m >= sizeof(path)) {
        cli_error("%s: the path is too long", dir);
        return false;
    }
    if (kind < sizeof(kinds) / sizeof(kinds[0]))
        return !ends_with(name, kinds[kind].end) ||
               lines_each(path, kinds[kind].seen, t);
    if (n >= sizeof(labels) - 1 &&
        strcmp(name + n - (sizeof(labels) - 1), labels) == 0)
        return labels_file(t, path);
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool list(const char *dir, struct names *ret)
{
    const struct dirent *entry;
    DIR *d = opendir(dir);

    if (d == NULL) {
        cli_error("%s: %s", dir, strerror(errno));
        return false;
    }
    ret->count = 0;
    while (ret->count < FILES_MAX && (entry = readdir(d)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(ret->name[ret->count], sizeof(ret->name[0]), "%s",
                       entry->d_name);
        ret->count++;
    }
    (void)closedir(d);
    if (ret->count == FILES_MAX) {
        cli_error("%s: more than %d files", dir, FILES_MAX - 1);
        return false;
    }
    qsort(ret->name, ret->count, sizeof(ret->name[0]), by_name);
    return true;
}

/* In the order of the names, whatever the directory says. */
static bool all_files(struct traces *t, const char *dir)
{
    struct names *names = ts_mem_alloc(sizeof(*names));
    bool ok;

    if (names == NULL) {
        cli_error("out of memory");
        return false;
    }
    ok = list(dir, names);
    for (size_t kind = 0; kind <= sizeof(kinds) / sizeof(kinds[0]); kind++)
        for (size_t i = 0; ok && i < names->count; i++)
            ok = one_file(t, dir, names->name[i], kind);
    ts_mem_free(names);
    return ok;
}

bool traces_load(const char *dir, struct traces *ret)
{
    struct traces t = {.tools = json_array(),
                       .delegations = json_array(),
                       .reference = json_object(),
                       .identities = json_array(),
                       .all = json_array()};
    bool ok = t.tools != NULL && t.delegations != NULL && t.reference != NULL &&
              t.identities != NULL && t.all != NULL;

    if (!ok)
        cli_error("out of memory");
    ok = ok && all_files(&t, dir);
    if (ok && (json_array_size(t.tools) == 0 || t.count == 0)) {
        cli_error("%s: no *_tools and no *_user_tasks, .jsonl or .jsonl.xz; "
                  "give a directory of recorded calls",
                  dir);
        ok = false;
    }
    if (ok)
        *ret = t;
    else
        traces_done(&t);
    return ok;
}

void traces_done(struct traces *t)
{
    json_decref(t->tools);
    json_decref(t->delegations);
    json_decref(t->reference);
    json_decref(t->identities);
    json_decref(t->all);
    ts_mem_free(t->records);
    *t = (struct traces){.count = 0};
}

const struct traces_record *traces_task(const struct traces *t,
                                        const char *suite, const char *task)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->records[i].kind == TRACES_TASK &&
            strcmp(t->records[i].suite, suite) == 0 &&
            strcmp(t->records[i].task, task) == 0)
            return &t->records[i];
    return NULL;
}

json_t *traces_delegation(const struct traces *t, const char *suite,
                          const char *task, enum traces_label l)
{
    size_t i;
    json_t *o;

    json_array_foreach(t->delegations, i, o)
    {
        if (strcmp(text_of(o, "suite"), suite) == 0 &&
            strcmp(text_of(o, "task_id"), task) == 0 &&
            strcmp(text_of(o, "labels"), traces_label_name(l)) == 0)
            return o;
    }
    return NULL;
}

const char *traces_reference(const struct traces *t, const char *policy,
                             enum traces_label l, const struct traces_record *r)
{
    char key[512];
    int n = snprintf(key, sizeof(key), "%s|%s|%s|%s", traces_label_name(l),
                     policy, r->suite, r->id);

    if (n < 0 || (size_t)n >= sizeof(key))
        return NULL;
    return json_string_value(json_object_get(t->reference, key));
}
