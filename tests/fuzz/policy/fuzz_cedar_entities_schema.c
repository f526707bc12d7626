/* "SCHEMA \0\1 ENTITIES" (a NUL and a byte 1 between them; without them the
 * schema is a fixed one): entities and contexts against a schema. Properties:
 * what is refused is refused with an error; what is accepted fits the schema
 * when it is asked again, is accepted twice, and holds every action; a context
 * that was read passes the check of requests. */
#include <stdint.h>
#include <string.h>

#include "policy/conform/conform.h"
#include "policy/data/loader.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char fixed[] =
    "entity G in [G]; entity E enum [\"a\", \"b\"];"
    "entity U in [G] { n: Long, b?: Bool, s?: String, ip?: ipaddr,"
    " dt?: datetime, du?: duration, de?: decimal, u?: U, e?: E, act?: Action,"
    " r?: { x: Long, y?: ipaddr }, set?: Set<Long>, us?: Set<U>,"
    " deep?: Set<{ a: Set<E> }> } tags Set<ipaddr>;"
    "action a in [b] appliesTo { principal: [U, E], resource: G,"
    " context: { u?: U, i?: ipaddr, r?: { z: Set<decimal> } } }; action b;";

static void check_diags(const struct cedar_diags *d, ts_err e)
{
    TS_REQUIRE(e == TS_OK || e == TS_E_FORMAT || e == TS_E_LIMIT);
    TS_REQUIRE(e != TS_E_FORMAT || d->errors > 0);
    TS_REQUIRE(e != TS_OK || d->errors == 0);
    for (uint32_t i = 0; i < d->count && i < CEDAR_DIAGS_MAX; i++)
        TS_REQUIRE(d->list[i].code != NULL && d->list[i].text[0] != '\0');
}

static void check_store(const struct cedar_schema *s,
                        const struct cedar_entities *e)
{
    static struct cedar_diags diags;

    for (uint32_t i = 0; i < e->count; i++) {
        const struct entity *ent = &e->list[i];
        struct cedar_overlay o = {
            .uid = *ent->uid,
            .attrs = {.kind = CEDAR_RECORD, .as.record = ent->attrs}};

        TS_REQUIRE(cedar_entity_find(e, ent->uid) == ent);
        if (entity_type_is_action(ent->uid->type)) {
            TS_REQUIRE(cedar_schema_action(s, ent->uid) != NULL);
            continue;
        }
        TS_REQUIRE(cedar_overlay_check(s, &o, &diags) == TS_OK);
        for (uint32_t j = 0; j < ent->ancestor_count; j++) {
            o.ancestors = ent->ancestors[j];
            o.ancestor_count = 1;
            TS_REQUIRE(cedar_overlay_check(s, &o, NULL) == TS_OK);
        }
    }
    for (uint32_t i = 0; i < s->action_count; i++)
        TS_REQUIRE(cedar_entity_find(e, s->actions[i].uid) != NULL);
}

static void entities(const struct cedar_schema *s, struct ts_str text)
{
    static struct cedar_diags diags;
    struct cedar_source src[2] = {{.name = "a", .text = text},
                                  {.name = "b", .text = text}};
    struct cedar_entities *once = NULL, *twice = NULL;
    ts_err e = cedar_entities_parse_schema(s, src, 1, &once, &diags);

    check_diags(&diags, e);
    TS_REQUIRE((e == TS_OK) == (once != NULL));
    /* nobody to tell changes nothing of the answer */
    TS_REQUIRE((cedar_entities_parse_schema(s, src, 1, &twice, NULL) ==
                TS_OK) == (e == TS_OK));
    cedar_entities_free(twice);
    twice = NULL;
    if (e == TS_OK) {
        check_store(s, once);
        e = cedar_entities_parse_schema(s, src, 2, &twice, &diags);
        TS_REQUIRE(e == TS_OK && twice->count == once->count);
    }
    cedar_entities_free(once);
    cedar_entities_free(twice);
}

static void contexts(const struct cedar_schema *s, struct ts_str text)
{
    static struct cedar_diags diags;
    struct cedar_source src = {.name = "c", .text = text};

    for (uint32_t i = 0; i < s->action_count && i < 4; i++) {
        const struct schema_action *a = &s->actions[i];
        struct conform c = {.schema = s};
        struct cedar_value v = {0};
        struct ts_arena arena;
        ts_err e;

        ts_arena_init(&arena, (size_t)64 << 20);
        e = cedar_context_parse(&arena, s, a->uid, &src, &v, &diags);
        check_diags(&diags, e);
        TS_REQUIRE(e != TS_OK || conform_value(&c, &v, a->context, NULL));
        ts_arena_done(&arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct cedar_diags diags;
    char *copy = ts_mem_alloc(len > 0 ? len : 1);
    struct cedar_source ss = {.name = "s", .text = {fixed, sizeof(fixed) - 1}};
    struct ts_str text = {.ptr = copy, .len = len};
    struct cedar_schema *s = NULL;

    if (copy == NULL)
        return 0;
    if (len > 0)
        memcpy(copy, data, len);
    for (size_t at = 0; at + 1 < len; at++) {
        if (copy[at] != '\0' || copy[at + 1] != '\1')
            continue;
        ss.text = (struct ts_str){.ptr = copy, .len = at};
        text = (struct ts_str){.ptr = copy + at + 2, .len = len - at - 2};
        break;
    }
    if (cedar_schema_parse(&ss, 1, &s, &diags) == TS_OK) {
        entities(s, text);
        contexts(s, text);
    }
    cedar_schema_free(s);
    ts_mem_free(copy);
    return 0;
}
