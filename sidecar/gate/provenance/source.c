#include "sidecar/gate/provenance/source.h"

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
