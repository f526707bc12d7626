/*
 * One line of a file of records: what check_line() lets pass can be used. Every
 * leaf of an output is in just one of its two halves, whatever the labels; the
 * arguments become a msgpack map that is read to its end.
 */
#include <string.h>

#include "cli/replay/check.h"
#include "cli/replay/output.h"
#include "cli/replay/session.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/wire/mp_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define ROOM ((size_t)1 << 16)

static size_t leaves(json_t *v)
{
    const char *key;
    size_t n = 0, i;
    json_t *c;

    if (!json_is_object(v) && !json_is_array(v))
        return v != NULL && !json_is_null(v);
    json_object_foreach(v, key, c) n += leaves(c);
    json_array_foreach(v, i, c) n += leaves(c);
    return n;
}

static void halves(json_t *call)
{
    static const struct output_rules none = {.patterns = NULL};
    json_t *whole = json_object_get(call, "output");

    for (int l = TRACES_F; l <= TRACES_C; l++) {
        json_t *o = output_of(call, &none, (enum traces_label)l);
        bool is_listed = json_object_get(call, l == TRACES_C ? "untrusted_C"
                                                             : "untrusted_F");

        if (o != NULL && (is_listed || !json_is_string(whole)))
            TS_REQUIRE(leaves(o) == leaves(whole));
        json_decref(o);
    }
}

static void arguments(json_t *args, uint8_t *room)
{
    struct mp_reader r;
    size_t n;

    if (!json_is_object(args) || !replay_args(NULL, args, room, ROOM, &n))
        return;
    mp_reader_init(&r, room, n);
    mp_skip_checked(&r);
    TS_REQUIRE(mp_done(&r) == TS_OK || mp_done(&r) == TS_E_LIMIT ||
               mp_done(&r) == TS_E_FORMAT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t room[ROOM];
    char what[CHECK_WHAT_MAX] = "";
    enum check_file f;
    json_t *o, *c;
    size_t i;

    if (len == 0)
        return 0;
    f = (enum check_file)(data[0] % (CHECK_REFERENCE + 1));
    o = json_loadb((const char *)data + 1, len - 1, JSON_REJECT_DUPLICATES,
                   NULL);
    if (!json_is_object(o)) {
        json_decref(o);
        return 0;
    }
    (void)check_unknown(f, o);
    if (!check_line(f, o, what)) {
        TS_REQUIRE(what[0] != '\0' && strlen(what) < sizeof(what));
    } else if (f >= CHECK_TASKS && f <= CHECK_RUNS) {
        json_array_foreach(json_object_get(o, "calls"), i, c)
        {
            halves(c);
            arguments(json_object_get(c, "args"), room);
        }
    }
    json_decref(o);
    return 0;
}
