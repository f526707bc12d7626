/* tipstaff key new|show: seeds on disk, public halves for everybody. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/opts.h"

#define PATH_CAP 4096

static void print_public(const uint8_t pk[TRUST_PK_LEN])
{
    char hex[2 * TRUST_PK_LEN + 1];
    uint8_t kid[TRUST_KID_LEN];

    ts_hex_encode(hex, pk, TRUST_PK_LEN);
    (void)printf("public  %s\n", hex);
    trust_kid(pk, kid);
    ts_hex_encode(hex, kid, TRUST_KID_LEN);
    (void)printf("kid     %s\n", hex);
}

static bool join(char out[PATH_CAP], const char *name, const char *suffix)
{
    int n = snprintf(out, PATH_CAP, "%s%s", name, suffix);

    if (n > 0 && n < PATH_CAP)
        return true;
    cli_error("the name is too long");
    return false;
}

/* The public half first: if it fails, no secret was written. */
static bool write_pair(const char *seed_path, const char *pub_path,
                       uint8_t seed[TRUST_SEED_LEN], const uint8_t *pk)
{
    char line[2 * TRUST_PK_LEN + 2];

    ts_hex_encode(line, pk, TRUST_PK_LEN);
    line[(size_t)2 * TRUST_PK_LEN] = '\n';
    if (!cli_write_new(pub_path, 0644, line, 2 * TRUST_PK_LEN + 1))
        return false;
    if (cli_write_new(seed_path, 0400, seed, TRUST_SEED_LEN))
        return true;
    (void)unlink(pub_path); /* ours, just made; of no use alone */
    return false;
}

static int key_new(int argc, char **argv)
{
    const struct cli_usage usage = {
        .name = "tipstaff key new",
        .operands = "NAME",
        .about = "Makes a key pair: NAME.seed (secret, mode 0400) and NAME.pub "
                 "(one line of hex).\nExisting files are never overwritten.",
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff key new issuer\n"
                    "  tipstaff key new /run/agent/holder\n",
    };
    char seed_path[PATH_CAP], pub_path[PATH_CAP];
    uint8_t seed[TRUST_SEED_LEN], keep[TRUST_SEED_LEN];
    struct trust_secret secret = {0};
    char **operand;
    size_t count;
    bool ok = false;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &count, &code))
        return code;
    if (!join(seed_path, operand[0], ".seed") ||
        !join(pub_path, operand[0], ".pub"))
        return CLI_USAGE;
    if (faccessat(AT_FDCWD, seed_path, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        cli_error("%s exists already; a key is never overwritten", seed_path);
        return CLI_FAILED;
    }
    randombytes_buf(seed, sizeof(seed));
    memcpy(keep, seed, sizeof(keep));
    if (trust_secret_from_seed(seed, &secret) == TS_OK)
        ok = write_pair(seed_path, pub_path, keep, secret.pk);
    else
        cli_error("no locked memory for a key; raise RLIMIT_MEMLOCK");
    sodium_memzero(keep, sizeof(keep));
    if (ok) {
        (void)printf("secret  %s\nfile    %s\n", seed_path, pub_path);
        print_public(secret.pk);
    }
    trust_secret_done(&secret);
    return ok ? CLI_OK : CLI_FAILED;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n > m && strcmp(s + n - m, end) == 0;
}

static int key_show(int argc, char **argv)
{
    const struct cli_usage usage = {
        .name = "tipstaff key show",
        .operands = "FILE",
        .about = "Shows the public half and the key id of NAME.seed or "
                 "NAME.pub. A secret is never printed.",
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff key show issuer.pub\n"
                    "  tipstaff key show issuer.seed\n",
    };
    struct trust_secret secret = {0};
    uint8_t pk[TRUST_PK_LEN];
    char **operand;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &count, &code))
        return code;
    if (ends_with(operand[0], ".seed")) {
        if (!cli_secret_key(operand[0], &secret))
            return CLI_FAILED;
        memcpy(pk, secret.pk, sizeof(pk));
        trust_secret_done(&secret);
    } else if (!cli_public_key("key", operand[0], pk)) {
        return CLI_FAILED;
    }
    print_public(pk);
    return CLI_OK;
}

int cmd_key(int argc, char **argv)
{
    static const struct cli_command table[] = {
        {"new", "make a key pair", key_new},
        {"show", "show the public half of a key", key_show},
        {NULL, NULL, NULL},
    };

    if (trust_init() != TS_OK) {
        cli_error("this libsodium accepts known bad keys; install a fixed one");
        return CLI_FAILED;
    }
    return cli_dispatch(table, "tipstaff key", NULL, argc, argv);
}
