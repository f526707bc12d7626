#include "tests/unit/launcher/order_recode.h"

#define BYTES(text)                                                            \
    {                                                                          \
        .ptr = (const uint8_t *)(text), .len = sizeof(text) - 1                \
    }

/* One body: a constant to encode, and decode-then-encode. */
#define BODY(name, type, ...)                                                  \
    static ts_err sample_##name(uint8_t *buf, size_t cap, size_t *ret)         \
    {                                                                          \
        const struct type o = __VA_ARGS__;                                     \
                                                                               \
        return name##_encode(&o, buf, cap, ret);                               \
    }                                                                          \
    static ts_err recode_##name(const uint8_t *p, size_t n, uint8_t *out,      \
                                size_t cap, size_t *ret, const char **what)    \
    {                                                                          \
        struct type o;                                                         \
        ts_err e = name##_decode(p, n, &o, what);                              \
                                                                               \
        return e == TS_OK ? name##_encode(&o, out, cap, ret) : e;              \
    }

BODY(order, order,
     {.order_id = 0x12345678,
      .generation = 3,
      .tool = TS_STR_LIT("fs.read"),
      .args = BYTES("\x81\xa4path\xa9notes.txt"),
      .path = TS_STR_LIT("/srv/workspace/notes.txt"),
      .access = ACCESS_READ,
      .wall_ms = 30000,
      .output_max = 1048576,
      .has_stdin = true,
      .decision_id = {1, 2, 3},
      .token = TS_STR_LIT("e30.e30.AAAA"),
      .box = BOX_FULL,
      .require = LAYER_LANDLOCK | LAYER_NET_NS})
BODY(order_kill, order_kill, {.order_id = 300, .reason = END_REVOKED})
BODY(order_void, order_void, {.order_id = 300, .code = CODE_AUDIT_UNAVAILABLE})
BODY(order_barrier, order_barrier, {.id = 70000})
BODY(order_started, order_started,
     {.order_id = 300,
      .layers = 0x7ff,
      .landlock_abi = 7,
      .launch_us = 111,
      .box = BOX_UID,
      .weakened = LAYER_RLIMITS,
      .tripwires = BYTES("\x91\x01")})
BODY(order_refused, order_refused,
     {.order_id = 300,
      .code = CODE_LAUNCH_FAILED,
      .step = TS_STR_LIT("openat2"),
      .sys_errno = 40,
      .text = TS_STR_LIT("a link was in the way")})
BODY(order_exited, order_exited,
     {.order_id = 300,
      .reason = END_WALL_LIMIT,
      .exit_code = 0,
      .signal = 9,
      .wall_us = 30000123,
      .cpu_us = 999,
      .max_rss_kb = 3232,
      .killed = 2})
BODY(ring_launch, ring_launch,
     {.launcher = 1,
      .record = BYTES("\x81\xa4kind\xa8"
                      "decision"),
      .order = BYTES("\x93\x01\x02\x03")})
BODY(ring_kill, ring_kill,
     {.launcher = 1, .kill = {.order_id = 300, .reason = END_CANCELLED}})
BODY(ring_journal, ring_journal,
     {.type = JOURNAL_REVOCATION,
      .tenant = TS_STR_LIT("acme"),
      .key = {1, 2, 3},
      .keep_until = UINT64_C(1795315512),
      .payload = BYTES("\x92\x01\xa1x")})

BODY(order_unserved, order_unserved,
     {.generation = 3,
      .tool = TS_STR_LIT("fs.read"),
      .text = TS_STR_LIT("tools/a.yaml:2: exec: /x: there is none")})

static const struct {
    const char *name;
    ts_err (*sample)(uint8_t *buf, size_t cap, size_t *ret);
    ts_err (*recode)(const uint8_t *p, size_t n, uint8_t *out, size_t cap,
                     size_t *ret, const char **what);
} bodies[ORDER_BODY_COUNT] = {
    {"order", sample_order, recode_order},
    {"kill", sample_order_kill, recode_order_kill},
    {"void", sample_order_void, recode_order_void},
    {"barrier", sample_order_barrier, recode_order_barrier},
    {"started", sample_order_started, recode_order_started},
    {"refused", sample_order_refused, recode_order_refused},
    {"exited", sample_order_exited, recode_order_exited},
    {"ring_launch", sample_ring_launch, recode_ring_launch},
    {"ring_kill", sample_ring_kill, recode_ring_kill},
    {"ring_journal", sample_ring_journal, recode_ring_journal},
    {"unserved", sample_order_unserved, recode_order_unserved},
};

size_t order_sample(size_t body, uint8_t *buf, size_t cap)
{
    size_t n = 0;

    return bodies[body].sample(buf, cap, &n) == TS_OK ? n : 0;
}

const char *order_body_name(size_t body)
{
    return bodies[body].name;
}

ts_err order_recode(size_t body, const uint8_t *p, size_t len, uint8_t *out,
                    size_t cap, size_t *ret_len, const char **reterr_what)
{
    return bodies[body].recode(p, len, out, cap, ret_len, reterr_what);
}
