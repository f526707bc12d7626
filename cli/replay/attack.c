/* Which calls of a recorded run are the attacker's. */
#include <string.h>
#include <strings.h>

#include "cli/replay/drive.h"

#define MARK_MIN 6 /* bytes: shorter values are anybody's */

static const char *text_of(json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

/* hay holds needle, whatever the case. */
static bool holds(const char *hay, const char *needle)
{
    size_t n = strlen(needle);

    for (; *hay != '\0'; hay++)
        if (strncasecmp(hay, needle, n) == 0)
            return true;
    return false;
}

static bool value_holds(json_t *v, const char *mark)
{
    const char *key;
    json_t *c;
    size_t i;

    if (json_is_string(v))
        return holds(json_string_value(v), mark);
    json_object_foreach(v, key, c) if (value_holds(c, mark)) return true;
    json_array_foreach(v, i, c) if (value_holds(c, mark)) return true;
    return false;
}

/* A text of the attack's arguments that the user did not say, in call. */
static bool shared(json_t *attack, json_t *args, const char *prompt)
{
    const char *key, *mark = json_string_value(attack);
    json_t *c;
    size_t i;

    if (mark != NULL)
        return strlen(mark) >= MARK_MIN && !holds(prompt, mark) &&
               value_holds(args, mark);
    json_object_foreach(attack, key,
                        c) if (shared(c, args, prompt)) return true;
    json_array_foreach(attack, i, c) if (shared(c, args, prompt)) return true;
    return false;
}

static json_t *authority_of(const struct traces *t, const char *suite,
                            const char *tool)
{
    size_t i;
    json_t *o;

    json_array_foreach(t->tools, i, o)
    {
        if (strcmp(text_of(o, "suite"), suite) == 0 &&
            strcmp(text_of(o, "tool"), tool) == 0)
            return json_object_get(o, "authority_args");
    }
    return NULL;
}

static bool by_attack(const struct traces *t, const struct traces_record *pair,
                      json_t *args, const char *prompt)
{
    json_t *c, *name;
    size_t i, k;

    json_array_foreach(pair->calls, i, c)
    {
        const char *by = text_of(c, "by"), *tool = text_of(c, "tool");

        if (by == NULL || tool == NULL || strcmp(by, "user") == 0)
            continue;
        json_array_foreach(authority_of(t, pair->suite, tool), k, name)
        {
            const char *arg = json_string_value(name);

            if (arg != NULL &&
                shared(json_object_get(json_object_get(c, "args"), arg), args,
                       prompt))
                return true;
        }
    }
    return false;
}

bool drive_is_attack(const struct traces *t, const struct traces_record *r,
                     json_t *call)
{
    const char *injection = text_of(r->json, "injection_task_id");
    const char *prompt = text_of(r->json, "user_task");

    const struct traces_record *pair =
        injection != NULL ? traces_pair(t, r->suite, r->task, injection) : NULL;

    return pair != NULL && by_attack(t, pair, json_object_get(call, "args"),
                                     prompt != NULL ? prompt : "");
}
