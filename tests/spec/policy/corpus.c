/*
 * Runs cases of the cedar-integration-tests format: for each, the decision, the
 * determining policies and the policies in error must be exactly what is
 * recorded.
 *
 *   corpus ROOT FOLDER [--implicit]    every *.json case below ROOT/FOLDER
 *
 * --implicit: the entity files leave it to a schema to say which {type, id} is
 * an entity. This engine loads entities without a schema, so the driver writes
 * such a pair as {"__entity": {type, id}} first, and says how often it did.
 *
 * File names inside a case are relative to ROOT; "tests/" there means
 * "handwritten-tests/" when no such folder exists. Last line: "N passed, M
 * failed", of requests.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/cedar.h"
#include "policy/json/value_json.h"
#include "proto/base/ts_mem.h"

#define FILE_MAX ((size_t)32 << 20)
#define ARENA    ((size_t)256 << 20)

struct run {
    const char *root;
    bool implicit;
    unsigned cases, passed, failed, refused, shown, rewritten;
};

static char *read_file(const char *path, size_t *ret_len)
{
    FILE *f = fopen(path, "rbe");
    struct stat st;
    char *buf;

    if (f == NULL)
        return NULL;
    if (fstat(fileno(f), &st) != 0 || (size_t)st.st_size > FILE_MAX ||
        (buf = ts_mem_alloc((size_t)st.st_size + 1)) == NULL) {
        (void)fclose(f);
        return NULL;
    }
    *ret_len = fread(buf, 1, (size_t)st.st_size, f);
    (void)fclose(f);
    return buf;
}

/* Opens a file that a case names. */
static char *read_named(const struct run *run, const struct json *name,
                        size_t *ret_len)
{
    char path[4096];
    char *buf;

    if (name == NULL || name->kind != JSON_STRING)
        return NULL;
    (void)snprintf(path, sizeof(path), "%s/%.*s", run->root, (int)name->str.len,
                   name->str.ptr);
    buf = read_file(path, ret_len);
    if (buf != NULL || !ts_str_starts(name->str, TS_STR_LIT("tests/")))
        return buf;
    (void)snprintf(path, sizeof(path), "%s/handwritten-%.*s", run->root,
                   (int)name->str.len, name->str.ptr);
    return read_file(path, ret_len);
}

/* JSON text made again from a tree, with entity references written out. */
struct writer {
    struct run *run;
    char *p;
    size_t len, cap;
};

static void put(struct writer *w, const char *s, size_t n)
{
    if (n > w->cap - w->len)
        n = 0; /* the parser then refuses the text: no silent loss */
    memcpy(w->p + w->len, s, n);
    w->len += n;
}

static void put_string(struct writer *w, struct ts_str s)
{
    char esc[8];

    put(w, "\"", 1);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c < 0x20 || c == '"' || c == '\\') {
            (void)snprintf(esc, sizeof(esc), "\\u%04x", (unsigned)c);
            put(w, esc, 6);
        } else {
            put(w, s.ptr + i, 1);
        }
    }
    put(w, "\"", 1);
}

static bool is_reference(const struct json *v)
{
    return v->count == 2 && cedar_json_get(v, TS_STR_LIT("type")) != NULL &&
           cedar_json_get(v, TS_STR_LIT("id")) != NULL;
}

static void put_json(struct writer *w, const struct json *v, bool in_attrs)
{
    bool object = v->kind == JSON_OBJECT;
    bool wrap = object && in_attrs && is_reference(v);
    char number[32];

    if (v->kind == JSON_STRING) {
        put_string(w, v->str);
        return;
    }
    if (v->kind == JSON_INT || v->kind == JSON_BOOL) {
        (void)snprintf(number, sizeof(number), "%lld", (long long)v->integer);
        if (v->kind == JSON_BOOL)
            (void)snprintf(number, sizeof(number), "%s",
                           v->boolean ? "true" : "false");
        put(w, number, strlen(number));
        return;
    }
    if (wrap) {
        w->run->rewritten++;
        put(w, "{\"__entity\":", 12);
    }
    put(w, object ? "{" : "[", 1);
    for (const struct json *m = v->first; m != NULL; m = m->next) {
        if (object) {
            put_string(w, m->key);
            put(w, ":", 1);
        }
        put_json(w, m,
                 !wrap && (in_attrs || ts_str_eq(m->key, TS_STR_LIT("attrs"))));
        if (m->next != NULL)
            put(w, ",", 1);
    }
    put(w, object ? "}" : "]", 1);
    if (wrap)
        put(w, "}", 1);
}

/* Replaces *text by its rewritten form; the caller frees either. */
static void make_explicit(struct run *run, char **text, size_t *len)
{
    struct ts_str src = {.ptr = *text, .len = *len};
    struct writer w = {.run = run, .cap = *len * 4 + 16};
    const struct json *root;
    struct ts_arena arena;

    ts_arena_init(&arena, ARENA);
    w.p = ts_mem_alloc(w.cap);
    if (w.p != NULL && cedar_json_parse(&arena, src, 0, NULL, &root) == TS_OK) {
        put_json(&w, root, false);
        ts_mem_free(*text);
        *text = w.p;
        *len = w.len;
    } else {
        ts_mem_free(w.p);
    }
    ts_arena_done(&arena);
}

static void complain(struct run *run, const char *name, const char *what,
                     const struct cedar_diags *d)
{
    if (run->shown++ >= 40)
        return;
    (void)printf("FAIL %s: %s", name, what);
    if (d != NULL && d->count > 0)
        (void)printf(": %u:%u: %s", d->list[0].span.line,
                     d->list[0].span.column, d->list[0].text);
    (void)printf("\n");
}

/* Whether the listed policies are exactly those that the case names. */
static bool same_ids(const struct cedar_policies *p, const struct json *want,
                     const uint32_t *list, const struct cedar_error *errors,
                     uint32_t count)
{
    if (want == NULL || want->kind != JSON_ARRAY || want->count != count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = errors != NULL ? errors[i].policy : list[i];
        struct ts_str id = cedar_policies_info(p, at).id;
        const struct json *w = want->first;

        while (w != NULL && !ts_str_eq(w->str, id))
            w = w->next;
        if (w == NULL)
            return false;
    }
    return true;
}

static bool run_request(struct run *run, const char *name, unsigned nth,
                        const struct cedar_policies *p,
                        const struct cedar_entities *store,
                        const struct json *spec)
{
    const struct json *want = cedar_json_get(spec, TS_STR_LIT("decision"));
    const struct cedar_uid *who, *act, *res;
    struct cedar_request req = {0};
    struct cedar_answer answer;
    static struct cedar_diags diags;
    struct ts_arena arena;
    char text[512];
    bool ok, allow;
    ts_err e;

    diags.count = 0;
    ts_arena_init(&arena, ARENA);
    allow = ts_str_eq(want->str, TS_STR_LIT("allow"));
    if ((e = cedar_uid_from_json(&arena,
                                 cedar_json_get(spec, TS_STR_LIT("principal")),
                                 "principal", &diags, &who)) != TS_OK ||
        (e = cedar_uid_from_json(&arena,
                                 cedar_json_get(spec, TS_STR_LIT("action")),
                                 "action", &diags, &act)) != TS_OK ||
        (e = cedar_uid_from_json(&arena,
                                 cedar_json_get(spec, TS_STR_LIT("resource")),
                                 "resource", &diags, &res)) != TS_OK ||
        (e = cedar_value_from_json(&arena,
                                   cedar_json_get(spec, TS_STR_LIT("context")),
                                   &diags, &req.context)) != TS_OK)
        goto out;
    req.principal = *who;
    req.action = *act;
    req.resource = *res;
    e = cedar_authorize(p, store, &req, &arena, &answer);
out:
    ok = e == TS_OK && (answer.decision == CEDAR_ALLOW) == allow &&
         same_ids(p, cedar_json_get(spec, TS_STR_LIT("reason")), answer.reasons,
                  NULL, answer.reason_count) &&
         same_ids(p, cedar_json_get(spec, TS_STR_LIT("errors")), NULL,
                  answer.errors, answer.error_count);
    if (!ok) {
        (void)snprintf(text, sizeof(text),
                       "request %u: %s, wanted %s; first error: %s", nth,
                       e != TS_OK                       ? ts_err_text(e)
                       : answer.decision == CEDAR_ALLOW ? "allow"
                                                        : "deny",
                       allow ? "allow" : "deny",
                       e == TS_OK && answer.error_count > 0
                           ? answer.errors[0].text
                           : "none");
        complain(run, name, text, &diags);
    }
    ts_arena_done(&arena);
    return ok;
}

static void run_requests(struct run *run, const char *name,
                         const struct json *spec,
                         const struct cedar_policies *p,
                         const struct cedar_entities *store)
{
    const struct json *reqs = cedar_json_get(spec, TS_STR_LIT("requests"));
    unsigned nth = 0;

    for (const struct json *r = reqs->first; r != NULL; r = r->next, nth++) {
        if (run_request(run, name, nth, p, store, r))
            run->passed++;
        else
            run->failed++;
    }
}

static void run_case(struct run *run, const char *name, const struct json *spec)
{
    struct cedar_options options = cedar_options_default;
    const struct json *reqs = cedar_json_get(spec, TS_STR_LIT("requests"));
    struct cedar_source ps = {.name = "policies"}, es = {.name = "entities"};
    struct cedar_policies *p = NULL;
    struct cedar_entities *store = NULL;
    static struct cedar_diags diags;
    char *ptext, *etext;
    bool ok = false;

    options.require_id = false; /* the corpus numbers its policies */
    diags.count = 0;
    ptext = read_named(run, cedar_json_get(spec, TS_STR_LIT("policies")),
                       &ps.text.len);
    etext = read_named(run, cedar_json_get(spec, TS_STR_LIT("entities")),
                       &es.text.len);
    if (run->implicit && etext != NULL)
        make_explicit(run, &etext, &es.text.len);
    ps.text.ptr = ptext;
    es.text.ptr = etext;
    if (ptext == NULL || etext == NULL)
        complain(run, name, "a file is missing", NULL);
    else if (cedar_policies_parse(&ps, 1, &options, &p, &diags) != TS_OK)
        complain(run, name, "policies refused", &diags);
    else if (cedar_entities_parse(&es, 1, &store, &diags) != TS_OK)
        complain(run, name, "entities refused", &diags);
    else
        ok = true;
    if (ok) {
        run_requests(run, name, spec, p, store);
    } else {
        run->refused++;
        run->failed += reqs != NULL ? reqs->count : 1;
    }
    cedar_policies_free(p);
    cedar_entities_free(store);
    ts_mem_free(ptext);
    ts_mem_free(etext);
}

static void run_file(struct run *run, const char *path)
{
    static struct cedar_diags diags;
    const struct json *spec;
    struct ts_arena arena;
    struct ts_str text;
    size_t len = 0;
    char *buf = read_file(path, &len);

    diags.count = 0;
    ts_arena_init(&arena, ARENA);
    text = (struct ts_str){.ptr = buf, .len = len};
    run->cases++;
    if (buf == NULL ||
        cedar_json_parse(&arena, text, 0, &diags, &spec) != TS_OK) {
        complain(run, path, "the case cannot be read", &diags);
        run->failed++;
    } else {
        run_case(run, path, spec);
    }
    ts_arena_done(&arena);
    ts_mem_free(buf);
}

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), m = strlen(tail);

    return n >= m && strcmp(s + n - m, tail) == 0;
}

/* Two levels are all that the corpus has. */
static void run_folder(struct run *run, const char *path, int depth)
{
    DIR *d = opendir(path);
    const struct dirent *de;
    struct stat st;

    if (d == NULL)
        return;
    while ((de = readdir(d)) != NULL) {
        char sub[4096];
        int n = snprintf(sub, sizeof(sub), "%s/%s", path, de->d_name);

        if (de->d_name[0] == '.' || n < 0 || (size_t)n >= sizeof(sub) ||
            stat(sub, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode) && depth > 0)
            run_folder(run, sub, depth - 1);
        else if (ends_with(sub, ".json") && !ends_with(sub, ".entities.json"))
            run_file(run, sub);
    }
    (void)closedir(d);
}

int main(int argc, char **argv)
{
    struct run run = {0};
    char path[4096];

    if (argc != 3 && (argc != 4 || strcmp(argv[3], "--implicit") != 0)) {
        (void)fprintf(stderr, "usage: corpus ROOT FOLDER [--implicit]\n");
        return 2;
    }
    run.root = argv[1];
    run.implicit = argc == 4;
    (void)snprintf(path, sizeof(path), "%s/%s", argv[1], argv[2]);
    run_folder(&run, path, 1);
    (void)printf("%u cases, %u of them refused\n", run.cases, run.refused);
    if (run.implicit)
        (void)printf("%u entity references written out\n", run.rewritten);
    (void)printf("%u passed, %u failed\n", run.passed, run.failed);
    return run.failed == 0 && run.cases > 0 ? 0 : 1;
}
