/* matrix.h: c (rows, cols) = a (rows, depth) . b (depth, cols), with b made a panel at a time, so
 * that a convolution's columns need not lie anywhere as a whole. */
#ifndef NN_OPS_MATRIX_H
#define NN_OPS_MATRIX_H

#include "kernels/kernels.h"

#define NN_PANEL_DEPTH 128
/* Floats of scratch: a panel, what a copy of whole vectors may write past it, and where a_row is 1
 * the rows' part of a. */
#define NN_PANEL_SCRATCH ((size_t)(NN_PANEL_DEPTH + 1) * NN_MAX_WIDTH)
size_t nn_matrix_scratch(int rows, bool across);

struct nn_matrix {
    int rows, cols, depth;
    const float *a; /* a[row * a_row + k * a_step]; one of the two is 1 */
    ptrdiff_t a_row, a_step;
    ptrdiff_t a_block; /* 0; else a is packed: each of the kernel set's rows begin here (a_row 1) */
    float *c;          /* c[row * c_row + col] */
    ptrdiff_t c_row;
    bool add;          /* c += */
    const float *bias; /* one a row, or NULL */
    bool relu;         /* !add only */
};

/* Rows k0..k1 and columns p0..p0+cols of b, each row `width` >= cols floats long, zeros at its end.
 */
typedef void nn_panel_fill(const void *source, int k0, int k1, int p0, int cols, int width,
                           float *panel);

void nn_matrix_multiply(const struct nn_matrix *m, nn_panel_fill *fill, const void *source,
                        float *scratch);

/* b (depth, cols) that lies in memory, row after row. */
struct nn_matrix_rows {
    const float *b;
    size_t pitch;
};
nn_panel_fill nn_matrix_fill_rows;

#endif
