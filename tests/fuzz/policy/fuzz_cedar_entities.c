/* Entity files. Property: accepted or refused with a diagnostic; what is
 * accepted once is accepted twice (duplicates that agree are no error); no
 * entity is its own ancestor. */
#include <stdint.h>
#include <string.h>

#include "policy/cedar.h"
#include "policy/data/entity.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_store(const struct cedar_entities *e)
{
    for (uint32_t i = 0; i < e->count; i++) {
        const struct entity *ent = &e->list[i];

        TS_REQUIRE(cedar_entity_find(e, ent->uid) == ent);
        TS_REQUIRE(ent->ancestor_count >= ent->parent_count);
        for (uint32_t j = 0; j < ent->ancestor_count; j++)
            TS_REQUIRE(!cedar_uid_eq(ent->uid, ent->ancestors[j]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct cedar_diags diags;
    char *text = ts_mem_alloc(len > 0 ? len : 1);
    struct cedar_source src[2] = {{.name = "a", .text = {text, len}},
                                  {.name = "b", .text = {text, len}}};
    struct cedar_entities *once = NULL, *twice = NULL;
    ts_err e;

    if (text == NULL)
        return 0;
    if (len > 0)
        memcpy(text, data, len);
    e = cedar_entities_parse(src, 1, &once, &diags);
    TS_REQUIRE((e == TS_OK) == (once != NULL));
    if (e == TS_OK) {
        check_store(once);
        e = cedar_entities_parse(src, 2, &twice, &diags);
        TS_REQUIRE(e == TS_OK && twice->count == once->count);
    } else {
        TS_REQUIRE(diags.count > 0);
    }
    cedar_entities_free(once);
    cedar_entities_free(twice);
    ts_mem_free(text);
    return 0;
}
