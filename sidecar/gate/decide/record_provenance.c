/* What the decision record says of where values came from: what a policy saw,
 * so that the same can be asked again. */
#include <stdio.h>

#include "sidecar/gate/decide/decide_priv.h"

#define PLACE_SHOWN 128 /* bytes */

/* [pinned, trusted, untrusted, unknown] */
static void put_class(struct mp_writer *w, const char *name,
                      const struct provenance_class *c)
{
    mp_write_cstr(w, name);
    mp_write_array(w, 4);
    mp_write_bool(w, c->pinned);
    mp_write_bool(w, c->trusted);
    mp_write_bool(w, c->untrusted);
    mp_write_bool(w, c->unknown);
}

/* At most PLACE_SHOWN bytes, not cutting a character: keys of an output may be
 * long, and they are a tool's to choose. */
static struct ts_str shown(struct ts_str s)
{
    if (s.len <= PLACE_SHOWN)
        return s;
    s.len = PLACE_SHOWN;
    while (s.len > 0 && ((unsigned char)s.ptr[s.len] & 0xc0) == 0x80)
        s.len--;
    return s;
}

/* The place "endorsed" of a policy, once for each call with which people let
 * items through: of the tenant's, or, if it is not for those, of whose. */
static void put_endorsed(struct mp_writer *w, const struct endorsed_by *by)
{
    char text[64];
    uint32_t block = 0;

    while (block < TS_BLOCKS_MAX - 1 && (by->sets & ENDORSED_BLOCK(block)) == 0)
        block++;
    if ((by->sets & ENDORSED_TENANT) != 0)
        (void)snprintf(text, sizeof(text), RECORD_ENDORSED "%u", by->call);
    else
        (void)snprintf(text, sizeof(text), RECORD_ENDORSED "%u block:%u",
                       by->call, block);
    mp_write_cstr(w, text);
}

/* {name: [source, place...]} */
static void put_args(struct mp_writer *w, const struct deciding *d, bool brief)
{
    const struct call_provenance *p = &d->context.provenance;

    mp_write_cstr(w, "args");
    mp_write_map(w, brief ? 0 : d->args.count);
    for (uint32_t i = 0; i < d->args.count && !brief; i++) {
        const struct arg_provenance *a = &p->args[i];
        struct ts_str name = d->args.values[i].decl->name;

        mp_write_str(w, name.ptr, name.len);
        mp_write_array(w, 1 + a->place_count + a->endorsed_count);
        mp_write_cstr(w, prov_source_name(a->source));
        for (uint32_t k = 0; k < a->place_count; k++) {
            struct ts_str place = shown(a->places[k]);

            mp_write_str(w, place.ptr, place.len);
        }
        for (uint32_t k = 0; k < a->endorsed_count; k++)
            put_endorsed(w, &a->endorsed[k]);
    }
}

void record_provenance(struct mp_writer *w, const struct deciding *d,
                       bool brief)
{
    const struct call_provenance *p = &d->context.provenance;

    mp_write_cstr(w, "provenance");
    mp_write_map(w, 8);
    put_class(w, "authority", &p->authority);
    put_class(w, "links", &p->links);
    put_class(w, "content", &p->content);
    mp_write_cstr(w, "unendorsed"); /* [untrusted, unknown], for the tenant */
    mp_write_array(w, 2);
    mp_write_bool(w, (p->unendorsed.untrusted & ENDORSED_TENANT) != 0);
    mp_write_bool(w, (p->unendorsed.unknown & ENDORSED_TENANT) != 0);
    put_args(w, d, brief);
    mp_write_cstr(w, "secrets");
    mp_write_bool(w, p->secrets);
    mp_write_cstr(w, "level");
    mp_write_uint(w, (uint64_t)p->level);
    mp_write_cstr(w, "task"); /* [untrusted, level, lost] */
    mp_write_array(w, 3);
    mp_write_bool(w, p->task.untrusted);
    mp_write_uint(w, (uint64_t)p->task.level);
    mp_write_bool(w, p->task.lost);
}
