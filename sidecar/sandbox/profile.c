/* Profiles as the launcher and the CLI want them. */
#include "sidecar/sandbox/profile.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/sandbox/builtin.h"
#include "sidecar/sandbox/read_priv.h"

#define FOLDER "built-in/"

const struct sandbox_source *sandbox_builtin_source(struct ts_str name)
{
    for (const struct sandbox_source *s = sandbox_builtins; s->file != NULL;
         s++) {
        const char *file = s->file + strlen(FOLDER);

        if (ts_str_eq(name,
                      (struct ts_str){file, strlen(file) - strlen(".yaml")}))
            return s;
    }
    return NULL;
}

ts_err sandbox_profile_read(const struct sandbox_source *source,
                            struct ts_arena *arena,
                            struct sandbox_profile **ret, char *reterr_text,
                            size_t reterr_cap)
{
    return read_profile(source, false, arena, ret, reterr_text, reterr_cap);
}

ts_err sandbox_profile_builtin(struct ts_str name, struct ts_arena *arena,
                               struct sandbox_profile **ret)
{
    const struct sandbox_source *s = sandbox_builtin_source(name);
    char text[1];

    if (s == NULL || ts_str_eq_c(name, "strict"))
        return TS_E_NOT_FOUND;
    return read_profile(s, false, arena, ret, text, 0);
}

ts_err sandbox_profile_model(const struct sandbox_profile *p,
                             enum sandbox_arch arch, struct ts_arena *arena,
                             struct sandbox_model *ret)
{
    struct sandbox_model m = {.arch = arch};
    ts_err e;

    for (uint32_t i = 0; i < p->calls.count; i++) {
        int nr = p->calls.list[i].nr[arch];

        if (nr >= 0 && nr < SANDBOX_NR_END)
            m.by_nr[nr] = p->rules[i];
    }
    if ((e = options_apply(p, &p->options, &m, arena)) == TS_OK)
        *ret = m;
    return e;
}

/* A cut either ends a call altogether or refuses it for some arguments. */
static ts_err cut(const struct sandbox_profile *p,
                  const struct sandbox_profile *strict, uint32_t i,
                  struct sandbox_model *m, struct ts_arena *arena)
{
    const struct sandbox_call *c = strict->rules[i];
    int nr = p->calls.list[i].nr[m->arch];
    ts_err e = TS_OK;

    if (c == NULL || nr < 0 || m->by_nr[nr] == NULL)
        return TS_OK;
    if (c->action != SANDBOX_ALLOW) {
        m->by_nr[nr] = c;
        return TS_OK;
    }
    for (uint32_t k = c->count; k-- > 0 && e == TS_OK;)
        e = sandbox_model_prepend(m, (uint32_t)nr, &c->clauses[k], arena);
    return e;
}

ts_err sandbox_profile_strict(const struct sandbox_profile *p,
                              enum sandbox_arch arch, struct ts_arena *arena,
                              struct sandbox_model *ret)
{
    const struct sandbox_source *s =
        sandbox_builtin_source(TS_STR_LIT("strict"));
    struct sandbox_options o;
    struct sandbox_profile *strict;
    struct sandbox_model m;
    char text[1];
    ts_err e;

    if ((e = read_profile(s, true, arena, &strict, text, 0)) != TS_OK ||
        (e = sandbox_profile_model(p, arch, arena, &m)) != TS_OK)
        return e;
    for (uint32_t i = 0; i < strict->calls.count && e == TS_OK; i++)
        e = cut(p, strict, i, &m, arena);
    o = strict->options;
    if (p->options.needs_write_exec)
        o.write_exec = false;
    if (e == TS_OK)
        e = options_apply(p, &o, &m, arena);
    if (e == TS_OK)
        *ret = m;
    return e;
}

static bool is_accepted(const struct sandbox_profile *p, const char *hole)
{
    for (uint32_t i = 0; i < p->accept_count; i++) {
        if (strcmp(p->accepts[i].hole, hole) == 0)
            return true;
    }
    return false;
}

ts_err sandbox_profile_check(const struct sandbox_profile *p,
                             const struct sandbox_source *source,
                             char *reterr_text, size_t reterr_cap)
{
    struct ts_arena a;
    ts_err e = TS_OK;

    ts_arena_init(&a, SANDBOX_ARENA_BYTES);
    for (int arch = 0; arch < SANDBOX_ARCHS && e == TS_OK; arch++) {
        struct sandbox_model m;

        e = sandbox_profile_model(p, (enum sandbox_arch)arch, &a, &m);
        for (const struct sandbox_hole *h = sandbox_holes;
             e == TS_OK && h->name != NULL; h++) {
            int i = sandbox_calls_find(&p->calls, ts_str_of(h->call));

            if (h->severity != SANDBOX_ESCAPE || is_accepted(p, h->name) ||
                !sandbox_hole_is_open(h, &p->calls, &m))
                continue;
            (void)snprintf(reterr_text, reterr_cap,
                           "%s:%u: %s opens the hole \"%s\": %s (%s); take it "
                           "away, or write accept: [{hole: %s, reason: ...}]",
                           source->file,
                           i >= 0 && p->lines[i] > 0 ? p->lines[i] : 1, h->call,
                           h->name, h->why, h->source, h->name);
            e = TS_E_INVALID;
        }
    }
    ts_arena_done(&a);
    return e;
}

static const struct sandbox_source *
source_of(const char *name, const struct sandbox_source *sources, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *slash = strrchr(sources[i].file, '/');
        const char *file = slash != NULL ? slash + 1 : sources[i].file;
        size_t len = strlen(name);

        if (strncmp(file, name, len) == 0 && strcmp(file + len, ".yaml") == 0)
            return &sources[i];
    }
    return NULL;
}

ts_err sandbox_profile_of_index(const struct sandbox_names *names,
                                uint32_t index,
                                const struct sandbox_source *sources,
                                size_t count, struct ts_arena *arena,
                                struct sandbox_profile **ret, char *reterr_text,
                                size_t reterr_cap)
{
    const struct sandbox_source *s;
    struct sandbox_profile *p;
    ts_err e;

    if (index >= names->count)
        return TS_E_NOT_FOUND;
    if (index < SANDBOX_BUILTIN_COUNT)
        return sandbox_profile_builtin(ts_str_of(names->list[index]), arena,
                                       ret);
    s = source_of(names->list[index], sources, count);
    if (s == NULL)
        return TS_E_NOT_FOUND;
    if ((e = sandbox_profile_read(s, arena, &p, reterr_text, reterr_cap)) !=
            TS_OK ||
        (e = sandbox_profile_check(p, s, reterr_text, reterr_cap)) != TS_OK)
        return e;
    *ret = p;
    return TS_OK;
}
