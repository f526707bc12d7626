#include "sidecar/sandbox/names.h"

#include <string.h>

#define FOLDER "sandbox/"
#define SUFFIX ".yaml"

const char *const sandbox_builtin_names[SANDBOX_BUILTIN_COUNT + 1] = {
    "pure", "files", "build", "net", "jit", NULL};

void sandbox_names_init(struct sandbox_names *n)
{
    *n = (struct sandbox_names){.count = SANDBOX_BUILTIN_COUNT};
    for (uint32_t i = 0; i < n->count; i++)
        memcpy(n->list[i], sandbox_builtin_names[i],
               strlen(sandbox_builtin_names[i]));
}

int sandbox_profile_index(const struct sandbox_names *n, struct ts_str name)
{
    for (uint32_t i = 0; i < n->count; i++) {
        if (ts_str_eq_c(name, n->list[i]))
            return (int)i;
    }
    return -1;
}

/* As the files are sorted in a bundle, where a name ends in ".yaml". */
static int file_order(struct ts_str a, struct ts_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int d = memcmp(a.ptr, b.ptr, n);

    if (d != 0 || a.len == b.len)
        return d;
    return a.len < b.len ? '.' - b.ptr[n] : a.ptr[n] - '.';
}

static bool is_name(struct ts_str s)
{
    if (s.len == 0 || s.len > SANDBOX_PROFILE_NAME_MAX || s.ptr[0] < 'a' ||
        s.ptr[0] > 'z')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}

ts_err sandbox_names_add(struct sandbox_names *n, struct ts_str file,
                         const char **reterr)
{
    const size_t around = strlen(FOLDER) + strlen(SUFFIX);
    struct ts_str name = {file.ptr + strlen(FOLDER), 0};
    uint32_t at = SANDBOX_BUILTIN_COUNT;

    if (file.len > around)
        name.len = file.len - around;
    if (name.len == 0 || memcmp(file.ptr, FOLDER, strlen(FOLDER)) != 0 ||
        memcmp(name.ptr + name.len, SUFFIX, strlen(SUFFIX)) != 0 ||
        !is_name(name)) {
        *reterr = "a profile is sandbox/NAME.yaml, the name of at most 32 "
                  "letters a-z, digits and -, a letter first; rename it";
        return TS_E_INVALID;
    }
    if (sandbox_profile_index(n, name) >= 0 || ts_str_eq_c(name, "strict")) {
        *reterr = "the name of a built-in profile; choose another, and write "
                  "\"extends:\" in it";
        return TS_E_INVALID;
    }
    if (n->count == TS_LAUNCHERS_MAX) {
        *reterr = "more than 12 profiles, the built-in ones counted; each has "
                  "a process of its own, so merge some";
        return TS_E_LIMIT;
    }
    while (at < n->count && file_order(ts_str_of(n->list[at]), name) < 0)
        at++;
    memmove(n->list[at + 1], n->list[at], (n->count - at) * sizeof(n->list[0]));
    memset(n->list[at], 0, sizeof(n->list[at]));
    memcpy(n->list[at], name.ptr, name.len);
    n->count++;
    return TS_OK;
}
