/*
 * Codecs of what travels the ring gate -> recorder -> launcher -> gate. Every
 * decoder reads all its fields with the sticky cursor, then checks once; a
 * message from our own processes is decoded as strictly as a stranger's.
 */
#include "proto/msg/order.h"

#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"

#define ORDER_VERSION 3
#define PATH_LEN_MAX  4095 /* bytes; the kernel's PATH_MAX without the NUL */
#define STEP_LEN_MAX  64   /* bytes of the name of a step or of a code */

/* Takes the reader's verdict, or the first objection to the values read. */
static ts_err done(struct mp_reader *r, const char **reterr_what)
{
    ts_err e = mp_done(r);

    if (e != TS_OK)
        *reterr_what = r->what;
    return e;
}

static uint32_t read_u32(struct mp_reader *r)
{
    return (uint32_t)mp_read_uint(r, UINT32_MAX);
}

static uint32_t read_layers(struct mp_reader *r)
{
    return (uint32_t)mp_read_uint(r, LAYER_BITS_ALL);
}

static uint64_t read_order_id(struct mp_reader *r)
{
    uint64_t id = mp_read_uint(r, UINT64_MAX);

    if (r->error == TS_OK && id == 0)
        mp_fail(r, TS_E_INVALID, "order id is 0");
    return id;
}

static enum end_reason read_reason(struct mp_reader *r)
{
    uint64_t v = mp_read_uint(r, UINT64_MAX);

    if (r->error == TS_OK && v >= END_COUNT_)
        mp_fail(r, TS_E_INVALID, "unknown end reason");
    return r->error == TS_OK ? (enum end_reason)v : END_EXITED;
}

/* A code travels as its name. A name we do not know is refused here and not
 * read as "internal": it would hide that two of our programs differ. */
static enum call_code read_code(struct mp_reader *r)
{
    struct ts_str name = mp_read_str(r, STEP_LEN_MAX);
    enum call_code c = call_code_parse(name);

    if (r->error == TS_OK && !ts_str_eq_c(name, call_code_name(c)))
        mp_fail(r, TS_E_INVALID, "unknown code");
    return c;
}

static void write_str(struct mp_writer *w, struct ts_str s)
{
    mp_write_str(w, s.ptr, s.len);
}

ts_err order_encode(const struct order *o, void *buf, size_t cap,
                    size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 14);
    mp_write_uint(&w, ORDER_VERSION);
    mp_write_uint(&w, o->order_id);
    mp_write_uint(&w, o->generation);
    write_str(&w, o->tool);
    mp_write_raw(&w, o->args.ptr, o->args.len);
    write_str(&w, o->path);
    mp_write_uint(&w, (uint64_t)o->access);
    mp_write_uint(&w, o->wall_ms);
    mp_write_uint(&w, o->output_max);
    mp_write_bool(&w, o->has_stdin);
    mp_write_bin(&w, o->decision_id, sizeof(o->decision_id));
    write_str(&w, o->token);
    mp_write_uint(&w, (uint64_t)o->box);
    mp_write_uint(&w, o->require);
    return mp_written(&w, ret_len);
}

ts_err order_decode(const void *b, size_t n, struct order *ret,
                    const char **reterr_what)
{
    struct mp_reader r;
    struct order o = {0};
    ts_err e;

    mp_reader_init(&r, b, n);
    if (n > TS_ORDER_MAX)
        mp_fail(&r, TS_E_LIMIT, "order too large");
    mp_read_tuple(&r, 14);
    if (mp_read_uint(&r, UINT64_MAX) != ORDER_VERSION)
        mp_fail(&r, TS_E_UNSUPPORTED, "unknown order version");
    o.order_id = read_order_id(&r);
    o.generation = mp_read_uint(&r, UINT64_MAX);
    o.tool = mp_read_str(&r, TS_TOOL_NAME_MAX);
    if (r.error == TS_OK && mp_peek(&r) != MP_MAP)
        mp_fail(&r, TS_E_FORMAT, "arguments are not a map");
    o.args = mp_read_raw(&r, TS_ARGS_MAX);
    o.path = mp_read_str(&r, PATH_LEN_MAX);
    o.access = (enum order_access)mp_read_uint(&r, ACCESS_WRITE);
    o.wall_ms = mp_read_uint(&r, UINT64_MAX);
    o.output_max = mp_read_uint(&r, UINT64_MAX);
    o.has_stdin = mp_read_bool(&r);
    mp_read_bin_exact(&r, o.decision_id, sizeof(o.decision_id));
    o.token = mp_read_str(&r, TS_TOKEN_MAX);
    o.box = (enum box_level)mp_read_uint(&r, BOX_STRICT);
    o.require = read_layers(&r);
    e = done(&r, reterr_what);
    if (e == TS_OK)
        *ret = o;
    return e;
}

static void write_kill(struct mp_writer *w, const struct order_kill *o)
{
    mp_write_uint(w, o->order_id);
    mp_write_uint(w, (uint64_t)o->reason);
}

ts_err order_kill_encode(const struct order_kill *o, void *buf, size_t cap,
                         size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 2);
    write_kill(&w, o);
    return mp_written(&w, ret_len);
}

ts_err order_kill_decode(const void *b, size_t n, struct order_kill *ret,
                         const char **reterr_what)
{
    struct mp_reader r;
    struct order_kill o = {0};
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 2);
    o.order_id = read_order_id(&r);
    o.reason = read_reason(&r);
    e = done(&r, reterr_what);
    if (e == TS_OK)
        *ret = o;
    return e;
}

ts_err order_void_encode(const struct order_void *o, void *buf, size_t cap,
                         size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 2);
    mp_write_uint(&w, o->order_id);
    mp_write_cstr(&w, call_code_name(o->code));
    return mp_written(&w, ret_len);
}

ts_err order_void_decode(const void *b, size_t n, struct order_void *ret,
                         const char **reterr_what)
{
    struct mp_reader r;
    struct order_void o = {0};
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 2);
    o.order_id = read_order_id(&r);
    o.code = read_code(&r);
    e = done(&r, reterr_what);
    if (e == TS_OK)
        *ret = o;
    return e;
}

ts_err order_barrier_encode(const struct order_barrier *o, void *buf,
                            size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 1);
    mp_write_uint(&w, o->id);
    return mp_written(&w, ret_len);
}

ts_err order_barrier_decode(const void *b, size_t n, struct order_barrier *ret,
                            const char **reterr_what)
{
    struct mp_reader r;
    struct order_barrier o = {0};
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 1);
    o.id = mp_read_uint(&r, UINT64_MAX);
    e = done(&r, reterr_what);
    if (e == TS_OK)
        *ret = o;
    return e;
}

ts_err order_started_encode(const struct order_started *o, void *buf,
                            size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 7);
    mp_write_uint(&w, o->order_id);
    mp_write_uint(&w, o->layers);
    mp_write_uint(&w, o->landlock_abi);
    mp_write_uint(&w, o->launch_us);
    mp_write_uint(&w, (uint64_t)o->box);
    mp_write_uint(&w, o->weakened);
    mp_write_bin(&w, o->tripwires.ptr, o->tripwires.len);
    return mp_written(&w, ret_len);
}

ts_err order_started_decode(const void *b, size_t n, struct order_started *ret,
                            const char **reterr_what)
{
    struct mp_reader r;
    struct order_started o = {0};
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 7);
    o.order_id = read_order_id(&r);
    o.layers = read_layers(&r);
    o.landlock_abi = read_u32(&r);
    o.launch_us = mp_read_uint(&r, UINT64_MAX);
    o.box = (enum box_level)mp_read_uint(&r, BOX_STRICT);
    o.weakened = read_layers(&r);
    o.tripwires = mp_read_bin(&r, TS_TRIPWIRES_MAX);
    if (r.error == TS_OK && o.box == BOX_ANY)
        mp_fail(&r, TS_E_INVALID, "a tool runs at no level");
    if (r.error == TS_OK && (o.weakened & ~o.layers) != 0)
        mp_fail(&r, TS_E_INVALID, "a layer is weakened that does not hold");
    e = done(&r, reterr_what);
    if (e == TS_OK)
        *ret = o;
    return e;
}

ts_err order_refused_encode(const struct order_refused *o, void *buf,
                            size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 5);
    mp_write_uint(&w, o->order_id);
    mp_write_cstr(&w, call_code_name(o->code));
    write_str(&w, o->step);
    mp_write_uint(&w, o->sys_errno);
    write_str(&w, o->text);
    return mp_written(&w, ret_len);
}

ts_err order_refused_decode(const void *b, size_t n, struct order_refused *ret,
                            const char **reterr_what)
{
    struct mp_reader r;
    struct order_refused o = {0};
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 5);
    o.order_id = read_order_id(&r);
    o.code = read_code(&r);
    o.step = mp_read_str(&r, STEP_LEN_MAX);
    o.sys_errno = read_u32(&r);
    o.text = mp_read_str(&r, TS_MESSAGE_TEXT_MAX);
    e = done(&r, reterr_what);
    if (e == TS_OK)
        *ret = o;
    return e;
}

ts_err order_unserved_encode(const struct order_unserved *o, void *buf,
                             size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 3);
    mp_write_uint(&w, o->generation);
    write_str(&w, o->tool);
    write_str(&w, o->text);
    return mp_written(&w, ret_len);
}

ts_err order_unserved_decode(const void *b, size_t n,
                             struct order_unserved *ret,
                             const char **reterr_what)
{
    struct mp_reader r;
    struct order_unserved o = {0};
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 3);
    o.generation = mp_read_uint(&r, UINT64_MAX);
    o.tool = mp_read_str(&r, TS_TOOL_NAME_MAX);
    if (r.error == TS_OK && o.tool.len == 0)
        mp_fail(&r, TS_E_INVALID, "no tool is named");
    o.text = mp_read_str(&r, TS_UNSERVED_TEXT_MAX);
    e = done(&r, reterr_what);
    if (e == TS_OK)
        *ret = o;
    return e;
}

ts_err order_exited_encode(const struct order_exited *o, void *buf, size_t cap,
                           size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 8);
    mp_write_uint(&w, o->order_id);
    mp_write_uint(&w, (uint64_t)o->reason);
    mp_write_uint(&w, o->exit_code);
    mp_write_uint(&w, o->signal);
    mp_write_uint(&w, o->wall_us);
    mp_write_uint(&w, o->cpu_us);
    mp_write_uint(&w, o->max_rss_kb);
    mp_write_uint(&w, o->killed);
    return mp_written(&w, ret_len);
}

ts_err order_exited_decode(const void *b, size_t n, struct order_exited *ret,
                           const char **reterr_what)
{
    struct mp_reader r;
    struct order_exited o = {0};
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 8);
    o.order_id = read_order_id(&r);
    o.reason = read_reason(&r);
    o.exit_code = read_u32(&r);
    o.signal = read_u32(&r);
    o.wall_us = mp_read_uint(&r, UINT64_MAX);
    o.cpu_us = mp_read_uint(&r, UINT64_MAX);
    o.max_rss_kb = mp_read_uint(&r, UINT64_MAX);
    o.killed = read_u32(&r);
    e = done(&r, reterr_what);
    if (e == TS_OK)
        *ret = o;
    return e;
}

ts_err ring_launch_encode(const struct ring_launch *o, void *buf, size_t cap,
                          size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 3);
    mp_write_uint(&w, o->launcher);
    mp_write_bin(&w, o->record.ptr, o->record.len);
    mp_write_bin(&w, o->order.ptr, o->order.len);
    return mp_written(&w, ret_len);
}

static uint32_t read_launcher(struct mp_reader *r)
{
    return (uint32_t)mp_read_uint(r, TS_LAUNCHERS_MAX - 1);
}

ts_err ring_launch_decode(const void *b, size_t n, struct ring_launch *ret,
                          const char **reterr_what)
{
    struct mp_reader r;
    struct ring_launch o = {0};
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 3);
    o.launcher = read_launcher(&r);
    o.record = mp_read_bin(&r, TS_RECORD_MAX);
    o.order = mp_read_bin(&r, TS_ORDER_MAX);
    e = done(&r, reterr_what);
    if (e == TS_OK)
        *ret = o;
    return e;
}

ts_err ring_kill_encode(const struct ring_kill *o, void *buf, size_t cap,
                        size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 3);
    mp_write_uint(&w, o->launcher);
    write_kill(&w, &o->kill);
    return mp_written(&w, ret_len);
}

ts_err ring_kill_decode(const void *b, size_t n, struct ring_kill *ret,
                        const char **reterr_what)
{
    struct mp_reader r;
    struct ring_kill o = {0};
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 3);
    o.launcher = read_launcher(&r);
    o.kill.order_id = read_order_id(&r);
    o.kill.reason = read_reason(&r);
    e = done(&r, reterr_what);
    if (e == TS_OK)
        *ret = o;
    return e;
}

ts_err ring_journal_encode(const struct ring_journal *o, void *buf, size_t cap,
                           size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 5);
    mp_write_uint(&w, (uint64_t)o->type);
    write_str(&w, o->tenant);
    mp_write_bin(&w, o->key, sizeof(o->key));
    mp_write_uint(&w, o->keep_until);
    mp_write_bin(&w, o->payload.ptr, o->payload.len);
    return mp_written(&w, ret_len);
}

ts_err ring_journal_decode(const void *b, size_t n, struct ring_journal *ret,
                           const char **reterr_what)
{
    struct mp_reader r;
    struct ring_journal o = {.type = JOURNAL_REVOCATION};
    uint64_t type;
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 5);
    type = mp_read_uint(&r, UINT64_MAX);
    if (type >= JOURNAL_REVOCATION && type <= JOURNAL_TYPE_LAST)
        o.type = (enum journal_type)type;
    else
        mp_fail(&r, TS_E_INVALID, "unknown journal type");
    o.tenant = mp_read_str(&r, TS_ID_MAX);
    mp_read_bin_exact(&r, o.key, sizeof(o.key));
    o.keep_until = mp_read_uint(&r, UINT64_MAX);
    o.payload = mp_read_bin(&r, JOURNAL_PAYLOAD_MAX);
    e = done(&r, reterr_what);
    if (e == TS_OK)
        *ret = o;
    return e;
}
