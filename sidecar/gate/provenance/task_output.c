/* An output into the index: parsed as its manifest says, each leaf labelled. */
#include <string.h>

#include "proto/base/ts_mem.h"
#include "sidecar/gate/provenance/leaves.h"
#include "sidecar/gate/provenance/task_priv.h"

struct labelling {
    struct prov_task *k;
    const struct prov_output *o;
    uint8_t *labels; /* LEAVES_COUNT_MAX of them, or NULL: not for handles */
    uint32_t count;
    char place[PLACE_MAX];
};

static bool covered(struct prov_patterns p, struct ts_str pointer)
{
    for (uint32_t i = 0; i < p.count; i++)
        if (leaf_pattern_covers(p.list[i], pointer))
            return true;
    return false;
}

static struct prov_label label_of(const struct prov_output *o,
                                  struct ts_str pointer)
{
    const struct prov_output_rules *r = o->rules;
    bool trusted = r->is_trusted || covered(r->trusted, pointer);
    struct prov_label l = {.source = PROV_UNTRUSTED,
                           .is_id = covered(r->ids, pointer),
                           .level = r->level};

    if (trusted && !o->failed && !covered(r->untrusted, pointer))
        l.source = PROV_TRUSTED;
    if (covered(r->secret, pointer))
        l.level = PROV_SECRET;
    return l;
}

static bool is_blank(struct ts_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != ' ' && s.ptr[i] != '\t' && s.ptr[i] != '\n' &&
            s.ptr[i] != '\r')
            return false;
    return true;
}

/* What does not fit into the index is counted there; what is in it already
 * stands there once, for the first call that showed it. */
static void add(struct prov_task *k, enum prov_kind kind, struct ts_str text,
                const struct prov_label *l, uint32_t call, uint32_t place)
{
    struct prov_index *x = task_index(k);
    uint64_t same = known_hash(&k->known, kind, text, l, place);

    if (known_has(&k->known, same))
        return;
    if (x == NULL) { /* no memory for an index */
        k->gaps = true;
        k->secrets_lost = k->secrets_lost || l->level == PROV_SECRET;
    } else if (prov_index_add(x, kind, text, l, call, place) == TS_OK) {
        known_add(&k->known, same);
    } else if (l->level == PROV_SECRET) {
        k->secrets_lost = true;
    }
}

static void raise(struct prov_task *k, const struct prov_label *l)
{
    if (l->source == PROV_UNTRUSTED)
        k->taint.untrusted = true;
    if (l->level > k->taint.level)
        k->taint.level = l->level;
}

static ts_err on_leaf(void *ctx, const struct leaf *leaf)
{
    struct labelling *g = ctx;
    struct prov_label l = label_of(g->o, leaf->pointer);
    struct ts_str place = {.ptr = g->place};

    if (g->labels != NULL)
        g->labels[g->count] = label_pack(&l);
    g->count++;
    if (leaf->type == LEAF_BOOL || leaf->type == LEAF_NULL ||
        (leaf->type == LEAF_KEY && !place_key_is_data(leaf->text)) ||
        is_blank(leaf->text))
        return TS_OK;
    raise(g->k, &l);
    place.len = place_of(g->o->tool, leaf->pointer, g->place);
    add(g->k, leaf->type == LEAF_NUMBER ? PROV_NUMBER : PROV_TEXT, leaf->text,
        &l, g->o->call, places_add(&g->k->places, place));
    return TS_OK;
}

static enum prov_output_how add_text(struct prov_task *k,
                                     const struct prov_output *o,
                                     struct ts_str text, bool trusted)
{
    struct prov_label l = {
        .source = trusted ? PROV_TRUSTED : PROV_UNTRUSTED,
        .level = o->rules->secret.count > 0 ? PROV_SECRET : o->rules->level};
    char place[PLACE_MAX];
    struct ts_str name = {.ptr = place};

    if (is_blank(text))
        return PROV_OUTPUT_TEXT;
    raise(k, &l);
    name.len = place_of(o->tool, TS_STR_LIT(""), place);
    add(k, PROV_TEXT, text, &l, o->call, places_add(&k->places, name));
    return PROV_OUTPUT_TEXT;
}

static enum prov_output_how add_json(struct prov_task *k,
                                     const struct prov_output *o)
{
    struct labelling g = {.k = k, .o = o};
    uint8_t *labels = NULL;

    if (!o->is_whole || leaves_check(o->bytes) != TS_OK) {
        (void)add_text(k, o, o->bytes, false);
        return PROV_OUTPUT_UNREADABLE;
    }
    if (o->bytes.len <= PROV_KEPT_OUTPUT) /* NULL: it has no handles then */
        labels = ts_mem_alloc(LEAVES_COUNT_MAX);
    g.labels = labels;
    if (leaves_walk(o->bytes, on_leaf, &g) != TS_OK) { /* without memory */
        k->gaps = true;
        k->secrets_lost = true;
    }
    if (labels != NULL)
        task_keep(k, o, labels, g.count);
    return PROV_OUTPUT_LEAVES;
}

static enum prov_output_how add_all(struct prov_task *k,
                                    const struct prov_output *o)
{
    const struct prov_output_rules *r = o->rules;
    bool wholly = !prov_rules_may_be_untrusted(r) && !o->failed;

    if (o->errors.len > 0)
        (void)add_text(k, o, o->errors, wholly);
    if (is_blank(o->bytes))
        return PROV_OUTPUT_TEXT;
    if (r->is_json)
        return add_json(k, o);
    return add_text(k, o, o->bytes, wholly && o->is_whole);
}

enum prov_output_how prov_task_output(struct prov_task *k,
                                      const struct prov_output *o)
{
    enum prov_output_how how = PROV_OUTPUT_LOST;
    const struct prov_label worst = {
        .source = PROV_UNTRUSTED,
        .level = o->rules->secret.count > 0 ? PROV_SECRET : o->rules->level};

    if (!o->is_lost && o->bytes.len <= PROV_OUTPUT_MAX &&
        o->errors.len <= PROV_OUTPUT_MAX) {
        how = add_all(k, o);
    } else {
        raise(k, &worst);
        k->gaps = true;
        k->secrets_lost = k->secrets_lost || worst.level == PROV_SECRET;
    }
    tasks_settle(k);
    return how;
}
