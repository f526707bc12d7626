/* Any bytes as a profile: it is refused with a place and a sentence, or it
 * compiles for both architectures and means there what its model says. */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "sidecar/sandbox/bpf.h"
#include "sidecar/sandbox/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void compiled(const struct sandbox_model *m, struct ts_arena *a)
{
    const uint32_t audit = sandbox_arch_audit(m->arch);
    struct sandbox_bpf b;
    ts_err e = sandbox_bpf_compile(m, a, &b);

    TS_REQUIRE(e == TS_OK || e == TS_E_LIMIT);
    for (uint32_t nr = 0; e == TS_OK && nr < SANDBOX_NR_END; nr++) {
        const uint64_t args[][SANDBOX_ARGS] = {
            {0}, {1, 1, 1, 1, 1, 1}, {UINT64_MAX, 0x5412, 0x10000000, 7}};

        for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++)
            TS_REQUIRE(sandbox_bpf_run(&b, audit, nr, args[i], NULL) ==
                       sandbox_model_eval(m, audit, nr, args[i]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct sandbox_source source = {"sandbox/x.yaml",
                                          {(const char *)data, len}};
    struct sandbox_profile *p = NULL;
    struct sandbox_model m;
    struct ts_arena a;
    char err[512] = "";
    ts_err e;

    ts_arena_init(&a, 2 * SANDBOX_ARENA_BYTES);
    e = sandbox_profile_read(&source, &a, &p, err, sizeof(err));
    if (e == TS_OK) {
        for (int arch = 0; arch < SANDBOX_ARCHS; arch++) {
            TS_REQUIRE(sandbox_profile_model(p, (enum sandbox_arch)arch, &a,
                                             &m) == TS_OK);
            compiled(&m, &a);
        }
        e = sandbox_profile_check(p, &source, err, sizeof(err));
    }
    TS_REQUIRE(e == TS_OK ||
               strncmp(err, "sandbox/x.yaml:", strlen("sandbox/x.yaml:")) == 0);
    ts_arena_done(&a);
    return 0;
}
