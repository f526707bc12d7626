/* Any bytes as a model: what is compiled means the same, for the arguments that
 * can matter. */
#include <stdint.h>

#include "proto/base/ts_require.h"
#include "sidecar/sandbox/bpf.h"
#include "tests/unit/sandbox/models.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct pair {
    const struct sandbox_model *m;
    const struct sandbox_bpf *b;
    uint32_t nr;
};

static bool same(void *ctx, const uint64_t *args)
{
    const struct pair *p = ctx;
    uint32_t audit = sandbox_arch_audit(p->m->arch);

    TS_REQUIRE(sandbox_bpf_run(p->b, audit, p->nr, args, NULL) ==
               sandbox_model_eval(p->m, audit, p->nr, args));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct models_bytes bytes = {data, len, 0};
    struct sandbox_model m;
    struct sandbox_bpf b;
    struct ts_arena a;
    ts_err e;

    ts_arena_init(&a, 8 << 20);
    e = models_random(&bytes, &a, &m);
    if (e == TS_OK)
        e = sandbox_bpf_compile(&m, &a, &b);
    TS_REQUIRE(e == TS_OK || e == TS_E_LIMIT);
    for (uint32_t nr = 0; e == TS_OK && nr < SANDBOX_NR_END; nr++)
        (void)models_each_args(m.by_nr[nr], same,
                               &(struct pair){.m = &m, .b = &b, .nr = nr});
    ts_arena_done(&a);
    return 0;
}
