#include "sidecar/gate/steps/egress_record.h"

#include <arpa/inet.h>

#include "proto/wire/mp_write.h"

static void put_uint(struct mp_writer *w, const char *key, uint64_t v)
{
    mp_write_cstr(w, key);
    mp_write_uint(w, v);
}

static void put_str(struct mp_writer *w, const char *key, struct ts_str v)
{
    mp_write_cstr(w, key);
    mp_write_str(w, v.ptr, v.len);
}

#define HEAD_ENTRIES 6u

static void put_head(struct mp_writer *w, uint32_t entries, const char *kind,
                     const struct egress_who *who,
                     const uint8_t decision_id[16])
{
    mp_write_map(w, HEAD_ENTRIES + entries);
    put_str(w, "kind", ts_str_of(kind));
    mp_write_cstr(w, "id");
    mp_write_bin(w, decision_id, 16);
    put_str(w, "tenant", who->tenant);
    put_str(w, "user", who->user);
    put_str(w, "agent", who->agent);
    put_str(w, "tool", who->tool);
}

static void put_address(struct mp_writer *w, const struct egress_what *m)
{
    char text[INET6_ADDRSTRLEN] = "";

    /* An address of 4 or 16 bytes always fits; there is none in a refusal. */
    if (m->address_len != 0)
        (void)inet_ntop(m->address_len == 4 ? AF_INET : AF_INET6, m->address,
                        text, sizeof(text));
    put_str(w, "address", ts_str_of(text));
}

/* Of HTTP alone: two entries more. */
static uint32_t request_entries(const struct egress_what *m)
{
    return m->method.len > 0 ? 2 : 0;
}

static void put_request(struct mp_writer *w, const struct egress_what *m)
{
    if (m->method.len == 0)
        return;
    put_str(w, "method", m->method);
    put_str(w, "path", m->path);
}

ts_err egress_record_opened(const struct egress_who *who,
                            const struct egress_opened *m, uint8_t *buf,
                            size_t cap, size_t *ret_len)
{
    const struct egress_what *x = &m->what;
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    put_head(&w, 5 + request_entries(x), "egress_opened", who, x->decision_id);
    put_uint(&w, "conn", m->conn_id);
    put_str(&w, "via", ts_str_of(egress_via_name(x->via)));
    put_str(&w, "host", x->host);
    put_uint(&w, "port", x->port);
    put_address(&w, x);
    put_request(&w, x);
    return mp_written(&w, ret_len);
}

ts_err egress_record_closed(const struct egress_who *who,
                            const struct egress_closed *m, struct ts_str host,
                            uint16_t port, uint8_t *buf, size_t cap,
                            size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    put_head(&w, m->requests > 0 ? 8 : 7, "egress_closed", who, m->decision_id);
    put_uint(&w, "conn", m->conn_id);
    put_str(&w, "host", host);
    put_uint(&w, "port", port);
    put_str(&w, "reason", ts_str_of(egress_close_name(m->reason)));
    put_uint(&w, "bytes_out", m->bytes_out);
    put_uint(&w, "bytes_in", m->bytes_in);
    put_uint(&w, "ms", m->ms);
    if (m->requests > 0)
        put_uint(&w, "requests", m->requests);
    return mp_written(&w, ret_len);
}

ts_err egress_record_denied(const struct egress_who *who,
                            const struct egress_denied *m, uint8_t *buf,
                            size_t cap, size_t *ret_len)
{
    const struct egress_what *x = &m->what;
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    put_head(&w, 5 + request_entries(x), "egress_denied", who, x->decision_id);
    put_str(&w, "via", ts_str_of(egress_via_name(x->via)));
    put_str(&w, "host", x->host);
    put_uint(&w, "port", x->port);
    put_str(&w, "code", ts_str_of(egress_code_name(m->code)));
    put_uint(&w, "count", m->count);
    put_request(&w, x);
    return mp_written(&w, ret_len);
}
