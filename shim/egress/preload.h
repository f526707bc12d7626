#ifndef SHIM_EGRESS_PRELOAD_H
#define SHIM_EGRESS_PRELOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "proto/msg/egress.h"

/*
 * libtipstaff-egress.so, preloaded into tools with `network: broker`: calls of
 * the C library by which programs reach the network become wishes to the broker
 * (docs/EGRESS.md). It adds convenience and no power: whoever goes round it has
 * the kernel's refusal of socket(2) and the same channel.
 *
 * It runs inside of foreign programs, on any of their threads and between their
 * fork and exec: no lock is ever taken, no memory allocated but for
 * getaddrinfo, and only system calls are made. A socket of ours is one end of a
 * pair; that the number still means it is checked by its inode at each use,
 * since not every way to close a descriptor can be seen.
 *
 * The mutable state of this library is global by necessity: the functions that
 * it replaces are.
 */
#define PRELOAD_FDS   4096 /* highest descriptor that can be a socket */
#define PRELOAD_NAMES 1024 /* names that have been looked up, at once */

enum sock_state {
    SOCK_NONE = 0,
    SOCK_FRESH,      /* from socket(): other is the end for the broker */
    SOCK_CONNECTING, /* asked: reply is where the answer comes */
    SOCK_CONNECTED,
    SOCK_FAILED
};

struct sock {
    int state; /* sock_state; atomic */
    int family;
    pid_t pid; /* that made it: in the child of a vfork() this is another's */
    ino_t inode;
    int other;                /* SOCK_FRESH: owned */
    int reply;                /* SOCK_CONNECTING: owned */
    struct sockaddr_in6 peer; /* or sockaddr_in */
    socklen_t peer_len;
};

/* The tool's end of the channel; -1: nothing is replaced. */
int preload_channel(void);

/* table.c */
struct sock *sock_find(int fd); /* NULL: not one of ours */
/* A pair, of which fd or a new number (fd -1) is ours. -1 and errno. */
int sock_make(int family, int flags, int fd);
void sock_forget(int fd); /* before it is closed */
void sock_copy(int from, int to);
void sock_close_own(int fd);

/* ask.c: what connect() and its echoes do. 0, or an errno. */
int ask_begin(int fd, struct sock *s, const struct sockaddr *to, socklen_t len);
/* wait: until the answer is there. EINPROGRESS: not there yet; EINTR. */
int ask_finish(struct sock *s, bool wait);

/* names.c: addresses that stand for names, within 198.18.0.0/15 or 100::/64. */
bool names_is_valid(const char *name);
/* The number of this name; -1: no room. */
int names_index(const char *name);
struct in_addr names_v4(int index);
struct in6_addr names_v6(int index);
/* The name that an address stands for, else the address as text. */
bool names_of(const struct sockaddr *to, socklen_t len,
              char ret[EGRESS_HOST_MAX + 1], uint16_t *ret_port);

#endif
