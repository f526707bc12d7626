/* && || if: which sides are looked at, and what is known after them. What a
 * faulty expression would let one know still counts: the policy is refused
 * anyway, and one fault should not be told as many. */
#include "policy/validate/validate_priv.h"

/* A side without a type has been told of; it could be any boolean. */
static struct answer operand(struct validate *v, struct vnode *n)
{
    struct answer a = v_expect_one(v, n, &v_bool, NULL);

    if (a.type == NULL)
        a.type = &v_bool;
    return a;
}

/* One more operand of &&; *acc is the chain so far, and what it knows stands in
 * prior. As in Cedar a left side that is always true gives up what it knew. */
static void and_next(struct validate *v, struct answer *acc, struct answer kid)
{
    bool ok = acc->ok && kid.ok;

    if (kid.type == &v_false) {
        v_prior_drop(v, acc->caps);
        *acc = v_answer(ok, &v_false);
        return;
    }
    if (acc->type == &v_true && kid.type != &v_true) {
        v_prior_drop(v, acc->caps);
        acc->caps = (struct cap_list){0};
    }
    if (acc->type == &v_true)
        acc->type = kid.type;
    acc->ok = ok;
    v_prior_add(v, kid.caps);
    acc->caps = v_caps_join(acc->caps, kid.caps);
}

struct answer v_check_and(struct validate *v, struct vnode *n)
{
    struct answer acc = operand(v, n->kids[0]);
    uint32_t i = 1;

    v_prior_add(v, acc.caps);
    if (acc.type == &v_false) {
        v_prior_drop(v, acc.caps);
        acc.caps = (struct cap_list){0};
    }
    for (; i < n->count && acc.type != &v_false && v->err == TS_OK; i++)
        and_next(v, &acc, operand(v, n->kids[i]));
    v_prior_drop(v, acc.caps);
    n->seen = i;
    return acc;
}

static struct answer or_next(struct validate *v, struct answer a,
                             struct answer b)
{
    bool ok = a.ok && b.ok;

    if (b.type == &v_true)
        return (struct answer){.ok = ok, .type = &v_true, .caps = b.caps};
    if (b.type == &v_false)
        return (struct answer){.ok = ok, .type = a.type, .caps = a.caps};
    if (a.type == &v_false)
        return (struct answer){.ok = ok, .type = b.type, .caps = b.caps};
    return (struct answer){
        .ok = ok, .type = &v_bool, .caps = v_caps_meet(v, a.caps, b.caps)};
}

struct answer v_check_or(struct validate *v, struct vnode *n)
{
    struct answer acc = operand(v, n->kids[0]);
    uint32_t i = 1;

    for (; i < n->count && acc.type != &v_true && v->err == TS_OK; i++)
        acc = or_next(v, acc, operand(v, n->kids[i]));
    n->seen = i;
    return acc;
}

/* The branch that follows a test known to be true or false; the other one is
 * never looked at. */
static struct answer one_branch(struct validate *v, struct vnode *n,
                                struct answer test)
{
    bool yes = test.type == &v_true;
    struct answer a;

    n->seen = yes ? 2 : 1;
    if (yes)
        v_prior_add(v, test.caps);
    a = v_check(v, n->kids[yes ? 1 : 2]);
    if (yes) {
        v_prior_drop(v, test.caps);
        a.caps = v_caps_join(a.caps, test.caps);
    }
    a.ok &= test.ok;
    return a;
}

struct answer v_check_if(struct validate *v, struct vnode *n)
{
    struct v_saying say = {
        .code = "incompatible_types",
        .label = "both branches need one type",
        .hint = "make `then` and `else` give values of the same type"};
    struct answer test = v_expect_one(v, n->kids[0], &v_bool, NULL), yes, no;
    const struct cedar_type *t;
    enum lub_help why;

    if (test.type == &v_true || test.type == &v_false)
        return one_branch(v, n, test);
    v_prior_add(v, test.caps);
    yes = v_check(v, n->kids[1]);
    v_prior_drop(v, test.caps);
    no = v_check(v, n->kids[2]);
    if (yes.type == NULL || no.type == NULL)
        return v_answer(false, NULL);
    t = v_lub(v, yes.type, no.type, v->strict, &why);
    if (t == NULL) {
        v_find(v, n, &say,
               "`then` gives `%.80s`, `else` gives `%.80s`, and these types "
               "do not go together",
               v_type_text(yes.type).s, v_type_text(no.type).s);
        return v_answer(false, NULL);
    }
    yes.caps = v_caps_join(yes.caps, test.caps);
    return (struct answer){.ok = test.ok && yes.ok && no.ok,
                           .type = t,
                           .caps = v_caps_meet(v, no.caps, yes.caps)};
}
