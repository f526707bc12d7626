#include "cli/service/revoke_record.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cmd.h"
#include "cli/files.h"
#include "proto/trust/id.h"
#include "proto/wire/limits.h"

/* What prints such ids, beside the log. */
static const char *printed_by(enum revocation_kind kind)
{
    if (kind == REVOCATION_ESCALATION)
        return "`tipstaff break-glass ls` and the log print them";
    if (kind == REVOCATION_GRANT || kind == REVOCATION_BLOCK)
        return "`tipstaff delegation show` and the log print them";
    return "the log prints them";
}

static bool read_bytes(struct revoke_order *o, const char *kind,
                       const char *target)
{
    size_t n = strlen(target), want = sizeof(o->bytes);

    while (want > 0 && !revocation_target_fits(o->r.kind, want))
        want--;
    if (o->r.kind == REVOCATION_KEY) {
        if (!cli_public_key("the key", target, o->bytes))
            return false;
    } else if (ts_hex_decode(target, n, o->bytes, want) != TS_OK) {
        cli_error("a%s %s is named by %zu hex digits; %s",
                  strchr("aeiou", kind[0]) != NULL ? "n" : "", kind, 2 * want,
                  printed_by(o->r.kind));
        return false;
    }
    o->r.target = (struct ts_bytes){o->bytes, want};
    return true;
}

bool revoke_order_target(struct revoke_order *o, const char *kind,
                         const char *target)
{
    if (!revocation_kind_parse(ts_str_of(kind), &o->r.kind)) {
        cli_error("\"%s\" cannot be revoked; grant, block, key, user, agent, "
                  "task, tenant, issuer-key, approver, escalation, decision "
                  "or session can",
                  kind);
        return false;
    }
    if ((o->r.kind == REVOCATION_TENANT) != (target == NULL)) {
        cli_error(target == NULL ? "a TARGET is missing behind \"%s\""
                                 : "a %s is named by --tenant alone",
                  kind);
        return false;
    }
    if (target == NULL) {
        o->r.target = (struct ts_bytes){.ptr = o->bytes};
        return true;
    }
    if (!revocation_target_is_text(o->r.kind))
        return read_bytes(o, kind, target);
    o->r.target = (struct ts_bytes){(const uint8_t *)target, strlen(target)};
    if (trust_id_valid(ts_str_of(target)))
        return true;
    cli_error("%s: not the id of a %s", target, kind);
    return false;
}

/* Not time(): it runs up to a tick behind. */
static bool read_now(uint64_t *ret)
{
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now) != 0 || now.tv_sec <= 0)
        return false;
    *ret = (uint64_t)now.tv_sec;
    return true;
}

/* "now" or "2026-11-22T10:00:00Z". */
static bool read_time(const char *s, uint64_t *ret)
{
    struct tm tm = {0};
    const char *end;
    time_t t;

    if (strcmp(s, "now") == 0)
        return read_now(ret);
    end = strptime(s, "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (end == NULL || *end != '\0')
        return false;
    t = timegm(&tm);
    if (t <= 0)
        return false;
    *ret = (uint64_t)t;
    return true;
}

/*
 * What is named by its content ends for ever; the rest up to a moment, so that
 * authority given later counts again. That moment is five seconds from now: an
 * issuer whose clock is ahead by as much as we tolerate may have issued with a
 * time that has not come yet.
 */
static bool read_cutoff(struct revoke_order *o, const char *cutoff)
{
    uint64_t now;

    if (revocation_by_id(o->r.kind)) {
        if (cutoff == NULL)
            return true;
        cli_error("--cutoff is for what ends up to a moment: this kind is "
                  "named by an id that ends for ever");
        return false;
    }
    if (cutoff == NULL && read_now(&now)) {
        o->r.cutoff = now + TS_SKEW_S;
        return true;
    }
    if (cutoff != NULL && read_time(cutoff, &o->r.cutoff))
        return true;
    cli_error("--cutoff is \"now\" or a time such as 2026-11-22T10:00:00Z");
    return false;
}

bool revoke_order_times(struct revoke_order *o, const char *cutoff,
                        const char *keep_until)
{
    uint64_t now;

    if (!read_cutoff(o, cutoff))
        return false;
    if (keep_until == NULL && read_now(&now)) {
        o->r.keep_until = revocation_keep_until(o->r.kind, o->r.cutoff, now);
        return true;
    }
    if (keep_until != NULL && strcmp(keep_until, "forever") == 0) {
        o->r.keep_until = UINT64_MAX;
        return true;
    }
    if (keep_until != NULL && read_time(keep_until, &o->r.keep_until))
        return true;
    cli_error("--keep-until is \"forever\" or a time such as "
              "2026-12-22T10:00:00Z");
    return false;
}

bool revoke_order_sign(struct revoke_order *o, const char *key,
                       struct ts_buf *out)
{
    struct trust_secret secret = {0};
    ts_err e;

    if (!cli_secret_key(key, &secret))
        return false;
    randombytes_buf(o->r.nonce, sizeof(o->r.nonce));
    e = revocation_record_make(&o->r, &secret, out);
    trust_secret_done(&secret);
    if (e == TS_E_INVALID)
        cli_error("the record cannot be made: what is revoked up to --cutoff "
                  "must be remembered (--keep-until) for %u s longer, and "
                  "--reason is UTF-8 of at most %d bytes",
                  TS_TTL_HARD_S + 60u, TS_REASON_MAX);
    else if (e != TS_OK)
        cli_error("the record cannot be made: %s", ts_err_text(e));
    return e == TS_OK;
}

void revoke_record_title(const struct revocation_record *r, char *out,
                         size_t cap)
{
    char target[2 * 32 + TS_ID_MAX + 1];

    if (r->kind == REVOCATION_TENANT)
        (void)snprintf(target, sizeof(target), "%.*s", (int)r->tenant.len,
                       r->tenant.ptr);
    else if (revocation_target_is_text(r->kind))
        (void)snprintf(target, sizeof(target), "%.*s", (int)r->target.len,
                       (const char *)r->target.ptr);
    else
        ts_hex_encode(target, r->target.ptr,
                      r->target.len <= 32 ? r->target.len : 32);
    (void)snprintf(out, cap, "%s %s", revocation_kind_name(r->kind), target);
}
