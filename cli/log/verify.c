/*
 * tipstaff log verify: every line is strict JSON of our form, numbers follow
 * each other, every line names the hash of the one before, no decision id comes
 * twice, and every launch has exactly one outcome. Trusts nothing in the files.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/json_line.h"
#include "cli/log/files.h"
#include "cli/log/idset.h"
#include "cli/log/line.h"
#include "cli/log/log_cmds.h"
#include "cli/opts.h"
#include "cli/term.h"
#include "proto/trust/pae.h"

#define HASH           32
#define PROGRESS_LINES 20000u

struct verify {
    struct idset ids;
    uint64_t records, decisions, outcomes, open;
    uint64_t first_seq, seq;
    uint8_t prev[HASH];
    bool live;
    const char *what; /* the flaw; static text */
    char id[33];      /* of the decision it is about, or "" */
};

/* False, with the flaw named. */
static bool flaw(struct verify *v, const char *what)
{
    v->what = what;
    return false;
}

static bool read_id(struct verify *v, const json_t *value, uint8_t id[16])
{
    struct ts_str s = {.ptr = json_string_value(value),
                       .len = json_string_length(value)};

    if (s.ptr == NULL || ts_hex_decode(s.ptr, s.len, id, 16) != TS_OK)
        return flaw(v, "an id that is not 32 hex digits");
    ts_hex_encode(v->id, id, 16);
    return true;
}

static bool put(struct verify *v, const uint8_t id[16], enum id_state state)
{
    if (idset_put(&v->ids, id, state) == TS_OK)
        return true;
    return flaw(v, "too many decisions for the memory of this machine");
}

static bool take_decision(struct verify *v, const json_t *j)
{
    bool launched = json_object_get(j, "order") != NULL;
    uint8_t id[16];

    v->decisions++;
    if (!read_id(v, json_object_get(j, "id"), id))
        return false;
    if (idset_get(&v->ids, id) != ID_UNSEEN)
        return flaw(v, "a second decision with the same id");
    if (launched && !ts_str_eq_c(log_line_text(j, "effect"), "permit"))
        return flaw(v, "a launch that was not permitted");
    v->open += launched;
    return put(v, id, launched ? ID_LAUNCHED : ID_DECIDED);
}

static bool take_outcome(struct verify *v, const json_t *j)
{
    uint8_t id[16];

    v->outcomes++;
    if (!read_id(v, json_object_get(j, "id"), id))
        return false;
    switch (idset_get(&v->ids, id)) {
    case ID_LAUNCHED:
        v->open--;
        return put(v, id, ID_ENDED);
    case ID_ENDED:
        return flaw(v, "a second outcome of the same launch");
    case ID_DECIDED:
        return flaw(v, "an outcome of a decision that launched nothing");
    case ID_UNSEEN:
        break;
    }
    return flaw(v, "an outcome without a decision");
}

/* The launches that were open when the file was begun: news only when the files
 * before are not here. */
static bool take_segment(struct verify *v, const json_t *j, bool first)
{
    const json_t *open = json_object_get(j, "open"), *item;
    uint8_t id[16];
    size_t i;

    if (!json_is_array(open))
        return flaw(v, "a segment line without its open launches");
    json_array_foreach(open, i, item)
    {
        enum id_state now;

        if (!read_id(v, json_array_get(item, 0), id))
            return false;
        now = idset_get(&v->ids, id);
        if (now == ID_UNSEEN && first) {
            v->open++;
            if (!put(v, id, ID_LAUNCHED))
                return false;
        } else if (now != ID_LAUNCHED) {
            return flaw(v, "a segment line that names a launch which is not "
                           "open");
        }
    }
    v->id[0] = '\0';
    return true;
}

/* Version, number, time, kind, and that prev closes the line. */
static bool take_frame(struct verify *v, const json_t *j, struct ts_str line,
                       const struct log_place *place)
{
    struct ts_str prev = log_line_text(j, "prev");
    json_int_t seq = json_integer_value(json_object_get(j, "seq"));
    uint8_t named[HASH];

    if (json_integer_value(json_object_get(j, "v")) != 1)
        return flaw(v, "not of version 1");
    if (log_line_text(j, "time").len != 27 || log_line_text(j, "kind").len == 0)
        return flaw(v, "no time, or no kind");
    if (seq < 1 || !json_is_integer(json_object_get(j, "seq")))
        return flaw(v, "no number (seq)");
    if (ts_hex_decode(prev.ptr, prev.len, named, HASH) != TS_OK ||
        line.len < 2 * HASH + 2 ||
        memcmp(line.ptr + line.len - 2 - (size_t)2 * HASH, prev.ptr,
               (size_t)2 * HASH) != 0)
        return flaw(v, "no hash of the line before (prev) at its end");
    if (v->records == 0) {
        v->first_seq = (uint64_t)seq;
        v->seq = (uint64_t)seq - 1;
        if (seq > 1)
            memcpy(v->prev, named, HASH); /* where these files begin */
        if (seq > 1 && !place->first)
            return flaw(v, "the first line is not number 1");
    }
    if ((uint64_t)seq != v->seq + 1)
        return flaw(v, "not the next number (seq): lines are missing, doubled "
                       "or in another order");
    if (memcmp(named, v->prev, HASH) != 0)
        return flaw(v, "prev is not the hash of the line before: that line or "
                       "this one was changed");
    return true;
}

static bool take_line(struct verify *v, struct ts_str line,
                      const struct log_place *place)
{
    const struct ts_bytes part = {.ptr = (const uint8_t *)line.ptr,
                                  .len = line.len};
    json_t *j = log_line_parse(line);
    struct ts_str kind;
    bool ok;

    v->id[0] = '\0';
    if (j == NULL)
        return flaw(v, "not one JSON object");
    kind = log_line_text(j, "kind");
    ok = take_frame(v, j, line, place);
    if (ok && ts_str_eq_c(kind, "decision"))
        ok = take_decision(v, j);
    else if (ok && ts_str_eq_c(kind, "exec_ended"))
        ok = take_outcome(v, j);
    else if (ok && ts_str_eq_c(kind, "segment"))
        ok = take_segment(v, j, v->first_seq > 1 && v->decisions == 0);
    json_decref(j);
    if (!ok)
        return false;
    v->id[0] = '\0';
    v->records++;
    v->seq++;
    pae_hash(v->prev, HASH, "tipstaff/1/log", &part, 1);
    return true;
}

static void progress(const struct verify *v, const struct log_files *f)
{
    if (isatty(STDERR_FILENO) != 1 || f->bytes_total == 0 ||
        v->records % PROGRESS_LINES != 0)
        return;
    (void)fprintf(stderr, "\r%3" PRIu64 "%%  %" PRIu64 " records",
                  f->bytes_read * 100 / f->bytes_total, v->records);
}

static bool run(struct verify *v, struct log_files *f, struct log_place *place)
{
    struct ts_str line;
    uint8_t id[16];
    ts_err e;

    while ((e = log_files_next(f, &line, place)) == TS_OK) {
        if (!take_line(v, line, place))
            return false;
        progress(v, f);
    }
    if (isatty(STDERR_FILENO) == 1 && v->records >= PROGRESS_LINES)
        (void)fputs("\r\033[K", stderr);
    if (e == TS_E_TRUNCATED && v->live && f->next == f->count)
        e = TS_E_AGAIN; /* it is being written right now */
    if (e == TS_E_TRUNCATED)
        return flaw(v, "the line does not end");
    if (e != TS_E_AGAIN)
        return flaw(v, ts_err_text(e));
    if (v->open > 0 && !v->live && idset_count(&v->ids, ID_LAUNCHED, id) > 0) {
        ts_hex_encode(v->id, id, 16);
        return flaw(v, "a launch has no outcome (while the service runs, "
                       "--live allows that)");
    }
    return true;
}

static void report_json(const struct verify *v, bool ok,
                        const struct log_place *place)
{
    char head[2 * HASH + 1];
    json_t *j;

    ts_hex_encode(head, v->prev, HASH);
    j = json_pack("{s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:s}", "ok", ok, "records",
                  (json_int_t)v->records, "decisions", (json_int_t)v->decisions,
                  "outcomes", (json_int_t)v->outcomes, "open",
                  (json_int_t)v->open, "first_seq", (json_int_t)v->first_seq,
                  "last_seq", (json_int_t)v->seq, "head", head);
    if (j != NULL && !ok)
        (void)json_object_set_new(
            j, "error",
            json_pack("{s:s%,s:I,s:I,s:s,s:s}", "file",
                      place->path != NULL ? place->path : "",
                      place->path != NULL ? strlen(place->path) : (size_t)0,
                      "line", (json_int_t)place->line, "seq",
                      (json_int_t)v->seq + 1, "id", v->id, "what", v->what));
    if (!cli_json_line(j))
        (void)puts("{\"ok\":false}"); /* out of memory */
    json_decref(j);
}

static void report(const struct verify *v, bool ok,
                   const struct log_place *place)
{
    char path[512];

    if (!ok) {
        const char *p = place->path != NULL ? place->path : "";

        (void)ts_str_escape(path, sizeof(path), p, strlen(p));
        (void)printf("%s:%" PRIu64 ": %s%s%s\n", path, place->line, v->what,
                     v->id[0] != '\0' ? "; decision " : "", v->id);
        return;
    }
    if (v->first_seq > 1)
        (void)printf("begins at record %" PRIu64
                     "; the lines before are not in these files\n",
                     v->first_seq);
    if (v->open > 0)
        (void)printf("%" PRIu64 " launches have no outcome yet\n", v->open);
    (void)printf("%" PRIu64 " records, %" PRIu64 " decisions, %" PRIu64
                 " outcomes: ok\n",
                 v->records, v->decisions, v->outcomes);
}

int log_verify(int argc, char **argv)
{
    struct verify v = {0};
    bool json = false, ok;
    const struct cli_option options[] = {
        {"--live", NULL, "the service is running: launches may be open",
         CLI_FLAG, &v.live, false},
        {"--json", NULL, "one JSON object instead of text", CLI_FLAG, &json,
         false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff log verify",
        .operands = "[DIR|FILE...]",
        .about = "Checks a decision log: every line, its number, the chain of "
                 "hashes across all\nsegments, one decision per id, one "
                 "outcome per launch. Default: " LOG_DIR_DEFAULT,
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_max = CLI_LIST_MAX,
        .examples = "  tipstaff log verify\n"
                    "  tipstaff log verify --live " LOG_DIR_DEFAULT "\n",
    };
    struct log_place place = {0};
    struct log_files f;
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    if (!log_files_open(&f, (const char *const *)operands, count))
        return CLI_FAILED;
    ok = run(&v, &f, &place);
    if (json)
        report_json(&v, ok, &place);
    else
        report(&v, ok, &place);
    idset_done(&v.ids);
    log_files_close(&f);
    return ok ? CLI_OK : CLI_FAILED;
}
