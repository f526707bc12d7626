/* Which escalation stood behind a recorded decision. */
#include "cli/policy/recorded_escalation.h"

#include <stdio.h>
#include <string.h>

#include "cli/log/line.h"
#include "proto/base/ts_mem.h"
#include "proto/trust/id.h"
#include "sidecar/gate/people/box_demand.h"
#include "sidecar/gate/people/escalation_policies.h"

#define DEMAND_BUDGET ((size_t)64 << 10)

static void close_opened(struct recorded_opened *o)
{
    if (o->tried)
        ts_arena_done(&o->arena);
    cedar_policies_free(o->policies);
    *o = (struct recorded_opened){.tried = false};
}

static void release(struct recorded_escalation *x)
{
    for (size_t i = 0; i < RECORDED_CONFIGS; i++)
        close_opened(&x->opened[i]);
    json_decref(x->line);
    ts_mem_free(x);
}

void recorded_escalations_done(struct recorded_escalations *t)
{
    for (size_t i = 0; i < t->count; i++)
        release(t->list[i]);
    ts_mem_free(t->list);
    *t = (struct recorded_escalations){.count = 0};
}

/* ---- reading ------------------------------------------------------------ */

static bool texts(const json_t *list, struct ts_str *ret, size_t cap,
                  uint32_t *ret_count)
{
    size_t n = json_array_size(list);

    if (!json_is_array(list) || n > cap)
        return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);

        if (!json_is_string(v))
            return false;
        ret[i] = (struct ts_str){json_string_value(v), json_string_length(v)};
    }
    *ret_count = (uint32_t)n;
    return true;
}

static bool number(const json_t *line, const char *key, uint64_t max,
                   uint64_t *ret)
{
    const json_t *v = json_object_get(line, key);

    if (!json_is_integer(v) || json_integer_value(v) < 0 ||
        (uint64_t)json_integer_value(v) > max)
        return false;
    *ret = (uint64_t)json_integer_value(v);
    return true;
}

static bool read_id(const json_t *line, const char *key, uint8_t ret[16])
{
    struct ts_str s = log_line_text(line, key);

    return ts_hex_decode(s.ptr, s.len, ret, 16) == TS_OK;
}

static bool read_it(const json_t *line, struct recorded_escalation *x)
{
    struct escalation *e = &x->is;
    uint64_t used, uses;

    e->tenant = log_line_text(line, "tenant");
    e->user = log_line_text(line, "user");
    e->agent = log_line_text(line, "agent");
    e->task = log_line_text(line, "task");
    e->policies = log_line_text(line, "policies");
    e->reason = log_line_text(line, "reason");
    e->incident = log_line_text(line, "incident");
    if (!read_id(line, "id", e->id) || !trust_id_valid(e->tenant) ||
        e->policies.len > ESCALATION_POLICIES_MAX ||
        !number(line, "expires", INT64_MAX, &e->exp) ||
        !number(line, "used", ESCALATION_USES_MAX, &used) ||
        !number(line, "max_uses", ESCALATION_USES_MAX, &uses) ||
        !texts(json_object_get(line, "lifts"), e->lifts, ESCALATION_LIFTS_MAX,
               &e->lift_count) ||
        !texts(json_object_get(line, "people"), x->people, ESCALATION_SIGS_MAX,
               &x->people_count))
        return false;
    e->max_uses = (uint32_t)uses;
    x->used = (uint32_t)used;
    return true;
}

/* ---- the table ----------------------------------------------------------- */

static struct recorded_escalation *find(const struct recorded_escalations *t,
                                        struct ts_str tenant,
                                        const uint8_t id[16])
{
    for (size_t i = 0; i < t->count; i++)
        if (memcmp(t->list[i]->is.id, id, 16) == 0 &&
            ts_str_eq(t->list[i]->is.tenant, tenant))
            return t->list[i];
    return NULL;
}

static void forget(struct recorded_escalations *t, size_t i)
{
    release(t->list[i]);
    t->list[i] = t->list[--t->count];
}

static void make_room(struct recorded_escalations *t)
{
    size_t oldest = 0;

    if (t->count < RECORDED_ESCALATIONS_MAX)
        return;
    for (size_t i = 1; i < t->count; i++) {
        const struct recorded_escalation *a = t->list[i], *b = t->list[oldest];

        if (a->in_force != b->in_force ? !a->in_force : a->seen < b->seen)
            oldest = i;
    }
    forget(t, oldest);
}

static bool began(struct recorded_escalations *t, const json_t *line)
{
    struct recorded_escalation *x;

    if (t->list == NULL)
        t->list = ts_mem_alloc(RECORDED_ESCALATIONS_MAX * sizeof(*t->list));
    x = t->list != NULL ? ts_mem_alloc(sizeof(*x)) : NULL;
    if (x == NULL)
        return false;
    if (!read_it(line, x)) {
        ts_mem_free(x);
        return true;
    }
    for (size_t i = 0; i < t->count; i++)
        if (memcmp(t->list[i]->is.id, x->is.id, 16) == 0 &&
            ts_str_eq(t->list[i]->is.tenant, x->is.tenant)) {
            forget(t, i); /* again, behind a restart */
            break;
        }
    make_room(t);
    x->line = json_deep_copy(line); /* what x borrows from lives with it */
    if (x->line == NULL || !read_it(x->line, x)) {
        json_decref(x->line);
        ts_mem_free(x);
        return false;
    }
    x->in_force = true;
    x->seen = t->lines;
    t->list[t->count++] = x;
    return true;
}

static struct recorded_escalation *named(const struct recorded_escalations *t,
                                         const json_t *line, const char *key)
{
    uint8_t id[16];

    return read_id(line, key, id) ? find(t, log_line_text(line, "tenant"), id)
                                  : NULL;
}

bool recorded_escalations_take(struct recorded_escalations *t,
                               const json_t *line)
{
    struct ts_str kind = log_line_text(line, "kind");
    struct recorded_escalation *x;

    t->lines++;
    if (ts_str_eq_c(kind, "escalation"))
        return began(t, line);
    if (ts_str_eq_c(kind, "escalation_review_due")) {
        if ((x = named(t, line, "id")) != NULL)
            x->in_force = false;
    } else if (ts_str_eq_c(kind, "start")) { /* nothing outlives a restart */
        for (size_t i = 0; i < t->count; i++)
            t->list[i]->in_force = false;
    } else if (ts_str_eq_c(kind, "decision") &&
               json_object_get(line, "order") != NULL &&
               (x = named(t, line, "escalation")) != NULL) {
        x->used++;
    }
    return true;
}

static bool is_for(const struct recorded_escalation *x,
                   const struct replay_call *c)
{
    struct ts_str leaf = c->agents[c->agent_count - 1];

    return x->in_force && x->used < x->is.max_uses &&
           c->now_ms / 1000 < x->is.exp && ts_str_eq(x->is.tenant, c->tenant) &&
           ts_str_eq(x->is.user, c->user) && ts_str_eq(x->is.task, c->task) &&
           (ts_str_eq(x->is.agent, leaf) || trust_id_below(leaf, x->is.agent));
}

enum recorded_under
recorded_escalations_of(const struct recorded_escalations *t,
                        const json_t *line, const struct recorded_call *call,
                        struct recorded_escalation **ret)
{
    struct recorded_escalation *x;

    if (json_object_get(line, "escalation") != NULL) {
        if ((x = named(t, line, "escalation")) == NULL)
            return RECORDED_UNDER_UNKNOWN;
        *ret = x;
        return RECORDED_UNDER_ONE;
    }
    /* Where it was tried and did not help is not told, nor why it did not. */
    if (call->recorded.verdict != VERDICT_PERMIT)
        return RECORDED_UNDER_NONE;
    for (size_t i = 0; i < t->count; i++)
        if (is_for(t->list[i], &call->call)) {
            *ret = t->list[i];
            return RECORDED_UNDER_ONE;
        }
    return RECORDED_UNDER_NONE;
}

/* ---- what it opens --------------------------------------------------------
 */

static ts_err try_open(const struct recorded_escalation *x,
                       const struct snapshot_tenant *t,
                       struct recorded_opened *o)
{
    char text[RECORDED_WHY_MAX / 2];
    struct ts_str lift;
    ts_err e;

    if (t == NULL) {
        (void)snprintf(o->why, sizeof(o->why), "the tenant is not configured");
        return TS_OK;
    }
    if (x->people_count < t->breakglass_people) {
        (void)snprintf(o->why, sizeof(o->why), "it wants more people");
        return TS_OK;
    }
    if (t->breakglass_max_s == 0) {
        (void)snprintf(o->why, sizeof(o->why), "break-glass is switched off");
        return TS_OK;
    }
    if (escalation_lift_fault(&x->is, t->policies, &lift)) {
        (void)ts_str_show(text, sizeof(text), lift.ptr, lift.len);
        (void)snprintf(o->why, sizeof(o->why),
                       "no forbid with @breakglass is named \"%s\"", text);
        return TS_OK;
    }
    e = escalation_policies_make(&x->is, t->schema, &o->policies, text,
                                 sizeof(text));
    if (e == TS_E_FORMAT) {
        (void)ts_str_show(o->why, sizeof(o->why), text, strlen(text));
        return TS_OK;
    }
    if (e == TS_OK && o->policies != NULL)
        e = box_demands_make(o->policies, &o->arena, &o->demands);
    o->fits = e == TS_OK;
    return e;
}

bool recorded_escalation_open(struct recorded_escalation *x,
                              const struct snapshot *s, unsigned which,
                              struct decide_escalation *ret, ts_err *ret_err)
{
    struct recorded_opened *o = &x->opened[which];

    *ret_err = TS_OK;
    if (!o->tried) {
        o->tried = true;
        ts_arena_init(&o->arena, DEMAND_BUDGET);
        *ret_err = try_open(x, snapshot_tenant_find(s, x->is.tenant), o);
        if (*ret_err != TS_OK) {
            close_opened(o);
            return false;
        }
    }
    if (!o->fits)
        return false;
    *ret = (struct decide_escalation){.id = x->is.id,
                                      .policies = o->policies,
                                      .demands = o->demands,
                                      .lifts = x->is.lifts,
                                      .lift_count = x->is.lift_count,
                                      .until_ns = UINT64_MAX};
    return true;
}

json_t *recorded_escalation_json(const struct recorded_escalation *x)
{
    static const char *const keys[] = {"id",     "people", "incident",
                                       "reason", "lifts",  "policies"};
    json_t *j = json_object();

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        (void)json_object_set(j, keys[i], json_object_get(x->line, keys[i]));
    return j;
}
