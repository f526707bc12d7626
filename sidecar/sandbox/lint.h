#ifndef SIDECAR_SANDBOX_LINT_H
#define SIDECAR_SANDBOX_LINT_H

#include "sidecar/sandbox/model.h"

/*
 * What a profile lets through that it should not. Each hole is a call, or a
 * call with certain arguments, that the model is asked about: so it does not
 * matter by which rule it came to be allowed, nor which bits a rule forgot.
 */
enum sandbox_severity {
    SANDBOX_SURFACE, /* more of the kernel to attack than tools need */
    SANDBOX_WEAKER,  /* takes from another layer of the box */
    SANDBOX_ESCAPE   /* a way out of it, or at another tool */
};

struct sandbox_hole { /* one sample; several may have the same name */
    const char *name; /* what accept: says */
    enum sandbox_severity severity;
    const char *call;
    bool any; /* allowed for any argument at all; else with args */
    uint64_t args[SANDBOX_ARGS];
    const char *why;    /* one sentence, lower case, no full stop */
    const char *source; /* a CVE, a manual page, a paper */
};

extern const struct sandbox_hole sandbox_holes[]; /* ends with a NULL name */

/* Whether the model lets it through. */
bool sandbox_hole_is_open(const struct sandbox_hole *h,
                          const struct sandbox_calls *calls,
                          const struct sandbox_model *m);

const char *sandbox_severity_name(enum sandbox_severity s);
bool sandbox_hole_exists(struct ts_str name);
const char *sandbox_hole_near(struct ts_str name);

#endif
