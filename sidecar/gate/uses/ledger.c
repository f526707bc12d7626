#include "sidecar/gate/uses/ledger.h"

#include <string.h>

#include "proto/base/ts_require.h"

static uint32_t find(const struct use_ledger *l, const uint8_t id[USE_ID])
{
    uint32_t i = 0;

    while (i < l->count && memcmp(l->places[i].id, id, USE_ID) != 0)
        i++;
    return i;
}

uint64_t use_ledger_total(const struct use_ledger *l, const uint8_t id[USE_ID])
{
    uint32_t at;

    if (l == NULL)
        return 0;
    at = find(l, id);
    return at < l->count ? l->places[at].total : 0;
}

/* A place that nothing is counted at any more is as good as a new one. */
static uint32_t room(const struct use_ledger *l, bool is_first)
{
    uint32_t max = is_first ? USE_PLACES_MAX : USE_PLACES_MAX - USE_PLACES_KEPT;

    if (l->count < max)
        return l->count;
    for (uint32_t i = 0; i < max; i++)
        if (l->places[i].total == 0)
            return i;
    return USE_PLACES_MAX;
}

ts_err use_ledger_take(struct use_ledger *l, const uint8_t id[USE_ID],
                       uint64_t amount, bool is_first, uint32_t *ret_place)
{
    uint32_t at = find(l, id);

    if (at == l->count) {
        at = room(l, is_first);
        if (at == USE_PLACES_MAX || amount > USE_TOTAL_MAX)
            return TS_E_LIMIT;
        memcpy(l->places[at].id, id, USE_ID);
        l->places[at].total = 0;
        l->count += at == l->count;
    }
    if (amount > USE_TOTAL_MAX - l->places[at].total)
        return TS_E_LIMIT;
    l->places[at].total += amount;
    *ret_place = at;
    return TS_OK;
}

void use_ledger_give_back(struct use_ledger *l, uint32_t place, uint64_t amount)
{
    TS_REQUIRE(place < l->count && amount <= l->places[place].total);
    l->places[place].total -= amount;
}
