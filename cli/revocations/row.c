/* A revocation as a row and as a line of JSON. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/json_line.h"
#include "cli/revocations/revocations.h"
#include "proto/wire/limits.h"

#define TIME_CAP 32
#define HEX_CAP  (2 * TS_ID_MAX + 1)

/* Ids are told as they are, what is bytes as hex. */
static bool target_is_text(enum revocation_kind kind)
{
    return kind == REVOCATION_USER || kind == REVOCATION_AGENT ||
           kind == REVOCATION_TASK || kind == REVOCATION_APPROVER ||
           kind == REVOCATION_TENANT;
}

/* Beyond any calendar: for ever. */
static bool is_for_ever(uint64_t s)
{
    return s >= UINT64_C(253402300800); /* year 10000 */
}

static void time_text(char out[TIME_CAP], uint64_t s)
{
    if (is_for_ever(s))
        (void)snprintf(out, TIME_CAP, "for ever");
    else
        term_time(out, TIME_CAP, s);
}

/* "12s", "5m", "3h", "40d": the largest unit that is not 0. */
static void age_text(char out[TIME_CAP], uint64_t since_s, uint64_t now_s)
{
    static const struct {
        uint64_t s;
        char unit;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    uint64_t age = now_s > since_s ? now_s - since_s : 0;
    size_t i = 0;

    while (i < 3 && age < units[i].s)
        i++;
    (void)snprintf(out, TIME_CAP, "%" PRIu64 "%c", age / units[i].s,
                   units[i].unit);
}

void revocation_row_head(const struct term *t)
{
    (void)printf("%s%-10s  %-12s  %-20s  %-20s  %5s  %-32s  %s%s\n", t->bold,
                 "KIND", "TENANT", "ISSUED UP TO", "KEPT UNTIL", "AGE",
                 "TARGET", "REASON", t->reset);
}

/* Escaped and padded to width. */
static void cell(struct ts_str s, int width)
{
    char text[4 * TS_ID_MAX + 1];

    (void)ts_str_show(text, sizeof(text), s.ptr, s.len);
    (void)printf("%-*s  ", width, text);
}

void revocation_row_print(const struct term *t, const struct revocation_row *r)
{
    const struct revocation_entry *e = &r->entry;
    char cutoff[TIME_CAP] = "-", kept[TIME_CAP], age[TIME_CAP], hex[HEX_CAP];
    struct ts_str target = {.ptr = (const char *)e->target.ptr,
                            .len = e->target.len};

    if (!target_is_text(e->kind)) {
        ts_hex_encode(hex, e->target.ptr, e->target.len);
        target = ts_str_of(hex);
    }
    if (e->cutoff != 0)
        time_text(cutoff, e->cutoff);
    time_text(kept, r->keep_until);
    age_text(age, e->unix_ms / 1000, r->now_s);
    (void)printf("%s%-10s%s  ", t->red, revocation_kind_name(e->kind),
                 t->reset);
    cell(e->tenant, 12);
    (void)printf("%-20s  %-20s  %5s  %s", cutoff, kept, age, t->bold);
    cell(target, 32);
    (void)fputs(t->reset, stdout);
    term_print(e->reason);
    (void)fputc('\n', stdout);
}

/* null for ever, and where there is no such moment. */
static json_t *json_moment(uint64_t s)
{
    return s == 0 || is_for_ever(s) ? json_null() : json_integer((json_int_t)s);
}

bool revocation_row_json(const struct revocation_row *r)
{
    const struct revocation_entry *e = &r->entry;
    char hex[HEX_CAP];
    const char *target = (const char *)e->target.ptr;
    size_t len = e->target.len;
    json_t *j;
    bool done;

    if (!target_is_text(e->kind)) {
        ts_hex_encode(hex, e->target.ptr, e->target.len);
        target = hex;
        len *= 2;
    }
    /* A packed object takes what it is given, also when it fails. */
    j = json_pack("{s:I, s:s, s:s%, s:s%, s:o, s:o, s:I, s:s%}", "rev_seq",
                  (json_int_t)e->rev_seq, "kind", revocation_kind_name(e->kind),
                  "tenant", e->tenant.ptr, e->tenant.len, "target", target, len,
                  "cutoff", json_moment(e->cutoff), "kept_until",
                  json_moment(r->keep_until), "revoked_ms",
                  (json_int_t)e->unix_ms, "reason", e->reason.ptr,
                  e->reason.len);
    done = cli_json_line(j);
    json_decref(j);
    return done;
}
