/* Reads the folder of one bench: what is timed and what is expected. */
#include "tests/bench/policy/data.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "policy/core/sort.h"

#define LOADS 5

double bench_now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Mapped, so that the text of a file counts as nobody's heap. */
static bool map_file(const char *dir, const char *name, struct ts_str *ret)
{
    char path[4096];
    struct stat st;
    void *p;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0) {
        (void)fprintf(stderr, "bench_authorize: cannot read %s\n", path);
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE,
             fd, 0);
    (void)close(fd);
    if (p == MAP_FAILED)
        return false;
    *ret = (struct ts_str){.ptr = p, .len = (size_t)st.st_size};
    return true;
}

static void unmap(struct ts_str s)
{
    union {
        const char *in;
        void *out;
    } p = {.in = s.ptr};

    (void)munmap(p.out, s.len);
}

static size_t status_kib(const char *key)
{
    char line[256];
    FILE *f = fopen("/proc/self/status", "re");
    size_t n = strlen(key), kib = 0;

    if (f == NULL)
        return 0;
    while (fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, key, n) != 0)
            continue;
        for (const char *s = line + n; *s != '\0'; s++)
            if (*s >= '0' && *s <= '9')
                kib = kib * 10 + (size_t)(*s - '0');
    }
    (void)fclose(f);
    return kib;
}

static bool complain(const char *what, const struct cedar_diags *diags)
{
    (void)fprintf(stderr, "bench_authorize: %s: %s\n", what,
                  diags->count > 0 ? diags->list[0].text : "refused");
    return false;
}

static bool load_once(const struct cedar_source *ps,
                      const struct cedar_source *es, struct bench_data *d)
{
    static struct cedar_diags diags;
    double t0 = bench_now_ns(), t1, t2;

    if (cedar_policies_parse(ps, 1, &cedar_options_default, &d->policies,
                             &diags) != TS_OK)
        return complain(ps->name, &diags);
    t1 = bench_now_ns();
    if (cedar_entities_parse(es, 1, &d->entities, &diags) != TS_OK)
        return complain(es->name, &diags);
    t2 = bench_now_ns();
    t2 = (t2 - t1) / 1e6;
    t1 = (t1 - t0) / 1e6;
    if (d->load_policies_ms <= 0 || t1 < d->load_policies_ms)
        d->load_policies_ms = t1;
    if (d->load_entities_ms <= 0 || t2 < d->load_entities_ms)
        d->load_entities_ms = t2;
    return true;
}

static const struct cedar_value *member(const struct cedar_value *v,
                                        const char *key)
{
    return v->kind == CEDAR_RECORD
               ? cedar_record_get(v->as.record, ts_str_of(key))
               : NULL;
}

static bool uid_of(const struct cedar_value *v, const char *key,
                   struct cedar_uid *ret)
{
    const struct cedar_value *u = member(v, key), *type, *id;

    if (u == NULL || (type = member(u, "type")) == NULL ||
        (id = member(u, "id")) == NULL || type->kind != CEDAR_STRING ||
        id->kind != CEDAR_STRING)
        return false;
    *ret = cedar_uid_make(type->as.string, id->as.string);
    return true;
}

static int number_order(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* "policy12" is the twelfth; anything else an id. */
static bool policy_of(const struct cedar_policies *p, struct ts_str id,
                      uint32_t *ret)
{
    struct ts_str prefix = TS_STR_LIT("policy");
    uint32_t n = 0;

    for (uint32_t i = 0; i < cedar_policies_count(p); i++)
        if (ts_str_eq(cedar_policies_info(p, i).id, id)) {
            *ret = i;
            return true;
        }
    if (!ts_str_starts(id, prefix) || id.len == prefix.len)
        return false;
    for (size_t i = prefix.len; i < id.len; i++) {
        if (id.ptr[i] < '0' || id.ptr[i] > '9' || n > 1000000)
            return false;
        n = n * 10 + (uint32_t)(id.ptr[i] - '0');
    }
    *ret = n;
    return n < cedar_policies_count(p);
}

static bool reasons_of(struct bench_data *d, const struct cedar_value *v,
                       struct bench_request *out)
{
    const struct cedar_value *list = member(v, "reasons");
    uint32_t *numbers;
    void *mem;

    if (list == NULL)
        return true;
    if (list->kind != CEDAR_SET)
        return false;
    out->reason_count = (uint32_t)cedar_set_count(list->as.set);
    if (ts_arena_array(&d->arena, out->reason_count, sizeof(*numbers), &mem) !=
        TS_OK)
        return false;
    numbers = mem;
    for (uint32_t i = 0; i < out->reason_count; i++) {
        const struct cedar_value *id = cedar_set_at(list->as.set, i);

        if (id->kind != CEDAR_STRING ||
            !policy_of(d->policies, id->as.string, &numbers[i]))
            return false;
    }
    cedar_sort(numbers, out->reason_count, sizeof(*numbers), number_order);
    out->reasons = numbers;
    out->has_reasons = true;
    return true;
}

static bool request_of(struct bench_data *d, const struct cedar_value *v,
                       struct bench_request *out)
{
    const struct cedar_value *context = member(v, "context");
    const struct cedar_value *expect = member(v, "expect");

    if (!uid_of(v, "principal", &out->req.principal) ||
        !uid_of(v, "action", &out->req.action) ||
        !uid_of(v, "resource", &out->req.resource) || context == NULL ||
        context->kind != CEDAR_RECORD || expect == NULL ||
        expect->kind != CEDAR_STRING || !reasons_of(d, v, out))
        return false;
    out->req.context = *context;
    out->expect =
        ts_str_eq_c(expect->as.string, "allow") ? CEDAR_ALLOW : CEDAR_DENY;
    return true;
}

/* The file is JSON, so a list of records: what cedar_value_parse() reads. The
 * set is sorted, which shuffles the requests; no order is better. */
static bool load_requests(const char *dir, struct bench_data *d)
{
    static struct cedar_diags diags;
    struct cedar_source src = {.name = "requests.json"};
    struct cedar_value all;
    bool ok;
    void *mem;

    ts_arena_init(&d->arena, (size_t)512 << 20);
    if (!map_file(dir, src.name, &src.text))
        return false;
    ok = cedar_value_parse(&d->arena, &src, &all, &diags) == TS_OK &&
         all.kind == CEDAR_SET;
    unmap(src.text);
    if (!ok)
        return complain("requests.json", &diags);
    d->request_count = cedar_set_count(all.as.set);
    if (ts_arena_array(&d->arena, d->request_count, sizeof(*d->requests),
                       &mem) != TS_OK)
        return false;
    d->requests = mem;
    for (size_t i = 0; i < d->request_count; i++)
        if (!request_of(d, cedar_set_at(all.as.set, i), &d->requests[i])) {
            (void)fprintf(stderr,
                          "bench_authorize: requests.json: a request lacks "
                          "principal, action, resource, context or expect\n");
            return false;
        }
    return d->request_count > 0;
}

bool bench_load(const char *dir, struct bench_data *ret)
{
    struct cedar_source ps = {.name = "policies.cedar"};
    struct cedar_source es = {.name = "entities.json"};

    memset(ret, 0, sizeof(*ret));
    if (!map_file(dir, ps.name, &ps.text) || !map_file(dir, es.name, &es.text))
        return false;
    for (unsigned i = 0; i < LOADS; i++) {
        cedar_policies_free(ret->policies);
        cedar_entities_free(ret->entities);
        ret->policies = NULL;
        ret->entities = NULL;
        if (!load_once(&ps, &es, ret))
            return false;
        if (i > 0)
            continue;
        unmap(ps.text); /* the first load, in a fresh process, is measured */
        unmap(es.text);
        ret->rss_kib = status_kib("VmRSS:");
        ret->peak_kib = status_kib("VmHWM:");
        if (!map_file(dir, ps.name, &ps.text) ||
            !map_file(dir, es.name, &es.text))
            return false;
    }
    unmap(ps.text);
    unmap(es.text);
    return load_requests(dir, ret);
}

void bench_free(struct bench_data *d)
{
    cedar_policies_free(d->policies);
    cedar_entities_free(d->entities);
    ts_arena_done(&d->arena);
}
