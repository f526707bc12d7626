/* A record of a hostile gate. What is accepted becomes a line that a strict
 * JSON reader accepts, that is in our form, and that fits RECORD_LINE_MAX. */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "sidecar/recorder/json_out.h"
#include "sidecar/recorder/line.h"
#include "sidecar/recorder/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static char text[RECORD_LINE_MAX];
    struct ts_json o = {.buf = text, .cap = sizeof(text)};
    struct chain c = {0}, again = {0};
    uint8_t *copy = ts_mem_alloc(len > 0 ? len : 1);
    const char *what = NULL;
    struct line_view v;
    struct record r;
    json_t *j;

    TS_REQUIRE(copy != NULL);
    if (len > 0)
        memcpy(copy, data, len);
    if (record_parse(copy, len, false, &r, &what) != TS_OK) {
        TS_REQUIRE(what != NULL);
    } else if (line_append(&o, &c, &r, 0) != TS_OK) {
        /* only for a zero byte in a key */
        TS_REQUIRE(o.len == 0 && memchr(copy, '\0', len) != NULL);
    } else {
        TS_REQUIRE(memchr(text, '\n', o.len) == text + o.len - 1);
        TS_REQUIRE(line_view(text, o.len - 1, &v) == TS_OK && v.seq == 1);
        TS_REQUIRE(chain_follow(&again, text, o.len - 1) == TS_OK);
        j = json_loadb(text, o.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                       NULL);
        TS_REQUIRE(j != NULL);
        json_decref(j);
    }
    ts_mem_free(copy);
    return 0;
}
