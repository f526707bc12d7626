#include "sidecar/gate/steps/budget_journal.h"

#include "proto/wire/limits.h"
#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"

/* What must hold on both ways; NULL when all of it does. */
static const char *flaw(const struct budget_entry *b)
{
    if (b->tenant.len == 0 || b->tenant.len > TS_ID_MAX ||
        !ts_utf8_valid(b->tenant.ptr, b->tenant.len))
        return "tenant";
    return b->reserved == 0 ? "reserved" : NULL;
}

ts_err budget_entry_encode(const struct budget_entry *b, void *buf, size_t cap,
                           size_t *ret_len)
{
    struct mp_writer w;

    if (flaw(b) != NULL)
        return TS_E_INVALID;
    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 5);
    mp_write_uint(&w, 1);
    mp_write_str(&w, b->tenant.ptr, b->tenant.len);
    mp_write_bin(&w, b->grant_id, sizeof(b->grant_id));
    mp_write_uint(&w, b->expires_s);
    mp_write_uint(&w, b->reserved);
    return mp_written(&w, ret_len);
}

ts_err budget_entry_decode(const void *b, size_t n, struct budget_entry *ret,
                           const char **reterr_what)
{
    struct budget_entry out;
    struct mp_reader r;
    const char *what;
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 5);
    if (mp_read_uint(&r, UINT64_MAX) != 1)
        mp_fail(&r, TS_E_FORMAT, "version");
    out.tenant = mp_read_str(&r, TS_ID_MAX);
    mp_read_bin_exact(&r, out.grant_id, sizeof(out.grant_id));
    out.expires_s = mp_read_uint(&r, UINT64_MAX);
    out.reserved = mp_read_uint(&r, UINT64_MAX);
    e = mp_done(&r);
    if (e != TS_OK) {
        *reterr_what = r.what != NULL ? r.what : "budget entry";
        return e;
    }
    what = flaw(&out);
    if (what != NULL) {
        *reterr_what = what;
        return TS_E_INVALID;
    }
    *ret = out;
    return TS_OK;
}
