/* Many requests: a JSON array, or JSON lines. */
#include <string.h>

#include "cli/cmd.h"
#include "cli/policy/report.h"
#include "cli/policy/request.h"
#include "cli/policy/slice.h"
#include "policy/json/reader.h"

/* Bytes of JSON that requests with entities of their own have read, all of them
 * held at once: each reads the entity files again. */
#define ENTITY_BYTES_MAX ((size_t)256 << 20)

struct list {
    struct pol_inputs *in;
    const struct cedar_source *file;
    bool validate;
    struct pol_request_list out;
    size_t cap;
    size_t entity_bytes;
};

static bool room(struct list *l)
{
    size_t cap = l->cap > 0 ? l->cap * 2 : 64;
    void *mem;

    if (l->out.count < l->cap)
        return true;
    if (l->out.count == POL_REQUESTS_MAX) {
        cli_error("%s: more than %u requests", l->file->name, POL_REQUESTS_MAX);
        return false;
    }
    if (ts_arena_array(&l->in->arena, cap, sizeof(*l->out.list), &mem) !=
        TS_OK) {
        cli_error("%s: too much to hold in memory", l->file->name);
        return false;
    }
    if (l->out.count > 0)
        memcpy(mem, l->out.list, l->out.count * sizeof(*l->out.list));
    l->out.list = mem;
    l->cap = cap;
    return true;
}

static bool may_hold(struct list *l, const struct pol_request *r, size_t len)
{
    if (r->entities == NULL)
        return true;
    l->entity_bytes += len;
    for (size_t i = 0; i < l->in->entity_files.count; i++)
        l->entity_bytes += l->in->entity_files.list[i].text.len;
    if (l->entity_bytes <= ENTITY_BYTES_MAX)
        return true;
    cli_error("%s:%u: the requests up to here that bring entities of their own "
              "come to more than %zu MiB with those of --entities; put theirs "
              "into --entities or ask in several files",
              l->file->name, r->span.line, ENTITY_BYTES_MAX >> 20);
    return false;
}

static bool add(struct list *l, struct ts_str text, struct cedar_span at)
{
    struct pol_files files = {.list = l->file, .count = 1};

    if (!room(l))
        return false;
    if (pol_request_parse(l->in, l->file, text, at, l->validate,
                          &l->out.list[l->out.count], pol_diags(l->in))) {
        return may_hold(l, &l->out.list[l->out.count++], text.len);
    }
    pol_complain_err(l->file->name, TS_E_NOMEM, l->in->diags, &files);
    return false;
}

static bool add_lines(struct list *l)
{
    struct ts_str t = l->file->text;
    struct cedar_span at = {.line = 1, .column = 1};

    while (at.offset < t.len) {
        const char *line = t.ptr + at.offset;
        const char *end = memchr(line, '\n', t.len - at.offset);
        size_t n = end != NULL ? (size_t)(end - line) : t.len - at.offset;

        if (n > 0 && strspn(line, " \t\r") < n &&
            !add(l, (struct ts_str){.ptr = line, .len = n}, at))
            return false;
        at.offset += (uint32_t)n + 1;
        at.line++;
    }
    return true;
}

static bool add_array(struct list *l)
{
    struct pol_files files = {.list = l->file, .count = 1};
    const struct json *root;
    struct ts_arena temp;
    bool ok;

    ts_arena_init(&temp, POL_ARENA);
    ok = cedar_json_parse(&temp, l->file->text, 0, pol_diags(l->in), &root) ==
         TS_OK;
    if (!ok)
        pol_complain_err(l->file->name, TS_E_NOMEM, l->in->diags, &files);
    for (const struct json *v = ok ? root->first : NULL; ok && v != NULL;
         v = v->next)
        ok = add(l, pol_slice(l->file->text, v->span), v->span);
    ts_arena_done(&temp);
    return ok;
}

/* One object over several lines is a list of one. */
static bool is_one_object(const struct list *l)
{
    const struct json *root;
    struct ts_arena temp;
    bool one;

    ts_arena_init(&temp, POL_ARENA);
    one = cedar_json_parse(&temp, l->file->text, 0, NULL, &root) == TS_OK;
    ts_arena_done(&temp);
    return one;
}

bool pol_requests_read(struct pol_inputs *in, const char *path, bool validate,
                       struct pol_request_list *ret)
{
    struct cedar_span start = {.line = 1, .column = 1};
    struct cedar_source file;
    struct list l = {.in = in, .file = &file, .validate = validate};
    size_t blank;
    bool ok;

    if (!pol_read(&in->arena, path, POL_FILE_MAX, &file))
        return false;
    blank = strspn(file.text.ptr, " \t\r\n");
    if (blank < file.text.len && file.text.ptr[blank] == '[')
        ok = add_array(&l);
    else if (is_one_object(&l))
        ok = add(&l, file.text, start);
    else
        ok = add_lines(&l);
    if (ok && l.out.count == 0) {
        cli_error("%s: no requests in it", file.name);
        ok = false;
    }
    if (!ok) {
        pol_requests_done(&l.out);
        return false;
    }
    *ret = l.out;
    return true;
}

void pol_requests_done(struct pol_request_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        pol_request_done(&l->list[i]);
    l->count = 0;
}
