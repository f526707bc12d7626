#ifndef SIDECAR_GATE_PROVENANCE_TASK_PRIV_H
#define SIDECAR_GATE_PROVENANCE_TASK_PRIV_H

#include "proto/base/ts_buf.h"
#include "proto/wire/limits.h"
#include "sidecar/gate/provenance/endorsed.h"
#include "sidecar/gate/provenance/known.h"
#include "sidecar/gate/provenance/places.h"
#include "sidecar/gate/provenance/task.h"

/* An output that handles can name. */
#define KEPT_MAX 64u /* of one task */
struct kept {
    uint32_t call;      /* 0: free */
    struct ts_str tool; /* owned, in the same block as json */
    char *json;         /* owned */
    size_t len;
    uint8_t *labels; /* owned; of each leaf and key, in order */
    uint32_t label_count;
    uint32_t said; /* what the call was given; 0: it does not matter */
    bool is_sealed;
    /* Of what its call was given by handles: what it repeats is no better. */
    bool given_untrusted;
    enum prov_confidentiality given_level;
};
/* A label in one byte; of what its call was given, whether that matters. */
static inline uint8_t label_pack(const struct prov_label *l)
{
    return (uint8_t)((unsigned)l->source | (unsigned)l->level << 4 |
                     (l->said != 0 ? 64u : 0u) | (l->is_id ? 128u : 0u));
}
static inline struct prov_label label_unpack(uint8_t b, uint32_t said)
{
    return (struct prov_label){.source = (enum prov_source)(b & 15u),
                               .is_id = (b & 128u) != 0,
                               .level =
                                   (enum prov_confidentiality)(b >> 4 & 3u),
                               .said = (b & 64u) != 0 ? said : 0};
}

struct prov_task {
    struct prov_tasks *all;
    char tenant[TS_ID_MAX];
    size_t tenant_len;
    uint8_t grant_id[16];
    uint64_t issued_s, expires_s;
    uint32_t users;
    uint64_t used;  /* in order of use */
    size_t counted; /* bytes of it that all->bytes has */

    struct prov_index *index; /* NULL: nothing is in it */
    struct ts_buf own; /* who the user is, until there is an index: texts, each
                          behind its length */
    struct prov_index *said; /* what its calls were given; NULL: nothing */
    uint32_t said_floor;     /* of calls up to here that is not known */
    struct places places;
    struct known known;
    struct kept *kept; /* owned; a ring of KEPT_MAX; NULL: nothing is kept */
    uint32_t kept_next;
    size_t kept_bytes;
    struct endorsed *endorsed; /* owned; NULL: people let nothing through */
    uint64_t endorse_epoch;    /* rules and people that endorsed holds under */
    uint64_t endorse_serial;   /* one more whenever it was dropped */
    uint32_t calls;            /* begun so far */
    bool has_prompt;
    bool has_origin;
    enum prov_origin origin;
    /* Outputs that agents are being given, and of which not all is known yet:
     * by strangers, and by level. */
    uint32_t open_untrusted, open_at[PROV_SECRET + 1];
    bool lost;         /* it has seen what it does not know any more */
    bool gaps;         /* an output did not fit: what is found nowhere may
                          have stood there */
    bool secrets_lost; /* something secret may be among all that */
    struct prov_taint taint;
};

struct prov_tasks {
    struct prov_task **list; /* owned, PROV_TASKS_MAX */
    uint32_t count;
    size_t bytes, max_bytes;
    uint64_t clock;
    uint64_t forgot_s; /* when the newest grant whose task had to go was
                          issued; 0: none had to */
};

/* What a manifest says of a leaf of an output. */
struct prov_label prov_label_of(const struct prov_output_rules *r, bool failed,
                                struct ts_str pointer);

/* Drops what people let through, and what of it is under way. */
void task_unendorse(struct prov_task *k);
void tasks_count(struct prov_task *k); /* its bytes, after a change */
/* After a task has changed: counts it, and makes room. */
void tasks_settle(struct prov_task *k);
/* The index, made if need be, with what is said of the user; NULL without
 * memory. */
struct prov_index *task_index(struct prov_task *k);
/* Drops what it holds; what was seen is lost. */
void task_drop(struct prov_task *k);
void task_kept_done(struct kept *o);
/* What calls repeat of the value, or of a link in it. */
void task_said_by(struct prov_task *k, enum prov_kind kind, struct ts_str value,
                  struct prov_said *ret);
/* A leaf that is trusted, but for what its call was given: did it only repeat
 * that? */
bool task_repeats(struct prov_task *k, const struct prov_label *l,
                  enum prov_kind kind, struct ts_str value);
/* All of an output that prov_task_shows() began with is known. */
void task_shown(struct prov_task *k, const struct prov_output_rules *r);
/* One value of an output that an agent is given: taint and level, and what
 * stands where. */
void task_raise(struct prov_task *k, const struct prov_label *l);
void task_add(struct prov_task *k, enum prov_kind kind, struct ts_str text,
              const struct prov_label *l, uint32_t call, uint32_t place);
/* Keeps an output for handles; labels are taken over. What does not fit is not
 * kept: false. */
bool task_keep(struct prov_task *k, const struct prov_output *o,
               uint8_t *labels, uint32_t label_count);

#endif
