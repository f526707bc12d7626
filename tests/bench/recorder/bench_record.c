/*
 * What the recorder does for each record of the gate: check, JSON, hash chain,
 * and one write for a batch, on one core and without the ring. The record is
 * a decision as the gate writes it. JSON on stdout.
 *
 *   bench_record [--records N] [--dir DIR]    DIR: also write a log there
 *
 * Under callgrind, instructions per record = Ir / N.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "proto/base/ts_mem.h"
#include "proto/msg/record.h"
#include "proto/wire/mp_write.h"
#include "sidecar/recorder/store.h"

static const char digest[] = "0123456789abcdef0123456789abcdef";

static void pair(struct mp_writer *w, const char *key, const char *value)
{
    mp_write_cstr(w, key);
    mp_write_cstr(w, value);
}

static void number(struct mp_writer *w, const char *key, uint64_t value)
{
    mp_write_cstr(w, key);
    mp_write_uint(w, value);
}

static void bytes(struct mp_writer *w, const char *key, size_t len)
{
    mp_write_cstr(w, key);
    mp_write_bin(w, digest, len);
}

static void list(struct mp_writer *w, const char *key, const char *a,
                 const char *b)
{
    mp_write_cstr(w, key);
    mp_write_array(w, 2);
    mp_write_cstr(w, a);
    mp_write_cstr(w, b);
}

static void write_who(struct mp_writer *w)
{
    pair(w, "kind", "decision");
    bytes(w, "id", 16);
    pair(w, "tenant", "acme");
    pair(w, "user", "alice");
    pair(w, "agent", "coder");
    list(w, "chain", "user:alice", "agent:coder");
    bytes(w, "grant", 16);
    pair(w, "task", "demo");
    mp_write_cstr(w, "blocks");
    mp_write_array(w, 1);
    mp_write_array(w, 5);
    mp_write_cstr(w, "coder");
    mp_write_bin(w, digest, 16);
    mp_write_bin(w, digest, 32);
    mp_write_uint(w, 1795318603);
    mp_write_uint(w, 1795322203);
    bytes(w, "issuer", 16);
    bytes(w, "session", 16);
    mp_write_cstr(w, "peer");
    mp_write_map(w, 4);
    number(w, "uid", 10001);
    number(w, "gid", 10001);
    number(w, "pid", 14955);
    number(w, "pidfs_ino", 209652);
}

static void write_what(struct mp_writer *w)
{
    bytes(w, "call", 16);
    number(w, "call_seq", 20);
    pair(w, "tool", "fs.read");
    bytes(w, "tool_digest", 32);
    bytes(w, "args_digest", 32);
    mp_write_cstr(w, "args");
    mp_write_map(w, 1);
    pair(w, "path", "/srv/workspace/notes.txt");
    pair(w, "action", "fs.read");
    pair(w, "resource", "/srv/workspace/notes.txt");
    pair(w, "sensitivity", "internal");
    pair(w, "effect", "permit");
    pair(w, "code", "permitted");
    pair(w, "text", "");
    mp_write_cstr(w, "cedar");
    mp_write_array(w, 3);
    for (int i = 0; i < 3; i++) {
        mp_write_array(w, 5);
        mp_write_cstr(w, i == 0 ? "user" : i == 1 ? "agent:0" : "block:0");
        mp_write_cstr(w, "allow");
        for (int k = 0; k < 3; k++) {
            mp_write_array(w, k == 1 ? 0 : 1);
            if (k != 1)
                mp_write_cstr(w, "users-may-read-the-workspace");
        }
    }
    list(w, "policies", "user/users-may-read-the-workspace", "block:0/policy0");
}

static void write_context(struct mp_writer *w)
{
    static const char *const rates[] = {
        "agent_1m", "agent_1h", "agent_tool_1m", "agent_tool_1h",
        "task_1m",  "task_1h",  "denied_1m",     "denied_1h"};

    mp_write_cstr(w, "context");
    mp_write_map(w, 8);
    number(w, "now", 1795318603663);
    number(w, "depth", 0);
    mp_write_cstr(w, "check_only");
    mp_write_bool(w, false);
    mp_write_cstr(w, "has_stdin");
    mp_write_bool(w, false);
    pair(w, "origin", "unknown");
    mp_write_cstr(w, "tainted");
    mp_write_bool(w, false);
    mp_write_cstr(w, "rate");
    mp_write_map(w, 8);
    for (size_t i = 0; i < 8; i++)
        number(w, rates[i], 19);
    mp_write_cstr(w, "attrs");
    mp_write_map(w, 0);
    number(w, "calls_1m", 19);
    mp_write_cstr(w, "provenance");
    mp_write_array(w, 0);
    pair(w, "trace", "");
    number(w, "rev_seq", 0);
    number(w, "generation", 1);
    number(w, "us", 38);
}

static size_t make_record(uint8_t *buf, size_t cap)
{
    struct mp_writer w;
    size_t len = 0;

    mp_writer_init(&w, buf, cap);
    mp_write_map(&w, 33);
    write_who(&w);
    write_what(&w);
    write_context(&w);
    if (mp_written(&w, &len) != TS_OK)
        bench_die("record");
    return len;
}

static struct store open_store(const char *dir)
{
    struct store s = {0};
    struct store_settings settings = {.log_dir = -1,
                                      .segment_bytes = (uint64_t)1 << 40};
    char text[256];

    if (dir != NULL) {
        settings.log_dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (store_open(&settings, &s, text, sizeof(text)) != TS_OK ||
            store_begin(&s, 1) != TS_OK)
            bench_die(text);
        return s;
    }
    s.segment.fd = -1;
    s.out.cap = (size_t)STORE_BATCH + RECORD_LINE_MAX;
    s.out.buf = ts_mem_alloc(s.out.cap);
    if (s.out.buf == NULL)
        bench_die("memory");
    return s;
}

int main(int argc, char **argv)
{
    const char *records = bench_option(argc, argv, "records");
    const char *dir = bench_option(argc, argv, "dir");
    uint64_t n = records != NULL ? strtoull(records, NULL, 10) : 200000;
    struct store s = open_store(dir);
    static uint8_t buf[16384];
    size_t len = make_record(buf, sizeof(buf)), line = 0;
    uint64_t t0 = bench_now_ns();
    const char *what = "";
    struct record r;

    for (uint64_t i = 0; i < n; i++) {
        size_t before = s.out.len;

        if (record_parse(buf, len, false, &r, &what) != TS_OK ||
            store_add(&s, &r, false, 1795318603663000 + i) != TS_OK)
            bench_die(what);
        line = s.out.len - before;
        if (i % 256 != 255)
            continue;
        if (dir != NULL && store_commit(&s, 1) != TS_OK)
            bench_die("commit");
        s.out.len = 0;
    }
    t0 = bench_now_ns() - t0;
    printf("{\"record_bytes\": %zu, \"line_bytes\": %zu, \"records\": %llu, "
           "\"ns_per_record\": %.0f, \"records_per_s\": %.0f}\n",
           len, line, (unsigned long long)n, (double)t0 / (double)n,
           1e9 * (double)n / (double)t0);
    return 0;
}
