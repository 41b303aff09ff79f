/* Matrix products by panels of b: a panel of NN_PANEL_DEPTH x 3 vectors stays in the first cache
 * while all rows of a pass over it. */
#include "matrix.h"
#include "kernel.h"
#include <string.h>

static int least(int a, int b)
{
    return a < b ? a : b;
}

NN_KERNEL
void nn_matrix_fill_rows(const void *source, int k0, int k1, int p0, int cols, int width,
                         float *panel)
{
    const struct nn_matrix_rows *rows = source;
    const float *from = rows->b + (size_t)k0 * rows->pitch + p0;

    for (int k = k0; k < k1; k++, from += rows->pitch, panel += width) {
        for (int i = 0; i < cols; i++)
            panel[i] = from[i];
        for (int i = cols; i < width; i++)
            panel[i] = 0;
    }
}

void nn_matrix_multiply(const struct nn_matrix *m, nn_panel_fill *fill, const void *source,
                        float *scratch)
{
    const struct nn_kernels *kernels = nn_kernels();
    int most = NN_VECTORS * kernels->lanes;

    for (int p = 0; p < m->cols; p += most) {
        int cols = least(most, m->cols - p);
        int width = (cols + kernels->lanes - 1) / kernels->lanes * kernels->lanes;
        for (int k = 0; k < m->depth; k += NN_PANEL_DEPTH) {
            int k1 = least(k + NN_PANEL_DEPTH, m->depth);
            struct nn_product product = {.k = k1 - k,
                                         .a = m->a + k * m->a_step,
                                         .a_row = m->a_row,
                                         .a_step = m->a_step,
                                         .b = scratch,
                                         .width = width,
                                         .c = m->c + p,
                                         .c_row = m->c_row,
                                         .add = m->add || k > 0,
                                         .last = k1 == m->depth,
                                         .bias = m->bias,
                                         .relu = m->relu};
            fill(source, k, k1, p, cols, width, scratch);
            kernels->product(&product, m->rows, cols);
        }
    }
}
