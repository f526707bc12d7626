#ifndef SHIM_CLI_JOB_H
#define SHIM_CLI_JOB_H

#include <jansson.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "shim/cli/arguments.h"
#include "shim/cli/term.h"
#include "shim/tipstaff.h"

/*
 * One line of a batch: {"tool":NAME, "args":{..}, "id":ANY, "deadline_ms":N,
 * "traceparent":T, "provenance":[..], "retry_id":HEX, "max_inline":N}, all but
 * tool optional, anything else refused.
 */
struct job {
    json_t *root; /* owned; call's strings live in it */
    json_t *id;   /* borrowed from root, or NULL */
    struct tipstaff_call call;
    const char *labels[TS_PROVENANCE_MAX];
    uint8_t id16[16];
};

/*
 * o gives what a line does not say: traceparent and deadline; its provenance
 * labels are added to those of every line. A line to check may hold only what
 * a check depends on. args: TS_ARGS_MAX bytes for the map, which call borrows.
 * ret must stay where it is, since call borrows from it. On failure ret->root
 * and ret->id are set as far as the line could be read; job_done() it.
 */
TS_NODISCARD ts_err job_parse(struct job *ret, struct ts_str line,
                              const struct options *o, uint8_t *args,
                              char *reterr_text);
void job_done(struct job *j);

/* Prints object as one line and frees it. "id" is put into it first. */
void job_print(struct term *term, json_t *object, json_t *id);
/* {"id":..,"line":N,"error":CODE,"text":TEXT} */
void job_print_error(struct term *term, json_t *id, size_t line,
                     const char *code, const char *text);
const char *job_verdict_name(enum tipstaff_verdict v);

#endif
