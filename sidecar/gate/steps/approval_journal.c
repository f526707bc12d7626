#include "sidecar/gate/steps/approval_journal.h"

#include "proto/trust/id.h"
#include "proto/wire/limits.h"
#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"

#define FIELDS 7

/* What must hold on both ways; NULL when all of it does. */
static const char *flaw(const struct approval_entry *a)
{
    if (!trust_id_valid(a->tenant))
        return "tenant";
    if (a->people_count == 0 || a->people_count > TICKET_PEOPLE_MAX)
        return "people";
    for (uint32_t i = 0; i < a->people_count; i++)
        if (!trust_id_valid(a->people[i]))
            return "people";
    return NULL;
}

ts_err approval_entry_encode(const struct approval_entry *a, void *buf,
                             size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    if (flaw(a) != NULL)
        return TS_E_INVALID;
    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, FIELDS);
    mp_write_uint(&w, 1);
    mp_write_str(&w, a->tenant.ptr, a->tenant.len);
    mp_write_bin(&w, a->decision_id, sizeof(a->decision_id));
    mp_write_bin(&w, a->ticket_id, sizeof(a->ticket_id));
    mp_write_bin(&w, a->launched, sizeof(a->launched));
    mp_write_uint(&w, a->unix_ms);
    mp_write_array(&w, a->people_count);
    for (uint32_t i = 0; i < a->people_count; i++)
        mp_write_str(&w, a->people[i].ptr, a->people[i].len);
    return mp_written(&w, ret_len);
}

static void read_people(struct mp_reader *r, struct approval_entry *a)
{
    a->people_count = mp_read_array(r, TICKET_PEOPLE_MAX);
    for (uint32_t i = 0; r->error == TS_OK && i < a->people_count; i++)
        a->people[i] = mp_read_str(r, TS_ID_MAX);
}

ts_err approval_entry_decode(const void *b, size_t n,
                             struct approval_entry *ret,
                             const char **reterr_what)
{
    struct approval_entry a = {.people_count = 0};
    struct mp_reader r;
    const char *what;
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, FIELDS);
    if (mp_read_uint(&r, UINT64_MAX) != 1)
        mp_fail(&r, TS_E_FORMAT, "version");
    a.tenant = mp_read_str(&r, TS_ID_MAX);
    mp_read_bin_exact(&r, a.decision_id, sizeof(a.decision_id));
    mp_read_bin_exact(&r, a.ticket_id, sizeof(a.ticket_id));
    mp_read_bin_exact(&r, a.launched, sizeof(a.launched));
    a.unix_ms = mp_read_uint(&r, UINT64_MAX);
    read_people(&r, &a);
    e = mp_done(&r);
    if (e != TS_OK) {
        *reterr_what = r.what != NULL ? r.what : "approval entry";
        return e;
    }
    what = flaw(&a);
    if (what != NULL) {
        *reterr_what = what;
        return TS_E_INVALID;
    }
    *ret = a;
    return TS_OK;
}
