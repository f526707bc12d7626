/* Which DNS servers: text of the configuration or of resolv.conf. */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sidecar/broker/resolve.h"

struct list {
    char *csv; /* RESOLVE_CSV_MAX bytes */
    size_t len;
    uint32_t count;
};

/* "1.2.3.4", "1.2.3.4:53", "::1", "[::1]:53"; c-ares wants brackets for ports
 * of IPv6 and takes the rest as it is. */
static bool is_server(struct ts_str s)
{
    char text[64];
    uint8_t address[16];
    char *host = text, *port = NULL, *end;

    if (s.len == 0 || s.len >= sizeof(text))
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    if (text[0] == '[') {
        end = strchr(text, ']');
        if (end == NULL || (end[1] != ':' && end[1] != '\0'))
            return false;
        port = end[1] == ':' ? end + 2 : NULL;
        *end = '\0';
        host++;
    } else if ((end = strchr(text, ':')) != NULL &&
               strchr(end + 1, ':') == NULL) {
        *end = '\0';
        port = end + 1;
    }
    if (port != NULL && (strlen(port) == 0 || strlen(port) > 5 ||
                         strspn(port, "0123456789") != strlen(port)))
        return false;
    return inet_pton(AF_INET, host, address) == 1 ||
           inet_pton(AF_INET6, host, address) == 1;
}

static void add(struct list *l, struct ts_str s)
{
    if (l->count == RESOLVE_SERVERS_MAX || !is_server(s) ||
        l->len + s.len + 2 > RESOLVE_CSV_MAX)
        return;
    if (l->count++ > 0)
        l->csv[l->len++] = ',';
    memcpy(l->csv + l->len, s.ptr, s.len);
    l->len += s.len;
    l->csv[l->len] = '\0';
}

static struct ts_str next_word(struct ts_str *rest, const char *ends)
{
    size_t n = 0;
    struct ts_str word;

    while (rest->len > 0 && strchr(" \t\r,", rest->ptr[0]) != NULL) {
        rest->ptr++;
        rest->len--;
    }
    while (n < rest->len && strchr(ends, rest->ptr[n]) == NULL)
        n++;
    word = (struct ts_str){.ptr = rest->ptr, .len = n};
    rest->ptr += n;
    rest->len -= n;
    return word;
}

static void from_resolv(struct list *l, struct ts_str text)
{
    while (text.len > 0) {
        const char *nl = memchr(text.ptr, '\n', text.len);
        size_t n = nl != NULL ? (size_t)(nl - text.ptr) : text.len;
        struct ts_str line = {.ptr = text.ptr, .len = n};

        if (ts_str_eq_c(next_word(&line, " \t\r"), "nameserver"))
            add(l, next_word(&line, " \t\r#;"));
        text.ptr += nl != NULL ? n + 1 : n;
        text.len -= nl != NULL ? n + 1 : n;
    }
}

ts_err resolve_servers(struct ts_str dns, struct ts_str resolv,
                       char ret[RESOLVE_CSV_MAX])
{
    char csv[RESOLVE_CSV_MAX] = "";
    struct list l = {.csv = csv};

    if (dns.len > 0) {
        while (dns.len > 0)
            add(&l, next_word(&dns, " \t\r,"));
    } else {
        from_resolv(&l, resolv);
    }
    if (l.count == 0)
        return TS_E_NOT_FOUND;
    memcpy(ret, csv, l.len + 1);
    return TS_OK;
}
