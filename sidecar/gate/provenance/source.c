#include "sidecar/gate/provenance/source.h"

static unsigned badness(enum prov_source s)
{
    if (s == PROV_UNTRUSTED)
        return PROV_UNKNOWN;
    return s == PROV_UNKNOWN ? PROV_UNTRUSTED : s;
}

bool prov_source_is_worse(enum prov_source a, enum prov_source than)
{
    return badness(a) > badness(than);
}

const char *prov_source_name(enum prov_source s)
{
    switch (s) {
    case PROV_NONE:
        return "none";
    case PROV_PROMPT:
        return "prompt";
    case PROV_TRUSTED:
        return "trusted";
    case PROV_UNTRUSTED:
        return "untrusted";
    case PROV_UNKNOWN:
        break;
    }
    return "unknown";
}

const char *prov_origin_name(enum prov_origin o)
{
    switch (o) {
    case PROV_ORIGIN_USER:
        return "user";
    case PROV_ORIGIN_SCHEDULE:
        return "schedule";
    case PROV_ORIGIN_WEBHOOK:
        return "webhook";
    case PROV_ORIGIN_AGENT:
        return "agent";
    case PROV_ORIGIN_UNKNOWN:
        break;
    }
    return "unknown";
}

bool prov_source_parse(struct ts_str name, enum prov_source *ret)
{
    for (int s = PROV_NONE; s <= PROV_UNKNOWN; s++) {
        if (!ts_str_eq_c(name, prov_source_name((enum prov_source)s)))
            continue;
        *ret = (enum prov_source)s;
        return true;
    }
    return false;
}

bool prov_origin_parse(struct ts_str name, enum prov_origin *ret)
{
    for (int o = PROV_ORIGIN_UNKNOWN; o <= PROV_ORIGIN_AGENT; o++) {
        if (!ts_str_eq_c(name, prov_origin_name((enum prov_origin)o)))
            continue;
        *ret = (enum prov_origin)o;
        return true;
    }
    return false;
}
