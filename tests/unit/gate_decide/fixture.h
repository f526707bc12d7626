#ifndef TESTS_UNIT_GATE_DECIDE_FIXTURE_H
#define TESTS_UNIT_GATE_DECIDE_FIXTURE_H

#include <stdbool.h>

#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/decide/meters.h"
#include "sidecar/gate/people/snapshot.h"

/*
 * A whole gate without sockets: the starter configuration of cli/starter with
 * its placeholders filled in, keys, chains, and calls. Time and identities are
 * fixed, so every run is the same.
 */
#define FIX_NOW_S   UINT64_C(1795300000)
#define FIX_FILES   128
#define FIX_TENANTS 2
#define WORKSPACE   "/srv/ws"

/* How a directory is signed. */
struct fix_signing {
    const char *tenant;
    unsigned signer;
    uint64_t seq, issued, not_after;
};

struct fixture {
    struct bundle_file files[FIX_FILES]; /* sorted; texts are ours */
    size_t count;
    struct bundle bundle;
    struct control_start settings;
    struct snapshot_past past; /* of fix_load() */
    struct snapshot *snapshot;
    struct meters *meters;
    const struct trust_secret *token_key; /* of the tests that want one */
    struct prov_task *task;               /* the same */
    const struct use_ledger *uses;        /* the same */
    struct ts_arena arena;
    struct moment now;
    uint64_t seq;
    uint64_t directory_seq; /* that fix_load() signs with */
    char err[1024];
};

/* Which key: one of these or any other small number. */
enum fix_key {
    KEY_ISSUER = 1,
    KEY_CODER = 2,
    KEY_TESTER = 3,
    KEY_ISSUER_B = 4,
    KEY_CODER_B = 5,
    KEY_READER = 6,
    KEY_DIRECTORY = 7, /* of whoever has KEY_ISSUER; of KEY_ISSUER_B the next */
    KEY_DIRECTORY_B = 8,
    KEY_REVOKER = 9,
    KEY_REVOKER_B = 10,
    KEY_APPROVER = 11,
    KEY_APPROVER_2 = 12
};
struct trust_secret;
void fix_secret(unsigned which, struct trust_secret *ret);
void fix_pk(unsigned which, uint8_t pk[32]);
void fix_pk_hex(unsigned which, char hex[65]);

void fix_init(struct fixture *f);
void fix_done(struct fixture *f);
/* The starter tree as tenant; the tools only once. */
void fix_add_starter(struct fixture *f, const char *tenant, unsigned issuer,
                     unsigned agent);
/* Replaces or adds one file; NULL removes it. */
void fix_set_bytes(struct fixture *f, const char *name, struct ts_bytes bytes);
void fix_set(struct fixture *f, const char *name, const char *text);
const char *fix_get(const struct fixture *f, const char *name);
/* Replaces the first from in a file; the file and the text must exist. */
void fix_edit(struct fixture *f, const char *name, const char *from,
              const char *to);
/*
 * snapshot_load_past(); the caller frees f->snapshot through fix_done(). A file
 * tenants/NAME/directory.yaml, which tests can edit, is signed on the way with
 * the directory key of its tenant and comes in as directory.snapshot, unless
 * there is one already. In a new fixture f->past is strict: whatever is wrong
 * with a directory is an error.
 */
ts_err fix_load(struct fixture *f);
/* The same, which must work. */
void fix_load_ok(struct fixture *f);

/* What is in tenants/NAME/directory.yaml, signed. Free it with free(). */
struct ts_bytes fix_sign_directory(struct fixture *f,
                                   const struct fix_signing *how);
/* In the middle of now, by the right key. */
struct fix_signing fix_signing(const char *tenant, uint64_t seq);
/* Some state of whole tenant, signed; lists in order. Free it with free(). */
struct ts_bytes fix_sign_state(struct directory_snapshot *s, unsigned signer);
/* Offers what is in directory.yaml to f->snapshot, which it replaces. */
ts_err fix_feed(struct fixture *f, const struct fix_signing *how);

const struct snapshot_tenant *fix_tenant(const struct fixture *f,
                                         const char *name);
/* fix_load_ok() with what is in force as the past, and not strictly. */
void fix_reload_ok(struct fixture *f);
/* How the note of a tenant must begin. */
void fix_expect_note(const struct fixture *f, const char *tenant,
                     const char *beginning);

struct fix_grant {
    const char *tenant, *user, *agent, *task, *policy;
    unsigned issuer, holder;
    const char *sub_agent; /* a link for it, or NULL */
    unsigned sub_holder;
    const char *sub_policy;
};
extern const struct fix_grant fix_alice; /* alice, coder, everything */

struct authority *fix_authority(struct fixture *f, const struct fix_grant *g);
ts_err fix_authority_try(struct fixture *f, const struct fix_grant *g,
                         struct authority **ret, enum trust_code *reterr);

struct fix_call {
    const char *tool;
    const char *args; /* "k=text;n:=5;list@=a,b" */
    const char *provenance;
    bool has_stdin, check_only;
    enum call_code already_denied; /* 0 is taken as CODE_PERMITTED */
    const struct decide_people *people;
    bool is_counted;
};

struct fix_result {
    struct decision d;
    uint8_t record[TS_RECORD_MAX];
    size_t record_len;
    ts_err e;
};
void fix_decide(struct fixture *f, const struct authority *a,
                const struct fix_call *c, struct fix_result *ret);
/* The msgpack map of "k=text;n:=5;b?=1;list@=a,b". */
size_t fix_args(const char *text, uint8_t *out, size_t cap);
/* The code of the decision, as text. */
const char *fix_code(struct fixture *f, const struct authority *a,
                     const char *tool, const char *args);

/* The top-level value of a key in a record, raw; len 0 when absent. */
struct ts_bytes fix_record_get(const struct fix_result *r, const char *key);
bool fix_record_is(const struct fix_result *r, const char *key,
                   const char *text);

#endif
