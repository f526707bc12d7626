/* One task: what the user said, what was shown, where a value stands. */
#include "sidecar/gate/provenance/task.h"

#include <string.h>

#include "sidecar/gate/provenance/shapes.h"
#include "sidecar/gate/provenance/task_priv.h"

bool prov_rules_may_be_untrusted(const struct prov_output_rules *r)
{
    return !r->is_trusted || r->untrusted.count > 0;
}

static const struct prov_label owned = {.source = PROV_PROMPT};

/* The next text of k->own; false: that was the last. */
static bool next_own(const struct prov_task *k, size_t *at, struct ts_str *ret)
{
    const uint8_t *p = ts_buf_bytes(&k->own);
    uint32_t len;

    if (*at + sizeof(len) > k->own.len)
        return false;
    memcpy(&len, p + *at, sizeof(len));
    *ret =
        (struct ts_str){.ptr = (const char *)p + *at + sizeof(len), .len = len};
    *at += sizeof(len) + len;
    return true;
}

struct prov_index *task_index(struct prov_task *k)
{
    struct ts_str text;
    size_t at = 0;

    if (k->index != NULL)
        return k->index;
    if (prov_index_new(PROV_TASK_BYTES, &k->index) != TS_OK)
        return NULL;
    while (next_own(k, &at, &text)) /* what fails is counted there as lost */
        (void)!prov_index_add(k->index, PROV_TEXT, text, &owned, 0,
                              places_add(&k->places, TS_STR_LIT("user")));
    ts_buf_done(&k->own);
    ts_buf_init(&k->own, PROV_PROMPT_MAX);
    tasks_settle(k);
    return k->index;
}

static ts_err add_own(struct prov_task *k, struct ts_str text,
                      const char *place)
{
    ts_err e = TS_E_NOMEM;

    if (text.len == 0)
        return TS_OK;
    if (text.len > PROV_PROMPT_MAX)
        return TS_E_LIMIT;
    if (task_index(k) != NULL)
        e = prov_index_add(k->index, PROV_TEXT, text, &owned, 0,
                           places_add(&k->places, ts_str_of(place)));
    tasks_settle(k);
    return e;
}

/* A whole leaf of the prompt is found as such: the same again is not added. */
static bool is_known(struct prov_task *k, struct ts_str text)
{
    struct prov_found f;

    if (k->index == NULL)
        return false;
    prov_index_limit(k->index, SIZE_MAX);
    prov_index_find(k->index, PROV_TEXT, text, &f);
    return f.source == PROV_PROMPT;
}

ts_err prov_task_prompt(struct prov_task *k, struct ts_str text)
{
    ts_err e = is_known(k, text) ? TS_OK : add_own(k, text, "prompt");

    if (e == TS_OK && text.len > 0)
        k->has_prompt = true;
    return e;
}

/* A session that never asks where a value comes from has no index. */
static ts_err keep_own(struct prov_task *k, struct ts_str text)
{
    struct ts_str one;
    size_t at = 0;
    uint32_t len = (uint32_t)text.len;
    uint8_t *room;
    ts_err e;

    if (text.len > PROV_PROMPT_MAX - sizeof(len))
        return TS_E_LIMIT;
    while (next_own(k, &at, &one))
        if (ts_str_eq(one, text))
            return TS_OK;
    e = ts_buf_reserve(&k->own, sizeof(len) + text.len, &room);
    if (e != TS_OK)
        return e;
    memcpy(room, &len, sizeof(len));
    memcpy(room + sizeof(len), text.ptr, text.len);
    ts_buf_grew(&k->own, sizeof(len) + text.len);
    tasks_settle(k);
    return TS_OK;
}

ts_err prov_task_identity(struct prov_task *k, struct ts_str text)
{
    if (text.len == 0)
        return TS_OK;
    if (!ts_utf8_valid(text.ptr, text.len))
        return TS_E_FORMAT;
    if (k->index == NULL)
        return keep_own(k, text);
    return is_known(k, text) ? TS_OK : add_own(k, text, "user");
}

bool prov_task_has_prompt(const struct prov_task *k)
{
    return k->has_prompt;
}

void prov_task_began_by(struct prov_task *k, enum prov_origin o)
{
    if (k->has_origin && k->origin != o)
        o = PROV_ORIGIN_UNKNOWN;
    k->has_origin = true;
    k->origin = o;
}

enum prov_origin prov_task_origin(const struct prov_task *k)
{
    return k->origin;
}

uint32_t prov_task_began(struct prov_task *k)
{
    if (k->calls < UINT32_MAX)
        k->calls++;
    return k->calls;
}

static enum prov_confidentiality level_of(const struct prov_output_rules *r)
{
    return r->secret.count > 0 ? PROV_SECRET : r->level;
}

void prov_task_shows(struct prov_task *k, const struct prov_output_rules *r)
{
    enum prov_confidentiality level = level_of(r);

    if (prov_rules_may_be_untrusted(r)) {
        k->taint.untrusted = true;
        k->open_untrusted++;
    }
    k->open_at[level]++;
    if (level > k->taint.level)
        k->taint.level = level;
}

void task_shown(struct prov_task *k, const struct prov_output_rules *r)
{
    const enum prov_confidentiality level = level_of(r);

    if (prov_rules_may_be_untrusted(r) && k->open_untrusted > 0)
        k->open_untrusted--;
    if (k->open_at[level] > 0)
        k->open_at[level]--;
}

/* The highest of what is being shown. */
static enum prov_confidentiality open_level(const struct prov_task *k)
{
    enum prov_confidentiality level = PROV_SECRET;

    while (level > PROV_PUBLIC && k->open_at[level] == 0)
        level--;
    return level;
}

struct prov_taint prov_task_taint(const struct prov_task *k)
{
    if (k->lost)
        return (struct prov_taint){
            .untrusted = true, .level = PROV_SECRET, .lost = true};
    return k->taint;
}

/* What a call says itself it does not learn from what its tool then prints. */
static void find(struct prov_task *k, enum prov_kind kind, struct ts_str value,
                 struct prov_found *ret)
{
    struct prov_said said;

    prov_index_find(k->index, kind, value, ret);
    if (ret->source != PROV_TRUSTED || k->said == NULL)
        return;
    task_said_by(k, kind, value, &said);
    if (said.count > 0 || said.all)
        prov_index_find_but(k->index, kind, value, &said, ret);
}

void prov_task_asks(struct prov_task *k)
{
    if (k->index != NULL)
        prov_index_limit(k->index, PROV_CALL_WORK);
    if (k->said != NULL)
        prov_index_limit(k->said, PROV_CALL_WORK);
}

void prov_task_find(struct prov_task *k, enum prov_kind kind,
                    struct ts_str value, struct prov_seen *ret)
{
    struct prov_found f = {.source = PROV_UNKNOWN};

    *ret = (struct prov_seen){.source = PROV_UNKNOWN};
    if (k->index == NULL && k->own.len > 0)
        k->gaps = task_index(k) == NULL || k->gaps; /* without memory */
    if (k->index != NULL)
        find(k, kind, value, &f);
    ret->source = f.source;
    ret->level = f.level;
    ret->more = f.more;
    if (f.source == PROV_UNKNOWN)
        ret->level = open_level(k);
    /* It may stand in what did not fit, in what is still being shown, or behind
     * where the search ended: all that can strangers bring about. */
    if (f.source == PROV_UNKNOWN &&
        (k->gaps || k->open_untrusted > 0 || f.more ||
         (k->index != NULL && prov_index_lost(k->index) > 0)))
        ret->source = PROV_UNTRUSTED;
    for (uint32_t i = 0; i < f.count; i++) {
        struct ts_str name = places_name(&k->places, f.places[i]);
        uint32_t j = 0;

        while (j < ret->count && !ts_str_eq(ret->places[j], name))
            j++;
        if (j == ret->count && name.len > 0)
            ret->places[ret->count++] = name;
    }
}

struct looking {
    struct prov_task *k;
    bool found;
};

/* A code or a card number that some output had. */
static bool was_seen(void *ctx, enum shape s, struct ts_str text)
{
    struct looking *l = ctx;
    struct prov_found f;

    (void)s;
    prov_index_find(l->k->index, PROV_TEXT, text, &f);
    l->found = f.source == PROV_TRUSTED || f.source == PROV_UNTRUSTED;
    return !l->found;
}

/* Digits of a link that stands somewhere are its own; those of another one may
 * have been put into it. */
static bool carries_seen(void *ctx, enum shape s, struct ts_str text)
{
    struct looking *l = ctx;
    struct prov_found f;

    if (!shape_is_link(s))
        return was_seen(ctx, s, text);
    prov_index_find(l->k->index, PROV_TEXT, text, &f);
    if (f.source == PROV_UNKNOWN)
        (void)shapes_secret_in(text, was_seen, l);
    return !l->found;
}

bool prov_task_secrets_in(struct prov_task *k, struct ts_str text)
{
    struct looking l = {.k = k};

    if (text.len == 0)
        return false;
    if (k->secrets_lost || k->open_at[PROV_SECRET] > 0)
        return true;
    if (k->index == NULL)
        return false;
    if (prov_index_secrets_in(k->index, text) > 0)
        return true;
    (void)shapes_in(text, carries_seen, &l);
    return l.found;
}
