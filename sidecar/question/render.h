#ifndef SIDECAR_QUESTION_RENDER_H
#define SIDECAR_QUESTION_RENDER_H

#include "sidecar/question/screen.h"
#include "sidecar/question/view.h"

/* What render.c is made of: one section each. */
void render_unusual(struct screen *s, const struct approval_view *v,
                    size_t cut);
void render_sources(struct screen *s, const struct approval_view *v);
void render_rules(struct screen *s, const struct approval_view *v);
void render_heading(struct screen *s, const char *text);

#endif
