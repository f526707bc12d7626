#include "sidecar/broker/sockaddr.h"

#include <netinet/in.h>
#include <string.h>

static const uint8_t v4_head[12] = {[10] = 0xff, [11] = 0xff};

bool sockaddr_is_v4(const uint8_t address[16])
{
    return memcmp(address, v4_head, sizeof(v4_head)) == 0;
}

socklen_t sockaddr_make(const uint8_t address[16], uint16_t port,
                        struct sockaddr_storage *ret)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                              .sin6_port = htons(port)};

    memset(ret, 0, sizeof(*ret));
    if (sockaddr_is_v4(address)) {
        memcpy(&v4.sin_addr, address + 12, 4);
        memcpy(ret, &v4, sizeof(v4));
        return sizeof(v4);
    }
    memcpy(&v6.sin6_addr, address, 16);
    memcpy(ret, &v6, sizeof(v6));
    return sizeof(v6);
}

bool sockaddr_read(const struct sockaddr_storage *ss, uint8_t ret[16])
{
    if (ss->ss_family == AF_INET) {
        struct sockaddr_in v4;

        memcpy(&v4, ss, sizeof(v4));
        memcpy(ret, v4_head, sizeof(v4_head));
        memcpy(ret + 12, &v4.sin_addr, 4);
        return true;
    }
    if (ss->ss_family == AF_INET6) {
        struct sockaddr_in6 v6;

        memcpy(&v6, ss, sizeof(v6));
        memcpy(ret, &v6.sin6_addr, 16);
        return true;
    }
    return false;
}

uint32_t sockaddr_short(const uint8_t address[16], uint8_t ret[16])
{
    bool v4 = sockaddr_is_v4(address);

    memset(ret, 0, 16);
    memcpy(ret, address + (v4 ? 12 : 0), v4 ? 4 : 16);
    return v4 ? 4 : 16;
}
