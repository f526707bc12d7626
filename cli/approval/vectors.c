/* tipstaff approvals vectors: every sequence of answers of a file, judged by
 * the code that the gate uses. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/approval/approval.h"
#include "cli/cmd.h"
#include "cli/delegation/vectors_load.h"
#include "cli/files.h"
#include "cli/opts.h"
#include "proto/base/ts_mem.h"
#include "proto/trust/approval.h"
#include "proto/trust/directory_snapshot.h"

#define APPROVERS_MAX 256
#define TICKET_OF     "quorum-2-of-n" /* whose id and signature the file lists */
#define DOCUMENT_MAX  (SIGNED_TICKET_MAX * 2) /* bytes of any of them */

struct approvers {
    struct approver list[APPROVERS_MAX];
    uint8_t kids[APPROVERS_MAX][TRUST_KID_LEN];
    struct ts_str classes[APPROVERS_MAX][DIRECTORY_CLASSES_MAX];
    uint32_t count;
};

struct run {
    const json_t *top; /* "approvals" of the file */
    struct approvers *people;
    uint8_t sidecar_pk[TRUST_PK_LEN];
    size_t passed, failed, flips, flips_accepted;
};

static bool find(void *ctx, const uint8_t kid[TRUST_KID_LEN],
                 struct approver *ret)
{
    const struct approvers *p = ctx;

    for (uint32_t i = 0; i < p->count; i++) {
        if (memcmp(p->kids[i], kid, TRUST_KID_LEN) == 0) {
            *ret = p->list[i];
            return true;
        }
    }
    return false;
}

/* The file revokes no approver and says nothing of owners. */
static bool revoked(void *ctx, const struct approver *a, uint64_t iat)
{
    (void)ctx;
    (void)a;
    (void)iat;
    return false;
}

static bool owns(void *ctx, struct ts_str tenant, struct ts_str agent,
                 struct ts_str person)
{
    (void)ctx;
    (void)tenant;
    (void)agent;
    (void)person;
    return false;
}

static struct approval_people people_of(struct run *r)
{
    return (struct approval_people){
        .ctx = r->people, .find = find, .revoked = revoked, .owns = owns};
}

static bool load_approver(const json_t *o, struct approvers *p)
{
    const json_t *classes = json_object_get(o, "classes"), *v;
    struct approver *a = &p->list[p->count];
    struct ts_str *names = p->classes[p->count];
    size_t i;

    if (p->count == APPROVERS_MAX ||
        json_array_size(classes) > DIRECTORY_CLASSES_MAX) {
        cli_error("vector file: more than %d approvers, or than %d classes of "
                  "one",
                  APPROVERS_MAX, DIRECTORY_CLASSES_MAX);
        return false;
    }
    *a = (struct approver){.active = true, .classes = names};
    if (!vectors_text(o, "tenant", &a->tenant) ||
        !vectors_text(o, "person", &a->person) ||
        !vectors_hex(o, "pk", a->pk, sizeof(a->pk)) ||
        !vectors_hex(o, "kid", p->kids[p->count], TRUST_KID_LEN))
        return false;
    json_array_foreach(classes, i, v)
    {
        if (!json_is_string(v)) {
            cli_error("vector file: a class is not a string");
            return false;
        }
        names[a->class_count++] = ts_str_of(json_string_value(v));
    }
    p->count++;
    return true;
}

/* Heap memory from hex; *ret is to be freed. */
static bool load_hex(const json_t *v, struct ts_bytes *ret)
{
    size_t len = json_string_length(v);
    uint8_t *p;

    if (!json_is_string(v) || len % 2 != 0 || len / 2 > DOCUMENT_MAX) {
        cli_error("vector file: a ticket or an approval is not hex");
        return false;
    }
    p = ts_mem_alloc(len / 2 + 1);
    if (p == NULL ||
        ts_hex_decode(json_string_value(v), len, p, len / 2) != TS_OK) {
        cli_error(p == NULL
                      ? "out of memory"
                      : "vector file: a ticket or an approval is not hex");
        ts_mem_free(p);
        return false;
    }
    *ret = (struct ts_bytes){.ptr = p, .len = len / 2};
    return true;
}

static void release(struct ts_bytes b)
{
    ts_mem_free((void *)(uintptr_t)b.ptr);
}

static const char *outcome(const struct ticket *t,
                           const struct approval_tally *tally, uint64_t now)
{
    if (tally->denied)
        return "DENIED";
    if (now >= t->expires)
        return "EXPIRED";
    return approval_quorum(t, tally) ? "APPROVED" : "PENDING";
}

/* No bit of an answer that counts may be turned, and none be missing. */
static void try_flips(struct run *r, const struct ticket *t, const uint8_t *id,
                      struct ts_bytes in, uint64_t now)
{
    const struct approval_people who = people_of(r);
    uint8_t *copy = ts_mem_alloc(in.len + 1);

    if (copy == NULL) {
        r->flips_accepted++;
        return;
    }
    for (size_t bit = 0; bit < in.len * 9; bit++) {
        struct approval_tally none = {0};
        struct ts_bytes b = {.ptr = copy, .len = in.len};

        memcpy(copy, in.ptr, in.len);
        if (bit < in.len * 8)
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        else
            b.len = bit - in.len * 8;
        r->flips++;
        if (approval_accept(&who, t, id, b, now, &none, NULL) == APPROVAL_OK)
            r->flips_accepted++;
    }
    ts_mem_free(copy);
}

static bool answers(struct run *r, const json_t *list, const struct ticket *t,
                    const uint8_t *id, uint64_t now,
                    struct approval_tally *tally)
{
    const struct approval_people who = people_of(r);
    const json_t *v;
    size_t i;

    json_array_foreach(list, i, v)
    {
        struct approval_tally before = *tally;
        struct ts_bytes in;

        if (!load_hex(v, &in))
            return false;
        if (approval_accept(&who, t, id, in, now, tally, NULL) == APPROVAL_OK &&
            before.people_count == 0)
            try_flips(r, t, id, in, now);
        release(in);
    }
    return true;
}

static bool same_hex(const json_t *o, const char *key, const uint8_t *p,
                     size_t len)
{
    uint8_t want[64];

    return len <= sizeof(want) && vectors_hex(o, key, want, len) &&
           memcmp(want, p, len) == 0;
}

/* The file's ticket id, and its signature by the sidecar. */
static bool listed(const struct run *r, struct ts_bytes body, const uint8_t *id)
{
    uint8_t kid[TRUST_KID_LEN], sig[TRUST_SIG_LEN];
    const struct signed_object o = {.body = body, .kid = kid, .sig = sig};

    if (json_object_get(r->top, "ticket_id") == NULL)
        return true;
    trust_kid(r->sidecar_pk, kid);
    return same_hex(r->top, "ticket_id", id, TRUST_HASH_LEN) &&
           vectors_hex(r->top, "ticket_sidecar_sig", sig, sizeof(sig)) &&
           signed_verify(SIGNED_TICKET, &o, r->sidecar_pk) == TRUST_OK;
}

static bool judge(struct run *r, const json_t *v, const char *name,
                  struct ts_bytes body, const char **ret)
{
    struct approval_tally tally = {0};
    uint8_t id[TRUST_HASH_LEN];
    struct ticket t;
    uint64_t now;
    enum trust_code c = ticket_decode(body, &t);

    if (!vectors_number(v, "now", &now))
        return false;
    *ret = trust_code_name(c);
    if (c != TRUST_OK)
        return true;
    ticket_id(body, id);
    if (strcmp(name, TICKET_OF) == 0 && !listed(r, body, id)) {
        *ret = "a ticket with another id or signature";
        return true;
    }
    if (!answers(r, json_object_get(v, "approvals"), &t, id, now, &tally))
        return false;
    *ret = outcome(&t, &tally, now);
    return true;
}

static bool run_one(struct run *r, const json_t *v)
{
    struct ts_str name, expect;
    struct ts_bytes body;
    const char *got = NULL;
    bool ok;

    if (!vectors_text(v, "name", &name) ||
        !vectors_text(v, "expect", &expect) ||
        !load_hex(json_object_get(v, "ticket"), &body))
        return false;
    ok = judge(r, v, name.ptr, body, &got);
    release(body);
    if (!ok)
        return false;
    if (ts_str_eq_c(expect, got)) {
        r->passed++;
    } else {
        r->failed++;
        (void)printf("FAILED %s: expected %s, got %s\n", name.ptr, expect.ptr,
                     got);
    }
    return true;
}

static bool run_list(struct run *r, const json_t *file)
{
    const json_t *list, *v;
    size_t i;

    r->top = json_object_get(file, "approvals");
    list = json_object_get(r->top, "vectors");
    if (!json_is_array(list)) {
        cli_error("vector file: \"approvals\" has no list \"vectors\"");
        return false;
    }
    if (!vectors_hex(file, "sidecar_pk", r->sidecar_pk, TRUST_PK_LEN))
        return false;
    json_array_foreach(json_object_get(r->top, "approvers"), i, v)
    {
        if (!load_approver(v, r->people))
            return false;
    }
    json_array_foreach(list, i, v)
    {
        if (!run_one(r, v))
            return false;
    }
    (void)printf("%zu bit flips and truncations of answers that count: %zu "
                 "accepted\n",
                 r->flips, r->flips_accepted);
    (void)printf("%zu approval cases: %zu passed, %zu failed\n",
                 r->passed + r->failed, r->passed, r->failed);
    return r->failed == 0 && r->flips_accepted == 0;
}

static int run_file(const char *path)
{
    struct run r = {.people = ts_mem_alloc(sizeof(*r.people))};
    json_t *file = cli_read_json(path);
    bool ok = false;

    if (file != NULL && r.people == NULL) {
        cli_error("out of memory");
    } else if (file != NULL) {
        *r.people = (struct approvers){0};
        ok = run_list(&r, file);
    }
    ts_mem_free(r.people);
    json_decref(file);
    return ok ? CLI_OK : CLI_FAILED;
}

int approval_vectors_run(int argc, char **argv)
{
    const struct cli_usage usage = {
        .name = "tipstaff approvals vectors",
        .operands = "FILE",
        .about =
            "Runs the approval cases of a JSON file of test vectors: each is a "
            "ticket and the answers to\nit, and must end as the file expects: "
            "APPROVED, PENDING, DENIED or EXPIRED. Then every bit\nof every "
            "first answer that counts is flipped and every shorter one tried: "
            "none may count.\nA line for each failure, the counts last.",
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff approvals vectors delegation.json\n",
    };
    char **operand;
    size_t n;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &n, &code))
        return code;
    return run_file(operand[0]);
}
