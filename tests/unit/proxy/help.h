#ifndef TESTS_UNIT_PROXY_HELP_H
#define TESTS_UNIT_PROXY_HELP_H

#include "sidecar/broker/proxy/session.h"

/*
 * A session with rules to try:
 *
 *   open.test          port 80, 8080: anything
 *   api.test           port 80: GET and POST beneath /v1
 *   safe.test          port 443: TLS, and gets the secret
 *   plain.test         port 80: would get the secret, but has no TLS
 */
#define HELP_SECRET "s3cr3t-value-0123456789"

#define HELP_OK "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define HELP_GET                                                               \
    "GET http://open.test/a?b=c HTTP/1.1\r\nHost: open.test\r\n\r\n"
#define HELP_WHOLE ((size_t)1 << 20) /* a step: not cut at all */

struct help;
struct help *help_new(void); /* NULL: no memory */
void help_free(struct help *h);
struct proxy_session *help_session(struct help *h);
/* New bytes of one side, cut into pieces of at most step bytes. */
void help_tool(struct help *h, const void *bytes, size_t len, size_t step);
void help_host(struct help *h, const void *bytes, size_t len, size_t step);
/* The same of a text. */
void help_say(struct help *h, const char *text, size_t step);
void help_answer(struct help *h, const char *text, size_t step);
/* Does what the session wants: dials answer by the rules, at once. */
void help_serve(struct help *h);
/* What the two sides have got so far; NUL at the end. */
const char *help_to_tool(struct help *h);
const char *help_to_host(struct help *h);
size_t help_to_host_len(struct help *h);
uint32_t help_dials(const struct help *h);
uint32_t help_denials(const struct help *h);
void help_forget(struct help *h); /* what the two sides have got */

bool help_has(const char *text, const char *part);
/* Of a test whose state is a session. */
int help_setup(void **state);
int help_teardown(void **state);

#endif
