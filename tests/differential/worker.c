/* Reads cases, answers them; see worker.h. Ends with status 0 at end of input,
 * so a crash or a sanitizer's report is what the other side sees as one. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/ts_buf.h"
#include "worker.h"

#define LINE_MAX_BYTES ((size_t)64 << 20)
#define READ_BYTES     ((size_t)64 << 10)

const struct cedar_options diff_options = {.max_bytes = (size_t)16 << 20,
                                           .max_policies = 65536,
                                           .max_policy_bytes = (size_t)64 << 10,
                                           .max_depth = 64,
                                           .require_id = false};

struct ts_str diff_str(const json_t *string)
{
    return (struct ts_str){.ptr = json_string_value(string),
                           .len = json_string_length(string)};
}

json_t *diff_string(struct ts_str s)
{
    json_t *j = json_stringn(s.len == 0 ? "" : s.ptr, s.len);

    return j != NULL ? j : json_string("(not UTF-8)");
}

struct cedar_source diff_source(const json_t *text, const char *name)
{
    return (struct cedar_source){.name = name, .text = diff_str(text)};
}

struct cedar_uid diff_uid(const json_t *pair)
{
    return cedar_uid_make(diff_str(json_array_get(pair, 0)),
                          diff_str(json_array_get(pair, 1)));
}

json_t *diff_failure(const char *stage, ts_err e,
                     const struct cedar_diags *diags)
{
    const struct cedar_diag *d = NULL;

    for (uint32_t i = 0; d == NULL && i < diags->count && i < CEDAR_DIAGS_MAX;
         i++)
        if (diags->list[i].severity == CEDAR_ERROR)
            d = &diags->list[i];
    if (d == NULL)
        return json_pack("{s:b,s:s,s:s}", "ok", 0, "stage", stage, "err",
                         ts_err_text(e));
    return json_pack("{s:b,s:s,s:s,s:s,s:s,s:i}", "ok", 0, "stage", stage,
                     "err", ts_err_text(e), "code", d->code, "text", d->text,
                     "line", (int)d->span.line);
}

static json_t *answer(const char *line, size_t len)
{
    static const struct {
        const char *name;
        json_t *(*run)(const json_t *);
    } ops[] = {
        {"authorize", op_authorize},
        {"parse", op_parse},
        {"validate", op_validate},
        {"convert", op_convert},
    };
    json_error_t error;
    json_t *request = json_loadb(line, len, JSON_ALLOW_NUL, &error), *reply;
    const char *op = json_string_value(json_object_get(request, "op"));

    reply = NULL;
    for (size_t i = 0; op != NULL && i < sizeof(ops) / sizeof(ops[0]); i++)
        if (strcmp(op, ops[i].name) == 0)
            reply = ops[i].run(request);
    if (reply == NULL)
        reply = json_pack("{s:b,s:s,s:s}", "ok", 0, "stage", "protocol", "err",
                          request == NULL ? error.text : "unknown op");
    json_decref(request);
    return reply;
}

static int say(const char *buffer, size_t size, void *context)
{
    return fwrite(buffer, 1, size, context) == size ? 0 : -1;
}

static ts_err answer_lines(struct ts_buf *in)
{
    const char *start, *end;

    while (in->len > 0) {
        start = (const char *)ts_buf_bytes(in);
        end = memchr(start, '\n', in->len);
        if (end == NULL)
            break;
        json_t *reply = answer(start, (size_t)(end - start));

        if (json_dump_callback(reply, say, stdout, JSON_COMPACT) != 0 ||
            fputc('\n', stdout) == EOF || fflush(stdout) != 0)
            return TS_E_CLOSED;
        json_decref(reply);
        ts_buf_consume(in, (size_t)(end - start) + 1);
    }
    return TS_OK;
}

int main(void)
{
    struct ts_buf in;
    uint8_t *room;
    ssize_t n = 0;
    ts_err e = TS_OK;

    ts_buf_init(&in, LINE_MAX_BYTES);
    while (e == TS_OK &&
           (e = ts_buf_reserve(&in, READ_BYTES, &room)) == TS_OK &&
           (n = read(STDIN_FILENO, room, READ_BYTES)) > 0) {
        ts_buf_grew(&in, (size_t)n);
        e = answer_lines(&in);
    }
    ts_buf_done(&in);
    if (e != TS_OK || n < 0) {
        fprintf(stderr, "diff_worker: %s\n",
                n < 0 ? "stdin cannot be read" : ts_err_text(e));
        return 1;
    }
    return 0;
}
