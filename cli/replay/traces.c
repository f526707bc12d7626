#include "cli/replay/traces.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/replay/check.h"
#include "cli/replay/lines.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_str.h"

#define PATH_CAP  4096
#define KEY_CAP   1024 /* of names that check_line() let pass */
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

/* "kind|suite|a|b" */
static bool key_of(char out[KEY_CAP], char kind, const char *suite,
                   const char *a, const char *b)
{
    int n = snprintf(out, KEY_CAP, "%c|%s|%s|%s", kind, suite, a, b);

    return n > 0 && n < KEY_CAP;
}

/* Where it stands is kept; one of the same name is an error. */
static bool keep(struct traces *t, const char *key, size_t at, const char *path,
                 size_t line)
{
    if (json_object_get(t->index, key) != NULL)
        return wrong(path, line,
                     "the same suite and id stood before: ids are unique in "
                     "a suite; rename or remove one");
    return json_object_set_new(t->index, key, json_integer((json_int_t)at)) == 0
               ? true
               : wrong(path, line, "out of memory");
}

static bool find(const struct traces *t, const char *key, size_t *ret_at)
{
    json_t *v = json_object_get(t->index, key);

    if (v == NULL)
        return false;
    *ret_at = (size_t)json_integer_value(v);
    return true;
}

/* Of the format; a key that is not is told once. */
static bool good(struct traces *t, enum check_file f, json_t *o,
                 const char *path, size_t line)
{
    char what[CHECK_WHAT_MAX], key[KEY_CAP], shown[128];
    const char *unknown;

    if (!check_line(f, o, what))
        return wrong(path, line, what);
    unknown = check_unknown(f, o);
    if (unknown == NULL)
        return true;
    (void)ts_str_show(shown, sizeof(shown), unknown, strlen(unknown));
    (void)snprintf(key, sizeof(key), "unknown|%d|%s", (int)f, shown);
    if (json_object_get(t->index, key) != NULL)
        return true;
    (void)snprintf(what, sizeof(what), "note: the key %s is not used", shown);
    (void)wrong(path, line, what);
    return json_object_set_new(t->index, key, json_true()) == 0
               ? true
               : wrong(path, line, "out of memory");
}

static bool index_record(struct traces *t, const struct traces_record *r,
                         const char *path, size_t line)
{
    const char *injection = text_of(r->json, "injection_task_id");
    char key[KEY_CAP];

    if (r->kind == TRACES_RUN)
        return true; /* many runs of one task */
    if (!key_of(key, r->kind == TRACES_TASK ? 't' : 'i', r->suite, r->id, "") ||
        !keep(t, key, t->count, path, line))
        return false;
    if (r->kind == TRACES_TASK || injection == NULL)
        return true;
    return key_of(key, 'p', r->suite, r->task, injection) &&
           keep(t, key, t->count, path, line);
}

/* Tools are read before records: what a task calls is there. */
static bool tools_are_there(const struct traces *t,
                            const struct traces_record *r, const char *path,
                            size_t line)
{
    char key[KEY_CAP], shown[128], what[256];
    size_t i;
    json_t *c;

    json_array_foreach(r->calls, i, c)
    {
        const char *tool = text_of(c, "tool");

        if (tool == NULL || r->kind == TRACES_RUN ||
            (key_of(key, 'T', r->suite, tool, "") &&
             json_object_get(t->index, key) != NULL))
            continue;
        (void)ts_str_show(shown, sizeof(shown), tool, strlen(tool));
        (void)snprintf(what, sizeof(what),
                       "calls[%zu]: no *_tools file has a tool %s of this "
                       "suite; add its line",
                       i, shown);
        return wrong(path, line, what);
    }
    return true;
}

static bool add(struct traces *t, enum traces_kind kind, json_t *o,
                const char *path, size_t line)
{
    static const enum check_file files[] = {[TRACES_TASK] = CHECK_TASKS,
                                            [TRACES_PAIR] = CHECK_PAIRS,
                                            [TRACES_RUN] = CHECK_RUNS};
    struct traces_record r = {.kind = kind, .json = o};
    const char *what;

    if (!good(t, files[kind], o, path, line))
        return false;
    r.suite = text_of(o, "suite");
    r.id = text_of(o, "task_id");
    r.calls = json_object_get(o, "calls");
    r.task = kind == TRACES_TASK ? r.id : text_of(o, "user_task_id");
    what = text_of(o, "kind");
    r.is_attack = what != NULL && strcmp(what, "attack") == 0;
    if (!tools_are_there(t, &r, path, line) || !index_record(t, &r, path, line))
        return false;
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
    char key[KEY_CAP];

    if (!good(t, CHECK_TOOLS, o, path, line) ||
        !key_of(key, 'T', text_of(o, "suite"), text_of(o, "tool"), "") ||
        !keep(t, key, json_array_size(t->tools), path, line))
        return false;
    return json_array_append(t->tools, o) == 0
               ? true
               : wrong(path, line, "out of memory");
}

/* A verb that is delegated is a tool. */
static bool verbs_are_there(const struct traces *t, json_t *o, const char *path,
                            size_t line)
{
    char key[KEY_CAP], shown[128], what[256];
    size_t i;
    json_t *c;

    json_array_foreach(json_object_get(o, "capabilities"), i, c)
    {
        const char *tool = text_of(c, "tool");

        if (key_of(key, 'T', text_of(o, "suite"), tool, "") &&
            json_object_get(t->index, key) != NULL)
            continue;
        (void)ts_str_show(shown, sizeof(shown), tool, strlen(tool));
        (void)snprintf(what, sizeof(what),
                       "capabilities[%zu]: no *_tools file has a tool %s of "
                       "this suite; add its line",
                       i, shown);
        return wrong(path, line, what);
    }
    return true;
}

static bool on_delegation(void *ctx, json_t *o, const char *path, size_t line)
{
    struct traces *t = ctx;
    char key[KEY_CAP];

    if (!good(t, CHECK_DELEGATIONS, o, path, line) ||
        !verbs_are_there(t, o, path, line) ||
        !key_of(key, 'd', text_of(o, "suite"), text_of(o, "task_id"),
                text_of(o, "labels")) ||
        !keep(t, key, json_array_size(t->delegations), path, line))
        return false;
    return json_array_append(t->delegations, o) == 0
               ? true
               : wrong(path, line, "out of memory");
}

static size_t calls_of(json_t *calls)
{
    size_t n = 0, i;
    json_t *c;

    json_array_foreach(calls, i, c) n += text_of(c, "tool") != NULL;
    return n;
}

static bool on_reference(void *ctx, json_t *o, const char *path, size_t line)
{
    struct traces *t = ctx;
    char key[KEY_CAP], text[KEY_CAP];
    json_t *d = json_object_get(o, "decisions");
    size_t at;
    int n;

    if (!good(t, CHECK_REFERENCE, o, path, line))
        return false;
    n = snprintf(text, sizeof(text), "%s|%s|%s|%s", text_of(o, "labels"),
                 text_of(o, "policy"), text_of(o, "suite"),
                 text_of(o, "task_id"));
    if (n < 0 || (size_t)n >= sizeof(text) ||
        json_object_get(t->reference, text) != NULL)
        return wrong(path, line,
                     "the same labels, policy, suite and task_id stood "
                     "before: remove one");
    for (const char *kind = "ti"; *kind != '\0'; kind++)
        if (key_of(key, *kind, text_of(o, "suite"), text_of(o, "task_id"),
                   "") &&
            find(t, key, &at) &&
            calls_of(t->records[at].calls) != json_string_length(d))
            return wrong(path, line,
                         "decisions: the record of this task_id has another "
                         "number of calls; one letter a call is expected");
    return json_object_set(t->reference, text, d) == 0
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
                       .all = json_array(),
                       .index = json_object()};
    bool ok = t.tools != NULL && t.delegations != NULL && t.reference != NULL &&
              t.identities != NULL && t.all != NULL && t.index != NULL;

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
    json_decref(t->index);
    json_decref(t->outputs);
    ts_mem_free(t->records);
    *t = (struct traces){.count = 0};
}

static const struct traces_record *found(const struct traces *t, char kind,
                                         const char *suite, const char *a,
                                         const char *b)
{
    char key[KEY_CAP];
    size_t at;

    return key_of(key, kind, suite, a, b) && find(t, key, &at) ? &t->records[at]
                                                               : NULL;
}

const struct traces_record *traces_task(const struct traces *t,
                                        const char *suite, const char *task)
{
    return found(t, 't', suite, task, "");
}

const struct traces_record *traces_pair(const struct traces *t,
                                        const char *suite, const char *task,
                                        const char *injection)
{
    return found(t, 'p', suite, task, injection);
}

json_t *traces_delegation(const struct traces *t, const char *suite,
                          const char *task, enum traces_label l)
{
    char key[KEY_CAP];
    size_t at;

    return key_of(key, 'd', suite, task, traces_label_name(l)) &&
                   find(t, key, &at)
               ? json_array_get(t->delegations, at)
               : NULL;
}

const char *traces_reference(const struct traces *t, const char *policy,
                             enum traces_label l, const struct traces_record *r)
{
    char key[KEY_CAP];
    int n = snprintf(key, sizeof(key), "%s|%s|%s|%s", traces_label_name(l),
                     policy, r->suite, r->id);

    if (n < 0 || (size_t)n >= sizeof(key))
        return NULL;
    return json_string_value(json_object_get(t->reference, key));
}
