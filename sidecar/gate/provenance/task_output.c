/* An output into the index: parsed as its manifest says, each leaf labelled. */
#include <string.h>

#include "proto/base/ts_buf.h"
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

struct prov_label prov_label_of(const struct prov_output_rules *r, bool failed,
                                struct ts_str pointer)
{
    bool trusted = r->is_trusted || covered(r->trusted, pointer);
    struct prov_label l = {.source = PROV_UNTRUSTED,
                           .is_id = covered(r->ids, pointer),
                           .level = r->level};

    if (trusted && !failed && !covered(r->untrusted, pointer))
        l.source = PROV_TRUSTED;
    if (covered(r->secret, pointer))
        l.level = PROV_SECRET;
    return l;
}

/* Strangers may choose it, and cannot write there what they like. */
static bool is_selector(const struct prov_output_rules *r,
                        const struct leaf *leaf)
{
    for (uint32_t f = 0; f < PROV_FORMS; f++)
        if (r->selectors[f].count > 0 && leaf->type != LEAF_BOOL &&
            leaf->type != LEAF_NULL &&
            covered(r->selectors[f], leaf->pointer) &&
            form_is((enum prov_form)f, leaf->text))
            return true;
    return false;
}

static struct prov_label label_of_leaf(const struct prov_output *o,
                                       const struct leaf *leaf)
{
    struct prov_label l = prov_label_of(o->rules, o->failed, leaf->pointer);

    if (!o->failed && is_selector(o->rules, leaf))
        l.source = PROV_TRUSTED;
    if (l.source == PROV_TRUSTED && !covered(o->rules->vouches, leaf->pointer))
        l.said = o->said;
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
void task_add(struct prov_task *k, enum prov_kind kind, struct ts_str text,
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

void task_raise(struct prov_task *k, const struct prov_label *l)
{
    if (l->source == PROV_UNTRUSTED)
        k->taint.untrusted = true;
    if (l->level > k->taint.level)
        k->taint.level = l->level;
}

static ts_err on_leaf(void *ctx, const struct leaf *leaf)
{
    struct labelling *g = ctx;
    struct prov_label l = label_of_leaf(g->o, leaf);
    struct ts_str place = {.ptr = g->place};

    if (g->labels != NULL)
        g->labels[g->count] = label_pack(&l);
    g->count++;
    if (leaf->type == LEAF_BOOL || leaf->type == LEAF_NULL ||
        (leaf->type == LEAF_KEY && !place_key_is_data(leaf->text)) ||
        is_blank(leaf->text))
        return TS_OK;
    task_raise(g->k, &l);
    place.len = place_of(g->o->tool, leaf->pointer, g->place);
    task_add(g->k, leaf->type == LEAF_NUMBER ? PROV_NUMBER : PROV_TEXT,
             leaf->text, &l, g->o->call, places_add(&g->k->places, place));
    return TS_OK;
}

static struct prov_label label_of_text(const struct prov_output *o,
                                       bool trusted)
{
    const struct prov_output_rules *r = o->rules;

    return (struct prov_label){
        .source = trusted ? PROV_TRUSTED : PROV_UNTRUSTED,
        .level = r->secret.count > 0 ? PROV_SECRET : r->level,
        .said = trusted && r->vouches.count == 0 ? o->said : 0};
}

static enum prov_output_how add_text(struct prov_task *k,
                                     const struct prov_output *o,
                                     struct ts_str text, bool trusted)
{
    const struct prov_label l = label_of_text(o, trusted);
    char place[PLACE_MAX];
    struct ts_str name = {.ptr = place};

    if (is_blank(text))
        return PROV_OUTPUT_TEXT;
    task_raise(k, &l);
    name.len = place_of(o->tool, TS_STR_LIT(""), place);
    task_add(k, PROV_TEXT, text, &l, o->call, places_add(&k->places, name));
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
        (void)task_keep(k, o, labels, g.count); /* what fits is kept */
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

/* ---- what no agent is given ---------------------------------------------- */

static ts_err on_kept_leaf(void *ctx, const struct leaf *leaf)
{
    struct labelling *g = ctx;
    struct prov_label l = label_of_leaf(g->o, leaf);

    g->labels[g->count++] = label_pack(&l);
    return TS_OK;
}

static bool keep_json(struct prov_task *k, const struct prov_output *o)
{
    struct labelling g = {.k = k, .o = o};

    if ((g.labels = ts_mem_alloc(LEAVES_COUNT_MAX)) == NULL)
        return false;
    if (leaves_walk(o->bytes, on_kept_leaf, &g) != TS_OK) {
        ts_mem_free(g.labels);
        return false;
    }
    return task_keep(k, o, g.labels, g.count);
}

/* One JSON string of all of it. */
static ts_err quote(struct ts_str text, struct ts_buf *to)
{
    static const char hex[] = "0123456789abcdef";
    ts_err e = ts_buf_append(to, "\"", 1);

    for (size_t i = 0; i < text.len && e == TS_OK; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        const char low[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

        if (c < 0x20)
            e = ts_buf_append(to, low, sizeof(low));
        else if (c == '"' || c == '\\')
            e = ts_buf_append(to, (const char[]){'\\', (char)c}, 2);
        else
            e = ts_buf_append(to, &text.ptr[i], 1);
    }
    return e == TS_OK ? ts_buf_append(to, "\"", 1) : e;
}

static bool keep_text(struct prov_task *k, const struct prov_output *o,
                      bool trusted)
{
    const struct prov_label l = label_of_text(o, trusted);
    struct prov_output one = *o;
    struct ts_buf json;
    uint8_t *labels;
    bool kept = false;

    if (!o->is_whole || !ts_utf8_valid(o->bytes.ptr, o->bytes.len))
        return false;
    ts_buf_init(&json, PROV_KEPT_OUTPUT);
    if (quote(o->bytes, &json) == TS_OK && (labels = ts_mem_alloc(1)) != NULL) {
        labels[0] = label_pack(&l);
        one.bytes = (struct ts_str){.ptr = (const char *)ts_buf_bytes(&json),
                                    .len = json.len};
        kept = task_keep(k, &one, labels, 1);
    }
    ts_buf_done(&json);
    return kept;
}

static enum prov_output_how withheld(struct prov_task *k,
                                     const struct prov_output *o)
{
    const bool trusted = !prov_rules_may_be_untrusted(o->rules) && !o->failed;

    if (o->is_lost || o->bytes.len == 0 || o->bytes.len > PROV_KEPT_OUTPUT)
        return PROV_OUTPUT_LOST;
    if (o->rules->is_json && o->is_whole && leaves_check(o->bytes) == TS_OK)
        return keep_json(k, o) ? PROV_OUTPUT_KEPT : PROV_OUTPUT_LOST;
    return keep_text(k, o, trusted && !o->rules->is_json)
               ? PROV_OUTPUT_KEPT_TEXT
               : PROV_OUTPUT_LOST;
}

/* Nobody knows any more what it was given: it may be all that it prints. */
static bool is_doubtful(const struct prov_task *k, const struct prov_output *o)
{
    return o->said == PROV_SAID_LOST ||
           (o->said != 0 && o->call <= k->said_floor);
}

enum prov_output_how prov_task_output(struct prov_task *k,
                                      const struct prov_output *given)
{
    struct prov_output as_given = *given;
    const struct prov_output *const o = &as_given;
    enum prov_output_how how = PROV_OUTPUT_LOST;
    const struct prov_label worst = {
        .source = PROV_UNTRUSTED,
        .level = o->rules->secret.count > 0 ? PROV_SECRET : o->rules->level};

    as_given.failed = as_given.failed || is_doubtful(k, given);
    if (!o->is_withheld)
        task_shown(k, o->rules);
    if (o->is_withheld) {
        how = withheld(k, o);
    } else if (!o->is_lost && o->bytes.len <= PROV_OUTPUT_MAX &&
               o->errors.len <= PROV_OUTPUT_MAX) {
        how = add_all(k, o);
    } else {
        task_raise(k, &worst);
        k->gaps = true;
        k->secrets_lost = k->secrets_lost || worst.level == PROV_SECRET;
    }
    tasks_settle(k);
    return how;
}
