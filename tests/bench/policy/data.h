#ifndef TESTS_BENCH_POLICY_DATA_H
#define TESTS_BENCH_POLICY_DATA_H

#include "policy/cedar.h"

/* One line of requests.json and what the official engine said to it. */
struct bench_request {
    struct cedar_request req;
    enum cedar_decision expect;
    const uint32_t *reasons; /* ascending; what the reference named */
    uint32_t reason_count;
    bool has_reasons;
};

/*
 * A folder as the reference generator writes it: policies.cedar, entities.json
 * and requests.json, the last with `expect` and `reasons` (policy ids, or
 * policyN for the Nth) of the official engine.
 */
struct bench_data {
    struct cedar_policies *policies; /* owned */
    struct cedar_entities *entities; /* owned */
    struct bench_request *requests;  /* in arena */
    size_t request_count;
    struct ts_arena arena;
    double load_policies_ms, load_entities_ms; /* best of several */
    size_t rss_kib, peak_kib; /* with policies and entities alone */
};

/* False: said on stderr why. */
bool bench_load(const char *dir, struct bench_data *ret);
void bench_free(struct bench_data *d);
double bench_now_ns(void);

#endif
