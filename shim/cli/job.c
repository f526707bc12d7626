#include "shim/cli/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/ts_mem.h"

static ts_err wrong(char *text, const char *field, const char *what)
{
    (void)snprintf(text, ARGUMENTS_TEXT_MAX, "%s: %s", field, what);
    return TS_E_INVALID;
}

static ts_err take_labels(struct job *j, json_t *v, char *text)
{
    size_t n = json_array_size(v), *count = &j->call.provenance_count;

    if (!json_is_array(v) || n > TS_PROVENANCE_MAX - *count)
        return wrong(text, "provenance",
                     "not a list of up to 16 strings, those of the command "
                     "line included");
    for (size_t i = 0; i < n; i++) {
        j->labels[*count] = json_string_value(json_array_get(v, i));
        if (j->labels[*count] == NULL)
            return wrong(text, "provenance", "not a list of strings");
        ++*count;
    }
    return TS_OK;
}

static ts_err take_retry_id(struct job *j, json_t *v, char *text)
{
    const char *hex = json_is_string(v) ? json_string_value(v) : "";

    j->call.retry = true;
    j->call.id16 = j->id16;
    return ts_hex_decode(hex, json_string_length(v), j->id16,
                         sizeof(j->id16)) == TS_OK
               ? TS_OK
               : wrong(text, "retry_id", "not 32 hex digits");
}

static ts_err take_inline(struct job *j, json_t *v, char *text)
{
    json_int_t n = json_integer_value(v);

    if (!json_is_integer(v) || n < 0 || n > TS_INLINE_MAX)
        return wrong(text, "max_inline", "not a number of bytes up to 262144");
    j->call.keep = true;
    j->call.inline_max = (uint32_t)n;
    return TS_OK;
}

static ts_err take_field(struct job *j, const char *key, json_t *v, char *text)
{
    if (strcmp(key, "tool") == 0) {
        j->call.tool = json_string_value(v);
        return j->call.tool != NULL ? TS_OK : wrong(text, key, "not a string");
    }
    if (strcmp(key, "args") == 0 || strcmp(key, "id") == 0)
        return TS_OK; /* job_parse() has them */
    if (strcmp(key, "deadline_ms") == 0) {
        j->call.deadline_ms = (uint64_t)json_integer_value(v);
        return json_is_integer(v) && json_integer_value(v) >= 0
                   ? TS_OK
                   : wrong(text, key, "not a number of milliseconds");
    }
    if (strcmp(key, "traceparent") == 0) {
        j->call.traceparent = json_string_value(v);
        return j->call.traceparent != NULL ? TS_OK
                                           : wrong(text, key, "not a string");
    }
    if (strcmp(key, "provenance") == 0)
        return take_labels(j, v, text);
    if (strcmp(key, "retry_id") == 0)
        return take_retry_id(j, v, text);
    if (strcmp(key, "max_inline") == 0)
        return take_inline(j, v, text);
    return wrong(text, key, "no such field");
}

static bool is_for_running(const char *key)
{
    return strcmp(key, "deadline_ms") == 0 || strcmp(key, "retry_id") == 0 ||
           strcmp(key, "max_inline") == 0;
}

ts_err job_parse(struct job *ret, struct ts_str line, const struct options *o,
                 uint8_t *args, char *reterr_text)
{
    json_error_t je;
    const char *key;
    json_t *v;
    ts_err e;

    *ret = (struct job){
        .root = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES, &je),
        .call = {.deadline_ms = o->deadline_ms,
                 .hold_ms = o->hold_ms,
                 .keep = o->keep,
                 .inline_max = o->inline_max,
                 .traceparent = o->traceparent,
                 .provenance_count = o->provenance_count}};
    memcpy(ret->labels, o->provenance, sizeof(ret->labels));
    ret->call.provenance = ret->labels;
    if (ret->root == NULL)
        return wrong(reterr_text, "not JSON", je.text);
    if (!json_is_object(ret->root))
        return wrong(reterr_text, "line", "not a JSON object");
    ret->id = json_object_get(ret->root, "id");
    json_object_foreach(ret->root, key, v)
    {
        e = o->command == COMMAND_CHECK && is_for_running(key)
                ? wrong(reterr_text, key, "a check does not depend on it")
                : take_field(ret, key, v, reterr_text);
        if (e != TS_OK)
            return e;
    }
    if (ret->call.tool == NULL)
        return wrong(reterr_text, "tool", "missing");
    ret->call.args_msgpack = args;
    return arguments_from_json(json_object_get(ret->root, "args"), args,
                               &ret->call.args_msgpack_len, reterr_text);
}

void job_done(struct job *j)
{
    json_decref(j->root);
    *j = (struct job){.root = NULL};
}

/* Out of memory anywhere in jansson leaves a line out; it is said, since a
 * missing answer must not pass unnoticed. */
void job_print(struct term *term, json_t *object, json_t *id)
{
    char *text = NULL;

    if (object != NULL && id != NULL)
        (void)json_object_set(object, "id", id); /* seen as a missing id */
    if (object != NULL)
        text = json_dumps(object, JSON_COMPACT);
    if (text == NULL) {
        term_say("tipstaff-shim: out of memory, one answer was not printed");
    } else {
        term_write(term, STDOUT_FILENO, text, strlen(text));
        term_write(term, STDOUT_FILENO, "\n", 1);
        ts_mem_free(text); /* main() gave jansson our allocator */
    }
    json_decref(object);
}

void job_print_error(struct term *term, json_t *id, size_t line,
                     const char *code, const char *text)
{
    job_print(term,
              json_pack("{s:I, s:s, s:s}", "line", (json_int_t)line, "error",
                        code, "text", text),
              id);
}

const char *job_verdict_name(enum tipstaff_verdict v)
{
    switch (v) {
    case TIPSTAFF_PERMIT:
        return "permit";
    case TIPSTAFF_PENDING:
        return "pending";
    case TIPSTAFF_DENY:
        break;
    }
    return "deny";
}
