/* What a run came to, for the record. */
#include <string.h>

#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/running/pipes.h"

static struct ts_str run_name_of(const struct run *r, enum run_name which)
{
    return (struct ts_str){.ptr = r->names[which], .len = r->name_len[which]};
}

ts_err run_outcome_write(struct run *r)
{
    struct outcome o = {.tenant = run_name_of(r, RUN_TENANT),
                        .user = run_name_of(r, RUN_USER),
                        .agent = run_name_of(r, RUN_AGENT),
                        .tool = run_name_of(r, RUN_TOOL),
                        .reason = r->reason,
                        .code = r->code,
                        .text = ts_str_of(r->refusal),
                        .exited = r->exited,
                        .started = r->started,
                        .stdout_bytes = r->out[0].bytes,
                        .stderr_bytes = r->out[1].bytes,
                        .stdout_truncated = r->out[0].truncated,
                        .stderr_truncated = r->out[1].truncated,
                        .redacted = r->redacted,
                        .withheld = r->keeping.is_kept,
                        .endorsed = r->endorsed};
    uint8_t *record;
    size_t len;
    ts_err e;

    memcpy(o.decision_id, r->decision_id, sizeof(o.decision_id));
    if ((e = order_out_begin(r->gate, &record)) != TS_OK ||
        (e = outcome_record(&o, record, TS_RECORD_MAX, &len)) != TS_OK)
        return e;
    order_out_record(r->gate, len);
    return TS_OK;
}
