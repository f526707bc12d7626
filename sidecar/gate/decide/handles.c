#include "sidecar/gate/decide/handles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire/limits.h"
#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"
#include "sidecar/gate/provenance/json_scan.h"
#include "sidecar/gate/provenance/leaves.h"

#define REF_KEY    "$ref"
#define NESTED_MAX 8u /* of a value that a handle names */

struct resolving {
    struct prov_task *task;
    struct ts_arena *arena;
    struct mp_reader in;
    struct mp_writer out;
    struct ts_buf text; /* a decoded string */
    struct ts_str arg;  /* the argument at hand */
    struct call_handle *list;
    uint32_t count;
    enum call_code code; /* why not */
    uint32_t call;       /* that the handle names */
    char *why;
    size_t why_cap;
};

static ts_err refuse(struct resolving *r, enum call_code code, const char *what)
{
    char shown[80];

    r->code = code;

    (void)ts_str_escape(shown, sizeof(shown), r->arg.ptr, r->arg.len);
    (void)snprintf(r->why, r->why_cap, "argument \"%s\": %s", shown, what);
    return TS_E_INVALID;
}

/* ---- a JSON value as msgpack -------------------------------------------- */

static ts_err put_value(struct resolving *r, struct ts_str json,
                        unsigned depth);

/* A JSON number that is a whole number as it is written: 18 digits at most. */
static bool whole(struct ts_str text, int64_t *ret)
{
    size_t i = text.ptr[0] == '-' ? 1 : 0;
    bool negative = i == 1;
    int64_t v = 0;

    if (text.len - i > 18)
        return false;
    for (; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        v = v * 10 + (text.ptr[i] - '0');
    }
    *ret = negative ? -v : v;
    return true;
}

static ts_err put_number(struct resolving *r, struct ts_str text)
{
    char digits[64];
    int64_t v;

    if (whole(text, &v)) {
        mp_write_int(&r->out, v);
        return TS_OK;
    }
    if (text.len >= sizeof(digits))
        return refuse(r, CODE_HANDLE_TOO_LARGE,
                      "that number is too long to be an argument");
    memcpy(digits, text.ptr, text.len);
    digits[text.len] = '\0';
    mp_write_float(&r->out, strtod(digits, NULL));
    return TS_OK;
}

static ts_err put_string(struct resolving *r, const struct json_token *t)
{
    struct ts_str s;
    ts_err e = json_string_text(t, TS_ARGS_MAX, &r->text, &s);

    if (e == TS_OK)
        mp_write_str(&r->out, s.ptr, s.len);
    return e;
}

/* Elements or members of a list or object whose bracket was read. */
static ts_err count_inside(struct json_scan in, bool object, uint32_t *ret)
{
    struct json_token key;
    bool more;
    ts_err e;

    for (uint32_t n = 0;; n++) {
        if ((e = json_scan_more(&in, object, n == 0, &more)) != TS_OK)
            return e;
        if (!more) {
            *ret = n;
            return TS_OK;
        }
        if ((object && (e = json_scan_key(&in, &key)) != TS_OK) ||
            (e = json_skip_value(&in, LEAVES_DEPTH_MAX, NULL)) != TS_OK)
            return e;
    }
}

static ts_err put_inside(struct resolving *r, struct json_scan in, bool object,
                         unsigned depth)
{
    struct json_token key;
    struct ts_str value;
    uint32_t n;
    bool more;
    ts_err e = count_inside(in, object, &n);

    if (e != TS_OK)
        return e;
    if (depth == NESTED_MAX)
        return refuse(r, CODE_HANDLE_TOO_LARGE,
                      "that value is nested too deeply");
    if (object)
        mp_write_map(&r->out, n);
    else
        mp_write_array(&r->out, n);
    for (uint32_t i = 0; i < n; i++) {
        if ((e = json_scan_more(&in, object, i == 0, &more)) != TS_OK ||
            (object && ((e = json_scan_key(&in, &key)) != TS_OK ||
                        (e = put_string(r, &key)) != TS_OK)) ||
            (e = json_skip_value(&in, LEAVES_DEPTH_MAX, &value)) != TS_OK ||
            (e = put_value(r, value, depth + 1)) != TS_OK)
            return e;
    }
    return TS_OK;
}

static ts_err put_value(struct resolving *r, struct ts_str json, unsigned depth)
{
    struct json_scan in = json_scan_of(json);
    struct json_token t;
    ts_err e = json_scan_value(&in, &t);

    if (e != TS_OK)
        return e;
    switch (t.type) {
    case JSON_STRING:
        return put_string(r, &t);
    case JSON_NUMBER:
        return put_number(r, t.text);
    case JSON_BOOL:
        mp_write_bool(&r->out, t.text.ptr[0] == 't');
        return TS_OK;
    case JSON_NULL:
        mp_write_nil(&r->out);
        return TS_OK;
    case JSON_OBJECT:
        return put_inside(r, in, true, depth);
    case JSON_ARRAY:
        return put_inside(r, in, false, depth);
    }
    return TS_E_FORMAT;
}

/* ---- handles ------------------------------------------------------------- */

struct ref {
    struct ts_str call, path;
};

/* Is this value a map with "$ref"? If so it must be a handle and no more. */
static ts_err read_ref(struct resolving *r, struct ts_bytes raw, bool *ret_is,
                       struct ref *ret)
{
    struct ref got = {0};
    struct mp_reader m;
    bool is = false;
    uint32_t n;

    mp_reader_init(&m, raw.ptr, raw.len);
    *ret_is = false;
    if (mp_peek(&m) != MP_MAP)
        return TS_OK;
    n = mp_read_map(&m, TS_ARGS_KEYS_MAX);
    for (uint32_t i = 0; i < n; i++) {
        struct ts_str key = mp_read_str(&m, TS_ARGS_MAX);
        struct ts_str *to = ts_str_eq_c(key, REF_KEY)  ? &got.call
                            : ts_str_eq_c(key, "path") ? &got.path
                                                       : NULL;

        is = is || to == &got.call;
        if (to == NULL || mp_peek(&m) != MP_STR)
            (void)mp_read_raw(&m, TS_ARGS_MAX);
        else
            *to = mp_read_str(&m, TS_ARGS_MAX);
    }
    if (!is)
        return TS_OK;
    if (mp_done(&m) != TS_OK || n != 2 || got.call.ptr == NULL ||
        got.path.ptr == NULL)
        return refuse(r, CODE_HANDLE_MALFORMED,
                      "a handle is {\"$ref\": \"call-N\", \"path\": "
                      "\"/pointer\"} and no more");
    *ret_is = true;
    *ret = got;
    return TS_OK;
}

static ts_err find(struct resolving *r, const struct ref *ref,
                   struct prov_handle *ret)
{
    uint32_t call;
    ts_err e = TS_E_NOT_FOUND;

    if (!prov_call_parse(ref->call, &call))
        return refuse(r, CODE_HANDLE_MALFORMED,
                      "the $ref of a handle is the \"call-N\" of a result");
    r->call = call;
    if (r->task != NULL)
        e = prov_task_handle(r->task, call, ref->path, ret);
    switch ((int)e) {
    case TS_OK:
        return TS_OK;
    case TS_E_NOT_FOUND:
        return refuse(r, CODE_HANDLE_UNKNOWN,
                      "this task has no call of that number");
    case TS_E_STATE:
        return refuse(r, CODE_HANDLE_GONE,
                      "that call has no output that is still kept; "
                      "make the call again");
    case TS_E_INVALID:
        return refuse(r, CODE_HANDLE_NOTHING,
                      "nothing stands at that path of the output");
    case TS_E_EXISTS:
        return refuse(r, CODE_HANDLE_NOTHING,
                      "an object on that path has its key twice");
    default:
        return e;
    }
}

/* Names of places move when the task gets another one: a copy stays. */
static ts_err keep(struct resolving *r, const struct ref *ref,
                   const struct prov_handle *from, uint32_t item)
{
    const struct prov_seen *seen = &from->seen;
    struct call_handle *h = &r->list[r->count];

    *h = (struct call_handle){.arg = r->arg,
                              .item = item,
                              .call = r->call,
                              .path = ref->path, /* of the frame */
                              .seen = *seen,
                              .is_sealed = from->is_sealed};
    for (uint32_t i = 0; i < seen->count; i++) {
        const char *copy;
        ts_err e = ts_arena_strndup(r->arena, seen->places[i].ptr,
                                    seen->places[i].len, &copy);

        if (e != TS_OK)
            return e;
        h->seen.places[i].ptr = copy;
    }
    r->count++;
    return TS_OK;
}

static ts_err put_one(struct resolving *r, struct ts_bytes raw, uint32_t item)
{
    struct prov_handle h;
    struct ref ref;
    bool is;
    ts_err e = read_ref(r, raw, &is, &ref);

    if (e != TS_OK)
        return e;
    if (!is) {
        mp_write_raw(&r->out, raw.ptr, raw.len);
        return TS_OK;
    }
    if (r->count == CALL_HANDLES_MAX)
        return refuse(r, CODE_HANDLE_MALFORMED,
                      "a call has at most 16 handles");
    if ((e = find(r, &ref, &h)) != TS_OK ||
        (e = put_value(r, h.json, 0)) != TS_OK)
        return e == TS_E_LIMIT
                   ? refuse(r, CODE_HANDLE_TOO_LARGE, "that value is too large")
                   : e;
    return keep(r, &ref, &h, item);
}

static ts_err put_arg(struct resolving *r)
{
    uint32_t n;
    ts_err e = TS_OK;

    if (mp_peek(&r->in) != MP_ARRAY)
        return put_one(r, mp_read_raw(&r->in, TS_ARGS_MAX), HANDLE_WHOLE);
    n = mp_read_array(&r->in, TS_ARGS_MAX);
    mp_write_array(&r->out, n);
    for (uint32_t i = 0; i < n && e == TS_OK; i++)
        e = put_one(r, mp_read_raw(&r->in, TS_ARGS_MAX), i);
    return e;
}

static ts_err put_all(struct resolving *r, struct resolved *ret)
{
    uint32_t n = mp_read_map(&r->in, TS_ARGS_KEYS_MAX);
    size_t len;
    ts_err e;

    mp_write_map(&r->out, n);
    for (uint32_t i = 0; i < n; i++) {
        r->arg = mp_read_str(&r->in, TS_ARGS_MAX);
        mp_write_str(&r->out, r->arg.ptr, r->arg.len);
        if ((e = put_arg(r)) != TS_OK)
            return e;
    }
    if (mp_done(&r->in) != TS_OK)
        return refuse(r, CODE_BAD_ARGUMENTS,
                      "the arguments are not one strict map");
    if (mp_written(&r->out, &len) != TS_OK)
        return refuse(r, CODE_HANDLE_TOO_LARGE,
                      "the arguments are too large with what it names");
    *ret = (struct resolved){.args = {.ptr = r->out.buf, .len = len},
                             .list = r->list,
                             .count = r->count};
    return TS_OK;
}

ts_err handles_resolve(struct prov_task *task, struct ts_bytes args,
                       struct ts_arena *arena, struct resolved *ret,
                       char *reterr_text, size_t reterr_cap)
{
    struct resolving r = {.task = task,
                          .arena = arena,
                          .code = CODE_BAD_ARGUMENTS,
                          .why = reterr_text,
                          .why_cap = reterr_cap};
    void *out, *list;
    ts_err e;

    *ret = (struct resolved){.args = args};
    if (memmem(args.ptr, args.len, REF_KEY, sizeof(REF_KEY) - 1) == NULL)
        return TS_OK;
    if ((e = ts_arena_alloc(arena, TS_ARGS_MAX, &out)) != TS_OK ||
        (e = ts_arena_array(arena, CALL_HANDLES_MAX, sizeof(*r.list), &list)) !=
            TS_OK)
        return e;
    r.list = list;
    if (task != NULL) /* its look-ups are bounded like those of the call */
        prov_task_asks(task);
    mp_reader_init(&r.in, args.ptr, args.len);
    mp_writer_init(&r.out, out, TS_ARGS_MAX);
    ts_buf_init(&r.text, TS_ARGS_MAX);
    e = put_all(&r, ret);
    ts_buf_done(&r.text);
    if (e != TS_OK)
        *ret = (struct resolved){
            .args = args, .refused = r.code, .refused_call = r.call};
    return e;
}
