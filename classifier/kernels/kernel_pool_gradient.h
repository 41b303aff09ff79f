/* kernel_pool_gradient.h: a kernel set's gradient of a max pool (included by kernel_body.h).
 *
 * By rows and columns apart: across, each row of a window finds its largest cell, the first that
 * is; down, each output the first row that holds its maximum. So each input row and column of the
 * output is given what the outputs that found that row bring, and passes it to its cell. The sums
 * are gathered: nothing is added twice to the same place in memory.
 *
 * Two shapes go without rows (kernel_pool_flat.h). */

/* What a gradient's passes leave to the next, in rows of `pitch`: of each input row and column of
 * the output the largest cell of the window's row and its number in it (the first that is); of each
 * output the first row of its window that holds the maximum; of each input row what the windows
 * give to those rows. Column i is at margin + i. */
struct routes {
    int pitch, margin;
    float *most, *column; /* (in.h, pitch) */
    float *row;           /* (out.h, pitch) */
    float *given;         /* (in.h, pitch), zeros around */
};

/* Padding is NaN: it is never the largest. The last to be compared is the first in the window. */
INLINE void rank_across(const struct copy *copy, const struct routes *to, const int kernel_w,
                        const int stride)
{
    for (int row = 0; row < copy->rows; row++) {
        const float *from = copy->cells + (ptrdiff_t)row * copy->pitch;
        ptrdiff_t at = (ptrdiff_t)row * to->pitch + to->margin;
        for (int i = 0; i < copy->width; i += LANES) {
            vec most = all(LOWEST), column = all((float)kernel_w);
#pragma GCC unroll 3
            for (int kw = 0; kw < kernel_w; kw++)
                most =
                    larger_number(load(from + kw % stride * copy->plane + kw / stride + i), most);
#pragma GCC unroll 3
            for (int kw = kernel_w - 1; kw >= 0; kw--) {
                vec cell = load(from + kw % stride * copy->plane + kw / stride + i);
                column = choose(equal(cell, most), all((float)kw), column);
            }
            store(to->most + at + i, most);
            store(to->column + at + i, column);
        }
    }
}

/* One row of outputs: `rows` of their windows, from row `first` on, lie in the input. No row is
 * found where the maximum is NaN. */
INLINE void find_row(const float *most, ptrdiff_t pitch, const int rows, int first, int width,
                     const float *y, float *row)
{
    for (int i = 0; i < width; i += LANES) {
        vec largest = load_some(y + i, width - i < LANES ? width - i : LANES), found = all(-1);
#pragma GCC unroll 3
        for (int kh = rows - 1; kh >= 0; kh--)
            found = choose(equal(load(most + kh * pitch + i), largest), all((float)(first + kh)),
                           found);
        store(row + i, found);
    }
}

INLINE void find_rows(const struct copy *copy, const struct routes *to, int height, const float *y,
                      const int kernel_h)
{
    const struct nn_pool2d *pool = copy->pool;
    for (int r = 0; r < height; r++, y += copy->width) {
        int row0 = r * pool->stride_h - pool->pad_h, first = row0 < 0 ? -row0 : 0;
        int rows = (copy->rows - row0 < kernel_h ? copy->rows - row0 : kernel_h) - first;
        const float *most = to->most + (ptrdiff_t)(row0 + first) * to->pitch + to->margin;
        float *row = to->row + (ptrdiff_t)r * to->pitch + to->margin;
        if (rows == 3)
            find_row(most, to->pitch, 3, first, copy->width, y, row);
        else
            find_row(most, to->pitch, rows, first, copy->width, y, row);
    }
}

/* One input row, which is row kh of `windows` outputs' windows from row r of those up, kh + stride
 * of those of row r - 1 and so on. */
INLINE void give_row(const float *row, ptrdiff_t pitch, const float *dy, int width,
                     const int windows, int kh, int stride, float *given)
{
    for (int i = 0; i < width; i += LANES) {
        int count = width - i < LANES ? width - i : LANES;
        vec sum = {0};
#pragma GCC unroll 3
        for (int n = 0; n < windows; n++)
            sum = add_where(equal(load(row - n * pitch + i), all((float)(kh + n * stride))), sum,
                            load_some(dy - (ptrdiff_t)n * width + i, count));
        store(given + i, sum);
    }
}

INLINE void give_rows(const struct copy *copy, const struct routes *to, int height, const float *dy,
                      const int kernel_h, const int stride)
{
    int pad = copy->pool->pad_h;
    for (int row = 0; row < copy->rows; row++) {
        int last = (row + pad) / stride, first = (row + pad - kernel_h + stride) / stride;
        last = last < height ? last : height - 1;
        first = row + pad < kernel_h ? 0 : first;
        int windows = last - first + 1, kh = row + pad - last * stride;
        const float *from = to->row + (ptrdiff_t)last * to->pitch + to->margin;
        const float *dy0 = dy + (ptrdiff_t)last * copy->width;
        float *given = to->given + (ptrdiff_t)row * to->pitch + to->margin;
        if (windows == 1)
            give_row(from, to->pitch, dy0, copy->width, 1, kh, stride, given);
        else if (windows == 2)
            give_row(from, to->pitch, dy0, copy->width, 2, kh, stride, given);
        else if (windows == 3)
            give_row(from, to->pitch, dy0, copy->width, 3, kh, stride, given);
        else
            give_row(from, to->pitch, dy0, copy->width, windows, kh, stride, given);
    }
}

/* What columns j.. of one phase of an input row get. */
INLINE vec given(const float *column, const float *given, const int phase, const int kernel_w,
                 const int stride)
{
    vec sum = {0};
#pragma GCC unroll 3
    for (int kw = phase; kw < kernel_w; kw += stride)
        sum = add_where(equal(load(column - kw / stride), all((float)kw)), sum,
                        load(given - kw / stride));
    return sum;
}

INLINE void give_columns(const struct copy *copy, const struct routes *routes, float *dx, bool add,
                         const int kernel_w, const int stride, const int phase)
{
    int pad = copy->pool->pad_w;
    for (int row = 0; row < copy->rows; row++, dx += copy->cols) {
        const float *column = routes->column + (ptrdiff_t)row * routes->pitch + routes->margin;
        const float *from = routes->given + (ptrdiff_t)row * routes->pitch + routes->margin;
        for (int i = 0; i < copy->cols; i += stride * LANES) {
            int left = copy->cols - i, j = (i + pad) / stride, next = (i + pad + 1) / stride;
            vec a = given(column + j, from + j, phase, kernel_w, stride);
            if (stride == 2) {
                vec b = given(column + next, from + next, 1 - phase, kernel_w, 2);
                vec c = FIRST_HALVES(a, b);
                int rest = left - LANES < LANES ? left - LANES : LANES;
                if (rest > 0)
                    give_some(dx + i + LANES, LAST_HALVES(a, b), rest, add);
                a = c;
            }
            left = left < LANES ? left : LANES;
            give_some(dx + i, a, left, add);
        }
    }
}

INLINE void backward_channels(const struct copy *copy, const struct routes *routes, int height,
                              const float *x, const float *y, const float *dy, float *dx, bool add,
                              int channels, const int kernel, const int stride)
{
    ptrdiff_t in = (ptrdiff_t)copy->rows * copy->cols, out = (ptrdiff_t)height * copy->width;
    const struct nn_pool2d *pool = copy->pool;
    const int kernel_h = kernel > 0 ? kernel : pool->kernel_h;
    const int kernel_w = kernel > 0 ? kernel : pool->kernel_w;
    const int stride_h = kernel > 0 ? stride : pool->stride_h;
    for (int c = 0; c < channels; c++, x += in, dx += in, y += out, dy += out) {
        if (c + 1 < channels && in <= FETCHED) {
            fetch(x + in, in);
            fetch(y + out, out);
            fetch(dy + out, out);
        }
        copy_channel(copy, x, stride);
        rank_across(copy, routes, kernel_w, stride);
        find_rows(copy, routes, height, y, kernel_h);
        give_rows(copy, routes, height, dy, kernel_h, stride_h);
        if (pool->pad_w % stride == 0)
            give_columns(copy, routes, dx, add, kernel_w, stride, 0);
        else
            give_columns(copy, routes, dx, add, kernel_w, stride, 1);
    }
}

/* Stride 1 or 2 across. */
static void max_pool_backward(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                              const float *x, const float *y, const float *dy, float *dx, bool add,
                              int channels, float *scratch)
{
    int stride = pool->stride_w, width = pool->kernel_w;
    if (nn_max_pool_is_flat(pool, in, out)) {
        flat_channels(pool, in, out, x, y, dy, dx, add, channels, scratch);
        return;
    }
    struct copy copy = copy_of(pool, in, out, __builtin_nanf(""), scratch);
    ptrdiff_t cells = stride * copy.plane, rows = (ptrdiff_t)in.h * copy.pitch;
    struct routes routes = {.pitch = copy.pitch,
                            .margin = (width + NN_MAX_LANES - 1) / NN_MAX_LANES * NN_MAX_LANES};
    routes.most = scratch + cells;
    routes.column = routes.most + rows;
    routes.given = routes.column + rows;
    routes.row = routes.given + rows;

    for (ptrdiff_t i = 0; i < cells; i++)
        scratch[i] = copy.padding;
    memset(routes.column, 0, sizeof *scratch * (size_t)rows);
    memset(routes.given, 0, sizeof *scratch * (size_t)rows);
    if (stride == 2 && width == 3 && pool->kernel_h == 3 && pool->stride_h == 2)
        backward_channels(&copy, &routes, out.h, x, y, dy, dx, add, channels, 3, 2);
    else if (stride == 1)
        backward_channels(&copy, &routes, out.h, x, y, dy, dx, add, channels, 0, 1);
    else
        backward_channels(&copy, &routes, out.h, x, y, dy, dx, add, channels, 0, 2);
}
