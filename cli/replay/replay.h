#ifndef CLI_REPLAY_REPLAY_H
#define CLI_REPLAY_REPLAY_H

int cmd_replay(int argc, char **argv);

#endif
