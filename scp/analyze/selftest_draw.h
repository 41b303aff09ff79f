/* selftest_draw.h: the self-test's pixels: drawn, and as the build drew them.
 *
 * Drawing costs more than judging. selftest_drawn is made by embed/selftest_drawn.c when the node
 * is built, and read-only; the pixels of both are the same to the bit where the mathematics library
 * is. Any thread. */
#ifndef SELFTEST_DRAW_H
#define SELFTEST_DRAW_H

#include "nn_status.h"
#include <stdint.h>

#define SELFTEST_INPUTS 4
#define SELFTEST_SIDE   320 /* rows and columns */
#define SELFTEST_PIXELS (SELFTEST_SIDE * SELFTEST_SIDE)

extern const uint16_t selftest_drawn[SELFTEST_INPUTS][SELFTEST_PIXELS];

/* Input i by phantom and seed; white is 65535. */
NN_MUST_USE enum nn_status selftest_draw(int i, uint16_t pixels[SELFTEST_PIXELS],
                                         struct nn_error *err);

#endif
