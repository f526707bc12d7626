/* Which files a bundle is made of. */
#include <string.h>

#include "sidecar/common/bundle/bundle_priv.h"

static bool ends_with(struct ts_str s, const char *end)
{
    size_t n = strlen(end);

    return s.len > n && memcmp(s.ptr + s.len - n, end, n) == 0;
}

static struct ts_str next_part(struct ts_str *rest)
{
    const char *slash = memchr(rest->ptr, '/', rest->len);
    struct ts_str part = *rest;

    if (slash == NULL) {
        *rest = (struct ts_str){rest->ptr + rest->len, 0};
        return part;
    }
    part.len = (size_t)(slash - rest->ptr);
    *rest = (struct ts_str){slash + 1, rest->len - part.len - 1};
    return part;
}

const char *bundle_misplaced(struct ts_str name)
{
    struct ts_str rest = name, part = next_part(&rest);

    if (ts_str_eq_c(part, "tools"))
        return memchr(rest.ptr, '/', rest.len) == NULL &&
                       ends_with(rest, ".yaml")
                   ? NULL
                   : "expected tools/NAME.yaml";
    if (ts_str_eq_c(part, "sandbox"))
        return memchr(rest.ptr, '/', rest.len) == NULL &&
                       ends_with(rest, ".yaml")
                   ? NULL
                   : "expected sandbox/NAME.yaml, a seccomp profile";
    (void)next_part(&rest); /* tenants/T */
    part = next_part(&rest);
    if (rest.len == 0 &&
        (ts_str_eq_c(part, "tenant.yaml") || ts_str_eq_c(part, "trust.yaml") ||
         ts_str_eq_c(part, "directory.snapshot") ||
         ts_str_eq_c(part, "directory.heartbeat") ||
         ts_str_eq_c(part, "entities.json") ||
         ts_str_eq_c(part, "schema.cedarschema") ||
         ts_str_eq_c(part, "schema.json")))
        return NULL;
    if (rest.len == 0 && ts_str_eq_c(part, "directory.yaml"))
        return "a directory comes signed: run \"tipstaff directory apply\" on "
               "this file, and keep it elsewhere";
    if (ts_str_eq_c(part, "policies")) {
        part = next_part(&rest);
        if (rest.len == 0 && ts_str_eq_c(part, "links.json"))
            return NULL;
        if ((ts_str_eq_c(part, "hard") || ts_str_eq_c(part, "approval")) &&
            memchr(rest.ptr, '/', rest.len) == NULL &&
            ends_with(rest, ".cedar"))
            return NULL;
        return "expected policies/hard/NAME.cedar, "
               "policies/approval/NAME.cedar or policies/links.json";
    }
    return "expected tenant.yaml, trust.yaml, directory.snapshot, "
           "directory.heartbeat, entities.json, "
           "schema.cedarschema, schema.json or policies/";
}

uint64_t bundle_most_bytes(struct ts_str path)
{
    if (ends_with(path, "/directory.snapshot"))
        return BUNDLE_SNAPSHOT_MAX;
    if (ends_with(path, "/directory.heartbeat"))
        return BUNDLE_HEARTBEAT_MAX;
    return BUNDLE_BYTES_MAX;
}
