#include "sidecar/common/revocation_entry.h"

#include "proto/wire/limits.h"
#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"

/* What must hold on both ways; NULL when all of it does. */
static const char *flaw(const struct revocation_entry *r)
{
    if (r->kind == REVOCATION_NONE || r->kind >= REVOCATION_KIND_COUNT)
        return "kind";
    if (!revocation_target_fits(r->kind, r->target.len))
        return "target";
    if (r->rev_seq == 0)
        return "rev_seq";
    if (r->tenant.len == 0 || r->tenant.len > TS_ID_MAX ||
        !ts_utf8_valid(r->tenant.ptr, r->tenant.len))
        return "tenant";
    if (r->reason.len > REVOCATION_REASON_MAX ||
        !ts_utf8_valid(r->reason.ptr, r->reason.len))
        return "reason";
    return NULL;
}

ts_err revocation_entry_encode(const struct revocation_entry *r, void *buf,
                               size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    if (flaw(r) != NULL)
        return TS_E_INVALID;
    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 8);
    mp_write_uint(&w, 1);
    mp_write_uint(&w, r->rev_seq);
    mp_write_uint(&w, (uint64_t)r->kind);
    mp_write_str(&w, r->tenant.ptr, r->tenant.len);
    mp_write_bin(&w, r->target.ptr, r->target.len);
    mp_write_uint(&w, r->cutoff);
    mp_write_uint(&w, r->unix_ms);
    mp_write_str(&w, r->reason.ptr, r->reason.len);
    return mp_written(&w, ret_len);
}

ts_err revocation_entry_decode(const void *b, size_t n,
                               struct revocation_entry *ret,
                               const char **reterr_what)
{
    struct revocation_entry out;
    struct mp_reader r;
    const char *what;
    uint64_t version;
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 8);
    version = mp_read_uint(&r, UINT64_MAX);
    if (version != 1)
        mp_fail(&r, TS_E_FORMAT, "version");
    out.rev_seq = mp_read_uint(&r, UINT64_MAX);
    out.kind =
        (enum revocation_kind)mp_read_uint(&r, REVOCATION_KIND_COUNT - 1);
    out.tenant = mp_read_str(&r, TS_ID_MAX);
    out.target = mp_read_bin(&r, TS_ID_MAX);
    out.cutoff = mp_read_uint(&r, UINT64_MAX);
    out.unix_ms = mp_read_uint(&r, UINT64_MAX);
    out.reason = mp_read_str(&r, REVOCATION_REASON_MAX);
    e = mp_done(&r);
    if (e != TS_OK) {
        *reterr_what = r.what != NULL ? r.what : "revocation entry";
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
