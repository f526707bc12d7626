#include "crash_rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/wire/mp_write.h"
#include "sidecar/recorder/batch.h"
#include "tests/lib/ts_test.h"

#define LOG_CAP  (4u << 20)
#define LARGE    30000 /* bytes of a record that fills a segment */
#define REV_NAME 16

static const uint8_t args[] = {0x81, 0xa1, 'k', 0xa1, 'v'};

static void path_of(const struct crash_rig *r, const char *sub, char *out)
{
    (void)snprintf(out, CRASH_PATH, "%s/%s", r->dir, sub);
}

void crash_rig_init(struct crash_rig *r)
{
    char path[CRASH_PATH];

    *r = (struct crash_rig){.ring = -1, .orders = {-1, -1}};
    /* In memory where there is such a folder: a process dies here, no disk
     * does, and thousands of lives sync. */
    (void)snprintf(r->dir, sizeof(r->dir), "%s/tipstaff-crash-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(r->dir));
    path_of(r, "log", path);
    assert_int_equal(mkdir(path, 0700), 0);
    path_of(r, "state", path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(ring_create(&r->ring), TS_OK);
    assert_int_equal(socketpair(AF_UNIX,
                                SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
                                0, r->orders),
                     0);
}

static void remove_dir(const char *path)
{
    DIR *d = opendir(path);
    const struct dirent *de;

    while (d != NULL && (de = readdir(d)) != NULL)
        if (de->d_name[0] != '.')
            (void)unlinkat(dirfd(d), de->d_name, 0);
    if (d != NULL)
        (void)closedir(d);
    (void)rmdir(path);
}

void crash_rig_done(struct crash_rig *r)
{
    char path[CRASH_PATH];

    path_of(r, "log", path);
    remove_dir(path);
    path_of(r, "state", path);
    remove_dir(path);
    (void)rmdir(r->dir);
    (void)close(r->ring);
    (void)close(r->orders[0]);
    (void)close(r->orders[1]);
}

/* ---- the gate ----------------------------------------------------------- */

static void id_of(uint8_t id[16], uint32_t n)
{
    memset(id, 0xc4, 16);
    id[0] = (uint8_t)n;
}

static void pair(struct mp_writer *w, const char *key, const char *value)
{
    mp_write_cstr(w, key);
    mp_write_cstr(w, value);
}

static size_t decision(uint8_t *out, size_t cap, uint32_t n, bool launched,
                       size_t padding)
{
    static char pad[LARGE];
    uint8_t id[16], digest[32];
    struct mp_writer w;
    size_t len;

    memset(pad, 'p', sizeof(pad));
    id_of(id, n);
    (void)crypto_generichash(digest, 32, args, sizeof(args), NULL, 0);
    mp_writer_init(&w, out, cap);
    mp_write_map(&w, launched ? 11 : 10);
    pair(&w, "kind", "decision");
    mp_write_cstr(&w, "id");
    mp_write_bin(&w, id, 16);
    pair(&w, "tenant", "acme");
    pair(&w, "user", "alice");
    pair(&w, "agent", "coder");
    pair(&w, "tool", "fs.read");
    mp_write_cstr(&w, "args_digest");
    mp_write_bin(&w, digest, 32);
    pair(&w, "effect", launched ? "permit" : "forbid");
    pair(&w, "code", launched ? "permitted" : "denied");
    mp_write_cstr(&w, "pad");
    mp_write_str(&w, pad, padding);
    if (launched) {
        mp_write_cstr(&w, "order");
        mp_write_uint(&w, n + 1);
    }
    assert_int_equal(mp_written(&w, &len), TS_OK);
    return len;
}

static size_t launch(uint8_t *out, size_t cap, uint32_t n)
{
    uint8_t record[1024], order[512];
    struct order o = {.order_id = n + 1,
                      .generation = 1,
                      .tool = TS_STR_LIT("fs.read"),
                      .args = {.ptr = args, .len = sizeof(args)},
                      .path = TS_STR_LIT(""),
                      .access = ACCESS_NONE,
                      .wall_ms = 1000,
                      .output_max = 1000};
    struct ring_launch l = {
        .record = {.ptr = record,
                   .len = decision(record, sizeof(record), n, true, 10)}};
    size_t len;

    id_of(o.decision_id, n);
    assert_int_equal(order_encode(&o, order, sizeof(order), &len), TS_OK);
    l.order = (struct ts_bytes){.ptr = order, .len = len};
    assert_int_equal(ring_launch_encode(&l, out, cap, &len), TS_OK);
    return len;
}

static size_t outcome(uint8_t *out, size_t cap, uint32_t n)
{
    struct mp_writer w;
    uint8_t id[16];
    size_t len;

    id_of(id, n);
    mp_writer_init(&w, out, cap);
    mp_write_map(&w, 5);
    pair(&w, "kind", "exec_ended");
    mp_write_cstr(&w, "id");
    mp_write_bin(&w, id, 16);
    pair(&w, "tenant", "acme");
    pair(&w, "reason", "exited");
    pair(&w, "code", "permitted");
    assert_int_equal(mp_written(&w, &len), TS_OK);
    return len;
}

static size_t journal_body(uint8_t *out, size_t cap, uint32_t n)
{
    char payload[REV_NAME];
    struct ring_journal j = {.type = JOURNAL_REVOCATION,
                             .tenant = TS_STR_LIT("acme"),
                             .keep_until = UINT64_MAX};
    size_t len;

    (void)snprintf(payload, sizeof(payload), "revoke-%u", n);
    j.payload = (struct ts_bytes){.ptr = (const uint8_t *)payload,
                                  .len = strlen(payload)};
    (void)crypto_generichash(j.key, sizeof(j.key), j.payload.ptr, j.payload.len,
                             NULL, 0);
    assert_int_equal(ring_journal_encode(&j, out, cap, &len), TS_OK);
    return len;
}

static enum ring_kind entry(char letter, uint32_t n, uint32_t launched,
                            uint8_t *out, size_t cap, size_t *ret_len)
{
    const struct order_barrier b = {.id = n};
    const struct ring_kill k = {
        .kill = {.order_id = launched + 1, .reason = END_REVOKED}};

    switch (letter) {
    case 'd':
    case 'D':
        *ret_len = decision(out, cap, n, false, letter == 'D' ? LARGE : 20);
        return RING_RECORD;
    case 'l':
        *ret_len = launch(out, cap, n);
        return RING_LAUNCH;
    case 'o':
        *ret_len = outcome(out, cap, launched);
        return RING_RECORD;
    case 'j':
        *ret_len = journal_body(out, cap, n);
        return RING_JOURNAL;
    case 'k':
        assert_int_equal(ring_kill_encode(&k, out, cap, ret_len), TS_OK);
        return RING_KILL;
    case 'b':
        assert_int_equal(order_barrier_encode(&b, out, cap, ret_len), TS_OK);
        return RING_BARRIER;
    default:
        fail_msg("no entry is called %c", letter);
        return RING_RECORD;
    }
}

void crash_rig_feed(struct crash_rig *r, const char *entries)
{
    crash_rig_feed_from(r, entries, 0);
}

void crash_rig_feed_from(struct crash_rig *r, const char *entries, size_t first)
{
    static uint8_t body[LARGE + 4096];
    struct ring_writer w;
    uint32_t launched = 0;

    assert_int_equal(ring_writer_open(r->ring, -1, &w), TS_OK);
    for (uint32_t n = 0; entries[n] != '\0'; n++) {
        size_t len = 0;
        enum ring_kind kind;
        uint8_t *to;

        if (entries[n] == 'l')
            launched = n;
        if (n < first)
            continue;
        kind = entry(entries[n], n, launched, body, sizeof(body), &len);
        assert_int_equal(ring_reserve(&w, len, &to), TS_OK);
        memcpy(to, body, len);
        ring_commit(&w, (uint32_t)kind, len);
    }
    ring_writer_done(&w);
}

/* ---- the recorder ------------------------------------------------------- */

struct life {
    struct journal journal;
    struct store store;
    struct ring_reader ring;
    struct order_on launchers;
    struct batch batch;
};

static int dir_open(const struct crash_rig *r, const char *sub)
{
    char path[CRASH_PATH];

    path_of(r, sub, path);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static ts_err begin(const struct crash_rig *r, const struct crash_life *how,
                    struct life *l)
{
    static struct journal_found found;
    const struct store_settings settings = {.log_dir = dir_open(r, "log"),
                                            .segment_bytes = how->segment_bytes,
                                            .sync = true,
                                            .sidecar = "unit/crash"};
    const struct store_member members[STORE_MEMBERS] = {
        {.key = "process", .text = "recorder"},
        {.key = "boot", .text = "1"},
        {.key = "sidecar", .text = settings.sidecar}};
    char text[JOURNAL_REFUSAL_MAX];
    struct batch_replayed replayed;
    ts_err e;

    l->launchers = (struct order_on){.fds = {r->orders[0]}, .count = 1};
    l->batch = (struct batch){.ring = &l->ring,
                              .store = &l->store,
                              .journal = &l->journal,
                              .launchers = &l->launchers};
    e = ring_reader_open(r->ring, -1, &l->ring);
    if (e == TS_OK)
        e = batch_init(&l->batch);
    if (e == TS_OK)
        e = journal_open(dir_open(r, "state"), false, &l->journal, &found,
                         text);
    if (e == TS_OK)
        e = store_open(&settings, &l->store, text, sizeof(text));
    if (e != TS_OK)
        return e;
    store_journal_is(&l->store, l->journal.place.seq);
    e = batch_replay(&l->batch, 1, &replayed);
    if (e == TS_OK && (replayed.dropped > 0 || replayed.cut != NULL))
        return TS_E_FORMAT;
    if (e == TS_OK)
        e = store_begin(&l->store, 1);
    if (e == TS_OK)
        e = store_note(&l->store, "start", members, 1);
    if (e == TS_OK)
        e = store_commit(&l->store, 1);
    return e;
}

_Noreturn void crash_rig_live(const struct crash_rig *r,
                              const struct crash_life *how)
{
    static struct life l;
    uint32_t entries = 1;
    ts_err e = begin(r, how, &l);

    while (e == TS_OK && entries > 0)
        e = batch_run(&l.batch, 1, &entries);
    _exit(e == TS_OK ? 0 : 1);
}

/* ---- what became of it -------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static char *whole_log(const struct crash_rig *r)
{
    static char text[LOG_CAP + 1], names[64][64];
    size_t count = 0, len = 0;
    int dir = dir_open(r, "log");
    DIR *d = fdopendir(dir);
    const struct dirent *de;

    assert_non_null(d);
    while ((de = readdir(d)) != NULL && count < 64)
        if (strncmp(de->d_name, "log-", 4) == 0)
            (void)snprintf(names[count++], 64, "%.63s", de->d_name);
    qsort(names, count, 64, by_name);
    for (size_t i = 0; i < count; i++) {
        int fd = openat(dir, names[i], O_RDONLY | O_CLOEXEC);
        ssize_t n;

        while ((n = read(fd, text + len, LOG_CAP - len)) > 0)
            len += (size_t)n;
        (void)close(fd);
    }
    (void)closedir(d);
    text[len] = '\0';
    return text;
}

struct seen {
    uint32_t next; /* of the entries that make a line */
    char
        ends[CRASH_ENTRIES_MAX]; /* of launch n: 0, 'o'utcome or 'x' for lost */
    bool launched[CRASH_ENTRIES_MAX];
};

static uint32_t number_of(const json_t *line, const char *where)
{
    const char *hex = json_string_value(json_object_get(line, "id"));
    uint8_t id[16];

    if (hex == NULL || ts_hex_decode(hex, strlen(hex), id, 16) != TS_OK ||
        id[0] >= CRASH_ENTRIES_MAX)
        fail_msg("%s: a line without an id of ours", where);
    return id[0];
}

static void see_line(struct seen *s, const json_t *line, const char *entries,
                     const char *where)
{
    const char *kind = json_string_value(json_object_get(line, "kind"));
    const char *reason = json_string_value(json_object_get(line, "reason"));
    bool ended = strcmp(kind, "exec_ended") == 0;
    bool lost = ended && strcmp(reason, "lost") == 0;
    uint32_t n;

    if (!ended && strcmp(kind, "decision") != 0)
        return;
    n = number_of(line, where);
    if (ended && (!s->launched[n] || s->ends[n] != 0))
        fail_msg("%s: launch %u ends twice, or never began", where, n);
    if (ended)
        s->ends[n] = lost ? 'x' : 'o';
    if (lost)
        return;
    while (entries[s->next] != '\0' && strchr("jkb", entries[s->next]) != NULL)
        s->next++;
    if (entries[s->next] == '\0' || (entries[s->next] == 'o') != ended ||
        (!ended && n != s->next))
        fail_msg("%s: a line for entry %u where that of %u (%c) belongs", where,
                 n, s->next, entries[s->next]);
    s->launched[n] = s->launched[n] || entries[n] == 'l';
    s->next++;
}

static void check_log(struct crash_rig *r, const char *entries, struct seen *s,
                      const char *where)
{
    struct chain chain = {0};
    char *p = whole_log(r), *end;

    while ((end = strchr(p, '\n')) != NULL) {
        json_t *line = json_loadb(p, (size_t)(end - p), 0, NULL);

        if (line == NULL || chain_follow(&chain, p, (size_t)(end - p)) != TS_OK)
            fail_msg("%s: the chain breaks after %llu", where,
                     (unsigned long long)chain.last_seq);
        see_line(s, line, entries, where);
        json_decref(line);
        p = end + 1;
    }
    while (entries[s->next] != '\0' && strchr("jkb", entries[s->next]) != NULL)
        s->next++;
    if (*p != '\0' || entries[s->next] != '\0')
        fail_msg("%s: entry %u (%c) is not in the log", where, s->next,
                 entries[s->next]);
}

static void check_journal(struct crash_rig *r, const char *entries,
                          const char *where)
{
    struct journal_found found;
    struct journal j;
    char text[JOURNAL_REFUSAL_MAX];
    int dir = dir_open(r, "state");
    size_t expected = 0;

    for (const char *p = entries; *p != '\0'; p++)
        expected += *p == 'j' ? 1 : 0;
    if (journal_open(dir, false, &j, &found, text) != TS_OK)
        fail_msg("%s: %s", where, text);
    /* keys differ: as many numbers as keys means that none came twice */
    if (j.place.seq != expected || j.index.count != expected)
        fail_msg("%s: the journal's last is %llu, of %zu keys, not %zu", where,
                 (unsigned long long)j.place.seq, j.index.count, expected);
    (void)close(found.memfd);
    journal_done(&j);
    (void)close(dir);
}

/* What reached the launcher stands in the log, and came once. */
static void check_orders(struct crash_rig *r, const struct seen *s,
                         const char *where)
{
    bool came[CRASH_ENTRIES_MAX] = {false};
    uint8_t buf[4096];
    ssize_t n;

    while ((n = recv(r->orders[1], buf, sizeof(buf), 0)) > 0) {
        const char *what;
        struct order o;

        if (buf[0] != HOP_ORDER)
            continue;
        assert_int_equal(order_decode(buf + 1, (size_t)n - 1, &o, &what),
                         TS_OK);
        if (came[o.order_id - 1] || !s->launched[o.order_id - 1])
            fail_msg("%s: order %llu is not in the log, or came twice", where,
                     (unsigned long long)o.order_id);
        came[o.order_id - 1] = true;
    }
}

void crash_rig_check(struct crash_rig *r, const char *entries,
                     const char *where)
{
    struct seen s = {0};
    struct ring_writer w;

    assert_int_equal(ring_writer_open(r->ring, -1, &w), TS_OK);
    if (!ring_is_drained(&w) || !ring_is_empty(r->ring))
        fail_msg("%s: the ring is not empty", where);
    ring_writer_done(&w);
    check_log(r, entries, &s, where);
    for (uint32_t n = 0; entries[n] != '\0'; n++)
        if (entries[n] == 'l' && s.ends[n] == 0)
            fail_msg("%s: launch %u has no end", where, n);
    check_journal(r, entries, where);
    check_orders(r, &s, where);
}
