/* output: who wrote what a tool prints, and who may know it. */
#include <string.h>

#include "sidecar/common/manifest/manifest_priv.h"

#define PATTERN_SEGMENTS_MAX 64

static struct manifest_output *output_of(const struct manifest_reader *r)
{
    return &r->m->output;
}

static ts_err output_format(struct manifest_reader *r,
                            const struct yaml_node *n)
{
    static const char *const names[] = {"text", "json"};
    size_t i = 0;
    ts_err e = manifest_read_word(r, n, names, 2, &i);

    if (e == TS_OK)
        output_of(r)->format = (enum output_format)i;
    return e;
}

static ts_err output_integrity(struct manifest_reader *r,
                               const struct yaml_node *n)
{
    static const char *const names[] = {"untrusted", "trusted"};
    size_t i = 0;
    ts_err e = manifest_read_word(r, n, names, 2, &i);

    if (e == TS_OK)
        output_of(r)->integrity = (enum output_integrity)i;
    return e;
}

static ts_err output_confidentiality(struct manifest_reader *r,
                                     const struct yaml_node *n)
{
    static const char *const names[] = {"resource", "public", "internal",
                                        "private", "secret"};
    size_t i = 0;
    ts_err e = manifest_read_word(r, n, names, 5, &i);

    if (e == TS_OK)
        output_of(r)->confidentiality = (enum output_confidentiality)i;
    return e;
}

/* "over N", in bytes. */
static bool read_over(struct ts_str s, uint32_t *ret)
{
    static const char head[] = "over ";
    const size_t n = sizeof(head) - 1;
    uint32_t v = 0;

    if (s.len <= n || s.len > n + 6 || memcmp(s.ptr, head, n) != 0 ||
        (s.ptr[n] == '0' && s.len > n + 1))
        return false;
    for (size_t i = n; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        v = v * 10 + (uint32_t)(s.ptr[i] - '0');
    }
    *ret = v;
    return v <= TS_INLINE_MAX;
}

static ts_err output_withhold(struct manifest_reader *r,
                              const struct yaml_node *n)
{
    static const struct {
        const char *name;
        enum output_withhold is;
    } words[] = {{"never", WITHHOLD_NEVER},
                 {"secret", WITHHOLD_SECRET},
                 {"always", WITHHOLD_ALWAYS}};
    struct manifest_output *o = output_of(r);

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (n->kind == YAML_KIND_SCALAR &&
            ts_str_eq_c(n->text, words[i].name)) {
            o->withhold = words[i].is;
            return TS_OK;
        }
    if (n->kind != YAML_KIND_SCALAR || !read_over(n->text, &o->withhold_bytes))
        return manifest_fail(r, n->line,
                             "expected never, secret, always, or \"over N\" "
                             "with N bytes, at most %d",
                             TS_INLINE_MAX);
    o->withhold = WITHHOLD_OVER;
    return TS_OK;
}

/* RFC 6901: "" or segments that each begin with "/"; "~" only as ~0 and ~1. */
static bool is_pointer(struct ts_str s)
{
    size_t segments = 0;

    if (s.len > 0 && s.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        segments += s.ptr[i] == '/';
        if (s.ptr[i] == '~' &&
            (i + 1 == s.len || (s.ptr[i + 1] != '0' && s.ptr[i + 1] != '1')))
            return false;
    }
    return segments <= PATTERN_SEGMENTS_MAX;
}

static ts_err read_pattern(struct manifest_reader *r, const struct yaml_node *n,
                           const struct yaml_node *all, struct ts_str *ret)
{
    char shown[96];

    /* "" is a pattern, so manifest_read_str() is not for these. */
    if (n->kind != YAML_KIND_SCALAR || (n->is_plain && n->text.len == 0))
        return manifest_fail(r, n->line,
                             "expected a pointer in quotes, e.g. \"/0/body\"");
    (void)ts_str_escape(shown, sizeof(shown), n->text.ptr, n->text.len);
    if (n->text.len > MANIFEST_PATTERN_MAX || !is_pointer(n->text))
        return manifest_fail(
            r, n->line,
            "\"%s\" is not a pointer (RFC 6901); write \"\" for everything, or "
            "\"/\" before each of at most %d names, \"*\" for any one",
            shown, PATTERN_SEGMENTS_MAX);
    for (const struct yaml_node *v = all->first; v != n; v = v->next)
        if (ts_str_eq(v->text, n->text))
            return manifest_fail(r, n->line, "\"%s\" stands twice in this list",
                                 shown);
    *ret = n->text;
    return TS_OK;
}

static ts_err read_patterns(struct manifest_reader *r,
                            const struct yaml_node *n,
                            struct manifest_patterns *ret)
{
    struct ts_str *list;
    uint32_t i = 0;
    void *p;
    ts_err e;

    if (n->kind != YAML_KIND_LIST || n->count == 0 ||
        n->count > MANIFEST_PATTERNS_MAX)
        return manifest_fail(r, n->line,
                             "expected a list of 1 to %d pointers, e.g. "
                             "[\"/0/body\", \"/*/subject\"]",
                             MANIFEST_PATTERNS_MAX);
    e = ts_arena_array(r->arena, n->count, sizeof(*list), &p);
    if (e != TS_OK)
        return e;
    list = p;
    for (const struct yaml_node *v = n->first; v != NULL; v = v->next)
        if ((e = read_pattern(r, v, n, &list[i++])) != TS_OK)
            return e;
    *ret = (struct manifest_patterns){.list = list, .count = n->count};
    return TS_OK;
}

static ts_err output_untrusted(struct manifest_reader *r,
                               const struct yaml_node *n)
{
    return read_patterns(r, n, &output_of(r)->untrusted);
}

static ts_err output_trusted(struct manifest_reader *r,
                             const struct yaml_node *n)
{
    return read_patterns(r, n, &output_of(r)->trusted);
}

static ts_err output_ids(struct manifest_reader *r, const struct yaml_node *n)
{
    return read_patterns(r, n, &output_of(r)->ids);
}

static ts_err output_secret(struct manifest_reader *r,
                            const struct yaml_node *n)
{
    return read_patterns(r, n, &output_of(r)->secret);
}

static ts_err output_vouches(struct manifest_reader *r,
                             const struct yaml_node *n)
{
    return read_patterns(r, n, &output_of(r)->vouches);
}

static ts_err select_name(struct manifest_reader *r, const struct yaml_node *n)
{
    return read_patterns(r, n, &output_of(r)->selectors[MANIFEST_FORM_NAME]);
}

static ts_err select_email(struct manifest_reader *r, const struct yaml_node *n)
{
    return read_patterns(r, n, &output_of(r)->selectors[MANIFEST_FORM_EMAIL]);
}

static ts_err select_account(struct manifest_reader *r,
                             const struct yaml_node *n)
{
    return read_patterns(r, n, &output_of(r)->selectors[MANIFEST_FORM_ACCOUNT]);
}

static ts_err select_number(struct manifest_reader *r,
                            const struct yaml_node *n)
{
    return read_patterns(r, n, &output_of(r)->selectors[MANIFEST_FORM_NUMBER]);
}

static ts_err select_date(struct manifest_reader *r, const struct yaml_node *n)
{
    return read_patterns(r, n, &output_of(r)->selectors[MANIFEST_FORM_DATE]);
}

static const struct manifest_key selector_keys[] = {
    {"name", select_name},       {"email", select_email},
    {"account", select_account}, {"number", select_number},
    {"date", select_date},
};
const struct manifest_map manifest_selectors_map =
    MANIFEST_MAP("output.selectors", selector_keys);

static ts_err output_selectors(struct manifest_reader *r,
                               const struct yaml_node *n)
{
    return manifest_read_map(r, n, &manifest_selectors_map);
}

static const struct manifest_key output_keys[] = {
    {"format", output_format},
    {"integrity", output_integrity},
    {"untrusted", output_untrusted},
    {"trusted", output_trusted},
    {"ids", output_ids},
    {"secret", output_secret},
    {"selectors", output_selectors},
    {"vouches", output_vouches},
    {"confidentiality", output_confidentiality},
    {"withhold", output_withhold},
};
const struct manifest_map manifest_output_map =
    MANIFEST_MAP("output", output_keys);

ts_err manifest_read_output(struct manifest_reader *r,
                            const struct yaml_node *n)
{
    output_of(r)->declared = true;
    return manifest_read_map(r, n, &manifest_output_map);
}

/* A key of output: that is not possible, at its line. */
static ts_err refuse(struct manifest_reader *r, const char *key,
                     const char *why)
{
    const struct yaml_node *o = yaml_node_find(r->root, "output");
    const struct yaml_node *n = yaml_node_find(o, key);

    return manifest_fail(r, n->line, "output: %s %s", key, why);
}

static ts_err check_selectors(struct manifest_reader *r)
{
    const struct manifest_output *o = output_of(r);
    uint32_t count = 0;

    for (size_t f = 0; f < MANIFEST_FORMS; f++)
        count += o->selectors[f].count;
    if (count > 0 && o->format != OUTPUT_JSON)
        return refuse(r, "selectors",
                      "points into JSON; say format: json, or remove it");
    if (count > 0 && o->integrity == OUTPUT_TRUSTED && o->untrusted.count == 0)
        return refuse(r, "selectors",
                      "adds nothing: all of the output is trusted; remove it, "
                      "or say what is untrusted");
    return TS_OK;
}

static ts_err check_vouches(struct manifest_reader *r)
{
    const struct manifest_output *o = output_of(r);
    uint32_t trusted = o->trusted.count + (o->integrity == OUTPUT_TRUSTED);

    for (size_t f = 0; f < MANIFEST_FORMS; f++)
        trusted += o->selectors[f].count;
    if (o->vouches.count == 0)
        return TS_OK;
    if (trusted == 0)
        return refuse(r, "vouches",
                      "adds nothing: none of the output is trusted; remove it, "
                      "or say what is trusted");
    if (o->format != OUTPUT_JSON &&
        (o->vouches.count > 1 || o->vouches.list[0].len > 0))
        return refuse(r, "vouches",
                      "points into JSON; say format: json, or [\"\"] for all "
                      "of the text");
    return TS_OK;
}

static bool has_whole(const struct manifest_patterns *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (p->list[i].len == 0)
            return true;
    return false;
}

ts_err manifest_check_output(struct manifest_reader *r)
{
    const struct manifest_output *o = output_of(r);
    const struct {
        const char *key;
        const struct manifest_patterns *is;
    } lists[] = {{"untrusted", &o->untrusted},
                 {"trusted", &o->trusted},
                 {"ids", &o->ids},
                 {"secret", &o->secret}};
    ts_err e;

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        if (lists[i].is->count > 0 && o->format != OUTPUT_JSON)
            return refuse(r, lists[i].key,
                          "points into JSON; say format: json, or remove it");
    if (o->untrusted.count > 0 && o->integrity != OUTPUT_TRUSTED)
        return refuse(r, "untrusted",
                      "lists exceptions of integrity: trusted; say that, or "
                      "remove it: all of the output is untrusted");
    if (o->trusted.count > 0 && o->integrity != OUTPUT_UNTRUSTED)
        return refuse(r, "trusted",
                      "lists exceptions of integrity: untrusted; remove it: "
                      "all of the output is trusted");
    if (has_whole(&o->untrusted))
        return refuse(r, "untrusted",
                      "holds \"\", which is everything; say integrity: "
                      "untrusted instead");
    if (has_whole(&o->trusted))
        return refuse(r, "trusted",
                      "holds \"\", which is everything; say integrity: "
                      "trusted instead");
    if (o->secret.count > 0 && o->confidentiality == OUTPUT_SECRET)
        return refuse(r, "secret",
                      "adds nothing to confidentiality: secret; remove one of "
                      "them");
    if (has_whole(&o->secret))
        return refuse(r, "secret",
                      "holds \"\", which is everything; say confidentiality: "
                      "secret instead");
    if (o->withhold == WITHHOLD_SECRET && o->secret.count == 0 &&
        o->confidentiality != OUTPUT_SECRET &&
        o->confidentiality != OUTPUT_OF_RESOURCE)
        return refuse(r, "withhold",
                      "says secret, and nothing of the output is; say what is "
                      "(secret: or confidentiality: secret), or always");
    if ((e = check_selectors(r)) != TS_OK)
        return e;
    return check_vouches(r);
}
