#include "sidecar/gate/uses/journal.h"

#include <string.h>

#include "proto/wire/limits.h"
#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"

_Static_assert(TS_ID_MAX + USE_PLACES_MAX * (USE_ID + 2 + 9 + 1) + 64 <=
                   USE_PAYLOAD_MAX,
               "an entry has room for every place");

static bool tenant_ok(struct ts_str t)
{
    return t.len > 0 && t.len <= TS_ID_MAX && ts_utf8_valid(t.ptr, t.len);
}

ts_err use_entry_encode(const struct use_entry *u, const struct use_ledger *l,
                        void *buf, size_t cap, size_t *ret_len)
{
    struct mp_writer w;
    uint32_t used = 0;

    if (!tenant_ok(u->tenant))
        return TS_E_INVALID;
    for (uint32_t i = 0; i < l->count; i++)
        used += l->places[i].total > 0;
    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 5);
    mp_write_uint(&w, 1);
    mp_write_str(&w, u->tenant.ptr, u->tenant.len);
    mp_write_bin(&w, u->grant_id, sizeof(u->grant_id));
    mp_write_uint(&w, u->expires_s);
    mp_write_array(&w, used);
    for (uint32_t i = 0; i < l->count; i++) {
        if (l->places[i].total == 0)
            continue;
        mp_write_array(&w, 2);
        mp_write_bin(&w, l->places[i].id, USE_ID);
        mp_write_uint(&w, l->places[i].total);
    }
    return mp_written(&w, ret_len);
}

static void read_places(struct mp_reader *r, struct use_ledger *l)
{
    uint32_t n = mp_read_array(r, USE_PLACES_MAX);

    for (uint32_t i = 0; i < n && r->error == TS_OK; i++) {
        struct use_place *p = &l->places[i];

        mp_read_tuple(r, 2);
        mp_read_bin_exact(r, p->id, USE_ID);
        p->total = mp_read_uint(r, USE_TOTAL_MAX);
        if (r->error == TS_OK && p->total == 0)
            mp_fail(r, TS_E_INVALID, "total");
        for (uint32_t k = 0; k < i; k++)
            if (memcmp(l->places[k].id, p->id, USE_ID) == 0)
                mp_fail(r, TS_E_INVALID, "a counter twice");
        l->count++;
    }
}

ts_err use_entry_decode(const void *b, size_t n, struct use_entry *ret,
                        struct use_ledger *ret_ledger, const char **reterr_what)
{
    struct use_ledger l = {.count = 0};
    struct use_entry out;
    struct mp_reader r;
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 5);
    if (mp_read_uint(&r, UINT64_MAX) != 1)
        mp_fail(&r, TS_E_FORMAT, "version");
    out.tenant = mp_read_str(&r, TS_ID_MAX);
    mp_read_bin_exact(&r, out.grant_id, sizeof(out.grant_id));
    out.expires_s = mp_read_uint(&r, UINT64_MAX);
    read_places(&r, &l);
    e = mp_done(&r);
    if (e == TS_OK && !tenant_ok(out.tenant)) {
        *reterr_what = "tenant";
        return TS_E_INVALID;
    }
    if (e != TS_OK) {
        *reterr_what = r.what != NULL ? r.what : "entry of counters";
        return e;
    }
    *ret = out;
    *ret_ledger = l;
    return TS_OK;
}
