#ifndef CLI_ISSUER_ISSUER_CMDS_H
#define CLI_ISSUER_ISSUER_CMDS_H

/* What tipstaff issuer does, one file each. */
int issuer_nonce_run(int argc, char **argv);
int issuer_exchange_run(int argc, char **argv);
int issuer_jwks_run(int argc, char **argv);

#endif
