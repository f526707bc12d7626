/* What a name in a schema refers to. */
#include <string.h>

#include "policy/core/limits.h"
#include "policy/core/lit.h"
#include "policy/core/name.h"
#include "policy/core/uid.h"
#include "policy/schema/resolve_priv.h"

uint32_t res_builtin(struct ts_str name)
{
    static const struct ts_str names[BUILTINS] = {
        CEDAR_LIT("Bool"),     CEDAR_LIT("Long"),   CEDAR_LIT("String"),
        CEDAR_LIT("decimal"),  CEDAR_LIT("ipaddr"), CEDAR_LIT("datetime"),
        CEDAR_LIT("duration"),
    };

    for (uint32_t i = 0; i < BUILTINS; i++)
        if (ts_str_eq(name, names[i]))
            return i;
    return UINT32_MAX;
}

/* Bytes of a name that is given in up to three pieces against a whole one, in
 * the order of ts_str_cmp(). */
static int cmp_pieces(const struct ts_str *pieces, size_t count,
                      struct ts_str whole)
{
    for (size_t i = 0; i < count; i++) {
        size_t n = pieces[i].len < whole.len ? pieces[i].len : whole.len;
        int c = n > 0 ? memcmp(pieces[i].ptr, whole.ptr, n) : 0;

        if (c != 0)
            return c;
        if (n < pieces[i].len)
            return 1;
        whole.ptr += n;
        whole.len -= n;
    }
    return whole.len > 0 ? -1 : 0;
}

static int cmp_name(struct ts_str ns, struct ts_str name, struct ts_str whole)
{
    struct ts_str pieces[3] = {ns, TS_STR_LIT("::"), name};

    if (ns.len == 0)
        return cmp_pieces(&pieces[2], 1, whole);
    return cmp_pieces(pieces, 3, whole);
}

uint32_t res_common_at(const struct resolver *r, struct ts_str ns,
                       struct ts_str name)
{
    uint32_t lo = 0, hi = r->common_count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = cmp_name(ns, name, r->commons[mid].name);

        if (c == 0)
            return mid;
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return UINT32_MAX;
}

uint32_t res_entity_at(const struct resolver *r, struct ts_str ns,
                       struct ts_str name)
{
    uint32_t lo = 0, hi = r->entity_count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = cmp_name(ns, name, r->entities[mid].name);

        if (c == 0)
            return mid;
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return UINT32_MAX;
}

/* The types of the language: always as `__cedar::Long`, and as `Long` where the
 * schema declares nothing of that name outside namespaces. */
static uint32_t builtin_at(const struct resolver *r, struct ts_str name)
{
    static const struct ts_str prefix = CEDAR_LIT("__cedar::");
    uint32_t i;

    if (ts_str_starts(name, prefix)) {
        name.ptr += prefix.len;
        name.len -= prefix.len;
        return res_builtin(name);
    }
    i = res_builtin(name);
    return i != UINT32_MAX && !r->hidden[i] ? i : UINT32_MAX;
}

static struct found find_at(const struct resolver *r, struct ts_str ns,
                            struct ts_str name, unsigned want)
{
    struct found f = {0};

    if ((want & WANT_COMMON) != 0 &&
        (f.index = res_common_at(r, ns, name)) != UINT32_MAX)
        f.kind = FOUND_COMMON;
    else if ((want & WANT_COMMON) != 0 && ns.len == 0 &&
             (f.index = builtin_at(r, name)) != UINT32_MAX)
        f.kind = FOUND_BUILTIN;
    else if ((want & WANT_ENTITY) != 0 &&
             (f.index = res_entity_at(r, ns, name)) != UINT32_MAX)
        f.kind = FOUND_ENTITY;
    return f;
}

struct found res_find(const struct resolver *r, const struct decl_space *space,
                      struct ts_str name, unsigned want)
{
    static const struct ts_str none = {0};
    struct found f = {0};

    if (space->name.text.len > 0 && cedar_name_base(name).len == name.len)
        f = find_at(r, space->name.text, name, want);
    return f.kind != FOUND_NONE ? f : find_at(r, none, name, want);
}

static const struct res_action *action_at(const struct resolver *r,
                                          struct ts_str type, struct ts_str id)
{
    struct cedar_uid uid = cedar_uid_make(type, id);
    uint32_t lo = 0, hi = r->action_count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = cedar_uid_cmp(&uid, &r->actions[mid].uid);

        if (c == 0)
            return &r->actions[mid];
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

const struct res_action *res_find_action(const struct resolver *r,
                                         const struct decl_space *space,
                                         const struct decl_ref *ref)
{
    static const struct ts_str action = CEDAR_LIT("Action");
    struct ts_str type = ref->type.len > 0 ? ref->type : action;
    struct ts_str ns = space->name.text;
    const struct res_action *a = NULL;
    char buf[CEDAR_SCHEMA_NAME + 1];

    if (ns.len > 0 && cedar_name_base(type).len == type.len &&
        ns.len + 2 + type.len <= sizeof(buf)) {
        memcpy(buf, ns.ptr, ns.len);
        memcpy(buf + ns.len, "::", 2);
        memcpy(buf + ns.len + 2, type.ptr, type.len);
        a = action_at(r,
                      (struct ts_str){.ptr = buf, .len = ns.len + 2 + type.len},
                      ref->id);
    }
    return a != NULL ? a : action_at(r, type, ref->id);
}
