#include "sidecar/common/dns_text.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PORT        53
#define PORT_DIGITS 5

struct list {
    char *csv; /* DNS_CSV_MAX bytes */
    size_t len;
    uint32_t count;
};

static bool read_port(struct ts_str s, uint32_t *ret)
{
    uint32_t v = 0;

    if (s.len == 0 || s.len > PORT_DIGITS)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        v = v * 10 + (uint32_t)(s.ptr[i] - '0');
    }
    if (v < 1 || v > UINT16_MAX)
        return false;
    *ret = v;
    return true;
}

/* Cuts s into host and port; is_bracketed: it can only be IPv6. */
static bool split(struct ts_str s, struct ts_str *ret_host,
                  struct ts_str *ret_port, bool *ret_is_bracketed)
{
    const char *colon = memchr(s.ptr, ':', s.len), *end;
    struct ts_str host = s, port = {.ptr = "53", .len = 2};

    *ret_is_bracketed = s.ptr[0] == '[';
    if (*ret_is_bracketed) {
        end = memchr(s.ptr, ']', s.len);
        if (end == NULL)
            return false;
        host = (struct ts_str){s.ptr + 1, (size_t)(end - s.ptr) - 1};
        colon = end + 1 < s.ptr + s.len ? end + 1 : NULL;
        if (colon != NULL && *colon != ':')
            return false;
    } else if (colon != NULL &&
               memchr(colon + 1, ':', s.len - (size_t)(colon - s.ptr) - 1) !=
                   NULL) {
        colon = NULL; /* two of them: IPv6 as it stands */
    } else if (colon != NULL) {
        host.len = (size_t)(colon - s.ptr);
    }
    if (colon != NULL)
        port = (struct ts_str){colon + 1, s.len - (size_t)(colon - s.ptr) - 1};
    *ret_host = host;
    *ret_port = port;
    return true;
}

bool dns_server(struct ts_str s, char ret[DNS_SERVER_MAX])
{
    char text[INET6_ADDRSTRLEN];
    uint8_t address[16];
    struct ts_str host, port;
    bool is_bracketed, is_six;
    uint32_t number = PORT;

    if (s.len == 0 || !split(s, &host, &port, &is_bracketed) ||
        host.len >= sizeof(text) || memchr(host.ptr, '\0', host.len) != NULL ||
        !read_port(port, &number))
        return false;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    is_six = inet_pton(AF_INET6, text, address) == 1;
    if (!is_six && (is_bracketed || inet_pton(AF_INET, text, address) != 1))
        return false;
    (void)snprintf(ret, DNS_SERVER_MAX, is_six ? "[%s]:%u" : "%s:%u", text,
                   number);
    return true;
}

static void add(struct list *l, struct ts_str s)
{
    char one[DNS_SERVER_MAX];
    size_t n;

    if (l->count == DNS_SERVERS_MAX || !dns_server(s, one))
        return;
    n = strlen(one);
    if (l->count++ > 0)
        l->csv[l->len++] = ',';
    memcpy(l->csv + l->len, one, n + 1);
    l->len += n;
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static struct ts_str next_word(struct ts_str *rest, const char *ends)
{
    struct ts_str word;
    size_t n = 0;

    while (rest->len > 0 && is_one_of(rest->ptr[0], " \t\r,")) {
        rest->ptr++;
        rest->len--;
    }
    while (n < rest->len && !is_one_of(rest->ptr[n], ends))
        n++;
    word = (struct ts_str){.ptr = rest->ptr, .len = n};
    rest->ptr += n;
    rest->len -= n;
    return word;
}

/* With its end, if it has one. */
static struct ts_str next_line(struct ts_str *rest)
{
    const char *nl = memchr(rest->ptr, '\n', rest->len);
    size_t n = nl != NULL ? (size_t)(nl - rest->ptr) + 1 : rest->len;
    struct ts_str line = {.ptr = rest->ptr, .len = n};

    rest->ptr += n;
    rest->len -= n;
    return line;
}

static void read_resolv(struct list *l, struct ts_str text)
{
    while (text.len > 0) {
        struct ts_str line = next_line(&text);

        if (ts_str_eq_c(next_word(&line, " \t\r\n"), "nameserver"))
            add(l, next_word(&line, " \t\r\n#;"));
    }
}

ts_err dns_servers(struct ts_str list, struct ts_str resolv,
                   char ret[DNS_CSV_MAX])
{
    char csv[DNS_CSV_MAX] = "";
    struct list l = {.csv = csv};

    if (list.len == 0)
        read_resolv(&l, resolv);
    while (list.len > 0)
        add(&l, next_word(&list, " \t\r,"));
    if (l.count == 0)
        return TS_E_NOT_FOUND;
    memcpy(ret, csv, l.len + 1);
    return TS_OK;
}

struct ts_str dns_lines(struct ts_str resolv, char *buf, size_t cap)
{
    const struct ts_str key = TS_STR_LIT("nameserver");
    size_t at = 0;

    while (resolv.len > 0) {
        struct ts_str line = next_line(&resolv);

        if (line.ptr[line.len - 1] == '\n' && ts_str_starts(line, key) &&
            line.len <= cap - at && ts_utf8_valid(line.ptr, line.len)) {
            memcpy(buf + at, line.ptr, line.len);
            at += line.len;
        }
    }
    return (struct ts_str){.ptr = buf, .len = at};
}
