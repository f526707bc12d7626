/*
 * What a record must hold. Called with bytes that a hostile gate may have
 * written; the caller has copied them, so they stand still.
 */
#include "sidecar/recorder/record.h"

#include <string.h>

#include "proto/wire/limits.h"
#include "proto/wire/mp_read.h"
#include "sidecar/recorder/json_out.h"

enum key {
    KEY_ID = 1 << 0,
    KEY_TENANT = 1 << 1,
    KEY_USER = 1 << 2,
    KEY_AGENT = 1 << 3,
    KEY_TOOL = 1 << 4,
    KEY_EFFECT = 1 << 5,
    KEY_CODE = 1 << 6,
    KEY_REASON = 1 << 7,
    KEY_REV_SEQ = 1 << 8,
    KEY_TARGET = 1 << 9,
    KEY_GENERATION = 1 << 10,
    KEY_TEXT = 1 << 11,
    KEY_ORDER = 1 << 12,
    KEY_ARGS_DIGEST = 1 << 13,
    KEY_DIR_SEQ = 1 << 14,
    KEY_RESERVED = 1 << 15 /* the recorder's own */
};

#define KNOWN(text, bit, none)                                                 \
    {                                                                          \
        text, sizeof(text) - 1, bit, none                                      \
    }
static const struct {
    const char *name;
    size_t len;
    unsigned key;
    const char *missing;
} known[] = {
    KNOWN("id", KEY_ID, "no id"),
    KNOWN("tenant", KEY_TENANT, "no tenant"),
    KNOWN("user", KEY_USER, "no user"),
    KNOWN("agent", KEY_AGENT, "no agent"),
    KNOWN("tool", KEY_TOOL, "no tool"),
    KNOWN("effect", KEY_EFFECT, "no effect"),
    KNOWN("code", KEY_CODE, "no code"),
    KNOWN("reason", KEY_REASON, "no reason"),
    KNOWN("rev_seq", KEY_REV_SEQ, "no rev_seq"),
    KNOWN("dir_seq", KEY_DIR_SEQ, "no dir_seq"),
    KNOWN("target", KEY_TARGET, "no target"),
    KNOWN("generation", KEY_GENERATION, "no generation"),
    KNOWN("text", KEY_TEXT, "no text"),
    KNOWN("order", KEY_ORDER, "no order"),
    KNOWN("args_digest", KEY_ARGS_DIGEST, "no args_digest"),
    KNOWN("v", KEY_RESERVED, NULL),
    KNOWN("seq", KEY_RESERVED, NULL),
    KNOWN("time", KEY_RESERVED, NULL),
    KNOWN("prev", KEY_RESERVED, NULL),
    KNOWN("journal", KEY_RESERVED, NULL),
};

static const struct {
    const char *name;
    unsigned required;
} kinds[RECORD_KINDS_] = {
    [RECORD_DECISION] = {"decision", KEY_ID | KEY_TENANT | KEY_USER |
                                         KEY_AGENT | KEY_TOOL | KEY_EFFECT |
                                         KEY_CODE},
    [RECORD_EXEC_ENDED] = {"exec_ended", KEY_ID | KEY_TENANT | KEY_REASON},
    [RECORD_REVOCATION] = {"revocation", KEY_TENANT | KEY_REV_SEQ | KEY_TARGET},
    [RECORD_POLICY_LOADED] = {"policy_loaded", KEY_GENERATION},
    [RECORD_POLICY_REJECTED] = {"policy_rejected", KEY_GENERATION | KEY_TEXT},
    [RECORD_TOOL_REFUSED] = {"tool_refused",
                             KEY_GENERATION | KEY_TOOL | KEY_TEXT},
    [RECORD_DIRECTORY_LOADED] = {"directory_loaded", KEY_TENANT | KEY_DIR_SEQ},
    [RECORD_DIRECTORY_REJECTED] = {"directory_rejected", KEY_TENANT | KEY_TEXT},
    [RECORD_EGRESS_OPENED] = {"egress_opened", KEY_ID | KEY_TENANT | KEY_TOOL},
    [RECORD_EGRESS_CLOSED] = {"egress_closed",
                              KEY_ID | KEY_TENANT | KEY_TOOL | KEY_REASON},
    [RECORD_EGRESS_DENIED] = {"egress_denied",
                              KEY_ID | KEY_TENANT | KEY_TOOL | KEY_CODE},
    [RECORD_APPROVAL] = {"approval", KEY_ID | KEY_TENANT | KEY_CODE},
    [RECORD_APPROVAL_ENDED] = {"approval_ended",
                               KEY_ID | KEY_TENANT | KEY_REASON},
    [RECORD_HOOK_FAILED] = {"hook_failed", KEY_CODE | KEY_TEXT},
    [RECORD_ESCALATION] = {"escalation", KEY_ID | KEY_TENANT | KEY_USER |
                                             KEY_AGENT | KEY_REASON},
    [RECORD_ESCALATION_REVIEW_DUE] = {"escalation_review_due",
                                      KEY_ID | KEY_TENANT | KEY_USER |
                                          KEY_AGENT | KEY_REASON},
    [RECORD_ESCALATION_REFUSED] = {"escalation_refused",
                                   KEY_ID | KEY_TENANT | KEY_CODE},
    [RECORD_START] = {"start", 0},
    [RECORD_STOP] = {"stop", 0},
    [RECORD_SEGMENT] = {"segment", 0},
    [RECORD_TRUNCATION] = {"truncation", 0},
};

/* Called for every key of every record: lengths first. */
static unsigned key_find(struct ts_str name)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (name.len == known[i].len &&
            memcmp(name.ptr, known[i].name, name.len) == 0)
            return known[i].key;
    return 0;
}

static void read_effect(struct mp_reader *r, struct record *rec)
{
    rec->effect = mp_read_str(r, TS_ID_MAX);
    if (r->error == TS_OK && !ts_str_eq_c(rec->effect, "permit") &&
        !ts_str_eq_c(rec->effect, "forbid") &&
        !ts_str_eq_c(rec->effect, "pending"))
        mp_fail(r, TS_E_INVALID, "effect is not permit, forbid or pending");
}

/* A value whose key the recorder knows. */
static void read_known(struct mp_reader *r, unsigned key, struct record *rec)
{
    if (key == KEY_ID) {
        mp_read_bin_exact(r, rec->id, sizeof(rec->id));
        rec->has_id = true;
    } else if (key == KEY_TENANT) {
        rec->tenant = mp_read_str(r, TS_RECORD_MAX);
    } else if (key == KEY_USER) {
        rec->user = mp_read_str(r, TS_RECORD_MAX);
    } else if (key == KEY_AGENT) {
        rec->agent = mp_read_str(r, TS_RECORD_MAX);
    } else if (key == KEY_TOOL) {
        rec->tool = mp_read_str(r, TS_RECORD_MAX);
    } else if (key == KEY_EFFECT) {
        read_effect(r, rec);
    } else if (key == KEY_CODE || key == KEY_REASON || key == KEY_TEXT) {
        (void)mp_read_str(r, TS_RECORD_MAX); /* the type is what matters */
    } else if (key == KEY_REV_SEQ || key == KEY_DIR_SEQ ||
               key == KEY_GENERATION) {
        (void)mp_read_uint(r, UINT64_MAX); /* the type is what matters */
    } else if (key == KEY_ORDER) {
        rec->order = mp_read_uint(r, UINT64_MAX);
        rec->has_order = true;
    } else if (key == KEY_ARGS_DIGEST) {
        mp_read_bin_exact(r, rec->args_digest, sizeof(rec->args_digest));
        rec->has_args_digest = true;
    } else {
        (void)mp_read_raw(r, TS_RECORD_MAX); /* a target: any type */
    }
}

/* "kind" and its value, which come first. */
static void read_kind(struct mp_reader *r, bool own, struct record *rec)
{
    struct ts_str key = mp_read_str(r, RECORD_KEY_MAX), name;

    if (r->error == TS_OK && !ts_str_eq_c(key, "kind"))
        mp_fail(r, TS_E_INVALID, "kind is not the first key");
    name = mp_read_str(r, RECORD_KEY_MAX);
    for (unsigned i = 0; i < (own ? RECORD_KINDS_ : RECORD_SEGMENT); i++)
        if (ts_str_eq_c(name, kinds[i].name)) {
            rec->kind = (enum record_kind)i;
            return;
        }
    mp_fail(r, TS_E_INVALID, "kind is unknown");
}

static unsigned read_entries(struct mp_reader *r, uint32_t count,
                             struct record *rec)
{
    unsigned seen = 0;

    for (uint32_t i = 1; i < count && r->error == TS_OK; i++) {
        struct ts_str key = mp_read_str(r, RECORD_KEY_MAX);
        unsigned k = key_find(key);

        if (k == KEY_RESERVED)
            mp_fail(r, TS_E_INVALID, "a key that is the recorder's own");
        else if (k != 0)
            read_known(r, k, rec);
        else
            mp_skip_checked(r); /* mp_read_map() did; kept as it is */
        seen |= k;
    }
    return seen;
}

ts_err record_parse(const void *b, size_t n, bool own, struct record *ret,
                    const char **reterr_what)
{
    struct record rec = {.map = {.ptr = b, .len = n}};
    struct mp_reader r;
    unsigned seen, missing;
    uint32_t count;

    if (!own && n > TS_RECORD_MAX) {
        *reterr_what = "record too long";
        return TS_E_LIMIT;
    }
    mp_reader_init(&r, b, n);
    count = mp_read_map(&r, TS_MP_MAP_KEYS_MAX);
    if (r.error == TS_OK && count == 0)
        mp_fail(&r, TS_E_INVALID, "an empty record");
    rec.count = count;
    rec.body = (size_t)(r.at - (const uint8_t *)b);
    read_kind(&r, own, &rec);
    seen = read_entries(&r, count, &rec);
    missing = kinds[rec.kind].required & ~seen;
    for (size_t i = 0; missing != 0 && r.error == TS_OK; i++)
        if ((missing & known[i].key) != 0)
            mp_fail(&r, TS_E_INVALID, known[i].missing);
    if (mp_done(&r) != TS_OK) {
        *reterr_what = r.what;
        return r.error;
    }
    *ret = rec;
    return TS_OK;
}

void record_members(const struct record *rec, struct ts_json *o)
{
    const uint8_t *end = rec->map.ptr + rec->map.len;
    const uint8_t *p = rec->map.ptr + rec->body;

    for (uint32_t i = 0; i < rec->count; i++) {
        if (i > 0)
            ts_json_raw(o, ",", 1);
        p = json_key(o, p, end);
        p = json_value(o, p, end, 1);
    }
}
