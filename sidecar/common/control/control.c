/* The bodies of control messages: pure encoding and decoding. */
#include "sidecar/common/control/control.h"

#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"
#include "sidecar/common/control/hook.h"

#define START_FIELDS 23 /* with the descriptor count in front */

static void write_start(struct mp_writer *w, const struct control_start *s)
{
    mp_write_uint(w, s->generation);
    mp_write_uint(w, s->boot_id);
    mp_write_uint(w, s->launchers);
    mp_write_uint(w, s->launcher_index);
    mp_write_str(w, s->sidecar_id.ptr, s->sidecar_id.len);
    mp_write_array(w, s->audience_count);
    for (uint32_t i = 0; i < s->audience_count; i++)
        mp_write_str(w, s->audiences[i].ptr, s->audiences[i].len);
    mp_write_bool(w, s->durability_sync);
    mp_write_array(w, s->admin_uid_count);
    for (uint32_t i = 0; i < s->admin_uid_count; i++)
        mp_write_uint(w, s->admin_uids[i]);
    mp_write_bool(w, s->allow_root_agents);
    mp_write_bool(w, s->require_pidfd);
    mp_write_uint(w, s->segment_bytes);
    mp_write_uint(w, s->reserve_bytes);
    mp_write_uint(w, s->handshake_rate);
    mp_write_uint(w, s->handshake_burst);
    mp_write_array(w, s->tenant_operator_count);
    for (uint32_t i = 0; i < s->tenant_operator_count; i++) {
        const struct control_operator *o = &s->tenant_operators[i];

        mp_write_array(w, 2);
        mp_write_str(w, o->tenant.ptr, o->tenant.len);
        mp_write_uint(w, o->uid);
    }
    mp_write_bool(w, s->init_state);
    mp_write_bool(w, s->has_token_key);
    mp_write_bool(w, s->check_only);
    mp_write_array(w, 4);
    mp_write_uint(w, (uint64_t)s->sandbox.most);
    mp_write_uint(w, s->sandbox.uid_first);
    mp_write_uint(w, s->sandbox.uid_count);
    mp_write_bool(w, s->sandbox.cgroups);
    mp_write_bool(w, s->has_broker);
    mp_write_str(w, s->dns.ptr, s->dns.len);
    mp_write_str(w, s->resolv.ptr, s->resolv.len);
}

static bool tenant_is_valid(struct ts_str t)
{
    return t.len > 0 && t.len <= TS_ID_MAX;
}

static bool operators_are_valid(const struct control_start *s)
{
    if (s->tenant_operator_count > CONTROL_OPERATORS_MAX)
        return false;
    for (uint32_t i = 0; i < s->tenant_operator_count; i++) {
        const struct control_operator *o = &s->tenant_operators[i];
        int order;

        if (!tenant_is_valid(o->tenant))
            return false;
        if (i == 0)
            continue;
        order = ts_str_cmp(o[-1].tenant, o->tenant);
        if (order > 0 || (order == 0 && o[-1].uid >= o->uid))
            return false;
    }
    return true;
}

/* Neither uid 0 nor (uid_t)-1 may be among them, nor the overflow past it. */
static bool uids_are_valid(const struct control_sandbox *s)
{
    return s->uid_count == 0 ||
           (s->uid_first > 0 && s->uid_count < UINT32_MAX - s->uid_first);
}

static bool start_is_valid(const struct control_start *s)
{
    return s->launchers >= 1 && s->launchers <= TS_LAUNCHERS_MAX &&
           s->launcher_index < s->launchers && s->audience_count >= 1 &&
           s->audience_count <= TS_AUDIENCES_MAX &&
           s->admin_uid_count <= CONTROL_UIDS_MAX && s->sidecar_id.len > 0 &&
           s->generation > 0 && uids_are_valid(&s->sandbox) &&
           operators_are_valid(s);
}

static void read_start(struct mp_reader *r, struct control_start *s)
{
    s->generation = mp_read_uint(r, UINT64_MAX);
    s->boot_id = mp_read_uint(r, UINT64_MAX);
    s->launchers = (uint32_t)mp_read_uint(r, TS_LAUNCHERS_MAX);
    s->launcher_index = (uint32_t)mp_read_uint(r, TS_LAUNCHERS_MAX);
    s->sidecar_id = mp_read_str(r, TS_ID_MAX);
    s->audience_count = mp_read_array(r, TS_AUDIENCES_MAX);
    for (uint32_t i = 0; i < s->audience_count; i++)
        s->audiences[i] = mp_read_str(r, TS_ID_MAX);
    s->durability_sync = mp_read_bool(r);
    s->admin_uid_count = mp_read_array(r, CONTROL_UIDS_MAX);
    for (uint32_t i = 0; i < s->admin_uid_count; i++)
        s->admin_uids[i] = (uint32_t)mp_read_uint(r, UINT32_MAX);
    s->allow_root_agents = mp_read_bool(r);
    s->require_pidfd = mp_read_bool(r);
    s->segment_bytes = mp_read_uint(r, UINT64_MAX);
    s->reserve_bytes = mp_read_uint(r, UINT64_MAX);
    s->handshake_rate = (uint32_t)mp_read_uint(r, UINT32_MAX);
    s->handshake_burst = (uint32_t)mp_read_uint(r, UINT32_MAX);
    s->tenant_operator_count = mp_read_array(r, CONTROL_OPERATORS_MAX);
    for (uint32_t i = 0; i < s->tenant_operator_count; i++) {
        mp_read_tuple(r, 2);
        s->tenant_operators[i].tenant = mp_read_str(r, TS_ID_MAX);
        s->tenant_operators[i].uid = (uint32_t)mp_read_uint(r, UINT32_MAX);
    }
    s->init_state = mp_read_bool(r);
    s->has_token_key = mp_read_bool(r);
    s->check_only = mp_read_bool(r);
    mp_read_tuple(r, 4);
    s->sandbox.most = (enum box_level)mp_read_uint(r, BOX_STRICT);
    s->sandbox.uid_first = (uint32_t)mp_read_uint(r, UINT32_MAX);
    s->sandbox.uid_count = (uint32_t)mp_read_uint(r, UINT32_MAX);
    s->sandbox.cgroups = mp_read_bool(r);
    s->has_broker = mp_read_bool(r);
    s->dns = mp_read_str(r, CONTROL_RESOLV_MAX);
    s->resolv = mp_read_str(r, CONTROL_RESOLV_MAX);
    if (r->error == TS_OK && !start_is_valid(s))
        mp_fail(r, TS_E_INVALID, "settings out of range");
}

/* Which numbers of descriptors a type may carry, as bits. */
static unsigned fds_allowed(enum control_type type)
{
    switch (type) {
    case CONTROL_START:
        return 1u << 0 | 1u << 1 | 1u << 2;
    case CONTROL_READY:
        return 1u << 0 | 1u << 1;
    case CONTROL_PREPARE:
    case CONTROL_FEED:
    case CONTROL_WATCHER:
        return 1u << 1;
    case CONTROL_HOOK:
    case CONTROL_PREPARED:
    case CONTROL_REJECTED:
    case CONTROL_COMMIT:
    case CONTROL_ABORT:
    case CONTROL_DRAIN:
    case CONTROL_STATUS:
        return 1u << 0;
    }
    return 0; /* not one of ours */
}

static void write_body(struct mp_writer *w, const struct control_message *m,
                       uint32_t fds)
{
    switch (m->type) {
    case CONTROL_START:
        mp_write_array(w, START_FIELDS);
        mp_write_uint(w, fds);
        write_start(w, &m->as.start);
        break;
    case CONTROL_PREPARED:
        mp_write_array(w, 3);
        mp_write_uint(w, fds);
        mp_write_uint(w, m->as.prepared.generation);
        mp_write_str(w, m->as.prepared.text.ptr, m->as.prepared.text.len);
        break;
    case CONTROL_PREPARE:
    case CONTROL_COMMIT:
        mp_write_array(w, 2);
        mp_write_uint(w, fds);
        mp_write_uint(w, m->as.prepare.generation);
        break;
    case CONTROL_ABORT:
        mp_write_array(w, 3);
        mp_write_uint(w, fds);
        mp_write_uint(w, m->as.abort.generation);
        mp_write_str(w, m->as.abort.text.ptr, m->as.abort.text.len);
        break;
    case CONTROL_READY:
    case CONTROL_REJECTED:
    case CONTROL_STATUS:
        mp_write_array(w, 2);
        mp_write_uint(w, fds);
        mp_write_str(w, m->as.text.text.ptr, m->as.text.text.len);
        break;
    case CONTROL_DRAIN:
        mp_write_array(w, 2);
        mp_write_uint(w, fds);
        mp_write_uint(w, m->as.drain.grace_ms);
        break;
    case CONTROL_FEED:
        mp_write_array(w, 3);
        mp_write_uint(w, fds);
        mp_write_str(w, m->as.feed.tenant.ptr, m->as.feed.tenant.len);
        mp_write_uint(w, m->as.feed.what);
        break;
    case CONTROL_HOOK:
        mp_write_array(w, 7);
        mp_write_uint(w, fds);
        control_hook_write(w, &m->as.hook);
        break;
    case CONTROL_WATCHER:
        mp_write_array(w, 2);
        mp_write_uint(w, fds);
        mp_write_uint(w, m->as.watcher.uid);
        break;
    }
}

static bool feed_is_valid(const struct control_feed *f)
{
    return tenant_is_valid(f->tenant) && (f->what == CONTROL_FEED_SNAPSHOT ||
                                          f->what == CONTROL_FEED_HEARTBEAT);
}

static void read_feed(struct mp_reader *r, struct control_feed *f)
{
    f->tenant = mp_read_str(r, TS_ID_MAX);
    f->what = (enum control_feed_kind)mp_read_uint(r, CONTROL_FEED_HEARTBEAT);
    if (r->error == TS_OK && !feed_is_valid(f))
        mp_fail(r, TS_E_INVALID, "no such feed");
}

/* Message text longer than the limit would make the receiver end itself. */
static bool text_fits(const struct control_message *m)
{
    if (m->type == CONTROL_ABORT)
        return m->as.abort.text.len <= CONTROL_TEXT_MAX;
    if (m->type == CONTROL_PREPARED)
        return m->as.prepared.text.len <= CONTROL_TEXT_MAX;
    if (m->type == CONTROL_READY || m->type == CONTROL_REJECTED ||
        m->type == CONTROL_STATUS)
        return m->as.text.text.len <= CONTROL_TEXT_MAX;
    return true;
}

ts_err control_encode(const struct control_message *m, void *buf, size_t cap,
                      size_t *ret_len)
{
    uint32_t fds = (m->bundle_fd >= 0 ? 1u : 0u) + (m->journal_fd >= 0);
    uint8_t *bytes = buf;
    struct mp_writer w;
    size_t len = 0;
    ts_err e;

    if ((fds_allowed(m->type) & (1u << fds)) == 0 ||
        (m->journal_fd >= 0 && m->bundle_fd < 0))
        return TS_E_INVALID;
    if (m->type == CONTROL_START && !start_is_valid(&m->as.start))
        return TS_E_INVALID;
    if (m->type == CONTROL_FEED && !feed_is_valid(&m->as.feed))
        return TS_E_INVALID;
    if (m->type == CONTROL_HOOK && !control_hook_is_valid(&m->as.hook))
        return TS_E_INVALID;
    if (!text_fits(m) || cap < 1)
        return TS_E_LIMIT;
    mp_writer_init(&w, bytes + 1, cap - 1);
    write_body(&w, m, fds);
    if ((e = mp_written(&w, &len)) != TS_OK)
        return e;
    bytes[0] = (uint8_t)m->type;
    *ret_len = len + 1;
    return TS_OK;
}

static uint32_t fields_of(enum control_type type)
{
    if (type == CONTROL_START)
        return START_FIELDS;
    if (type == CONTROL_HOOK)
        return 7;
    return type == CONTROL_ABORT || type == CONTROL_FEED ||
                   type == CONTROL_PREPARED
               ? 3
               : 2;
}

static void read_body(struct mp_reader *r, uint32_t fds,
                      struct control_message *m)
{
    mp_read_tuple(r, fields_of(m->type));
    if (mp_read_uint(r, 2) != fds)
        mp_fail(r, TS_E_FORMAT, "wrong number of descriptors");
    switch (m->type) {
    case CONTROL_START:
        read_start(r, &m->as.start);
        break;
    case CONTROL_PREPARED:
        m->as.prepared.generation = mp_read_uint(r, UINT64_MAX);
        m->as.prepared.text = mp_read_str(r, CONTROL_TEXT_MAX);
        break;
    case CONTROL_PREPARE:
    case CONTROL_COMMIT:
        m->as.prepare.generation = mp_read_uint(r, UINT64_MAX);
        break;
    case CONTROL_ABORT:
        m->as.abort.generation = mp_read_uint(r, UINT64_MAX);
        m->as.abort.text = mp_read_str(r, CONTROL_TEXT_MAX);
        break;
    case CONTROL_READY:
    case CONTROL_REJECTED:
    case CONTROL_STATUS:
        m->as.text.text = mp_read_str(r, CONTROL_TEXT_MAX);
        break;
    case CONTROL_DRAIN:
        m->as.drain.grace_ms = mp_read_uint(r, UINT64_MAX);
        break;
    case CONTROL_FEED:
        read_feed(r, &m->as.feed);
        break;
    case CONTROL_HOOK:
        control_hook_read(r, &m->as.hook);
        break;
    case CONTROL_WATCHER:
        m->as.watcher.uid = (uint32_t)mp_read_uint(r, UINT32_MAX);
        break;
    }
}

ts_err control_decode(const uint8_t *buf, size_t len, uint32_t fds,
                      struct control_message *ret)
{
    struct control_message m = {.bundle_fd = -1, .journal_fd = -1};
    struct mp_reader r;
    ts_err e;

    if (len < 2)
        return TS_E_TRUNCATED;
    if (buf[0] < CONTROL_START || buf[0] > CONTROL_WATCHER || fds > 2)
        return TS_E_FORMAT;
    m.type = (enum control_type)buf[0];
    if ((fds_allowed(m.type) & (1u << fds)) == 0)
        return TS_E_FORMAT;
    mp_reader_init(&r, buf + 1, len - 1);
    read_body(&r, fds, &m);
    if ((e = mp_done(&r)) != TS_OK)
        return e;
    *ret = m;
    return TS_OK;
}
