/* Any bytes as the arguments of a call with an argument of each type. */
#include <stdint.h>

#include "proto/base/ts_require.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/gate/provenance/leaves.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct manifest_facts facts = {.has_broker = true,
                                            .has_token_key = true};

static const char text[] =
    "tool: t\nexec: /x\nargv: [x, '{s}', '{i}', '{b}', '{u}', '{p}', "
    "'{l...}', '{d}', '--json={j}']\n"
    "args:\n  s: {type: string}\n  i: {type: int, min: -5, max: 500}\n"
    "  b: {type: bool}\n  u: {type: url}\n"
    "  p: {type: path, required: true}\n  l: {type: strings, max_items: 4}\n"
    "  d: {type: decimal, min: -7.5}\n  j: {type: json, max: 4096}\n"
    "resource: {type: File, arg: p, root: /r, access: read}\n";

/* A decimal's text is that of its number and no other; JSON is JSON. */
static void check_value(const struct arg_value *v)
{
    char written[DECIMAL_TEXT_MAX];
    int64_t back = 0;

    if (v->decl->type == ARG_JSON)
        TS_REQUIRE(v->text.len <= 4096 && leaves_check(v->text) == TS_OK);
    if (v->decl->type != ARG_DECIMAL)
        return;
    TS_REQUIRE(v->integer >= -75000);
    TS_REQUIRE(decimal_parse(v->text, &back) == TS_OK && back == v->integer);
    TS_REQUIRE(ts_str_eq(
        v->text, (struct ts_str){written, decimal_text(v->integer, written)}));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bundle_file f = {TS_STR_LIT("tools/f.yaml"),
                            {text, sizeof(text) - 1}};
    const struct bundle b = {.files = &f, .count = 1};
    struct manifests *m = NULL;
    struct call_args c;
    struct ts_arena a;
    char err[512], **argv = NULL;
    uint32_t argc = 0;

    TS_REQUIRE(manifests_load(&b, &facts, 1, &m, err, sizeof(err)) == TS_OK);
    ts_arena_init(&a, 4 << 20);
    if (manifest_args(&m->list[0], (struct ts_bytes){data, len}, &a, &c, err,
                      sizeof(err)) == TS_OK) {
        TS_REQUIRE(ts_str_starts(c.resource, TS_STR_LIT("/r/")));
        for (uint32_t i = 0; i < c.count; i++)
            check_value(&c.values[i]);
        if (manifest_argv(&m->list[0], &c, &a, &argv, &argc) == TS_OK)
            TS_REQUIRE(argc > 0 && argv[argc] == NULL);
    }
    ts_arena_done(&a);
    manifests_free(m);
    return 0;
}
