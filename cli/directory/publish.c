#include "cli/directory/publish.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/directory/diff.h"
#include "cli/directory/publish_priv.h"
#include "cli/directory/push.h"
#include "cli/term.h"

/* The entries of a large directory and what is made of them. */
#define BUDGET ((size_t)256 << 20)

/* What cannot be trusted is replaced only by somebody who says its number. */
static bool judge_installed(struct dir_publish *d)
{
    if (d->installed.by != NULL) {
        d->last_seq = d->installed.s.seq;
        return true;
    }
    if (d->seq == 0) {
        cli_error("tenants/%s/" DIR_SNAPSHOT_FILE
                  ": %s; so its number is not believed. To replace it, say "
                  "--seq N with a number above all that were in force",
                  d->place.tenant, d->installed.why);
        return false;
    }
    (void)printf("the installed snapshot is not trusted (%s) and is "
                 "replaced\n",
                 d->installed.why);
    return true;
}

/* A command that was interrupted between the service's answer and the rename
 * left its snapshot behind; its number may be in force. */
static void look_for_prepared(struct dir_publish *d)
{
    struct ts_bytes bytes;
    struct dir_found f;

    if (dir_file_read_prepared(&d->place, DIR_SNAPSHOT_FILE,
                               SIGNED_SNAPSHOT_MAX, &d->arena,
                               &bytes) != DIR_READ_OK ||
        !dir_found_read(NULL, bytes, &d->trust, ts_str_of(d->place.tenant),
                        &d->arena, &f) ||
        f.by == NULL || f.s.seq <= d->last_seq)
        return;
    (void)printf("an earlier command was interrupted after it had signed "
                 "number %" PRIu64 "; going on from there\n",
                 f.s.seq);
    d->last_seq = f.s.seq;
}

static bool read_installed(struct dir_publish *d)
{
    struct ts_bytes bytes;
    char name[TS_ID_MAX + 64];

    (void)snprintf(name, sizeof(name), "tenants/%s/" DIR_SNAPSHOT_FILE,
                   d->place.tenant);
    switch (dir_file_read(&d->place, DIR_SNAPSHOT_FILE, SIGNED_SNAPSHOT_MAX,
                          &d->arena, &bytes)) {
    case DIR_READ_FAILED:
        return false;
    case DIR_READ_NONE:
        break;
    case DIR_READ_OK:
        if (!dir_found_read(name, bytes, &d->trust, ts_str_of(d->place.tenant),
                            &d->arena, &d->installed) ||
            !judge_installed(d))
            return false;
        d->has_installed = true;
        break;
    }
    look_for_prepared(d);
    return true;
}

/* The number of the next one is in d->seq. */
static bool choose_seq(struct dir_publish *d)
{
    if (d->seq == 0 && d->last_seq == UINT64_MAX) {
        cli_error("no number is left above that of the installed snapshot");
        return false;
    }
    if (d->seq == 0)
        d->seq = d->last_seq + 1;
    if (d->seq > d->last_seq)
        return true;
    cli_error("--seq must be above %" PRIu64 ", the number in force",
              d->last_seq);
    return false;
}

int dir_publish_begin(struct dir_publish *d)
{
    ts_arena_init(&d->arena, BUDGET);
    d->place.fd = d->place.config_fd = -1;
    if (d->ttl_s == 0 || d->ttl_s > DIR_PUBLISH_TTL_MAX) {
        cli_error("--ttl may be 1s to 3650d");
        return CLI_USAGE;
    }
    if (d->wait_s == 0 || d->wait_s > 3600) {
        cli_error("--wait may be 1s to 1h");
        return CLI_USAGE;
    }
    if (trust_init() != TS_OK) {
        cli_error("this libsodium must not be used");
        return CLI_FAILED;
    }
    if (!dir_now(&d->now) || !dir_place_open(&d->place, d->config, d->tenant) ||
        (!d->dry_run && !dir_place_lock(&d->place)) ||
        !dir_trust_load(&d->place, &d->arena, &d->trust) ||
        !read_installed(d) || !choose_seq(d))
        return CLI_FAILED;
    return CLI_OK;
}

void dir_publish_done(struct dir_publish *d)
{
    dir_place_close(&d->place);
    ts_arena_done(&d->arena);
}

/* Encodes, and says in words what is wrong with the lists. */
static bool encode(const struct directory_snapshot *s, struct ts_buf *body)
{
    char where[512];
    const char *what = "";
    uint32_t index = 0;
    ts_err e = directory_snapshot_encode(s, body, &what, &index);

    if (e == TS_OK)
        return true;
    dir_entry_name(s, what, index, where, sizeof(where));
    if (e == TS_E_INVALID)
        cli_error("this is not a directory: %s is missing, given twice or "
                  "names nobody who is listed",
                  where);
    else
        cli_error("the directory cannot be made: %s", ts_err_text(e));
    return false;
}

/* Signed, and judged as the gate will judge it. */
static bool sign(const struct dir_publish *d, struct directory_snapshot *s,
                 struct ts_buf *out)
{
    struct trust_secret key = {0};
    struct directory_snapshot again;
    struct ts_arena arena;
    struct ts_buf body;
    const char *what = "";
    uint32_t index = 0;
    enum trust_code c = TRUST_E_INTERNAL;

    if (!dir_key_load(&d->place, &d->trust, d->key, d->now, &key))
        return false;
    ts_buf_init(&body, SIGNED_SNAPSHOT_MAX);
    ts_arena_init(&arena, BUDGET);
    if (encode(s, &body)) {
        struct ts_bytes b = {ts_buf_bytes(&body), body.len};

        if (signed_make(SIGNED_SNAPSHOT, b, &key, out) == TS_OK)
            c = directory_snapshot_verify(
                d->trust.store, s->tenant,
                (struct ts_bytes){ts_buf_bytes(out), out->len}, d->now, &arena,
                &again, &what, &index);
        if (c != TRUST_OK)
            cli_error("the signed snapshot is larger than %u bytes or does "
                      "not verify (%s)",
                      SIGNED_SNAPSHOT_MAX, what);
        else
            memcpy(s->hash, again.hash, sizeof(s->hash));
    }
    trust_secret_done(&key);
    ts_buf_done(&body);
    ts_arena_done(&arena);
    return c == TRUST_OK;
}

static void print_until(const struct directory_snapshot *s)
{
    char until[32];

    term_time(until, sizeof(until), s->not_after);
    (void)printf("%s\n", until);
}

struct commit {
    const struct dir_place *place;
    bool is_done;
};

static bool commit(void *arg)
{
    struct commit *c = arg;

    c->is_done = dir_file_commit(c->place, DIR_SNAPSHOT_FILE);
    return c->is_done;
}

static int print_pushed(const struct directory_snapshot *s,
                        const struct dir_pushed *p)
{
    (void)printf("in force: seq %" PRIu64 "; %" PRIu64 " session%s closed, "
                 "%" PRIu64 " tool%s killed, all gone after %" PRIu64 " ms\n",
                 s->seq, p->sessions, p->sessions == 1 ? "" : "s", p->tools,
                 p->tools == 1 ? "" : "s", p->took_ms);
    return CLI_OK;
}

/* What is installed follows what is in force; in doubt it is installed, since a
 * service that has it and finds an older one on its disk starts no more. */
static int settle(const struct dir_publish *d,
                  const struct directory_snapshot *s, enum dir_push r,
                  const struct dir_pushed *p, struct commit *c)
{
    switch (r) {
    case DIR_PUSH_REFUSED:
        dir_file_abandon(&d->place, DIR_SNAPSHOT_FILE);
        cli_error("nothing was changed");
        return CLI_FAILED;
    case DIR_PUSH_NOBODY:
    case DIR_PUSH_UNKNOWN:
        if (!commit(c))
            return CLI_FAILED;
        cli_error("seq %" PRIu64 " is installed, but %s; the service takes it "
                  "when it sees the file",
                  s->seq,
                  r == DIR_PUSH_NOBODY
                      ? "no service was told (--no-push when none runs)"
                      : "it is not known whether it is in force");
        return CLI_FAILED;
    case DIR_PUSH_UNFINISHED:
        if (!c->is_done)
            cli_error("seq %" PRIu64 " is in force but not installed; run the "
                      "command again",
                      s->seq);
        return CLI_FAILED;
    case DIR_PUSH_DONE:
        break;
    }
    return print_pushed(s, p);
}

static int install(struct dir_publish *d, const struct directory_snapshot *s,
                   struct ts_bytes object)
{
    struct commit c = {.place = &d->place};
    const struct admin_feed feed = {.what = FEED_SNAPSHOT, .object = object};
    struct dir_pushed pushed = {0};
    enum dir_push r;

    if (!d->no_push && d->socket == NULL &&
        !dir_place_socket(&d->place, &d->arena, &d->socket))
        return CLI_FAILED;
    if (!dir_file_prepare(&d->place, DIR_SNAPSHOT_FILE, object))
        return CLI_FAILED;
    if (d->no_push) {
        if (!commit(&c))
            return CLI_FAILED;
        if (!d->is_quiet) {
            (void)printf("installed: seq %" PRIu64 ", until ", s->seq);
            print_until(s);
        }
        return CLI_OK;
    }
    (void)fflush(stdout); /* the wait may be long */
    r = dir_push(d->socket, &feed, d->wait_s, commit, &c, &pushed);
    return settle(d, s, r, &pushed, &c);
}

static int finish(struct dir_publish *d, struct directory_snapshot *next)
{
    struct ts_buf object;
    int code = CLI_FAILED;

    ts_buf_init(&object, SIGNED_SNAPSHOT_MAX);
    if (sign(d, next, &object)) {
        struct ts_bytes bytes = {ts_buf_bytes(&object), object.len};

        if (dir_check_configuration(d, bytes))
            code = install(d, next, bytes);
    }
    ts_buf_done(&object);
    return code;
}

static void print_changes(const struct dir_publish *d,
                          const struct directory_snapshot *next)
{
    static const struct directory_snapshot nothing = {.seq = 0};
    const struct directory_snapshot *from =
        d->has_installed ? &d->installed.s : &nothing;
    bool same = d->has_installed;

    (void)printf("tenant %s: ", d->place.tenant);
    if (d->has_installed)
        (void)printf("seq %" PRIu64 " to %" PRIu64 "\n", from->seq, next->seq);
    else
        (void)printf("the first snapshot, seq %" PRIu64 "\n", next->seq);
    if (directory_diff_print(from, next) == 0)
        (void)printf(same ? "  the same people as before; only renewed, until "
                          : "  nobody, until ");
    else
        (void)printf("  until ");
    print_until(next);
}

int dir_publish(struct dir_publish *d, struct directory_snapshot *next)
{
    struct ts_buf body;
    bool ok;

    next->tenant = ts_str_of(d->place.tenant);
    next->seq = d->seq;
    next->issued = d->now;
    next->not_after = d->now + d->ttl_s;
    if (!dir_collect_revocations(d, next) || !dir_check_people(d, next))
        return CLI_FAILED;
    ts_buf_init(&body, SIGNED_SNAPSHOT_MAX);
    ok = encode(next, &body);
    ts_buf_done(&body);
    if (!ok)
        return CLI_FAILED;
    if (!d->is_quiet)
        print_changes(d, next);
    if (!d->dry_run)
        return finish(d, next);
    (void)printf("dry run: nothing was signed or written\n");
    return CLI_OK;
}
