/* What people let through in a task, and when that is gone. */
#include "sidecar/gate/provenance/task_priv.h"

void task_unendorse(struct prov_task *k)
{
    endorsed_free(k->endorsed);
    k->endorsed = NULL;
    k->endorse_serial++;
}

bool prov_task_endorses(const struct prov_task *k)
{
    return k->endorsed != NULL;
}

void prov_task_endorse_under(struct prov_task *k, uint64_t epoch)
{
    if (k->endorsed == NULL || k->endorse_epoch == epoch)
        return;
    task_unendorse(k);
    tasks_count(k);
}

ts_err prov_task_endorse_name(struct prov_task *k, uint64_t epoch,
                              const struct endorsed_use *u,
                              struct endorsed_id *ret, uint64_t *ret_serial)
{
    struct endorsed_id id;
    ts_err e;

    prov_task_endorse_under(k, epoch);
    if (k->endorsed == NULL) {
        if ((e = endorsed_new(&k->endorsed)) != TS_OK)
            return e;
        k->endorse_epoch = epoch;
        tasks_count(k); /* a decision is under way: nobody makes room now */
    }
    e = endorsed_name(k->endorsed, u, &id);
    if (e == TS_OK) {
        *ret = id;
        *ret_serial = k->endorse_serial;
    }
    return e;
}

bool prov_task_endorse(struct prov_task *k, const struct endorsed_id *id,
                       uint64_t serial, const struct endorsed_by *by)
{
    if (k->endorsed == NULL || k->endorse_serial != serial ||
        !endorsed_add(k->endorsed, id, by))
        return false;
    tasks_settle(k);
    return k->endorsed != NULL;
}

struct endorsed_by prov_task_endorsed(struct prov_task *k,
                                      const struct endorsed_use *u)
{
    static const struct endorsed_by nobody = {.call = 0};
    struct endorsed_id id;

    if (k->endorsed == NULL || endorsed_count(k->endorsed) == 0 ||
        endorsed_name(k->endorsed, u, &id) != TS_OK)
        return nobody;
    return endorsed_find(k->endorsed, &id);
}

uint32_t prov_tasks_unendorse(struct prov_tasks *t, struct ts_str tenant)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < t->count; i++) {
        struct prov_task *k = t->list[i];

        if (!ts_str_eq((struct ts_str){.ptr = k->tenant, .len = k->tenant_len},
                       tenant))
            continue;
        n += k->endorsed != NULL ? endorsed_count(k->endorsed) : 0;
        task_unendorse(k);
        tasks_count(k);
    }
    return n;
}
