#include <stdio.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "sidecar/gate/people/snapshot_priv.h"

/* The people of one tenant as Cedar entities, together with entities.json. */

void snapshot_people_hold(struct snapshot_people *p)
{
    p->users++;
}

void snapshot_people_release(struct snapshot_people *p)
{
    if (p == NULL)
        return;
    TS_REQUIRE(p->users > 0);
    if (--p->users > 0)
        return;
    cedar_entities_free(p->entities);
    directory_release(p->directory);
    ts_mem_free(p);
}

static const struct cedar_diag *first_error(const struct cedar_diags *diags)
{
    for (uint32_t i = 0; i < diags->count && i < CEDAR_DIAGS_MAX; i++)
        if (diags->list[i].severity == CEDAR_ERROR)
            return &diags->list[i];
    return NULL;
}

/* What is wrong with a person is said of the entry, not of the text that was
 * made of it. */
static void describe(const struct cedar_diags *diags,
                     const struct cedar_source *sources, size_t count,
                     const struct directory *d, const struct snapshot_err *err)
{
    const struct cedar_diag *diag = first_error(diags);
    char entry[TS_ID_MAX + 32];

    if (d == NULL || diag == NULL || diag->span.source != 0) {
        snapshot_diag_text(diags, sources, count, err->text, err->cap);
        return;
    }
    directory_entity_name(directory_people(d), diag->span.line, entry,
                          sizeof(entry));
    (void)snprintf(err->text, err->cap, "%s: %s: %s%s%s", directory_name(d),
                   entry, diag->text, diag->hint[0] != '\0' ? "; " : "",
                   diag->hint);
}

static ts_err entities_make(const struct rules_tenant *rules,
                            const struct directory *d, struct ts_buf *made,
                            struct cedar_entities **ret,
                            const struct snapshot_err *err)
{
    static const struct directory_snapshot nobody = {0};
    char name[BUNDLE_NAME_MAX + 32];
    struct cedar_source sources[2];
    struct cedar_diags diags = {0};
    size_t n = 1;
    ts_err e =
        directory_entities(d != NULL ? directory_people(d) : &nobody, made);

    if (e != TS_OK)
        return e;
    (void)snprintf(name, sizeof(name), "tenants/%.*s/entities.json",
                   (int)rules->files.name.len, rules->files.name.ptr);
    sources[0] =
        (struct cedar_source){d != NULL ? directory_name(d) : "nobody",
                              {(const char *)ts_buf_bytes(made), made->len}};
    if (rules->entities_json.ptr != NULL)
        sources[n++] = (struct cedar_source){name, rules->entities_json};
    e = cedar_entities_parse_schema(rules->schema, sources, n, ret, &diags);
    if (e == TS_OK || e == TS_E_NOMEM)
        return e;
    describe(&diags, sources, n, d, err);
    return d != NULL ? TS_E_INVALID : TS_E_FORMAT;
}

ts_err snapshot_people_make(const struct rules_tenant *rules,
                            struct directory *directory,
                            struct snapshot_people **ret,
                            const struct snapshot_err *err)
{
    struct snapshot_people *p = ts_mem_alloc(sizeof(*p));
    struct ts_buf made;
    ts_err e;

    if (p == NULL)
        return TS_E_NOMEM;
    p->users = 1;
    ts_buf_init(&made, BUNDLE_BYTES_MAX);
    e = entities_make(rules, directory, &made, &p->entities, err);
    ts_buf_done(&made);
    if (e != TS_OK) {
        snapshot_people_release(p);
        return e;
    }
    if (directory != NULL)
        directory_hold(directory);
    p->directory = directory;
    *ret = p;
    return TS_OK;
}
