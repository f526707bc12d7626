/* Outputs that handles can name, and what stands at a pointer of one. */
#include <string.h>

#include "proto/base/ts_mem.h"
#include "sidecar/gate/provenance/leaves.h"
#include "sidecar/gate/provenance/task_priv.h"

#define CALL_PREFIX "call-"
/* Leaves of one handle that are compared with arguments; what is beyond them
 * counts as untrusted. */
#define REPEATS_ASKED_MAX 512u

void task_kept_done(struct kept *o)
{
    ts_mem_free(o->json);
    ts_mem_free(o->labels);
    *o = (struct kept){0};
}

static void drop(struct prov_task *k, struct kept *o)
{
    k->kept_bytes -= o->len + o->tool.len + o->label_count;
    task_kept_done(o);
}

/* Labels of which there are few take no more than they need. */
static uint8_t *shrunk(uint8_t *labels, uint32_t count)
{
    uint8_t *made = ts_mem_alloc(count > 0 ? count : 1);

    if (made != NULL && count > 0)
        memcpy(made, labels, count);
    ts_mem_free(labels);
    return made;
}

bool task_keep(struct prov_task *k, const struct prov_output *o,
               uint8_t *labels, uint32_t label_count)
{
    size_t need = o->bytes.len + o->tool.len + label_count;
    struct kept *to;
    char *block;

    if (k->kept == NULL)
        k->kept = ts_mem_alloc(KEPT_MAX * sizeof(*k->kept));
    if (k->kept == NULL) {
        ts_mem_free(labels);
        return false;
    }
    to = &k->kept[k->kept_next];
    if ((labels = shrunk(labels, label_count)) == NULL)
        return false;
    block = ts_mem_alloc(o->bytes.len + o->tool.len);
    if (block == NULL || need > PROV_KEPT_TASK) {
        ts_mem_free(block);
        ts_mem_free(labels);
        return false;
    }
    if (to->call != 0)
        drop(k, to);
    for (uint32_t i = 1; k->kept_bytes + need > PROV_KEPT_TASK; i++) {
        struct kept *old = &k->kept[(k->kept_next + i) % KEPT_MAX];

        if (old->call != 0)
            drop(k, old);
    }
    memcpy(block, o->bytes.ptr, o->bytes.len);
    memcpy(block + o->bytes.len, o->tool.ptr, o->tool.len);
    *to =
        (struct kept){.call = o->call,
                      .tool = {.ptr = block + o->bytes.len, .len = o->tool.len},
                      .json = block,
                      .len = o->bytes.len,
                      .labels = labels,
                      .label_count = label_count,
                      .said = o->said,
                      .is_sealed = o->is_sealed,
                      .given_untrusted = prov_given_is_untrusted(o->given),
                      .given_level = prov_given_level(o->given)};
    k->kept_bytes += need;
    k->kept_next = (k->kept_next + 1) % KEPT_MAX;
    return true;
}

bool prov_call_parse(struct ts_str name, uint32_t *ret)
{
    const size_t head = sizeof(CALL_PREFIX) - 1;
    uint64_t v = 0;

    if (name.len <= head || name.len > head + 10 ||
        memcmp(name.ptr, CALL_PREFIX, head) != 0 || name.ptr[head] == '0')
        return false;
    for (size_t i = head; i < name.len; i++) {
        if (name.ptr[i] < '0' || name.ptr[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(name.ptr[i] - '0');
    }
    if (v > UINT32_MAX)
        return false;
    *ret = (uint32_t)v;
    return true;
}

struct below {
    const struct kept *o;
    struct ts_str pointer;
    struct prov_task *k;
    uint32_t at;
    uint32_t asked;          /* how many leaves were compared */
    struct prov_label worst; /* source PROV_NONE: nothing yet */
    bool repeats;            /* one is what the call was given */
};

/* The pointer itself, or what lies below it. */
static bool is_below(struct ts_str pointer, struct ts_str leaf)
{
    return leaf.len >= pointer.len &&
           (pointer.len == 0 ||
            memcmp(leaf.ptr, pointer.ptr, pointer.len) == 0) &&
           (leaf.len == pointer.len || leaf.ptr[pointer.len] == '/');
}

static enum prov_kind kind_of(const struct prov_label *l,
                              const struct leaf *leaf)
{
    if (l->is_id)
        return PROV_ID;
    return leaf->type == LEAF_NUMBER ? PROV_NUMBER : PROV_TEXT;
}

/* A leaf that only repeats an argument: as if the agent had written it, and no
 * better than what a handle had put in there. */
static void as_repeated(struct below *b, const struct leaf *leaf,
                        struct prov_label *l)
{
    const enum prov_kind kind = kind_of(l, leaf);
    struct prov_seen seen;

    if (l->source != PROV_TRUSTED || l->said == 0 || leaf->type == LEAF_BOOL ||
        leaf->type == LEAF_NULL)
        return;
    if (b->asked++ >= REPEATS_ASKED_MAX) {
        b->repeats = true;
        l->source = PROV_UNTRUSTED;
        return;
    }
    if (!task_repeats(b->k, l, kind, leaf->text))
        return;
    b->repeats = true;
    prov_task_find(b->k, kind, leaf->text, &seen);
    if (seen.source > l->source)
        l->source = seen.source;
    if (l->source == PROV_UNKNOWN && b->o->given_untrusted)
        l->source = PROV_UNTRUSTED;
    if (seen.source != PROV_PROMPT && seen.level > l->level)
        l->level = seen.level;
    if (b->o->given_level > l->level)
        l->level = b->o->given_level;
}

/* False: the leaf is no part of what the pointer names. */
static bool label_below(struct below *b, const struct leaf *l,
                        struct prov_label *ret)
{
    struct prov_label one = {.source = PROV_UNTRUSTED};

    if (b->at < b->o->label_count)
        one = label_unpack(b->o->labels[b->at], b->o->said);
    b->at++;
    if (!is_below(b->pointer, l->pointer) ||
        (l->type == LEAF_KEY && l->pointer.len == b->pointer.len))
        return false; /* the key that a value stands under is no part of it */
    as_repeated(b, l, &one);
    *ret = one;
    return true;
}

static ts_err join(void *ctx, const struct leaf *l)
{
    struct below *b = ctx;
    struct prov_label one;

    if (!label_below(b, l, &one))
        return TS_OK;
    if (prov_source_is_worse(one.source, b->worst.source))
        b->worst.source = one.source;
    if (one.level > b->worst.level)
        b->worst.level = one.level;
    return TS_OK;
}

static struct kept *kept_find(struct prov_task *k, uint32_t call)
{
    for (uint32_t i = 0; k->kept != NULL && i < KEPT_MAX; i++)
        if (k->kept[i].call == call)
            return &k->kept[i];
    return NULL;
}

ts_err prov_task_handle(struct prov_task *k, uint32_t call,
                        struct ts_str pointer, struct prov_handle *ret)
{
    struct kept *o = call != 0 ? kept_find(k, call) : NULL;
    struct below b = {.o = o, .pointer = pointer, .k = k};
    char place[PLACE_MAX];
    struct ts_str json, value, name = {.ptr = place};
    uint32_t number;
    ts_err e;

    if (o == NULL)
        return call != 0 && call <= k->calls ? TS_E_STATE : TS_E_NOT_FOUND;
    if (pointer.len > LEAVES_POINTER_MAX)
        return TS_E_INVALID;
    json = (struct ts_str){.ptr = o->json, .len = o->len};
    e = leaves_at(json, pointer, &value);
    if (e != TS_OK)
        return e == TS_E_EXISTS || e == TS_E_NOMEM ? e : TS_E_INVALID;
    if ((e = leaves_walk(json, join, &b)) != TS_OK)
        return e;
    name.len = place_of(o->tool, pointer, place);
    number = places_add(&k->places, name);
    *ret = (struct prov_handle){.json = value, .is_sealed = o->is_sealed};
    ret->seen.source =
        b.worst.source == PROV_NONE ? PROV_UNKNOWN : b.worst.source;
    ret->seen.level = b.worst.level;
    /* What a tool repeats does not come from there. */
    if (number != 0 && !b.repeats)
        ret->seen.places[ret->seen.count++] = places_name(&k->places, number);
    return TS_OK;
}

/* ---- what a call was given by handles -------------------------------------
 */

static ts_err reveal(void *ctx, const struct leaf *l)
{
    struct below *b = ctx;
    char place[PLACE_MAX];
    struct prov_label one;
    struct ts_str name = {.ptr = place};

    if (!label_below(b, l, &one) || l->type == LEAF_BOOL ||
        l->type == LEAF_NULL ||
        (l->type == LEAF_KEY && !place_key_is_data(l->text)) ||
        (one.source != PROV_TRUSTED && one.source != PROV_UNTRUSTED))
        return TS_OK;
    if (one.source == PROV_UNTRUSTED)
        one.said = 0;
    task_raise(b->k, &one);
    name.len = place_of(b->o->tool, l->pointer, place);
    task_add(b->k, l->type == LEAF_NUMBER ? PROV_NUMBER : PROV_TEXT, l->text,
             &one, b->o->call, places_add(&b->k->places, name));
    return TS_OK;
}

/* What is not kept any more may be anything that it held. */
static void reveal_lost(struct prov_task *k, const struct prov_given_one *g)
{
    const struct prov_label worst = {.source = g->source, .level = g->level};

    task_raise(k, &worst);
    k->gaps = true;
    k->secrets_lost = k->secrets_lost || g->level == PROV_SECRET;
}

static void reveal_one(struct prov_task *k, const struct prov_given_one *g)
{
    const struct kept *o = kept_find(k, g->call);
    struct below b = {.o = o, .pointer = g->pointer, .k = k};

    if (o == NULL || leaves_walk((struct ts_str){.ptr = o->json, .len = o->len},
                                 reveal, &b) != TS_OK)
        reveal_lost(k, g);
}

void prov_task_reveals(struct prov_task *k, const struct prov_given *g)
{
    static const struct prov_given_one anything = {.source = PROV_UNTRUSTED,
                                                   .level = PROV_SECRET};

    if (g == NULL)
        return;
    if (task_index(k) == NULL || g->is_lost) {
        reveal_lost(k, &anything);
        return;
    }
    prov_task_asks(k);
    for (uint32_t i = 0; i < g->count; i++)
        /* Such a secret is shown only where the operator says that the tool
         * does not print it: everything else of that call is kept back. */
        if (!g->list[i].is_sealed || g->list[i].level != PROV_SECRET)
            reveal_one(k, &g->list[i]);
    tasks_settle(k);
}
