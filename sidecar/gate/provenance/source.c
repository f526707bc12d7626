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
