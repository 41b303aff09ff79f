/* Matrix products by panels of b: a panel of NN_PANEL_DEPTH x 3 vectors stays in the first cache
 * while all rows of a pass over it. */
#include "matrix.h"
#include "clones.h"
#include "whole.h"
#include <string.h>

/* Floats between rows of b. Panels of whole vectors are read where they lie, but for rows at a
 * multiple of this, which meet in a few of the cache's places. */
#define MEETING 128

NN_CLONED
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

size_t nn_matrix_scratch(int rows, bool across)
{
    return NN_PANEL_SCRATCH + (across ? (size_t)(rows + 16) * NN_PANEL_DEPTH : 0);
}

/* Where rows lie side by side (the transpose of a layer's weights) a step of k is a stride away,
 * and strides of a power of two meet in the same few lines of a cache: blocks of rows are copied.
 */
NN_CLONED
static void pack_rows(const struct nn_matrix *m, int block, int k0, int k1, float *packed)
{
    for (int row = 0; row < m->rows; row += block) {
        int count = least(block, m->rows - row);
        const float *from = m->a + row + k0 * m->a_step;
        for (int k = k0; k < k1; k++, from += m->a_step, packed += block)
            if (count == 8)
                memcpy(packed, from, 8 * sizeof *packed);
            else
                for (int i = 0; i < count; i++)
                    packed[i] = from[i];
    }
}

void nn_matrix_multiply(const struct nn_matrix *m, nn_panel_fill *fill, const void *source,
                        float *scratch)
{
    const struct nn_kernels *kernels = nn_kernels();
    int most = NN_VECTORS * kernels->lanes;
    float *packed = scratch + NN_PANEL_SCRATCH;
    const struct nn_matrix_rows *rows = fill == nn_matrix_fill_rows ? source : NULL;
    if (rows != NULL && rows->pitch % MEETING == 0)
        rows = NULL;

    for (int k = 0; k < m->depth; k += NN_PANEL_DEPTH) {
        int k1 = least(k + NN_PANEL_DEPTH, m->depth);
        struct nn_product product = {.k = k1 - k,
                                     .a = m->a + k * m->a_step,
                                     .a_block =
                                         m->a_block != 0 ? m->a_block : kernels->rows * m->a_row,
                                     .a_row = m->a_row,
                                     .a_step = m->a_step,
                                     .c_row = m->c_row,
                                     .add = m->add || k > 0,
                                     .last = k1 == m->depth,
                                     .bias = m->bias,
                                     .relu = m->relu};
        if (m->a_row == 1 && m->a_step != 1 && m->a_block == 0) {
            pack_rows(m, kernels->rows, k, k1, packed);
            product.a = packed;
            product.a_block = (ptrdiff_t)kernels->rows * (k1 - k);
            product.a_step = kernels->rows;
        }
        for (int p = 0, cols; p < m->cols; p += cols) {
            /* four vectors are left: two and two, since one alone is slow */
            bool halves = m->cols - p > most && m->cols - p <= most + kernels->lanes;
            cols = least(halves ? most - kernels->lanes : most, m->cols - p);
            product.width = (cols + kernels->lanes - 1) / kernels->lanes * kernels->lanes;
            product.c = m->c + p;
            if (rows != NULL && cols == product.width) {
                product.b = rows->b + (size_t)k * rows->pitch + p;
                product.width = (int)rows->pitch;
            } else {
                product.b = scratch;
                fill(source, k, k1, p, cols, product.width, scratch);
            }
            kernels->product(&product, m->rows, cols);
        }
    }
}
