/* What was found wrong, each fault once however many kinds of requests show it,
 * and how it is said. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/core/diag.h"
#include "policy/core/name.h"
#include "policy/core/sort.h"
#include "policy/validate/validate_priv.h"

/* Texts are kept for the first ones; later ones are only counted. */
#define SAID_MAX 256

struct finding {
    struct finding *next;  /* of the policy */
    struct finding *other; /* of the same node */
    const char *code;
    enum cedar_severity severity;
    struct cedar_span span;
    struct venv env; /* the first kind of request in which it shows */
    uint32_t stamp, times;
    struct said {
        char text[200], label[CEDAR_LABEL_BYTES], hint[CEDAR_HINT_BYTES];
    } * said;
};

bool v_known(struct validate *v, struct vnode *n, const char *code)
{
    for (struct finding *f = n->findings; f != NULL; f = f->other) {
        if (strcmp(f->code, code) != 0)
            continue;
        if (f->stamp != v->stamp)
            f->times++;
        f->stamp = v->stamp;
        return true;
    }
    return false;
}

void v_find(struct validate *v, struct vnode *n, const struct v_saying *say,
            const char *fmt, ...)
{
    struct finding *f;
    va_list ap;

    if (v_known(v, n, say->code) || (f = v_keep(v, 1, sizeof(*f))) == NULL)
        return;
    *f = (struct finding){.code = say->code,
                          .severity = say->severity,
                          .span = n->span,
                          .env = v->env,
                          .stamp = v->stamp,
                          .times = 1,
                          .other = n->findings};
    n->findings = f;
    *v->end = f;
    v->end = &f->next;
    v->finding_count++;
    v->errors += say->severity == CEDAR_ERROR;
    if (v->finding_count > SAID_MAX ||
        (f->said = v_keep(v, 1, sizeof(*f->said))) == NULL)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(f->said->text, sizeof(f->said->text), fmt, ap);
    va_end(ap);
    (void)snprintf(f->said->label, sizeof(f->said->label), "%s",
                   say->label != NULL ? say->label : "");
    (void)snprintf(f->said->hint, sizeof(f->said->hint), "%s",
                   say->hint != NULL ? say->hint : "");
}

/* ---- output ---------------------------------------------------------------
 */

static int by_place(const void *a, const void *b)
{
    const struct finding *x = *(const struct finding *const *)a;
    const struct finding *y = *(const struct finding *const *)b;

    if (x->span.source != y->span.source)
        return x->span.source < y->span.source ? -1 : 1;
    if (x->span.offset != y->span.offset)
        return x->span.offset < y->span.offset ? -1 : 1;
    if (x->span.len != y->span.len)
        return x->span.len < y->span.len ? -1 : 1;
    return strcmp(x->code, y->code);
}

/* Only of what the conditions look at; the rest stands for anything. */
static size_t say_kind(const struct validate *v, const struct venv *env,
                       char *out, size_t cap)
{
    const char *mark = " (when";
    size_t n = 0;

    if ((v->uses & USES_PRINCIPAL) != 0) {
        n += (size_t)snprintf(out + n, cap - n, "%s principal is `%.40s`", mark,
                              cedar_quote(env->principal->name).s);
        mark = ",";
    }
    if ((v->uses & (USES_ACTION | USES_CONTEXT)) != 0) {
        n += (size_t)snprintf(
            out + n, cap - n, "%s action is `%.60s`", mark,
            v_uid_text(env->action->uid->type, env->action->uid->id).s);
        mark = ",";
    }
    if ((v->uses & USES_RESOURCE) != 0)
        n += (size_t)snprintf(out + n, cap - n, "%s resource is `%.40s`", mark,
                              cedar_quote(env->resource->name).s);
    return n;
}

/* In which kinds of requests, when it is not all of them. */
static void say_where(const struct validate *v, const struct finding *f,
                      char *out, size_t cap)
{
    const struct venv *env = &f->env;
    size_t n;

    out[0] = '\0';
    if (env->action == NULL || v->total < 2)
        return;
    if (f->times >= v->total) {
        (void)snprintf(out, cap, " (in all %u kinds of request)", v->total);
        return;
    }
    n = say_kind(v, env, out, cap);
    if (f->times > 1)
        (void)snprintf(out + n, cap - n, "%sin %u of %u kinds of request)",
                       n > 0 ? "; " : " (", f->times, v->total);
    else if (n > 0)
        (void)snprintf(out + n, cap - n, ")");
}

static void emit(const struct validate *v, const struct finding *f)
{
    struct cedar_diag_about about = {.policy = &v->id};
    char where[240];

    if (f->said == NULL) {
        cedar_diag_put(v->diags, f->severity, f->code, f->span, &about,
                       "another fault of this policy");
        return;
    }
    about.label = f->said->label;
    about.hint = f->said->hint[0] != '\0' ? f->said->hint : NULL;
    say_where(v, f, where, sizeof(where));
    cedar_diag_put(v->diags, f->severity, f->code, f->span, &about, "%s%s",
                   f->said->text, where);
}

/* In the order of the text; one fault that a path after `has` shows twice at
 * one place is said once. */
void v_emit(struct validate *v)
{
    struct finding **list =
        v_keep(v, v->finding_count, sizeof(struct finding *));
    uint32_t n = 0;

    if (list == NULL)
        return;
    for (struct finding *f = v->first; f != NULL; f = f->next)
        list[n++] = f;
    cedar_sort(list, n, sizeof(struct finding *), by_place);
    for (uint32_t i = 0; i < n; i++)
        if (i == 0 || by_place(&list[i - 1], &list[i]) != 0)
            emit(v, list[i]);
}

/* ---- words ----------------------------------------------------------------
 */

struct v_text v_type_text(const struct cedar_type *t)
{
    struct v_text out = {""};

    if (t != NULL)
        (void)cedar_type_print(t, out.s, sizeof(out.s));
    return out;
}

struct v_text v_uid_text(struct ts_str type, struct ts_str id)
{
    struct v_text out;

    (void)snprintf(out.s, sizeof(out.s), "%.40s::\"%.60s\"",
                   cedar_quote(type).s, cedar_quote(id).s);
    return out;
}

/* Comparing names costs more than all else that is said about a fault. */
struct v_text v_did_you_mean(struct validate *v, struct ts_str name,
                             const struct ts_str *list, size_t count)
{
    struct v_text out = {""};
    bool heard = v->diags != NULL && v->diags->errors < CEDAR_DIAGS_MAX &&
                 v->finding_count < SAID_MAX;
    uint64_t cells = name.len < 64 ? name.len * name.len : 64 * 64;
    struct ts_str near;

    if (!heard || !v_spend(v, count * (1 + cells / 16)))
        return out;
    near = cedar_did_you_mean(name, list, count);
    if (near.len > 0)
        (void)snprintf(out.s, sizeof(out.s), "did you mean `%s`?",
                       cedar_quote(near).s);
    return out;
}

static bool is_plain(struct ts_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (i == 0 ? !cedar_is_ident_start(s.ptr[i])
                   : !cedar_is_ident_char(s.ptr[i]))
            return false;
    return s.len > 0 && !cedar_is_reserved(s);
}

/* A variable or literal and the attributes after it; "..." stands for what is
 * computed or too long. */
struct v_text v_path_text(const struct vnode *n)
{
    static const char *const vars[] = {"principal", "action", "resource",
                                       "context"};
    const struct vnode *steps[8];
    struct v_text out;
    uint32_t count = 0;
    size_t at;

    for (; n->op == V_GET && count < 8; n = n->kids[0])
        steps[count++] = n;
    if (n->op == V_VAR)
        (void)snprintf(out.s, sizeof(out.s), "%s", vars[n->sub]);
    else if (n->op == V_UID)
        out = v_uid_text(n->str, n->id);
    else
        (void)snprintf(out.s, sizeof(out.s), "...");
    at = strlen(out.s);
    while (count > 0 && at < sizeof(out.s) - 1) {
        struct ts_str s = steps[--count]->str;

        (void)snprintf(out.s + at, sizeof(out.s) - at,
                       is_plain(s) ? ".%s" : "[\"%s\"]", cedar_quote(s).s);
        at = strlen(out.s);
    }
    return out;
}

/* `A`, or `A or B or C`. */
static void name_types(const struct cedar_type *const *want, size_t count,
                       char *out, size_t cap)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < count && at < cap; i++) {
        const char *name = want[i] == &v_any_entity          ? "an entity"
                           : want[i] == &v_any_record        ? "a record"
                           : want[i] == &v_any_set           ? "a set"
                           : want[i] == &v_set_of_any_entity ? "a set of them"
                                                             : NULL;

        at += (size_t)snprintf(
            out + at, cap - at, name != NULL ? "%s%s" : "%s`%s`",
            i == 0 ? "" : " or ", name != NULL ? name : v_type_text(want[i]).s);
    }
}

void v_unexpected(struct validate *v, struct vnode *n,
                  const struct cedar_type *have,
                  const struct cedar_type *const *want, size_t count,
                  const char *hint)
{
    struct v_saying say = {.code = "unexpected_type", .hint = hint};
    struct v_text type;
    char names[160], label[CEDAR_LABEL_BYTES];

    if (v_known(v, n, say.code))
        return;
    type = v_type_text(have);
    name_types(want, count, names, sizeof(names));
    (void)snprintf(label, sizeof(label), "this is `%.80s`", type.s);
    say.label = label;
    v_find(v, n, &say, "expected %s, found `%.90s`", names, type.s);
}
