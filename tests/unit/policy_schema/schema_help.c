#include "tests/unit/policy_schema/schema_help.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "tests/unit/policy_schema/schema_equal.h"

struct cedar_schema *help_schema(struct ts_str text, bool json,
                                 struct cedar_diags *diags)
{
    struct cedar_source src = {.name = "schema", .text = text};
    struct cedar_schema *s = NULL;
    ts_err e;

    if (diags != NULL)
        memset(diags, 0, sizeof(*diags));
    e = json ? cedar_schema_parse_json(&src, 1, &s, diags)
             : cedar_schema_parse(&src, 1, &s, diags);
    return e == TS_OK ? s : NULL;
}

struct cedar_schema *help_text(const char *text)
{
    return help_schema(ts_str_of(text), false, NULL);
}

const struct schema_entity *help_entity(const struct cedar_schema *s,
                                        const char *name)
{
    return cedar_schema_entity(s, ts_str_of(name));
}

const struct schema_action *help_action(const struct cedar_schema *s,
                                        const char *type, const char *id)
{
    struct cedar_uid uid = cedar_uid_make(ts_str_of(type), ts_str_of(id));

    return cedar_schema_action(s, &uid);
}

const char *help_attr(const struct cedar_schema *s, const char *entity,
                      const char *attr)
{
    static char out[512];
    const struct schema_entity *e = help_entity(s, entity);
    const struct cedar_attr *a =
        e != NULL ? cedar_attrs_find(e->attrs, ts_str_of(attr)) : NULL;

    out[0] = '\0';
    if (a != NULL) {
        out[0] = '?';
        (void)cedar_type_print(a->type, out + (a->required ? 0 : 1),
                               sizeof(out) - 1);
    }
    return out;
}

static bool one_trip(const struct cedar_schema *s, bool json, char *why,
                     size_t cap)
{
    struct cedar_schema *again = NULL;
    struct ts_buf out;
    bool same = false;
    ts_err e;

    ts_buf_init(&out, 64u << 20);
    e = json ? cedar_schema_print_json(s, &out) : cedar_schema_print(s, &out);
    if (e == TS_OK)
        again =
            help_schema((struct ts_str){.ptr = (const char *)ts_buf_bytes(&out),
                                        .len = out.len},
                        json, NULL);
    if (e == TS_E_UNSUPPORTED && !json)
        same = true; /* text cannot say it */
    else if (e != TS_OK)
        (void)snprintf(why, cap, "not printed: %s", ts_err_text(e));
    else if (again == NULL)
        (void)snprintf(why, cap, "not read again: %.*s", (int)out.len,
                       (const char *)ts_buf_bytes(&out));
    else
        same = schema_equal(s, again, why, cap);
    cedar_schema_free(again);
    ts_buf_done(&out);
    return same;
}

bool help_round_trip(const struct cedar_schema *s, char *why, size_t cap)
{
    return one_trip(s, false, why, cap) && one_trip(s, true, why, cap);
}

void help_any_bytes(const uint8_t *data, size_t len, bool json)
{
    static struct cedar_diags diags;
    char *text = ts_mem_alloc(len > 0 ? len : 1), why[128];
    struct cedar_schema *s;

    if (text == NULL)
        return;
    if (len > 0)
        memcpy(text, data, len);
    s = help_schema((struct ts_str){text, len}, json, &diags);
    ts_mem_free(text); /* a schema borrows nothing */
    TS_REQUIRE((s == NULL) == (diags.errors > 0));
    TS_REQUIRE(s == NULL || help_round_trip(s, why, sizeof(why)));
    cedar_schema_free(s);
}
