#include "sidecar/gate/provenance/forms.h"

#include "sidecar/gate/provenance/canon.h"
#include "sidecar/gate/provenance/shapes.h"

#define NAME_MAX_BYTES   32
#define NUMBER_MAX_BYTES 32

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name(struct ts_str t)
{
    bool some = false;

    for (size_t i = 0; i < t.len; i++) {
        some = some || is_alnum(t.ptr[i]);
        if (!is_alnum(t.ptr[i]) && t.ptr[i] != '_' && t.ptr[i] != '.' &&
            t.ptr[i] != '-')
            return false;
    }
    return some && t.len <= NAME_MAX_BYTES;
}

/* d is a digit, anything else itself, of a text as long as the picture. */
static bool fits(struct ts_str t, const char *picture)
{
    for (size_t i = 0; i < t.len; i++)
        if (picture[i] == 'd' ? !is_digit(t.ptr[i]) : t.ptr[i] != picture[i])
            return false;
    return true;
}

static bool is_date(struct ts_str t)
{
    const size_t day = sizeof("dddd-dd-dd") - 1;
    struct ts_str rest;

    if (t.len < day ||
        !fits((struct ts_str){.ptr = t.ptr, .len = day}, "dddd-dd-dd"))
        return false;
    if (t.len == day)
        return true;
    if (t.ptr[day] != ' ' && t.ptr[day] != 'T')
        return false;
    rest = (struct ts_str){.ptr = t.ptr + day + 1, .len = t.len - day - 1};
    return (rest.len == 5 && fits(rest, "dd:dd")) ||
           (rest.len == 8 && fits(rest, "dd:dd:dd"));
}

struct whole {
    struct ts_str text;
    enum shape shape;
    bool is_it;
};

static bool on_shape(void *ctx, enum shape s, struct ts_str text)
{
    struct whole *w = ctx;

    w->is_it =
        s == w->shape && text.ptr == w->text.ptr && text.len == w->text.len;
    return false; /* the first one is all of it, or none is */
}

/* Shapes are also found where they are hidden: these are written plainly. */
static bool is_shape(struct ts_str t, enum shape s)
{
    struct whole w = {.text = t, .shape = s};

    for (size_t i = 0; i < t.len; i++)
        if (!is_alnum(t.ptr[i]) && t.ptr[i] != '.' && t.ptr[i] != '_' &&
            t.ptr[i] != '+' && t.ptr[i] != '-' && t.ptr[i] != '@')
            return false;

    (void)shapes_in(t, on_shape, &w);
    return w.is_it;
}

bool form_is(enum prov_form f, struct ts_str text)
{
    struct canon_number n;

    if (text.len == 0 || text.len > FORM_BYTES_MAX)
        return false;
    switch (f) {
    case FORM_NAME:
        return is_name(text);
    case FORM_EMAIL:
        return is_shape(text, SHAPE_EMAIL);
    case FORM_ACCOUNT:
        return is_shape(text, SHAPE_ACCOUNT);
    case FORM_NUMBER:
        return text.len <= NUMBER_MAX_BYTES && canon_number(text, &n);
    case FORM_DATE:
        break;
    }
    return is_date(text);
}
