/* Says whether a set-user-id bit took effect, and nothing else. */
#include <unistd.h>

int main(void)
{
    return geteuid() != getuid() ? 10 : 11;
}
