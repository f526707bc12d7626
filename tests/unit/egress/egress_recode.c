#include "tests/unit/egress/egress_recode.h"

#include "proto/msg/egress.h"

#define WHAT                                                                   \
    {                                                                          \
        .order_id = 300, .decision_id = {1, 2, 3},                             \
        .tool = TS_STR_LIT("web.get"), .host = TS_STR_LIT("api.example.com"),  \
        .port = 443, .address = {192, 0, 2, 7}, .address_len = 4,              \
        .via = EGRESS_VIA_HTTP, .method = TS_STR_LIT("GET"),                   \
        .path = TS_STR_LIT("/v1/items")                                        \
    }

RECODE_BODY(egress_grant, {.order_id = 0x12345678,
                           .generation = 3,
                           .tool = TS_STR_LIT("web.get"),
                           .decision_id = {1, 2, 3},
                           .mode = EGRESS_PROXY,
                           .token = TS_STR_LIT("e30.e30.AAAA")})
RECODE_BODY(egress_end, {.order_id = 300, .reason = END_REVOKED})
RECODE_BODY(egress_opened, {.conn_id = 7, .what = WHAT})
RECODE_BODY(egress_denied,
            {.what = WHAT, .code = EGRESS_PATH_DENIED, .count = 70000})
RECODE_BODY(egress_answer, {.conn_id = 7, .code = EGRESS_OK})
RECODE_BODY(egress_closed, {.conn_id = 7,
                            .order_id = 300,
                            .decision_id = {1, 2, 3},
                            .reason = EGRESS_CLOSE_KILLED,
                            .bytes_out = 5,
                            .bytes_in = UINT64_C(1) << 33,
                            .ms = 1234,
                            .requests = 3})
RECODE_BODY(egress_ask,
            {.host = TS_STR_LIT("api.example.com"), .port = 443, .skip = 65536})
RECODE_BODY(egress_reply, {.code = EGRESS_OK,
                           .address = {0x20, 1, 0xd, 0xb8},
                           .address_len = 16,
                           .text = TS_STR_LIT("connected")})

static const struct recode_body bodies[] = {
    RECODE_ROW(egress_grant),  RECODE_ROW(egress_end),
    RECODE_ROW(egress_opened), RECODE_ROW(egress_denied),
    RECODE_ROW(egress_answer), RECODE_ROW(egress_closed),
    RECODE_ROW(egress_ask),    RECODE_ROW(egress_reply),
};

const struct recode_set egress_bodies = {bodies,
                                         sizeof(bodies) / sizeof(bodies[0])};
