#include "ops.h"
#include <string.h>

/* The part of an axis that input and output share, in output coordinates. */
static void shared(int before, int in, int out, int *first, int *end)
{
    *first = before > 0 ? before : 0;
    *end = before + in < out ? before + in : out;
    *first = *first < out ? *first : out;
    *end = *end > *first ? *end : *first;
}

static size_t row_of(struct nn_shape shape, int c, int h)
{
    return ((size_t)c * (size_t)shape.h + (size_t)h) * (size_t)shape.w;
}

void nn_pad_forward(struct nn_shape in, struct nn_shape out, int top, int left, float value,
                    const float *x, float *y, int c0, int c1)
{
    int h0, h1, w0, w1;
    shared(top, in.h, out.h, &h0, &h1);
    shared(left, in.w, out.w, &w0, &w1);

    for (int c = c0; c < c1; c++)
        for (int h = 0; h < out.h; h++) {
            float *to = y + row_of(out, c, h);
            bool inside = h >= h0 && h < h1 && w0 < w1;
            for (int w = 0; w < out.w; w++)
                if (!inside || w < w0 || w >= w1)
                    to[w] = value;
            if (inside)
                memcpy(to + w0, x + row_of(in, c, h - top) + (w0 - left),
                       (size_t)(w1 - w0) * sizeof *to);
        }
}

void nn_pad_backward(struct nn_shape in, struct nn_shape out, int top, int left, const float *dy,
                     float *dx, int c0, int c1)
{
    int h0, h1, w0, w1;
    shared(top, in.h, out.h, &h0, &h1);
    shared(left, in.w, out.w, &w0, &w1);

    for (int c = c0; c < c1; c++)
        for (int h = h0; h < h1 && w0 < w1; h++)
            nn_add(dy + row_of(out, c, h) + w0, dx + row_of(in, c, h - top) + (w0 - left),
                   (size_t)(w1 - w0));
}
