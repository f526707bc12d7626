/* check: would this call be permitted? One from the command line, or JSON
 * lines, of which up to TS_CHECK_MAX are asked about at a time. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/ts_mem.h"
#include "proto/msg/client.h"
#include "proto/wire/mp_write.h"
#include "shim/cli/arguments.h"
#include "shim/cli/commands.h"
#include "shim/cli/job.h"
#include "shim/cli/lines.h"

/* The maps of one part; a part ends when the next map might not fit. */
#define ARENA_SIZE ((size_t)8 * TS_ARGS_MAX)
#define ITEM_SIZE  ((size_t)TS_ARGS_MAX + 256)

struct part {
    struct job jobs[TS_CHECK_MAX];
    struct tipstaff_call calls[TS_CHECK_MAX];
    struct tipstaff_answer answers[TS_CHECK_MAX];
    size_t count;
    uint8_t *maps; /* owned, ARENA_SIZE */
    size_t maps_len;
    uint8_t *item; /* owned, ITEM_SIZE: one line as it would be sent */
    struct ts_buf trial;
    struct lines lines;
    size_t line;
    bool bad;
};

static int exit_of(enum tipstaff_verdict v)
{
    switch (v) {
    case TIPSTAFF_PERMIT:
        return 0;
    case TIPSTAFF_PENDING:
        return TIPSTAFF_EXIT_PENDING;
    case TIPSTAFF_DENY:
        break;
    }
    return TIPSTAFF_EXIT_DENIED;
}

static const char *word_of(enum tipstaff_verdict v)
{
    switch (v) {
    case TIPSTAFF_PERMIT:
        return "PERMITTED";
    case TIPSTAFF_PENDING:
        return "PENDING";
    case TIPSTAFF_DENY:
        break;
    }
    return "DENIED";
}

static int check_one(struct tipstaff *t, const struct options *o, uint8_t *args)
{
    struct tipstaff_call call = {.tool = o->tool,
                                 .args_msgpack = args,
                                 .traceparent = o->traceparent,
                                 .provenance = o->provenance,
                                 .provenance_count = o->provenance_count};
    struct tipstaff_answer a;
    char text[ARGUMENTS_TEXT_MAX];
    const char *why;
    enum tipstaff_status s;

    if (arguments_from_options(o, args, &call.args_msgpack_len, text) != TS_OK)
        return term_failed(TIPSTAFF_USAGE, text);
    s = tipstaff_check(t, &call, 1, o->timeout_ms, &a);
    if (s != TIPSTAFF_OK)
        return term_failed(s, tipstaff_message(t));
    why = call_code_text(call_code_parse(ts_str_of(a.code)));
    term_verdict(word_of(a.verdict),
                 (struct tipstaff_str){.ptr = a.code, .len = strlen(a.code)},
                 a.decision_id,
                 (struct tipstaff_str){.ptr = why, .len = strlen(why)});
    return exit_of(a.verdict);
}

static void part_clear(struct part *p)
{
    for (size_t i = 0; i < p->count; i++)
        job_done(&p->jobs[i]);
    p->count = 0;
    p->maps_len = 0;
}

/* A line that breaks a rule is answered for itself; found only when a thousand
 * are sent it would end them all. */
static ts_err line_try(struct part *p, const struct tipstaff_call *call)
{
    struct msg_check m = {.seq = 1,
                          .count = 1,
                          .traceparent = ts_str_of(call->traceparent),
                          .provenance_count = (uint32_t)call->provenance_count};
    struct ts_str tool = ts_str_of(call->tool);
    struct mp_writer w;
    ts_err e;

    for (size_t i = 0; i < call->provenance_count; i++)
        m.provenance[i] = ts_str_of(call->provenance[i]);
    mp_writer_init(&w, p->item, ITEM_SIZE);
    mp_write_array(&w, 1);
    mp_write_array(&w, 2);
    mp_write_str(&w, tool.ptr, tool.len);
    mp_write_raw(&w, call->args_msgpack, call->args_msgpack_len);
    e = mp_written(&w, &m.items.len);
    m.items.ptr = p->item;
    ts_buf_clear(&p->trial);
    return e == TS_OK ? msg_check_send(&p->trial, &m) : e;
}

static void part_add(struct part *p, struct term *term, struct ts_str line,
                     const struct options *o)
{
    struct job *j = &p->jobs[p->count];
    char text[ARGUMENTS_TEXT_MAX] = "";
    ts_err e;

    p->line++;
    e = job_parse(j, line, o, p->maps + p->maps_len, text);
    if (e == TS_OK && !tool_name_is_valid(ts_str_of(j->call.tool))) {
        (void)snprintf(text, sizeof(text),
                       "tool: not [a-z0-9][a-z0-9._-]*, at most %d bytes",
                       TS_TOOL_NAME_MAX);
        e = TS_E_INVALID;
    } else if (e == TS_OK) {
        e = line_try(p, &j->call);
        if (e != TS_OK)
            (void)snprintf(text, sizeof(text),
                           "an argument, provenance label or traceparent "
                           "breaks its rule (over %d arguments, a label of "
                           "not 1 to %d bytes, not W3C)",
                           TS_ARGS_KEYS_MAX, TS_PROVENANCE_LEN);
    }
    if (e != TS_OK) {
        p->bad = true;
        job_print_error(term, j->id, p->line, "usage", text);
        job_done(j);
        return;
    }
    p->calls[p->count] = j->call;
    p->maps_len += j->call.args_msgpack_len;
    p->count++;
}

/* Fills the part. False when the input is over. */
static bool part_read(struct part *p, struct term *term,
                      const struct options *o)
{
    struct ts_str line;

    while (p->count < TS_CHECK_MAX && p->maps_len <= ARENA_SIZE - TS_ARGS_MAX) {
        if (lines_next(&p->lines, &line)) {
            part_add(p, term, line, o);
            continue;
        }
        if (p->lines.ended)
            return false;
        if (lines_read(&p->lines) != TS_OK) {
            p->bad = true;
            term_say("tipstaff-shim: line %zu: unreadable, or over %zu bytes",
                     p->line + 1, LINES_MAX);
            return false;
        }
    }
    return true;
}

static void part_print(struct part *p, struct term *term)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct tipstaff_answer *a = &p->answers[i];
        char id[33];

        ts_hex_encode(id, a->decision_id, sizeof(a->decision_id));
        job_print(term,
                  json_pack("{s:s, s:s, s:s}", "verdict",
                            job_verdict_name(a->verdict), "code", a->code,
                            "decision", id),
                  p->jobs[i].id);
    }
}

static int check_batch(struct tipstaff *t, struct term *term,
                       const struct options *o, struct part *p)
{
    bool more = true;

    while (more && !term->broken && term->signal == 0) {
        enum tipstaff_status s;

        more = part_read(p, term, o);
        s = tipstaff_check(t, p->calls, p->count, o->timeout_ms, p->answers);
        if (s == TIPSTAFF_OK)
            part_print(p, term);
        part_clear(p);
        if (s != TIPSTAFF_OK)
            return term_failed(s, tipstaff_message(t));
    }
    if (term->signal != 0)
        return 128 + term->signal;
    if (term->broken)
        return 128 + 13;
    return p->bad ? TIPSTAFF_EXIT_USAGE : 0;
}

int command_check(struct tipstaff *t, struct term *term,
                  const struct options *o)
{
    struct part *p;
    uint8_t *args;
    int code;

    if (!o->batch) {
        args = ts_mem_alloc(TS_ARGS_MAX);
        code = args != NULL ? check_one(t, o, args)
                            : term_failed(TIPSTAFF_NOMEM, "out of memory");
        ts_mem_free(args);
        return code;
    }
    p = ts_mem_alloc(sizeof(*p));
    if (p == NULL)
        return term_failed(TIPSTAFF_NOMEM, "out of memory");
    p->maps = ts_mem_alloc(ARENA_SIZE);
    p->item = ts_mem_alloc(ITEM_SIZE);
    ts_buf_init(&p->trial, TS_FRAME_MAX);
    lines_init(&p->lines);
    code = p->maps != NULL && p->item != NULL
               ? check_batch(t, term, o, p)
               : term_failed(TIPSTAFF_NOMEM, "out of memory");
    part_clear(p);
    lines_done(&p->lines);
    ts_buf_done(&p->trial);
    ts_mem_free(p->item);
    ts_mem_free(p->maps);
    ts_mem_free(p);
    return code;
}
