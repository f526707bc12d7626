#include "sidecar/gate/decide/call_provenance.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/gate/provenance/leaves.h"
#include "sidecar/gate/provenance/link_host.h"
#include "sidecar/gate/provenance/places.h"
#include "sidecar/gate/provenance/shapes.h"

/* One argument while its values are looked up. */
struct judging {
    const struct provenance_input *in;
    struct call_provenance *out;
    const struct manifest_arg *decl;
    enum prov_source worst;
    struct ts_str places[PROV_FOUND_PLACES]; /* of all items so far */
    uint32_t place_count;
    bool first;           /* no item was judged yet */
    uint32_t item;        /* the one that is looked up: as of */
    struct ts_str inside; /* struct provenance_value */
    bool is_key;
    uint32_t covered; /* for whom people let the value through that links are
                         in */
    uint32_t all;     /* for whom each item so far */
    struct endorsed_by endorsed[ENDORSED_CALLS_MAX];
    uint32_t endorsed_count;
};

static void mark(struct provenance_class *c, enum prov_source s)
{
    switch (s) {
    case PROV_PROMPT:
        c->pinned = true;
        break;
    case PROV_TRUSTED:
        c->trusted = true;
        break;
    case PROV_UNTRUSTED:
        c->untrusted = true;
        break;
    case PROV_UNKNOWN:
        c->unknown = true;
        break;
    case PROV_NONE:
        break;
    }
}

static void raise_level(struct judging *j, const struct prov_seen *s)
{
    if (s->source != PROV_PROMPT && s->level > j->out->level)
        j->out->level = s->level;
}

/* Places at which every item stands, so that a policy that asks for one place
 * asks it of all items. */
static void keep_places(struct judging *j, const struct prov_seen *s)
{
    uint32_t n = 0;

    /* Who the user is stands nowhere: beside other items of a list it takes
     * nothing from what is known of them. */
    if (s->source == PROV_PROMPT && s->count == 1 &&
        ts_str_eq(s->places[0], TS_STR_LIT("user")))
        return;
    if (j->first) {
        memcpy(j->places, s->places, s->count * sizeof(s->places[0]));
        j->place_count = s->count;
        j->first = false;
        return;
    }
    for (uint32_t i = 0; i < j->place_count; i++) {
        uint32_t k = 0;

        while (k < s->count && !ts_str_eq(s->places[k], j->places[i]))
            k++;
        if (k < s->count)
            j->places[n++] = j->places[i];
    }
    j->place_count = n;
}

static void tell(const struct judging *j, const struct provenance_value *given)
{
    struct provenance_value v = *given;

    if (j->in->saw == NULL)
        return;
    v.decl = j->decl;
    v.item = j->item;
    v.inside = j->inside;
    j->in->saw(j->in->ctx, &v);
}

/* For all but those for whom it was let through. */
static void leave_open(struct judging *j, enum prov_source s, uint32_t through)
{
    if (s == PROV_UNTRUSTED)
        j->out->unendorsed.untrusted |= ENDORSED_SETS & ~through;
    else if (s == PROV_UNKNOWN)
        j->out->unendorsed.unknown |= ENDORSED_SETS & ~through;
}

/* In paths, links and JSON another letter is another thing. */
static struct endorsed_use use_of(const struct judging *j, enum prov_kind kind,
                                  struct ts_str text)
{
    enum arg_type type = j->decl->type;

    return (struct endorsed_use){
        .who = j->in->who,
        .tool = j->in->manifest->tool,
        .arg = j->decl->name,
        .inside = j->inside,
        .is_key = j->is_key,
        .is_exact = type == ARG_PATH || type == ARG_URL || type == ARG_JSON,
        .kind = kind,
        .text = text};
}

static void keep_endorsed(struct judging *j, const struct endorsed_by *by)
{
    uint32_t i = 0;

    j->all &= by->sets;
    if (by->sets == 0)
        return;
    j->out->has_endorsed = true;
    while (i < j->endorsed_count &&
           (j->endorsed[i].call != by->call || j->endorsed[i].sets != by->sets))
        i++;
    if (i == j->endorsed_count && i < ENDORSED_CALLS_MAX)
        j->endorsed[j->endorsed_count++] = *by;
}

/* One value of authority, whole: has a person let it through? */
static void found_authority(struct judging *j, enum prov_kind kind,
                            struct ts_str text, const struct prov_seen *s)
{
    const struct endorsed_use use = use_of(j, kind, text);
    struct provenance_value v = {.text = text, .seen = s, .use = &use};

    if ((s->source == PROV_UNTRUSTED || s->source == PROV_UNKNOWN) &&
        j->in->task != NULL)
        v.endorsed = prov_task_endorsed(j->in->task, &use);
    j->covered = v.endorsed.sets;
    keep_endorsed(j, &v.endorsed);
    leave_open(j, s->source, v.endorsed.sets);
    tell(j, &v);
    mark(&j->out->authority, s->source);
}

static void found(struct judging *j, enum prov_kind kind, struct ts_str text,
                  const struct prov_seen *s)
{
    const struct provenance_value v = {.text = text, .seen = s};

    if (j->decl->role == ROLE_CONTENT) {
        tell(j, &v);
        mark(&j->out->content, s->source);
    } else {
        found_authority(j, kind, text, s);
    }
    raise_level(j, s);
    keep_places(j, s);
    if (prov_source_is_worse(s->source, j->worst))
        j->worst = s->source;
}

static void look(const struct judging *j, enum prov_kind kind, struct ts_str v,
                 struct prov_seen *ret)
{
    if (j->in->task != NULL)
        prov_task_find(j->in->task, kind, v, ret);
    else
        *ret = (struct prov_seen){.source = PROV_UNKNOWN};
}

#define HOSTS_MAX 8 /* of one link */

/* A link that stands nowhere leads where strangers said if its host, or one
 * that it is a part of, stands only where they write: what the model adds to it
 * makes it nobody else's. */
static void look_for_host(const struct judging *j, struct ts_str link,
                          struct prov_seen *seen)
{
    struct link_host h;
    struct ts_str host;
    struct prov_seen other;
    bool more = link_host_of(link, &h);

    host = (struct ts_str){.ptr = h.text, .len = more ? h.len : 0};
    for (uint32_t n = 0; more && n < HOSTS_MAX; n++) {
        look(j, PROV_TEXT, host, &other);
        if (other.source == PROV_UNTRUSTED)
            *seen = other;
        more = other.source == PROV_UNKNOWN && link_host_up(&host);
    }
}

static bool on_shape(void *ctx, enum shape s, struct ts_str text)
{
    struct judging *j = ctx;
    struct prov_seen seen;
    struct provenance_value v = {.text = text, .is_link = true, .seen = &seen};

    if (!shape_is_link(s))
        return true;
    look(j, PROV_TEXT, text, &seen);
    if (seen.source == PROV_UNKNOWN && (s == SHAPE_URL || s == SHAPE_HOST))
        look_for_host(j, text, &seen);
    mark(&j->out->links, seen.source);
    leave_open(j, seen.source, j->covered);
    tell(j, &v);
    raise_level(j, &seen);
    return true;
}

/* What stands inside of a text that is more than one value. */
static void look_inside(struct judging *j, struct ts_str text)
{
    (void)shapes_in(text, on_shape, j);
    if (j->in->task != NULL && !j->out->secrets)
        j->out->secrets = prov_task_secrets_in(j->in->task, text);
}

/* A path may have been named from its root. */
static void look_for_path(const struct judging *j, struct ts_str v,
                          struct prov_seen *ret)
{
    struct ts_str root = j->in->manifest->resource_root, rest = v;
    struct prov_seen other;

    look(j, PROV_TEXT, v, ret);
    if (ret->source == PROV_PROMPT || root.len == 0 || v.len <= root.len + 1 ||
        memcmp(v.ptr, root.ptr, root.len) != 0)
        return;
    rest.ptr += root.len;
    rest.len -= root.len;
    if (rest.ptr[0] == '/') {
        rest.ptr++;
        rest.len--;
    } else if (root.len > 1) {
        return; /* another name that begins alike */
    }
    look(j, PROV_TEXT, rest, &other);
    if (other.source < ret->source)
        *ret = other;
}

static void judge(struct judging *j, enum prov_kind kind, struct ts_str v)
{
    struct prov_seen seen;

    if (v.len == 0)
        return;
    if (j->decl->is_id)
        kind = PROV_ID;
    if (j->decl->type == ARG_PATH && kind == PROV_TEXT)
        look_for_path(j, v, &seen);
    else
        look(j, kind, v, &seen);
    found(j, kind, v, &seen);
    /* What the model put together may have parts from elsewhere. */
    if (j->decl->role == ROLE_CONTENT || seen.source == PROV_UNKNOWN)
        look_inside(j, v);
}

/* No argument holds what this walk would refuse. */
_Static_assert(LEAVES_POINTER_MAX >= MANIFEST_PATTERN_MAX, "pointers");

static ts_err on_leaf(void *ctx, const struct leaf *l)
{
    struct judging *j = ctx;

    j->inside = l->pointer;
    j->is_key = l->type == LEAF_KEY;
    switch (l->type) {
    case LEAF_STRING:
        judge(j, PROV_TEXT, l->text);
        break;
    case LEAF_NUMBER:
        judge(j, PROV_NUMBER, l->text);
        break;
    case LEAF_KEY:
        if (place_key_is_data(l->text))
            judge(j, PROV_TEXT, l->text);
        break;
    case LEAF_BOOL:
    case LEAF_NULL:
        break;
    }
    return TS_OK;
}

static const struct call_handle *handle_of(const struct judging *j,
                                           uint32_t item)
{
    for (uint32_t i = 0; i < j->in->handle_count; i++) {
        const struct call_handle *h = &j->in->handles[i];

        if (h->item == item && ts_str_eq(h->arg, j->decl->name))
            return h;
    }
    return NULL;
}

static enum prov_kind kind_of(const struct manifest_arg *decl)
{
    if (decl->is_id)
        return PROV_ID;
    return decl->type == ARG_INT || decl->type == ARG_DECIMAL ? PROV_NUMBER
                                                              : PROV_TEXT;
}

/* A value of a handle is what it is; inside of content there may be links. */
static void judge_item(struct judging *j, struct ts_str v, uint32_t item)
{
    const struct call_handle *h = handle_of(j, item);

    if (h == NULL && item != HANDLE_WHOLE)
        h = handle_of(j, HANDLE_WHOLE);
    if (h == NULL) {
        judge(j, PROV_TEXT, v);
        return;
    }
    found(j, kind_of(j->decl), v, &h->seen);
    if (j->decl->role != ROLE_CONTENT)
        return;
    look_inside(j, v);
    if (h->seen.level == PROV_SECRET) /* it may be in no index */
        j->out->secrets = true;
}

#define INT_TEXT 24

static struct ts_str text_of(const struct arg_value *v, char number[INT_TEXT])
{
    int n;

    if (v->decl->type != ARG_INT)
        return v->text;
    n = snprintf(number, INT_TEXT, "%lld", (long long)v->integer);
    return (struct ts_str){.ptr = number, .len = n > 0 ? (size_t)n : 0};
}

static ts_err judge_arg(struct judging *j, const struct arg_value *v)
{
    const struct call_handle *whole = handle_of(j, HANDLE_WHOLE);
    char number[INT_TEXT];
    const struct ts_str text = text_of(v, number);

    if (j->decl->one_of_count > 0 || j->decl->type == ARG_BOOL)
        return TS_OK;
    if (whole != NULL && j->decl->type != ARG_STRINGS) {
        judge_item(j, text, HANDLE_WHOLE);
        return TS_OK;
    }
    switch (j->decl->type) {
    case ARG_BOOL:
        break;
    case ARG_INT:
    case ARG_DECIMAL:
        judge(j, PROV_NUMBER, text);
        break;
    case ARG_STRING:
    case ARG_PATH:
    case ARG_URL:
        judge(j, PROV_TEXT, text);
        break;
    case ARG_STRINGS:
        for (j->item = 0; j->item < v->item_count; j->item++)
            judge_item(j, v->items[j->item], j->item);
        break;
    case ARG_JSON:
        return leaves_walk(v->text, on_leaf, j);
    }
    return TS_OK;
}

static ts_err finish_arg(const struct judging *j, struct ts_arena *arena,
                         struct arg_provenance *ret)
{
    void *p = NULL;
    ts_err e = TS_OK;

    if (j->place_count > 0)
        e = ts_arena_array(arena, j->place_count, sizeof(j->places[0]), &p);
    if (e != TS_OK)
        return e;
    if (j->place_count > 0)
        memcpy(p, j->places, j->place_count * sizeof(j->places[0]));
    *ret = (struct arg_provenance){
        .source = j->worst, .places = p, .place_count = j->place_count};
    ret->endorsed_sets = j->endorsed_count > 0 ? j->all : 0;
    if (ret->endorsed_sets != 0) {
        memcpy(ret->endorsed, j->endorsed, sizeof(ret->endorsed));
        ret->endorsed_count = j->endorsed_count;
    }
    return TS_OK;
}

bool call_handles_seal(const struct call_handle *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (list[i].is_sealed && list[i].seen.level == PROV_SECRET)
            return true;
    return false;
}

static struct prov_taint taint_of(struct prov_task *k)
{
    static const struct prov_taint nothing = {
        .untrusted = true, .level = PROV_SECRET, .lost = true};

    return k != NULL ? prov_task_taint(k) : nothing;
}

ts_err call_provenance_make(const struct provenance_input *in,
                            struct ts_arena *arena, struct call_provenance *ret)
{
    struct arg_provenance *args;
    void *p;
    ts_err e =
        ts_arena_array(arena, (size_t)in->args->count + 1, sizeof(*args), &p);

    if (e != TS_OK)
        return e;
    if (in->task != NULL)
        prov_task_asks(in->task);
    args = p;
    *ret = (struct call_provenance){.args = args,
                                    .task = taint_of(in->task),
                                    .origin = in->task != NULL
                                                  ? prov_task_origin(in->task)
                                                  : PROV_ORIGIN_UNKNOWN};
    for (uint32_t i = 0; i < in->args->count; i++) {
        const struct arg_value *v = &in->args->values[i];
        struct judging j = {.in = in,
                            .out = ret,
                            .decl = v->decl,
                            .first = true,
                            .all = ENDORSED_SETS,
                            .item = HANDLE_WHOLE};

        if ((e = judge_arg(&j, v)) != TS_OK ||
            (e = finish_arg(&j, arena, &args[i])) != TS_OK)
            return e;
    }
    if (ret->secrets)
        ret->level = PROV_SECRET;
    return TS_OK;
}
