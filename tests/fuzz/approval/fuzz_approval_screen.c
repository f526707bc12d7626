/*
 * First byte: width; then the arguments. Whatever they are: no byte on the
 * screen that a terminal obeys, and every line of theirs behind the bar.
 */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "proto/wire/mp_read.h"
#include "sidecar/question/render_args.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_line(const uint8_t *p, size_t n)
{
    TS_REQUIRE(n >= 2 && p[0] == '|' && p[1] == ' ');
    for (size_t i = 0; i < n; i++)
        TS_REQUIRE(p[i] >= 0x20 && p[i] < 0x7F);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct screen_codes plain = {"", "", "", "", "", "", ""};
    static struct approval_view v;
    struct screen s;
    struct mp_reader r;
    struct ts_buf out;
    const uint8_t *p, *end;

    if (len < 2 || len > TICKET_ARGS_MAX || mp_scan(data + 1, len - 1) != TS_OK)
        return 0;
    mp_reader_init(&r, data + 1, len - 1);
    if (mp_peek(&r) != MP_MAP)
        return 0;
    v.ticket.args = (struct ts_bytes){data + 1, len - 1};
    ts_buf_init(&out, SCREEN_OUT_MAX);
    screen_init(&s, &out, data[0], false, &plain);
    (void)render_args(&s, &v, (data[0] & 1) != 0);
    TS_REQUIRE(!s.failed);
    p = ts_buf_bytes(&out);
    for (end = p + out.len; p < end;) {
        const uint8_t *nl = memchr(p, '\n', (size_t)(end - p));

        TS_REQUIRE(nl != NULL && (size_t)(nl - p) <= s.width);
        check_line(p, (size_t)(nl - p));
        p = nl + 1;
    }
    ts_buf_done(&out);
    json_decref(approval_args_json(v.ticket.args));
    return 0;
}
