/* The questions that wait, from the gate, believed only when they are signed.
 */
#include "cli/approval/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/files.h"
#include "cli/json_line.h"
#include "cli/term.h"
#include "proto/wire/limits.h"
#include "sidecar/question/screen.h"

#define ANSWER_MS     10000
#define WIDTH_DEFAULT 80u

int approval_source_open(struct approval_source *src)
{
    if (src->sidecar_key == NULL)
        src->sidecar_key = getenv("TIPSTAFF_SIDECAR_KEY");
    if (src->sidecar_key == NULL || src->sidecar_key[0] == '\0') {
        cli_error("--sidecar-key (or TIPSTAFF_SIDECAR_KEY): without the "
                  "sidecar's public key, such as keys/sidecar.pub, no question "
                  "can be believed");
        return CLI_USAGE;
    }
    return cli_public_key("--sidecar-key", src->sidecar_key, src->sidecar_pk) &&
                   admin_open(&src->s, src->socket)
               ? CLI_OK
               : CLI_FAILED;
}

void approval_source_close(struct approval_source *src)
{
    admin_close(&src->s);
}

bool approval_source_ask(struct approval_source *src, bool watch)
{
    const struct admin_approvals m = {.watch = watch,
                                      .tenant = ts_str_of(src->tenant)};
    struct ts_buf out;
    bool sent = false;

    ts_buf_init(&out, 1024);
    if (admin_approvals_send(&out, &m) != TS_OK)
        cli_error("--tenant is an id of at most %d bytes", TS_ID_MAX);
    else
        sent = admin_send(&src->s, &out);
    ts_buf_done(&out);
    return sent;
}

static enum approval_event malformed(const char *what)
{
    cli_error("the service sent something that this version cannot read (%s); "
              "use the tipstaff of the same version as the service",
              what);
    return APPROVAL_EVENT_BROKEN;
}

/* False: it is to be passed over. */
static bool believe(struct approval_source *src, struct approval_told *told)
{
    const char *why = "";

    if (!approval_view_open(told->ticket.object, src->sidecar_pk, &told->view,
                            &why)) {
        src->refused++;
        cli_error("a question is not shown: %s", why);
        return false;
    }
    told->view.stage = told->ticket.stage;
    told->view.people = told->ticket.people;
    told->view.people_count = told->ticket.people_count;
    return true;
}

/* A ticket is read, and not yet believed. */
static enum approval_event decode(const struct frame *f,
                                  struct approval_told *ret)
{
    enum approval_event event = APPROVAL_EVENT_BROKEN;
    const char *what = "type";
    ts_err e = TS_E_FORMAT;

    if (f->type == ADMIN_TICKETS_END) {
        event = APPROVAL_EVENT_LISTED;
        e = admin_empty_decode(f->body, f->len, &what);
    } else if (f->type == ADMIN_TICKET_NEWS) {
        event = APPROVAL_EVENT_NEWS;
        e = admin_ticket_news_decode(f->body, f->len, &ret->news, &what);
    } else if (f->type == ADMIN_TICKET) {
        event = APPROVAL_EVENT_TICKET;
        e = admin_ticket_decode(f->body, f->len, &ret->ticket, &what);
    }
    return e == TS_OK ? event : malformed(what);
}

enum approval_event approval_source_next(struct approval_source *src,
                                         uint64_t timeout_ms,
                                         struct approval_told *ret)
{
    for (;;) {
        struct frame f = {.type = 0};
        enum admin_wait w = admin_receive(&src->s, timeout_ms, &f);
        enum approval_event event;

        if (w != ADMIN_GOT)
            return w == ADMIN_TIMEOUT ? APPROVAL_EVENT_NONE
                                      : APPROVAL_EVENT_BROKEN;
        event = decode(&f, ret);
        if (event != APPROVAL_EVENT_TICKET || believe(src, ret))
            return event;
    }
}

static unsigned columns(void)
{
    const char *told = getenv("COLUMNS");
    struct winsize w = {0};
    uint64_t n = 0;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
        return w.ws_col;
    if (told != NULL && cli_number(told, &n) && n > 0 && n < UINT16_MAX)
        return (unsigned)n;
    return WIDTH_DEFAULT;
}

struct approval_show approval_source_show(const struct approval_source *src)
{
    const struct term t = term_stdout();

    return (struct approval_show){
        .term = {t.bold, t.dim, t.red, t.green, t.yellow, t.cyan, t.reset},
        .width = columns(),
        .utf8 = term_utf8(),
        .all = src->all,
        .now_s = (uint64_t)time(NULL)};
}

static bool print_json(const struct approval_view *v)
{
    json_t *j = approval_json(v);
    bool done = cli_json_line(j);

    json_decref(j);
    if (done && fflush(stdout) == 0)
        return true;
    cli_error("out of memory, or standard output does not take more");
    return false;
}

bool approval_source_print(const struct approval_source *src,
                           const struct approval_view *v, size_t *ret_cut)
{
    const struct approval_show how = approval_source_show(src);
    struct ts_buf out;
    bool ok = false;

    *ret_cut = 0;
    if (src->json)
        return print_json(v);
    ts_buf_init(&out, SCREEN_OUT_MAX);
    if (approval_render(v, &how, &out, ret_cut) != TS_OK)
        cli_error("the question is too large to be shown, or there is no "
                  "memory for it; --json tells it");
    else
        ok = fwrite(ts_buf_bytes(&out), 1, out.len, stdout) == out.len &&
             fflush(stdout) == 0;
    ts_buf_done(&out);
    return ok;
}

/* Hex digits, grouped in any way, as a screen shows them. */
static bool digits(const char *typed, struct approval_wanted *w)
{
    for (; *typed != '\0'; typed++) {
        char c = *typed;

        if (c == ' ')
            continue;
        if (c >= 'A' && c <= 'F')
            c = (char)(c - 'A' + 'a');
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) ||
            w->len == sizeof(w->hex) - 1)
            return false;
        w->hex[w->len++] = c;
    }
    return w->len >= APPROVAL_PREFIX_MIN;
}

bool approval_wanted_parse(const char *typed, struct approval_wanted *ret)
{
    struct approval_wanted w = {.len = 0};

    if (!digits(typed, &w)) {
        cli_error("which question? its ticket or decision id, or at least the "
                  "first %d digits of it; tipstaff approvals ls shows them",
                  APPROVAL_PREFIX_MIN);
        return false;
    }
    *ret = w;
    return true;
}

static bool begins(const struct approval_wanted *w, const uint8_t *p, size_t n)
{
    char hex[2 * TRUST_HASH_LEN + 1];

    ts_hex_encode(hex, p, n);
    return w->len <= 2 * n && memcmp(hex, w->hex, w->len) == 0;
}

static bool is_wanted(const struct approval_wanted *w,
                      const struct approval_view *v)
{
    return begins(w, v->id, sizeof(v->id)) ||
           begins(w, v->ticket.decision_id, sizeof(v->ticket.decision_id));
}

/* The view of what is kept, and the people who were told with it. */
static bool reopen(struct approval_source *src, const struct ts_buf *keep,
                   const struct admin_ticket *m, struct approval_told *ret)
{
    ret->ticket = *m;
    ret->ticket.object.ptr = ts_buf_bytes(keep);
    return believe(src, ret);
}

static bool keep_it(struct ts_buf *keep, struct ts_bytes object)
{
    ts_buf_clear(keep);
    if (ts_buf_append(keep, object.ptr, object.len) == TS_OK)
        return true;
    cli_error("out of memory");
    return false;
}

/* People's names go with the frame that told them, so who has answered is read
 * once more from what is kept: names are copied behind the object. */
static bool keep_people(struct ts_buf *keep, struct admin_ticket *m)
{
    size_t at[TS_PEOPLE_MAX];

    for (uint32_t i = 0; i < m->people_count; i++) {
        at[i] = keep->len;
        if (ts_buf_append(keep, m->people[i].person.ptr,
                          m->people[i].person.len) != TS_OK) {
            cli_error("out of memory");
            return false;
        }
    }
    for (uint32_t i = 0; i < m->people_count; i++)
        m->people[i].person.ptr = (const char *)ts_buf_bytes(keep) + at[i];
    return true;
}

bool approval_source_find(struct approval_source *src,
                          const struct approval_wanted *w,
                          struct approval_told *ret, struct ts_buf *keep)
{
    struct admin_ticket found = {.people_count = 0};
    enum approval_event e = APPROVAL_EVENT_NONE;
    uint32_t count = 0;

    if (!approval_source_ask(src, false))
        return false;
    while ((e = approval_source_next(src, ANSWER_MS, ret)) ==
           APPROVAL_EVENT_TICKET) {
        if (!is_wanted(w, &ret->view) || count++ > 0)
            continue;
        found = ret->ticket;
        if (!keep_it(keep, found.object) || !keep_people(keep, &found))
            return false;
    }
    if (e == APPROVAL_EVENT_NONE)
        cli_error("%s: no answer within %d seconds", src->socket,
                  ANSWER_MS / 1000);
    if (e != APPROVAL_EVENT_LISTED)
        return false;
    if (count != 1) {
        cli_error(count == 0
                      ? "no such call waits any more; tipstaff approvals ls "
                        "shows which do"
                      : "several questions begin so; give more digits");
        return false;
    }
    return reopen(src, keep, &found, ret);
}
