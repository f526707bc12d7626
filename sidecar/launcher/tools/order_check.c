#include "sidecar/launcher/tools/order_check.h"

#include <stdio.h>

#include "sidecar/common/layer.h"

static ts_err refuse(struct order_refusal *r, enum call_code code,
                     const char *step, const char *text)
{
    r->code = code;
    r->step = step;
    r->sys_errno = 0;
    (void)snprintf(r->text, sizeof(r->text), "%s", text);
    return TS_E_INVALID;
}

static const struct manifests *generation_of(const struct order_context *c,
                                             uint64_t generation)
{
    if (c->current->generation == generation)
        return c->current;
    if (c->previous != NULL && c->previous->generation == generation)
        return c->previous;
    return NULL;
}

/* The strongest of what the manifest needs, what policies demand, and what this
 * host gives anyway. */
ts_err order_level(const struct order_context *c, const struct manifest *m,
                   const struct order *o, enum box_level *ret,
                   struct order_refusal *reterr)
{
    const struct level_want w = {
        .least = {m->network.mode == NETWORK_PROXY && m->box < BOX_FULL
                      ? BOX_FULL
                      : m->box,
                  o->box},
        .most = c->most,
        .require = m->require | o->require | LAYER_FLOOR};
    uint32_t missing = 0;
    char text[160];

    if (level_choose(c->offer, &w, ret, &missing) == TS_OK)
        return TS_OK;
    (void)snprintf(text, sizeof(text),
                   "the sandbox layer %s is required and this host or "
                   "tipstaff.yaml does not give it; run tipstaff doctor",
                   layer_first(missing));
    return refuse(reterr, CODE_SANDBOX_UNAVAILABLE, layer_first(missing), text);
}

static bool has_path(const struct manifest *m)
{
    return m->resource == RESOURCE_FILE || m->resource == RESOURCE_DIR;
}

/* The order repeats what the gate derived from the same bytes. A difference is
 * a defect or an attack; neither runs. */
static ts_err check_resource(const struct manifest *m, const struct order *o,
                             const struct call_args *args,
                             struct order_refusal *r)
{
    struct ts_str want =
        has_path(m) ? args->resource : (struct ts_str){.ptr = "", .len = 0};

    if (!ts_str_eq(want, o->path))
        return refuse(r, CODE_RESOURCE_UNAVAILABLE, "path",
                      "the order's path is not the one its arguments give");
    if (has_path(m) ? o->access == ACCESS_NONE || o->access > m->access
                    : o->access != ACCESS_NONE)
        return refuse(r, CODE_RESOURCE_UNAVAILABLE, "access",
                      "the order's access is not one the manifest allows");
    if (o->has_stdin && !m->stdin_allowed)
        return refuse(r, CODE_BAD_ARGUMENTS, "stdin",
                      "this tool takes no standard input");
    if (o->wall_ms == 0)
        return refuse(r, CODE_DEADLINE, "deadline", "no time is left");
    return TS_OK;
}

/* base64url.base64url.base64url; who made it is not asked here: the gate holds
 * the key, and a gate that lies gives a token that no service accepts. */
static bool is_token(struct ts_str s)
{
    unsigned dots = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        dots += c == '.';
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
            return false;
    }
    return s.len > 0 && s.len <= TS_TOKEN_MAX && dots == 2;
}

/* Only a tool whose manifest asks for an identity gets one, and then it does
 * not run without. */
static ts_err check_token(const struct manifest *m, const struct order *o,
                          struct order_refusal *r)
{
    if (m->token.ttl_s == 0 && o->token.len > 0)
        return refuse(r, CODE_LAUNCH_FAILED, "token",
                      "the order has an identity token that the manifest does "
                      "not ask for");
    if (m->token.ttl_s > 0 && !is_token(o->token))
        return refuse(r, CODE_LAUNCH_FAILED, "token",
                      "the manifest asks for an identity token and the order "
                      "has none");
    return TS_OK;
}

ts_err order_check(const struct order_context *c, const struct order *o,
                   struct ts_arena *arena, struct order_plan *ret,
                   struct order_refusal *reterr)
{
    const struct manifests *all = generation_of(c, o->generation);
    struct order_plan p = {0};
    char text[256];
    ts_err e;

    if (all == NULL)
        return refuse(reterr, CODE_STALE_STATE, "generation",
                      "the order belongs to another generation of manifests");
    p.manifest = manifests_find(all, o->tool);
    if (p.manifest == NULL || p.manifest->launcher != c->launcher_index)
        return refuse(reterr, CODE_TOOL_UNKNOWN, "tool",
                      "this launcher has no such tool");
    if ((e = order_level(c, p.manifest, o, &p.level, reterr)) != TS_OK)
        return e;
    e = manifest_args(p.manifest, o->args, arena, &p.args, text, sizeof(text));
    if (e != TS_OK)
        return refuse(reterr, CODE_BAD_ARGUMENTS, "args", text);
    if ((e = check_resource(p.manifest, o, &p.args, reterr)) != TS_OK ||
        (e = check_token(p.manifest, o, reterr)) != TS_OK)
        return e;
    e = manifest_argv(p.manifest, &p.args, arena, &p.argv, &p.argc);
    if (e != TS_OK)
        return refuse(reterr, CODE_BAD_ARGUMENTS, "argv",
                      "the arguments make too long a command line");
    p.access = o->access;
    p.wall_ms = o->wall_ms < p.manifest->limits.wall_ms
                    ? o->wall_ms
                    : p.manifest->limits.wall_ms;
    *ret = p;
    return TS_OK;
}
