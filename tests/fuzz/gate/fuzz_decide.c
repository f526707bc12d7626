/*
 * Arguments of a call, over the starter configuration. First byte: which tool
 * and which flags; the rest are the argument bytes as received. Every call gets
 * one strict record; nothing outside the workspace and nothing secret is ever
 * permitted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "proto/base/ts_mem.h"
#include "proto/wire/mp_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "%s\n", what);
    abort();
}

static void check(const struct call_input *call, const struct decision *d,
                  const uint8_t *record, size_t len)
{
    static const struct ts_str secret = {WORKSPACE "/secret/",
                                         sizeof(WORKSPACE "/secret/") - 1};
    struct ts_str path = d->order.path;

    need(mp_scan(record, len) == TS_OK, "the record is not strict msgpack");
    need((d->verdict == VERDICT_PERMIT) == (d->code == CODE_PERMITTED), "code");
    if (d->verdict != VERDICT_PERMIT)
        return;
    need(d->order.args.ptr == call->args.ptr, "other arguments are launched");
    need(path.len == 0 || (ts_str_starts(path, ts_str_of(WORKSPACE)) &&
                           (path.len == sizeof(WORKSPACE) - 1 ||
                            path.ptr[sizeof(WORKSPACE) - 1] == '/')),
         "a path outside the workspace is permitted");
    need(!ts_str_starts(path, secret), "a secret is permitted");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct fixture fix;
    static struct authority *a;
    static uint8_t record[TS_RECORD_MAX];
    static const char *const tools[] = {"fs.read",  "fs.list", "fs.grep",
                                        "py.run",   "git.log", "demo.sleep",
                                        "fs.write", "none"};
    struct call_input call = {.already_denied = CODE_PERMITTED};
    struct decide_input in = {.call = &call};
    struct decision d;
    size_t record_len = 0;
    uint8_t *copy;

    if (a == NULL) {
        fix_init(&fix);
        fix_add_starter(&fix, "acme", KEY_ISSUER, KEY_CODER);
        fix_set(&fix, "tenants/acme/policies/hard/40-x.cedar", NULL);
        fix_load_ok(&fix);
        a = fix_authority(&fix, &fix_alice);
    }
    if (len == 0 || len > TS_ARGS_MAX || (copy = ts_mem_alloc(len)) == NULL)
        return 0;
    memcpy(copy, data + 1, len - 1);
    call.tool = ts_str_of(tools[data[0] & 7]);
    call.has_stdin = (data[0] & 8) != 0;
    call.check_only = (data[0] & 16) != 0;
    call.args = (struct ts_bytes){copy, len - 1};
    call.now = fix.now;
    in.snapshot = fix.snapshot;
    in.authority = a;
    in.meters = fix.meters;
    ts_arena_reset(&fix.arena);
    need(decide_call(&in, &fix.arena, record, sizeof(record), &record_len,
                     &d) == TS_OK,
         "no record");
    check(&call, &d, record, record_len);
    fix.now.boot_ns += UINT64_C(10000000000); /* the listing rate never bites */
    ts_mem_free(copy);
    return 0;
}
