/* A conversation with an ssh-agent. */
#include "cli/approval/agent_talk.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/approval/ssh_agent.h"
#include "cli/cmd.h"
#include "cli/files.h"
#include "cli/term.h"
#include "proto/base/ts_fd.h"
#include "proto/trust/approval.h"
#include "proto/trust/sshsig.h"

#define PATIENCE_MS 60000 /* a person touches a token */
#define PUB_MAX     4096u

static int open_agent(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    const char *path = getenv("SSH_AUTH_SOCK");
    size_t n = path != NULL ? strlen(path) : 0;
    int fd;

    if (n == 0 || n >= sizeof(a.sun_path)) {
        cli_error("SSH_AUTH_SOCK does not name the socket of an ssh-agent");
        return -1;
    }
    memcpy(a.sun_path, path, n + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
        return fd;
    cli_error("the ssh-agent of SSH_AUTH_SOCK cannot be reached: %s",
              strerror(errno));
    ts_fd_close(&fd);
    return -1;
}

static bool read_whole(int fd, uint8_t *p, size_t n)
{
    while (n > 0) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        ssize_t got;

        if (poll(&ready, 1, PATIENCE_MS) == 0) {
            cli_error("the ssh-agent did not answer within %d seconds",
                      PATIENCE_MS / 1000);
            return false;
        }
        got = recv(fd, p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            cli_error("the ssh-agent hung up");
            return false;
        }
        p += got;
        n -= (size_t)got;
    }
    return true;
}

/* in is emptied, and filled with the answer. */
static bool ask(int fd, const struct ts_buf *out, struct ts_buf *in)
{
    const uint8_t *p = ts_buf_bytes(out);
    uint8_t head[4], *room;
    size_t left = out->len, n;

    while (left > 0) {
        ssize_t sent = send(fd, p, left, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) {
            cli_error("the ssh-agent does not listen: %s", strerror(errno));
            return false;
        }
        p += sent;
        left -= (size_t)sent;
    }
    if (!read_whole(fd, head, sizeof(head)))
        return false;
    n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 |
        head[3];
    ts_buf_clear(in);
    if (n == 0 || n > SSH_AGENT_ANSWER_MAX ||
        ts_buf_reserve(in, n, &room) != TS_OK) {
        cli_error("the ssh-agent's answer of %zu bytes is not read", n);
        return false;
    }
    if (!read_whole(fd, room, n))
        return false;
    ts_buf_grew(in, n);
    return true;
}

struct choice {
    const struct ssh_key *want; /* NULL: the only one */
    struct ts_buf blob;
    uint32_t fit;
    bool failed;
};

static bool consider(void *ctx, const struct ssh_key *key)
{
    struct choice *c = ctx;

    if (c->want != NULL && memcmp(c->want->pk, key->pk, TRUST_PK_LEN) != 0)
        return true;
    if (c->fit++ == 0 &&
        ts_buf_append(&c->blob, key->blob.ptr, key->blob.len) != TS_OK)
        c->failed = true;
    return c->want == NULL;
}

static bool choose(int fd, struct ts_buf *in, struct choice *c)
{
    struct ts_buf out;
    bool ok = false;
    ts_err e;

    ts_buf_init(&out, 64);
    if (ssh_agent_ask_keys(&out) != TS_OK) {
        cli_error("out of memory");
    } else if (ask(fd, &out, in)) {
        e = ssh_agent_keys((struct ts_bytes){ts_buf_bytes(in), in->len},
                           consider, c);
        if (e != TS_OK || c->failed)
            cli_error("the ssh-agent's list of keys cannot be read");
        else if (c->fit == 0)
            cli_error(c->want != NULL
                          ? "the ssh-agent does not have the key of --ssh-key; "
                            "ssh-add it"
                          : "the ssh-agent has no key of kind ssh-ed25519 or "
                            "sk-ssh-ed25519; ssh-add one");
        else if (c->fit > 1)
            cli_error("the ssh-agent has several keys that fit; name one with "
                      "--ssh-key FILE.pub");
        else
            ok = true;
    }
    ts_buf_done(&out);
    return ok;
}

static bool sign(int fd, struct ts_buf *in, const char *name_space,
                 struct ts_bytes blob, struct ts_bytes body, struct ts_buf *ret)
{
    struct ts_buf data, out;
    struct ts_bytes signature;
    struct sshsig s;
    bool ok = false;

    ts_buf_init(&data, SSHSIG_MAX);
    ts_buf_init(&out, SSH_AGENT_ANSWER_MAX);
    if (sshsig_to_sign(name_space, body, &data) != TS_OK ||
        ssh_agent_ask_sign(blob,
                           (struct ts_bytes){ts_buf_bytes(&data), data.len},
                           &out) != TS_OK) {
        cli_error("out of memory");
    } else if (ask(fd, &out, in)) {
        if (ssh_agent_signature((struct ts_bytes){ts_buf_bytes(in), in->len},
                                &signature) != TS_OK)
            cli_error("the ssh-agent did not sign");
        else if (sshsig_of_agent(name_space, blob, signature, ret) != TS_OK ||
                 sshsig_decode((struct ts_bytes){ts_buf_bytes(ret), ret->len},
                               &s) != TRUST_OK ||
                 sshsig_verify(&s, name_space, body, s.pk) != TRUST_OK)
            cli_error("the ssh-agent's signature does not hold (a token that "
                      "was not touched, or an application that does not begin "
                      "with \"ssh:\"?)");
        else
            ok = true;
    }
    ts_buf_done(&data);
    ts_buf_done(&out);
    return ok;
}

static bool wanted(const char *pub_file, struct ts_buf *blob,
                   struct ssh_key *ret)
{
    struct ts_arena arena;
    struct ts_bytes text;
    bool ok = false;

    ts_arena_init(&arena, (size_t)4 * PUB_MAX);
    if (cli_read(pub_file, PUB_MAX, &arena, &text)) {
        ok = ssh_key_of_line((struct ts_str){(const char *)text.ptr, text.len},
                             blob, ret) == TS_OK;
        if (!ok)
            cli_error("%s: not the public half of a key of kind ssh-ed25519 or "
                      "sk-ssh-ed25519, as ssh-keygen writes it",
                      pub_file);
    }
    ts_arena_done(&arena);
    return ok;
}

bool agent_sign(const char *name_space, const char *pub_file,
                struct ts_bytes body, struct ts_buf *out)
{
    struct choice c = {.want = NULL};
    struct ts_buf in, want_blob;
    struct ssh_key want;
    bool ok = false;
    int fd = -1;

    ts_buf_init(&in, SSH_AGENT_ANSWER_MAX);
    ts_buf_init(&want_blob, SSH_KEY_BLOB_MAX);
    ts_buf_init(&c.blob, SSH_KEY_BLOB_MAX);
    if (pub_file == NULL || wanted(pub_file, &want_blob, &want)) {
        c.want = pub_file != NULL ? &want : NULL;
        fd = open_agent();
    }
    if (fd >= 0 && choose(fd, &in, &c))
        ok = sign(fd, &in, name_space,
                  (struct ts_bytes){ts_buf_bytes(&c.blob), c.blob.len}, body,
                  out);
    ts_fd_close(&fd);
    ts_buf_done(&in);
    ts_buf_done(&want_blob);
    ts_buf_done(&c.blob);
    return ok;
}
