/* cc call.c $(pkg-config --cflags --libs tipstaff) -o call && ./call a.txt */
#include <stdio.h>
#include <tipstaff.h>

int main(int argc, char **argv)
{
    struct tipstaff_arg path = {.name = "path", .str = argc > 1 ? argv[1] : ""};
    struct tipstaff_call call = {.tool = "fs.read", .args = &path, .args_count = 1};
    struct tipstaff_config session = {0}; /* TIPSTAFF_* of the environment */
    struct tipstaff_event ev = {0};
    struct tipstaff *t;
    char why[TIPSTAFF_MESSAGE_MAX];
    uint64_t seq;

    if (tipstaff_open(&session, &t, why) != TIPSTAFF_OK)
        return fprintf(stderr, "%s\n", why), TIPSTAFF_EXIT_UNAVAILABLE;
    if (tipstaff_submit(t, &call, &seq) != TIPSTAFF_OK)
        return fprintf(stderr, "%s\n", tipstaff_message(t)), TIPSTAFF_EXIT_USAGE;
    do {
        if (tipstaff_next(t, 60000, &ev) != TIPSTAFF_OK)
            return fprintf(stderr, "%s\n", tipstaff_message(t)), TIPSTAFF_EXIT_UNAVAILABLE;
        if (ev.kind == TIPSTAFF_DECIDED && ev.verdict != TIPSTAFF_PERMIT)
            return fprintf(stderr, "%.*s\n", (int)ev.text.len, ev.text.ptr), TIPSTAFF_EXIT_DENIED;
        if (ev.kind == TIPSTAFF_OUTPUT)
            fwrite(ev.data.ptr, 1, ev.data.len, ev.stream == 1 ? stdout : stderr);
    } while (ev.kind != TIPSTAFF_ENDED);
    tipstaff_close(t);
    return !ev.started || ev.signal != 0 ? TIPSTAFF_EXIT_REFUSED : (int)ev.exit_code;
}
