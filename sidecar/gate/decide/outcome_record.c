#include "sidecar/gate/decide/decide.h"

#include "proto/wire/mp_write.h"
#include "sidecar/common/layer.h"

/* One exec_ended record; the shape is in proto/msg/record.h. */

static void write_layers(struct mp_writer *w, const char *key, uint32_t bits)
{
    uint32_t n = 0;

    bits &= LAYER_BITS_ALL;
    for (uint32_t left = bits; left != 0; left &= left - 1)
        n++;
    mp_write_cstr(w, key);
    mp_write_array(w, n);
    for (uint32_t left = bits; left != 0; left &= left - 1)
        mp_write_cstr(w, layer_first(left));
}

static void put_str(struct mp_writer *w, const char *key, struct ts_str v)
{
    mp_write_cstr(w, key);
    mp_write_str(w, v.ptr, v.len);
}

static void put_uint(struct mp_writer *w, const char *key, uint64_t v)
{
    mp_write_cstr(w, key);
    mp_write_uint(w, v);
}

ts_err outcome_record(const struct outcome *o, uint8_t *record, size_t cap,
                      size_t *ret_len)
{
    struct mp_writer w;
    bool refused = o->reason == END_REFUSED;
    /* Of a tool that never ran nothing held, and nothing was absent. */
    bool ran = o->started.box != BOX_ANY;

    mp_writer_init(&w, record, cap);
    mp_write_map(&w,
                 21u + refused + 3u * ran + o->withheld + (o->endorsed > 0));
    put_str(&w, "kind", TS_STR_LIT("exec_ended"));
    mp_write_cstr(&w, "id");
    mp_write_bin(&w, o->decision_id, sizeof(o->decision_id));
    put_str(&w, "tenant", o->tenant);
    put_str(&w, "user", o->user);
    put_str(&w, "agent", o->agent);
    put_str(&w, "tool", o->tool);
    put_str(&w, "reason", ts_str_of(end_reason_name(o->reason)));
    put_str(&w, "code", ts_str_of(call_code_name(o->code)));
    if (refused)
        put_str(&w, "text", o->text);
    put_uint(&w, "exit_code", o->exited.exit_code);
    put_uint(&w, "signal", o->exited.signal);
    put_uint(&w, "wall_us", o->exited.wall_us);
    put_uint(&w, "cpu_us", o->exited.cpu_us);
    put_uint(&w, "max_rss_kb", o->exited.max_rss_kb);
    put_uint(&w, "stdout_bytes", o->stdout_bytes);
    put_uint(&w, "stderr_bytes", o->stderr_bytes);
    mp_write_cstr(&w, "truncated");
    mp_write_bool(&w, o->stdout_truncated || o->stderr_truncated);
    if (ran)
        put_str(&w, "box", ts_str_of(box_level_name(o->started.box)));
    write_layers(&w, "layers", o->started.layers);
    if (ran) {
        write_layers(&w, "absent", ~o->started.layers);
        write_layers(&w, "weakened", o->started.weakened);
    }
    put_uint(&w, "landlock_abi", o->started.landlock_abi);
    put_uint(&w, "launch_us", o->started.launch_us);
    put_uint(&w, "killed", o->exited.killed);
    put_uint(&w, "redacted", o->redacted);
    if (o->withheld) {
        mp_write_cstr(&w, "withheld");
        mp_write_bool(&w, true);
    }
    if (o->endorsed > 0)
        put_uint(&w, "endorsed", o->endorsed);
    return mp_written(&w, ret_len);
}
