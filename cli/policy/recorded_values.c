/* context.provenance of a decision record (gate: record_provenance.c). */
#include "cli/policy/recorded_call.h"

#include <string.h>

static bool text_of(const json_t *j, struct ts_str *ret)
{
    if (!json_is_string(j))
        return false;
    *ret = (struct ts_str){.ptr = json_string_value(j),
                           .len = json_string_length(j)};
    return true;
}

static bool bool_at(const json_t *list, size_t i, bool *ret)
{
    const json_t *v = json_array_get(list, i);

    *ret = json_is_true(v);
    return json_is_boolean(v);
}

static bool level_of(const json_t *v, enum prov_confidentiality *ret)
{
    if (!json_is_integer(v) || json_integer_value(v) < PROV_PUBLIC ||
        json_integer_value(v) > PROV_SECRET)
        return false;
    *ret = (enum prov_confidentiality)json_integer_value(v);
    return true;
}

/* [pinned, trusted, untrusted, unknown] */
static bool read_class(const json_t *map, const char *name,
                       struct provenance_class *ret)
{
    const json_t *list = json_object_get(map, name);

    return json_array_size(list) == 4 && bool_at(list, 0, &ret->pinned) &&
           bool_at(list, 1, &ret->trusted) &&
           bool_at(list, 2, &ret->untrusted) && bool_at(list, 3, &ret->unknown);
}

/* "endorsed:call-7": the place "endorsed" of the tenant's policies. One with a
 * block behind it is for that block alone, which is not asked again. */
static bool read_endorsed(struct ts_str text, struct arg_provenance *ret)
{
    const size_t n = sizeof(RECORD_ENDORSED) - 1;
    struct endorsed_by *by = &ret->endorsed[ret->endorsed_count];
    uint32_t call = 0;

    if (ret->endorsed_count == ENDORSED_CALLS_MAX || text.len == n)
        return false;
    for (size_t i = n; i < text.len && text.ptr[i] != ' '; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || call > UINT32_MAX / 10)
            return false;
        call = call * 10 + (uint32_t)(text.ptr[i] - '0');
    }
    *by = (struct endorsed_by){.call = call};
    ret->endorsed_count++;
    if (memchr(text.ptr, ' ', text.len) == NULL)
        ret->endorsed_sets = by->sets = ENDORSED_TENANT;
    return true;
}

/* [source, place...] */
static bool read_arg(const json_t *list, struct ts_str *places,
                     struct arg_provenance *ret)
{
    size_t n = json_array_size(list);
    struct ts_str source, text;

    *ret = (struct arg_provenance){.places = places};
    if (n == 0 || n > 1 + PROV_FOUND_PLACES + ENDORSED_CALLS_MAX ||
        !text_of(json_array_get(list, 0), &source) ||
        !prov_source_parse(source, &ret->source))
        return false;
    for (size_t i = 1; i < n; i++) {
        if (!text_of(json_array_get(list, i), &text))
            return false;
        if (ts_str_starts(text, TS_STR_LIT(RECORD_ENDORSED))) {
            if (!read_endorsed(text, ret))
                return false;
        } else if (ret->place_count < PROV_FOUND_PLACES) {
            places[ret->place_count++] = text;
        } else {
            return false;
        }
    }
    return true;
}

static bool read_args(json_t *map, struct recorded_values *v)
{
    const char *name;
    json_t *list;

    v->is.args = v->args;
    v->is.arg_count = 0;
    if (!json_is_object(map))
        return false;
    json_object_foreach(map, name, list)
    {
        struct recorded_arg_provenance *a;

        if (v->is.arg_count == RECORDED_ARG_NAMES)
            return false;
        a = &v->args[v->is.arg_count];
        a->name = ts_str_of(name);
        if (!read_arg(list, v->places[v->is.arg_count], &a->is))
            return false;
        v->is.arg_count++;
    }
    return true;
}

/* [untrusted, unknown]. Records of before had none of it: nobody let anything
 * through. */
static bool read_open(const json_t *map, struct call_provenance *is)
{
    const json_t *list = json_object_get(map, "unendorsed");
    bool untrusted = is->authority.untrusted || is->links.untrusted;
    bool unknown = is->authority.unknown || is->links.unknown;

    if (list != NULL &&
        (json_array_size(list) != 2 || !bool_at(list, 0, &untrusted) ||
         !bool_at(list, 1, &unknown)))
        return false;
    is->unendorsed.untrusted = untrusted ? ENDORSED_SETS : 0;
    is->unendorsed.unknown = unknown ? ENDORSED_SETS : 0;
    return true;
}

bool recorded_values_read(const json_t *context, struct recorded_values *ret)
{
    const json_t *p = json_object_get(context, "provenance");
    const json_t *task = json_object_get(p, "task");
    const json_t *secrets = json_object_get(p, "secrets");
    struct call_provenance *is = &ret->is.is;
    struct ts_str origin;

    *is = (struct call_provenance){.secrets = json_is_true(secrets)};
    return json_is_boolean(secrets) &&
           text_of(json_object_get(context, "origin"), &origin) &&
           prov_origin_parse(origin, &is->origin) &&
           read_class(p, "authority", &is->authority) &&
           read_class(p, "links", &is->links) &&
           read_class(p, "content", &is->content) && read_open(p, is) &&
           level_of(json_object_get(p, "level"), &is->level) &&
           json_array_size(task) == 3 &&
           bool_at(task, 0, &is->task.untrusted) &&
           level_of(json_array_get(task, 1), &is->task.level) &&
           bool_at(task, 2, &is->task.lost) &&
           read_args(json_object_get(p, "args"), ret);
}
