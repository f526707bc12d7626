/* The secret of the launcher. */
#include "sidecar/launcher/layers/filter.h"

#include <sys/random.h>

#include "proto/base/ts_mem.h"

ts_err filter_key_make(struct filter_key *ret)
{
    struct filter_key k;

    do {
        if (getrandom(&k, sizeof(k), 0) != (ssize_t)sizeof(k))
            return TS_E_SYSTEM;
    } while (k.word[0] == 0 || k.word[1] == 0);
    *ret = k;
    return TS_OK;
}

void filter_program_done(struct filter_program *p)
{
    ts_mem_free(p->insns);
    *p = (struct filter_program){0};
}
