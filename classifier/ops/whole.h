/* whole.h: whole numbers that many loops are cut by. */
#ifndef NN_OPS_WHOLE_H
#define NN_OPS_WHOLE_H

static inline int least(int a, int b)
{
    return a < b ? a : b;
}

static inline int most(int a, int b)
{
    return a > b ? a : b;
}

/* a / b rounded up, of a >= 0, b > 0. */
static inline int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

#endif
