/*
 * An order on its way: from the gate's ring through the recorder to a launcher,
 * and the same from an agent's CALL on.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kinds.h"
#include "proto/msg/client.h"
#include "proto/wire/mp_write.h"
#include "rig.h"

/* ---- a whole service ---------------------------------------------------- */

struct agent { /* a session */
    int fd;
    uid_t uid; /* whose it is; 0: ours */
    gid_t gid;
};

/* The gate asks of every message who sent it. */
static void become(uid_t uid, gid_t gid)
{
    if (setresuid(0, 0, 0) != 0 || setresgid(gid, gid, 0) != 0 ||
        setresuid(uid, uid, 0) != 0)
        bench_die("setresuid");
}

/* CALL is sent .. the tool's first instruction, from its output. */
static uint64_t called(const struct row *r)
{
    static uint8_t req[4096], body[TS_FRAME_MAX];
    static uint64_t seq;
    const struct agent *g = r->of;
    size_t n = bench_call(req, sizeof(req), ++seq, "bench.stamp", NULL, NULL);
    struct msg_output out;
    const char *what = "";
    uint64_t t0, begun = 0;
    uint8_t type;
    size_t len;

    if (g->uid != 0)
        become(g->uid, g->gid);
    t0 = bench_now_ns();
    bench_write(g->fd, req, n);
    do {
        type = bench_read_frame(g->fd, body, sizeof(body), &len);
        if (type == MSG_OUTPUT &&
            msg_output_decode(body, len, &out, &what) == TS_OK &&
            out.data.len >= 20)
            begun = strtoull((const char *)out.data.ptr, NULL, 10);
    } while (type != MSG_RESULT && type != MSG_ERROR);
    if (g->uid != 0)
        become(0, 0);
    if (type != MSG_RESULT || begun == 0)
        bench_die("a call of bench.stamp failed");
    return begun - t0;
}

void ring_calls(struct all *a, size_t rounds, int argc, char **argv)
{
    const char *gate = bench_option(argc, argv, "gate");
    struct rows b = {.comma = &a->comma};
    struct agent g = {.fd = -1};

    if (gate == NULL)
        return;
    if (geteuid() == 0) {
        g.uid = (uid_t)strtoul(bench_option(argc, argv, "uid"), NULL, 10);
        g.gid = (gid_t)strtoul(bench_option(argc, argv, "gid"), NULL, 10);
        become(g.uid, g.gid);
    }
    g.fd = bench_session(gate, bench_option(argc, argv, "chain"),
                         bench_option(argc, argv, "key"));
    if (g.uid != 0)
        become(0, 0);
    (void)rows_add(&b, "floor", rows_floor, a->nop);
    if (a->has[BARE])
        (void)rows_add(&b, "bare begun", launches_begun, &a->box[BARE]);
    if (a->has[FULL])
        (void)rows_add(&b, "full begun", launches_begun, &a->box[FULL]);
    if (a->has[USERNS])
        (void)rows_add(&b, "userns begun", launches_begun, &a->box[USERNS]);
    (void)rows_add(&b, "CALL", called, &g);
    rows_run(&b, rounds, 0);
    rows_print("ring", &b);
    (void)close(g.fd);
}

/* ---- gate's end of the ring, a real recorder, a real launcher ----------- */

static const uint8_t no_args[] = {0x80}; /* an empty map */

static void word(struct mp_writer *w, const char *key, const char *value)
{
    mp_write_cstr(w, key);
    mp_write_cstr(w, value);
}

static size_t make_record(uint8_t *out, size_t cap, const uint8_t id[16],
                          uint64_t order)
{
    uint8_t digest[32];
    struct mp_writer w;
    size_t len = 0;

    (void)crypto_generichash(digest, 32, no_args, sizeof(no_args), NULL, 0);
    mp_writer_init(&w, out, cap);
    mp_write_map(&w, 10);
    word(&w, "kind", "decision");
    mp_write_cstr(&w, "id");
    mp_write_bin(&w, id, 16);
    word(&w, "tenant", "acme");
    word(&w, "user", "alice");
    word(&w, "agent", "coder");
    word(&w, "tool", "stamp");
    mp_write_cstr(&w, "args_digest");
    mp_write_bin(&w, digest, 32);
    word(&w, "effect", "permit");
    word(&w, "code", "permitted");
    mp_write_cstr(&w, "order");
    mp_write_uint(&w, order);
    if (mp_written(&w, &len) != TS_OK)
        bench_die("record");
    return len;
}

static void make_entry(struct boxes *b, uint32_t n, uint8_t *out, size_t cap,
                       size_t *ret_len)
{
    static uint8_t record[2048], order[2048];
    struct order o = {.order_id = ++b->last_id,
                      .generation = 1,
                      .tool = TS_STR_LIT("stamp"),
                      .args = {.ptr = no_args, .len = sizeof(no_args)},
                      .path = TS_STR_LIT(""),
                      .wall_ms = 20000,
                      .output_max = 1 << 20,
                      .box = b->box};
    struct ring_launch l = {.record.ptr = record, .order.ptr = order};

    rig_id(o.decision_id, n);
    l.record.len =
        make_record(record, sizeof(record), o.decision_id, o.order_id);
    if (order_encode(&o, order, sizeof(order), &l.order.len) != TS_OK ||
        ring_launch_encode(&l, out, cap, ret_len) != TS_OK)
        bench_die("entry");
}

struct part {
    struct bench_series whole, own; /* put .. begun; decoded .. begun */
    double ratio[4096];
    size_t count;
};

static void order_once(struct rig *r, struct boxes *b, uint32_t n,
                       struct part *p)
{
    static uint8_t entry[8192];
    uint64_t put, begun;
    size_t len = 0;

    make_entry(b, n, entry, sizeof(entry), &len);
    b->page->wait = 0;
    put = bench_now_ns();
    rig_raw(r, RING_LAUNCH, entry, len);
    ring_wake(&r->ring);
    begun = launches_stamp(b);
    rig_outcome(r, n, "exited"); /* else it stays open in the log */
    if (n < 5 || p->count == sizeof(p->ratio) / sizeof(p->ratio[0]))
        return; /* warm */
    bench_series_add(&p->whole, begun - put);
    bench_series_add(&p->own, begun - b->page->order_ns);
    p->ratio[p->count++] =
        (double)(begun - put) / (double)(begun - b->page->order_ns);
}

static void print(struct all *a, const char *name, struct part *p)
{
    printf("%s\n  {\"round\": \"order\", \"name\": \"%s\", \"us\": %.1f, "
           "\"p10_us\": %.1f, \"p90_us\": %.1f, \"own_us\": %.1f, "
           "\"ratio\": %.3f, \"rounds\": %zu}",
           a->comma ? "," : "", name, bench_quantile_us(&p->whole, 0.5),
           bench_quantile_us(&p->whole, 0.1), bench_quantile_us(&p->whole, 0.9),
           bench_quantile_us(&p->own, 0.5), bench_median(p->ratio, p->count),
           p->count);
    a->comma = true;
    free(p->whole.v);
    free(p->own.v);
}

/* The launcher then takes orders from that recorder only. */
static void orders_of(struct all *a, int kind, bool sync, size_t rounds)
{
    static struct part p;
    struct boxes *b = &a->box[kind];
    struct rig r;
    char *name;

    p = (struct part){.count = 0};
    rig_init(&r);
    r.sync = sync;
    r.launcher_end = b->orders;
    rig_start(&r);
    for (uint32_t n = 0; n < rounds + 5; n++)
        order_once(&r, b, n, &p);
    rig_kill(&r);
    rig_done(&r);
    if (asprintf(&name, "%s, %s", kind_names[kind],
                 sync ? "synced" : "written") > 0)
        print(a, name, &p);
}

void ring_orders(struct all *a, size_t rounds)
{
    static const int which[] = {BARE, FULL};

    for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++) {
        if (!a->has[which[i]])
            continue;
        orders_of(a, which[i], false, rounds);
        orders_of(a, which[i], true, rounds);
    }
}
