#include "tests/unit/egress/egress_recode.h"

/* One body: a constant to encode, and decode-then-encode. */
#define BODY(name, ...)                                                        \
    static ts_err sample_##name(uint8_t *buf, size_t cap, size_t *ret)         \
    {                                                                          \
        const struct egress_##name m = __VA_ARGS__;                            \
                                                                               \
        return egress_##name##_encode(&m, buf, cap, ret);                      \
    }                                                                          \
    static ts_err recode_##name(const uint8_t *p, size_t n, uint8_t *out,      \
                                size_t cap, size_t *ret, const char **what)    \
    {                                                                          \
        struct egress_##name m;                                                \
        ts_err e = egress_##name##_decode(p, n, &m, what);                     \
                                                                               \
        return e == TS_OK ? egress_##name##_encode(&m, out, cap, ret) : e;     \
    }

#define WHAT                                                                   \
    {                                                                          \
        .order_id = 300, .decision_id = {1, 2, 3},                             \
        .tool = TS_STR_LIT("web.get"), .host = TS_STR_LIT("api.example.com"),  \
        .port = 443, .address = {192, 0, 2, 7}, .address_len = 4,              \
        .via = EGRESS_VIA_HTTP, .method = TS_STR_LIT("GET"),                   \
        .path = TS_STR_LIT("/v1/items")                                        \
    }

BODY(grant, {.order_id = 0x12345678,
             .generation = 3,
             .tool = TS_STR_LIT("web.get"),
             .decision_id = {1, 2, 3},
             .mode = EGRESS_PROXY,
             .token = TS_STR_LIT("e30.e30.AAAA")})
BODY(end, {.order_id = 300, .reason = END_REVOKED})
BODY(opened, {.conn_id = 7, .what = WHAT})
BODY(denied, {.what = WHAT, .code = EGRESS_PATH_DENIED, .count = 70000})
BODY(answer, {.conn_id = 7, .code = EGRESS_OK})
BODY(closed, {.conn_id = 7,
              .order_id = 300,
              .decision_id = {1, 2, 3},
              .reason = EGRESS_CLOSE_KILLED,
              .bytes_out = 5,
              .bytes_in = UINT64_C(1) << 33,
              .ms = 1234,
              .requests = 3})
BODY(ask, {.host = TS_STR_LIT("api.example.com"), .port = 443, .skip = 65536})
BODY(reply, {.code = EGRESS_OK,
             .address = {0x20, 1, 0xd, 0xb8},
             .address_len = 16,
             .text = TS_STR_LIT("connected")})

static const struct {
    const char *name;
    ts_err (*sample)(uint8_t *buf, size_t cap, size_t *ret);
    ts_err (*recode)(const uint8_t *p, size_t n, uint8_t *out, size_t cap,
                     size_t *ret, const char **what);
} bodies[EGRESS_BODY_COUNT] = {
    {"grant", sample_grant, recode_grant},
    {"end", sample_end, recode_end},
    {"opened", sample_opened, recode_opened},
    {"denied", sample_denied, recode_denied},
    {"answer", sample_answer, recode_answer},
    {"closed", sample_closed, recode_closed},
    {"ask", sample_ask, recode_ask},
    {"reply", sample_reply, recode_reply},
};

size_t egress_sample(size_t body, uint8_t *buf, size_t cap)
{
    size_t n = 0;

    return bodies[body].sample(buf, cap, &n) == TS_OK ? n : 0;
}

const char *egress_body_name(size_t body)
{
    return bodies[body].name;
}

ts_err egress_recode(size_t body, const uint8_t *p, size_t len, uint8_t *out,
                     size_t cap, size_t *ret_len, const char **reterr_what)
{
    return bodies[body].recode(p, len, out, cap, ret_len, reterr_what);
}
