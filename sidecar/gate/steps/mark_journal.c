#include "sidecar/gate/steps/mark_journal.h"

#include "proto/wire/limits.h"
#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"

/* What must hold on both ways; NULL when all of it does. */
static const char *flaw(const struct mark_entry *m)
{
    if (m->tenant.len == 0 || m->tenant.len > TS_ID_MAX ||
        !ts_utf8_valid(m->tenant.ptr, m->tenant.len))
        return "tenant";
    return m->seq == 0 ? "seq" : NULL;
}

ts_err mark_entry_encode(const struct mark_entry *m, void *buf, size_t cap,
                         size_t *ret_len)
{
    struct mp_writer w;

    if (flaw(m) != NULL)
        return TS_E_INVALID;
    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 4);
    mp_write_uint(&w, 1);
    mp_write_str(&w, m->tenant.ptr, m->tenant.len);
    mp_write_uint(&w, m->seq);
    mp_write_bin(&w, m->hash, sizeof(m->hash));
    return mp_written(&w, ret_len);
}

static ts_err told(struct mp_reader *r, const char *name,
                   const char **reterr_what)
{
    ts_err e = mp_done(r);

    if (e != TS_OK)
        *reterr_what = r->what != NULL ? r->what : name;
    return e;
}

ts_err mark_entry_decode(const void *b, size_t n, struct mark_entry *ret,
                         const char **reterr_what)
{
    struct mark_entry out;
    struct mp_reader r;
    const char *what;
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 4);
    if (mp_read_uint(&r, UINT64_MAX) != 1)
        mp_fail(&r, TS_E_FORMAT, "version");
    out.tenant = mp_read_str(&r, TS_ID_MAX);
    out.seq = mp_read_uint(&r, UINT64_MAX);
    mp_read_bin_exact(&r, out.hash, sizeof(out.hash));
    if ((e = told(&r, "directory entry", reterr_what)) != TS_OK)
        return e;
    what = flaw(&out);
    if (what != NULL) {
        *reterr_what = what;
        return TS_E_INVALID;
    }
    *ret = out;
    return TS_OK;
}

ts_err clock_entry_encode(uint64_t unix_ms, void *buf, size_t cap,
                          size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 2);
    mp_write_uint(&w, 1);
    mp_write_uint(&w, unix_ms);
    return mp_written(&w, ret_len);
}

ts_err clock_entry_decode(const void *b, size_t n, uint64_t *ret_unix_ms,
                          const char **reterr_what)
{
    struct mp_reader r;
    uint64_t unix_ms;
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 2);
    if (mp_read_uint(&r, UINT64_MAX) != 1)
        mp_fail(&r, TS_E_FORMAT, "version");
    unix_ms = mp_read_uint(&r, UINT64_MAX);
    if ((e = told(&r, "clock entry", reterr_what)) == TS_OK)
        *ret_unix_ms = unix_ms;
    return e;
}
