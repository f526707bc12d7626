#include "sidecar/gate/escalate/escalation_journal.h"

#include "proto/trust/id.h"
#include "proto/wire/limits.h"
#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"

#define FIELDS 15

/* What must hold on both ways; NULL when all of it does. */
static const char *flaw(const struct escalation_entry *a)
{
    if (!trust_id_valid(a->tenant) || !trust_id_valid(a->user) ||
        !trust_id_valid(a->agent) || !trust_id_valid(a->task))
        return "id";
    if (a->max_uses == 0 || a->max_uses > ESCALATION_USES_MAX ||
        a->used > a->max_uses)
        return "uses";
    if (a->people_count == 0 || a->people_count > ESCALATION_SIGS_MAX)
        return "people";
    for (uint32_t i = 0; i < a->people_count; i++)
        if (!trust_id_valid(a->people[i]))
            return "people";
    if (a->reason.len > ESCALATION_REASON_MAX ||
        a->incident.len > ESCALATION_INCIDENT_MAX)
        return "reason";
    return NULL;
}

static void put_str(struct mp_writer *w, struct ts_str s)
{
    mp_write_str(w, s.ptr, s.len);
}

ts_err escalation_entry_encode(const struct escalation_entry *a, void *buf,
                               size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    if (flaw(a) != NULL)
        return TS_E_INVALID;
    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, FIELDS);
    mp_write_uint(&w, 1);
    mp_write_bin(&w, a->id, sizeof(a->id));
    mp_write_bin(&w, a->body, sizeof(a->body));
    put_str(&w, a->tenant);
    put_str(&w, a->user);
    put_str(&w, a->agent);
    put_str(&w, a->task);
    mp_write_uint(&w, a->expires);
    mp_write_uint(&w, a->used);
    mp_write_uint(&w, a->max_uses);
    mp_write_bool(&w, a->ended);
    mp_write_uint(&w, a->unix_ms);
    mp_write_array(&w, a->people_count);
    for (uint32_t i = 0; i < a->people_count; i++)
        put_str(&w, a->people[i]);
    put_str(&w, a->reason);
    put_str(&w, a->incident);
    return mp_written(&w, ret_len);
}

static void read_fields(struct mp_reader *r, struct escalation_entry *a)
{
    mp_read_bin_exact(r, a->id, sizeof(a->id));
    mp_read_bin_exact(r, a->body, sizeof(a->body));
    a->tenant = mp_read_str(r, TS_ID_MAX);
    a->user = mp_read_str(r, TS_ID_MAX);
    a->agent = mp_read_str(r, TS_ID_MAX);
    a->task = mp_read_str(r, TS_ID_MAX);
    a->expires = mp_read_uint(r, UINT64_MAX);
    a->used = (uint32_t)mp_read_uint(r, ESCALATION_USES_MAX);
    a->max_uses = (uint32_t)mp_read_uint(r, ESCALATION_USES_MAX);
    a->ended = mp_read_bool(r);
    a->unix_ms = mp_read_uint(r, UINT64_MAX);
    a->people_count = mp_read_array(r, ESCALATION_SIGS_MAX);
    for (uint32_t i = 0; r->error == TS_OK && i < a->people_count; i++)
        a->people[i] = mp_read_str(r, TS_ID_MAX);
    a->reason = mp_read_str(r, ESCALATION_REASON_MAX);
    a->incident = mp_read_str(r, ESCALATION_INCIDENT_MAX);
}

ts_err escalation_entry_decode(const void *b, size_t n,
                               struct escalation_entry *ret,
                               const char **reterr_what)
{
    struct escalation_entry a = {.people_count = 0};
    struct mp_reader r;
    const char *what;
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, FIELDS);
    if (mp_read_uint(&r, UINT64_MAX) != 1)
        mp_fail(&r, TS_E_FORMAT, "version");
    read_fields(&r, &a);
    e = mp_done(&r);
    if (e != TS_OK) {
        *reterr_what = r.what != NULL ? r.what : "escalation entry";
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
