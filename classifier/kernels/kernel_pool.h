/* kernel_pool.h: a kernel set's max pool and its gradient (included by kernel_body.h).
 *
 * Three passes over a channel, each far enough behind the last that what it reads has left the
 * store buffer: a copy with padding, in which every stride'th column lies in a plane of its own;
 * the largest across each window; the largest down. The gradient asks each output which cell of its
 * window was the first to hold the maximum, then gathers for each input cell the outputs that named
 * it: nothing is added twice to the same place in memory. */

#define LOWEST  (-__builtin_inff())
#define FETCHED 4096 /* floats of a channel: larger ones the processor fetches by itself */

static const float lane_numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* NaN wins. */
INLINE vec larger(vec a, vec b)
{
    mask first = (mask)(a > b) | (mask)(a != a);
    return (vec)(((mask)a & first) | ((mask)b & ~first));
}

/* The copy of one channel, and where its rows begin. */
struct copy {
    const struct nn_pool2d *pool;
    int rows, cols, width; /* in; in; out */
    int pitch;
    float padding;
    ptrdiff_t plane;
    float *cells, *across; /* (stride, rows, pitch); (rows, pitch) */
};

static struct copy copy_of(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                           float padding, float *cells)
{
    int pitch = nn_max_pool_pitch(pool, in, out);
    return (struct copy){.pool = pool,
                         .rows = in.h,
                         .cols = in.w,
                         .width = out.w,
                         .pitch = pitch,
                         .padding = padding,
                         .plane = (ptrdiff_t)in.h * pitch,
                         .cells = cells};
}

/* Columns begin, begin + stride, ... of a row (its channel ends at `end`), then padding. */
INLINE void copy_row(const float *from, const float *end, int count, const int stride,
                     float padding, float *to)
{
    for (int i = 0; i < count; i += LANES) {
        const float *at = from + (ptrdiff_t)i * stride;
        if (stride > 2 || end - at < stride * LANES) {
            for (int j = i; j < count && j < i + LANES; j++)
                to[j] = from[(ptrdiff_t)j * stride];
        } else if (stride == 2) {
            vec a = load(at), b = load(at + LANES);
            store(to + i, EVENS(a, b));
        } else {
            store(to + i, load(at));
        }
    }
    store(to + count, all(padding));
}

INLINE void copy_channel(const struct copy *copy, const float *x, const int stride)
{
    const float *end = x + (ptrdiff_t)copy->rows * copy->cols;
    int pad = copy->pool->pad_w;

    for (int phase = 0; phase < stride; phase++) {
        int first = phase < pad ? (pad - phase + stride - 1) / stride : 0;
        int begin = first * stride + phase - pad;
        int count = begin < copy->cols ? (copy->cols - begin + stride - 1) / stride : 0;
        float *to = copy->cells + phase * copy->plane + first;
        const float *from = x + begin;
        for (int row = 0; row < copy->rows; row++, from += copy->cols, to += copy->pitch)
            copy_row(from, end, count, stride, copy->padding, to);
    }
}

INLINE void pool_across(const struct copy *copy, const int kernel_w, const int stride)
{
    for (int row = 0; row < copy->rows; row++) {
        const float *from = copy->cells + (ptrdiff_t)row * copy->pitch;
        float *to = copy->across + (ptrdiff_t)row * copy->pitch;
        for (int i = 0; i < copy->width; i += LANES) {
            vec most = load(from + i);
            for (int kw = 1; kw < kernel_w; kw++)
                most = larger(load(from + kw % stride * copy->plane + kw / stride + i), most);
            store(to + i, most);
        }
    }
}

/* A whole vector where it stays inside the channel (what it writes too much comes after), else what
 * is left. */
INLINE void store_within(float *to, const float *end, vec v)
{
    store_some(to, v, end - to < LANES ? (int)(end - to) : LANES);
}

INLINE void pool_down(const struct copy *copy, int height, float *y)
{
    const struct nn_pool2d *pool = copy->pool;
    const float *end = y + (ptrdiff_t)height * copy->width;

    for (int r = 0; r < height; r++, y += copy->width) {
        int row0 = r * pool->stride_h - pool->pad_h, row1 = row0 + pool->kernel_h;
        row0 = row0 < 0 ? 0 : row0;
        row1 = row1 < copy->rows ? row1 : copy->rows;
        for (int i = 0; i < copy->width; i += LANES) {
            const float *from = copy->across + (ptrdiff_t)row0 * copy->pitch + i;
            vec most = load(from);
            for (int row = row0 + 1; row < row1; row++)
                most = larger(load(from += copy->pitch), most);
            store_within(y + i, end, most);
        }
    }
}

static void max_pool(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                     const float *x, float *y, int channels, float *scratch)
{
    int stride = pool->stride_w;
    struct copy copy = copy_of(pool, in, out, LOWEST, scratch);
    copy.across = scratch + stride * copy.plane;

    for (ptrdiff_t i = 0; i < stride * copy.plane; i++)
        scratch[i] = LOWEST;
    for (int c = 0; c < channels; c++) {
        if (stride == 1 && pool->kernel_w == 3) {
            copy_channel(&copy, x, 1);
            pool_across(&copy, 3, 1);
        } else if (stride == 2 && pool->kernel_w == 3) {
            copy_channel(&copy, x, 2);
            pool_across(&copy, 3, 2);
        } else {
            copy_channel(&copy, x, stride);
            pool_across(&copy, pool->kernel_w, stride);
        }
        pool_down(&copy, out.h, y);
        x += (ptrdiff_t)in.h * in.w;
        y += (ptrdiff_t)out.h * out.w;
    }
}

/* Where the outputs' answers lie: rows of `pitch`, column i at margin + i, borders that no cell
 * matches. */
struct answers {
    int pitch, margin;
    float *first,
        *dy; /* first: the cell's number in its window, as bits of an int; (out.h, pitch) */
};

/* A cell's number in its window. */
INLINE int cell(int kh, int kw, int kernel_w)
{
    return (int)((unsigned)kh * (unsigned)kernel_w + (unsigned)kw);
}

/* Padding is NaN in the copy: it equals nothing. The last to be compared is the first in the
 * window. */
INLINE void answer_rows(const struct copy *copy, const struct answers *answers, int height,
                        const float *y, const float *dy, const int kernel_w, const int stride)
{
    const struct nn_pool2d *pool = copy->pool;
    for (int r = 0; r < height; r++, y += copy->width, dy += copy->width) {
        int row0 = r * pool->stride_h - pool->pad_h;
        ptrdiff_t to = (ptrdiff_t)r * answers->pitch + answers->margin;
        for (int i = 0; i < copy->width; i += LANES) {
            int count = copy->width - i < LANES ? copy->width - i : LANES;
            vec most = load_some(y + i, count);
            mask first = (mask){0} - 1;
            for (int kh = pool->kernel_h - 1; kh >= 0; kh--) {
                if (row0 + kh < 0 || row0 + kh >= copy->rows)
                    continue;
                const float *from = copy->cells + (ptrdiff_t)(row0 + kh) * copy->pitch + i;
#pragma GCC unroll 3
                for (int kw = kernel_w - 1; kw >= 0; kw--) {
                    mask is = (mask)(load(from + kw % stride * copy->plane + kw / stride) == most);
                    first = (first & ~is) | (((mask){0} + cell(kh, kw, kernel_w)) & is);
                }
            }
            mask past = (mask)(load(lane_numbers) >= (float)count);
            store(answers->first + to + i, (vec)(first | past));
            store(answers->dy + to + i, load_some(dy + i, count));
        }
    }
}

/* What the windows give to columns j.. of one phase of input row `row`. */
INLINE vec given(const struct copy *copy, const struct answers *answers, int height, int row,
                 int phase, int j, const int kernel_w, const int stride, const int stride_h)
{
    const struct nn_pool2d *pool = copy->pool;
    vec sum = {0};
    for (int kh = 0; kh < pool->kernel_h; kh++) {
        int at = row + pool->pad_h - kh, r = at / stride_h;
        if (at < 0 || r >= height || r * stride_h != at)
            continue;
        ptrdiff_t from = (ptrdiff_t)r * answers->pitch + answers->margin + j;
        for (int kw = phase; kw < kernel_w; kw += stride) {
            mask mine = (mask)((mask)load(answers->first + from - kw / stride) ==
                               (mask){0} + cell(kh, kw, kernel_w));
            sum += (vec)((mask)load(answers->dy + from - kw / stride) & mine);
        }
    }
    return sum;
}

/* to += v, or to = v. */
INLINE void give_some(float *to, vec v, int n, bool add)
{
    store_some(to, add ? v + load_some(to, n) : v, n);
}

INLINE void give_rows(const struct copy *copy, const struct answers *answers, int height, float *dx,
                      bool add, const int kernel_w, const int stride, const int stride_h)
{
    int pad = copy->pool->pad_w;
    for (int row = 0; row < copy->rows; row++, dx += copy->cols)
        for (int i = 0; i < copy->cols; i += stride * LANES) {
            int left = copy->cols - i, j = (i + pad) / stride, next = (i + pad + 1) / stride;
            vec a = given(copy, answers, height, row, pad % stride, j, kernel_w, stride, stride_h);
            if (stride == 2) {
                vec b =
                    given(copy, answers, height, row, (pad + 1) % 2, next, kernel_w, 2, stride_h);
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

/* The next channel's numbers come while this one's are looked at. */
INLINE void fetch(const float *from, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i += LINE)
        __builtin_prefetch(from + i, 0, 2);
}

INLINE void backward_channels(const struct copy *copy, const struct answers *answers, int height,
                              const float *x, const float *y, const float *dy, float *dx, bool add,
                              int channels, const int kernel_w, const int stride,
                              const int stride_h)
{
    ptrdiff_t in = (ptrdiff_t)copy->rows * copy->cols, out = (ptrdiff_t)height * copy->width;
    for (int c = 0; c < channels; c++, x += in, dx += in, y += out, dy += out) {
        if (c + 1 < channels && in <= FETCHED) {
            fetch(x + in, in);
            fetch(y + out, out);
            fetch(dy + out, out);
        }
        copy_channel(copy, x, stride);
        answer_rows(copy, answers, height, y, dy, kernel_w, stride);
        give_rows(copy, answers, height, dx, add, kernel_w, stride, stride_h);
    }
}

/* Stride 1 or 2 across. */
static void max_pool_backward(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                              const float *x, const float *y, const float *dy, float *dx, bool add,
                              int channels, float *scratch)
{
    int stride = pool->stride_w, width = pool->kernel_w;
    struct copy copy = copy_of(pool, in, out, __builtin_nanf(""), scratch);
    struct answers answers = {.pitch = copy.pitch + width, .margin = width};
    ptrdiff_t cells = stride * copy.plane, outputs = (ptrdiff_t)out.h * answers.pitch;
    answers.first = scratch + cells;
    answers.dy = answers.first + outputs;

    for (ptrdiff_t i = 0; i < cells; i++)
        scratch[i] = copy.padding;
    memset(answers.first, 0xff, sizeof *answers.first * (size_t)outputs); /* -1: no cell */
    memset(answers.dy, 0, sizeof *answers.dy * (size_t)outputs);
    if (stride == 1 && width == 3 && pool->stride_h == 1)
        backward_channels(&copy, &answers, out.h, x, y, dy, dx, add, channels, 3, 1, 1);
    else if (stride == 2 && width == 3 && pool->stride_h == 2)
        backward_channels(&copy, &answers, out.h, x, y, dy, dx, add, channels, 3, 2, 2);
    else if (stride == 1)
        backward_channels(&copy, &answers, out.h, x, y, dy, dx, add, channels, width, 1,
                          pool->stride_h);
    else
        backward_channels(&copy, &answers, out.h, x, y, dy, dx, add, channels, width, 2,
                          pool->stride_h);
}
