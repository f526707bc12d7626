#include "cli/directory/patch_path.h"

#include <string.h>

#include "proto/base/ts_num.h"

struct scan {
    const char *at, *end;
};

static bool take(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static struct ts_str take_name(struct scan *s)
{
    struct ts_str r = {s->at, 0};

    while (s->at < s->end &&
           ((*s->at >= 'a' && *s->at <= 'z') ||
            (*s->at >= '0' && *s->at <= '9') || *s->at == '_'))
        s->at++;
    r.len = (size_t)(s->at - r.ptr);
    return r;
}

static bool take_text(struct scan *s, const char *text)
{
    size_t n = strlen(text);

    if ((size_t)(s->end - s->at) < n || memcmp(s->at, text, n) != 0)
        return false;
    s->at += n;
    return true;
}

static bool take_string(struct scan *s, struct ts_str *ret)
{
    struct ts_str r;

    if (!take(s, '"'))
        return false;
    r = (struct ts_str){s->at, 0};
    while (s->at < s->end && *s->at != '"') {
        if (*s->at == '\\' || (unsigned char)*s->at < 0x20)
            return false;
        s->at++;
    }
    r.len = (size_t)(s->at - r.ptr);
    if (!take(s, '"'))
        return false;
    *ret = r;
    return true;
}

static bool take_number(struct scan *s, uint64_t *ret)
{
    const char *from = s->at;
    uint64_t v = 0;

    for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++)
        if (ts_ckd_mul(&v, v, (uint64_t)10) ||
            ts_ckd_add(&v, v, (uint64_t)(*s->at - '0')))
            return false;
    if (s->at == from || (*from == '0' && s->at - from > 1))
        return false;
    *ret = v;
    return true;
}

static bool take_list(struct scan *s, enum patch_list *ret)
{
    static const struct {
        const char *name;
        enum patch_list list;
    } lists[] = {{"users", PATCH_USERS},
                 {"agents", PATCH_AGENTS},
                 {"approvers", PATCH_APPROVERS},
                 {"groups", PATCH_GROUPS}};
    struct ts_str name = take_name(s);

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (ts_str_eq_c(name, lists[i].name)) {
            *ret = lists[i].list;
            return true;
        }
    }
    return false;
}

/* After the "[". */
static const char *filter(struct scan *s, struct patch_path *p)
{
    p->has_filter = true;
    p->attr = take_name(s);
    if (p->attr.len == 0 || !take_text(s, " eq ") || !take_string(s, &p->id) ||
        !take(s, ']'))
        return "a filter is [NAME eq \"VALUE\"], without escapes; no other "
               "operator is known";
    return NULL;
}

/* After the ".". */
static const char *field(struct scan *s, struct patch_path *p)
{
    p->field = take_name(s);
    if (p->field.len == 0)
        return "a name was expected after the dot";
    if (take(s, '.')) {
        p->name = take_name(s);
        return p->name.len > 0 ? NULL : "a name was expected after the dot";
    }
    if (!take(s, '['))
        return NULL;
    p->has_item = true;
    if (take_text(s, "value eq ")) {
        p->item_is_number = !take_string(s, &p->item);
        if ((!p->item_is_number || take_number(s, &p->number)) && take(s, ']'))
            return NULL;
    }
    return "the filter of a list's values is [value eq \"VALUE\"] or [value "
           "eq NUMBER]";
}

ts_err patch_path_parse(struct ts_str text, struct patch_path *ret,
                        const char **reterr_what)
{
    struct scan s = {text.ptr, text.ptr + text.len};
    struct patch_path p = {.attr = TS_STR_LIT("")};
    const char *what = NULL;

    if (text.len > PATCH_PATH_MAX)
        what = "the path is longer than 1024 bytes";
    else if (!take_list(&s, &p.list))
        what = "a path begins with users, agents, approvers or groups";
    if (what == NULL && take(&s, '['))
        what = filter(&s, &p);
    if (what == NULL && take(&s, '.'))
        what = field(&s, &p);
    if (what == NULL && s.at != s.end)
        what = "something stands after the end of the path";
    if (what != NULL) {
        *reterr_what = what;
        return TS_E_FORMAT;
    }
    *ret = p;
    return TS_OK;
}
