#ifndef SIDECAR_QUESTION_VIEW_H
#define SIDECAR_QUESTION_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_str.h"
#include "proto/msg/admin.h"
#include "proto/trust/approval_ticket.h"
#include "sidecar/gate/approve/ticket_context.h"
#include "sidecar/question/screen.h"

/*
 * One question as an approver sees it. Everything but "so far" comes from bytes
 * that the sidecar signed; so far (stage, people) is what the service told
 * beside them, and is shown as that.
 */
struct approval_view { /* borrows from the object and from people */
    struct ticket ticket;
    struct ticket_context context;
    uint8_t id[TRUST_HASH_LEN];
    enum ticket_stage stage;
    const struct admin_person *people;
    uint32_t people_count;
};

/* Verifies the object, then reads all that is in it: the ticket, the context
 * and the arguments. False: not by this sidecar, or anything in it cannot be
 * shown for sure; *reterr is a sentence, and it must not be signed. */
TS_NODISCARD bool approval_view_open(struct ts_bytes object,
                                     const uint8_t sidecar_pk[TRUST_PK_LEN],
                                     struct approval_view *ret,
                                     const char **reterr);

/* The same without a signature to go by, for who has the object from the
 * sidecar itself. */
TS_NODISCARD bool approval_view_read(struct ts_bytes object,
                                     struct approval_view *ret,
                                     const char **reterr);

struct approval_show {
    struct screen_codes term;
    unsigned width; /* columns, brought into SCREEN_WIDTH_MIN.. */
    bool utf8;      /* or ASCII alone */
    bool all;       /* nothing is cut */
    uint64_t now_s;
};
#define APPROVAL_VALUE_MAX  600u /* bytes of one value, unless all */
#define APPROVAL_VALUES_MAX 64u  /* values, unless all */

/* Appends the screen. *ret_cut: how many values are not wholly on it.
 * TS_E_NOMEM, TS_E_LIMIT: nothing of out may be shown. */
TS_NODISCARD ts_err approval_render(const struct approval_view *v,
                                    const struct approval_show *how,
                                    struct ts_buf *out, size_t *ret_cut);
/* One object; NULL: no memory. The caller's. */
json_t *approval_json(const struct approval_view *v);

/* The arguments as a tree of JSON; bytes as {"$bytes": HEX}, integers beyond 63
 * bits as text. NULL: no memory. */
json_t *approval_args_json(struct ts_bytes args);

#endif
