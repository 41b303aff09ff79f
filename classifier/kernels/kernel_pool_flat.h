/* kernel_pool_flat.h: the gradient of two max pools (included by kernel_body.h; how it works:
 * kernel_pool_gradient.h): 3 x 3 windows at stride 1 with a border of padding, and at stride 2
 * without padding over halves of an even input. A channel lies in one row of numbers, in which a
 * step down is the output's width away, so that vectors are full and there are few loops. */

/* Arrays of one channel, with borders. At stride 2, `cells` are the even columns and `odd` the
 * others. */
struct flat {
    int width, count;
    const float *left, *right; /* to add to a cell's neighbours: NaN where there is none, else 0 */
    float *cells, *odd, *dy, *most, *column, *row, *given;
};

INLINE int some(int count, int i)
{
    return count - i < LANES ? count - i : LANES;
}

INLINE void copy_flat(const float *from, int count, float *to)
{
    int i = 0;
    for (; i + LANES <= count; i += LANES)
        store(to + i, load(from + i));
    if (i < count)
        store_some(to + i, load_some(from + i, count - i), count - i);
}

/* Of three cells: the largest, and the first that is. Those that are NaN are not. */
INLINE void rank_flat(const struct flat *f, int i, int count, vec a, vec b, vec c)
{
    vec most = larger_number(c, larger_number(b, larger_number(a, all(LOWEST)))), column = all(3);
    column = choose(equal(c, most), all(2), column);
    column = choose(equal(b, most), all(1), column);
    column = choose(equal(a, most), all(0), column);
    store_some(f->most + i, most, some(count, i));
    store_some(f->column + i, column, some(count, i));
}

INLINE void rank_1(const struct flat *f)
{
    for (int i = 0; i < f->count; i += LANES)
        rank_flat(f, i, f->count, load(f->cells + i - 1) + load(f->left + i), load(f->cells + i),
                  load(f->cells + i + 1) + load(f->right + i));
}

INLINE void find_1(const struct flat *f, const float *y)
{
    for (int i = 0; i < f->count; i += LANES) {
        vec largest = load_some(y + i, some(f->count, i)), row = all(-1);
        row = choose(equal(load(f->most + i + f->width), largest), all(2), row);
        row = choose(equal(load(f->most + i), largest), all(1), row);
        row = choose(equal(load(f->most + i - f->width), largest), all(0), row);
        store_some(f->row + i, row, some(f->count, i));
    }
}

INLINE void give_1(const struct flat *f)
{
    for (int i = 0; i < f->count; i += LANES) {
        const float *row = f->row + i, *dy = f->dy + i;
        vec sum = add_where(equal(load(row + f->width), all(0)), (vec){0}, load(dy + f->width));
        sum = add_where(equal(load(row), all(1)), sum, load(dy));
        sum = add_where(equal(load(row - f->width), all(2)), sum, load(dy - f->width));
        store_some(f->given + i, sum, some(f->count, i));
    }
}

/* to += v, or to = v. */
INLINE void give_some(float *to, vec v, int n, bool add)
{
    store_some(to, add ? v + load_some(to, n) : v, n);
}

INLINE void collect_1(const struct flat *f, float *dx, bool add)
{
    for (int i = 0; i < f->count; i += LANES) {
        const float *column = f->column + i, *given = f->given + i;
        vec sum = add_where(equal(load(column + 1), all(0)), (vec){0}, load(given + 1));
        sum = add_where(equal(load(column), all(1)), sum, load(given));
        sum = add_where(equal(load(column - 1), all(2)), sum, load(given - 1));
        give_some(dx + i, sum, some(f->count, i), add);
    }
}

/* Of one channel or, of a large one, of a band of its rows. */
INLINE void halve(const struct flat *f, const float *x, int count)
{
    int i = 0;
    for (; i + LANES <= count; i += LANES) {
        vec a = load(x + 2 * i), b = load(x + 2 * i + LANES);
        store(f->cells + i, EVENS(a, b));
        store(f->odd + i, ODDS(a, b));
    }
    for (; i < count; i++) {
        f->cells[i] = x[2 * i];
        f->odd[i] = x[2 * i + 1];
    }
}

INLINE void rank_2(const struct flat *f, int count)
{
    for (int i = 0; i < count; i += LANES)
        rank_flat(f, i, count, load(f->cells + i), load(f->odd + i),
                  load(f->cells + i + 1) + load(f->right + i));
}

/* Input rows 2r, 2r + 1 and 2r + 2 get what row r of `rows` outputs brings; the last output may
 * have no third one. Row 0 of what is given holds what the band before brought. */
INLINE void give_2(const struct flat *f, const float *y, const float *dy, int rows, bool ends)
{
    int width = f->width;
    for (int r = 0; r < rows; r++, y += width, dy += width)
        for (int i = 0; i < width; i += LANES) {
            int count = width - i < LANES ? width - i : LANES;
            float *given = f->given + 2 * r * width + i;
            const float *most = f->most + 2 * r * width + i;
            vec largest = load_some(y + i, count), v = load_some(dy + i, count), row = all(-1);
            if (!ends || r + 1 < rows)
                row = choose(equal(load(most + 2 * width), largest), all(2), row);
            row = choose(equal(load(most + width), largest), all(1), row);
            row = choose(equal(load(most), largest), all(0), row);
            store_some(given, add_where(equal(row, all(0)), load_some(given, count), v), count);
            store_some(given + width, add_where(equal(row, all(1)), (vec){0}, v), count);
            store_some(given + 2 * width, add_where(equal(row, all(2)), (vec){0}, v), count);
        }
}

INLINE void collect_2(const struct flat *f, float *dx, int count, bool add)
{
    for (int i = 0; i < count; i += LANES, dx += 2 * LANES) {
        const float *column = f->column + i, *given = f->given + i;
        int left = 2 * (count - i);
        vec even = add_where(equal(load(column), all(0)), (vec){0}, load(given));
        vec odd = add_where(equal(load(column), all(1)), (vec){0}, load(given));
        even = add_where(equal(load(column - 1), all(2)), even, load(given - 1));
        give_some(dx, FIRST_HALVES(even, odd), left < LANES ? left : LANES, add);
        if (left > LANES)
            give_some(dx + LANES, LAST_HALVES(even, odd),
                      left - LANES < LANES ? left - LANES : LANES, add);
    }
}

/* The next channel's numbers come while this one's are looked at. */
INLINE void fetch(const float *from, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i += LINE)
        __builtin_prefetch(from + i, 0, 2);
}

static void fill(float *to, int count, float value)
{
    for (int i = 0; i < count; i++)
        to[i] = value;
}

/* Borders that no maximum equals, that no output found and that bring nothing. */
static void flat_of(const struct nn_pool2d *pool, const struct nn_max_pool_flat *size, float *at,
                    struct flat f[NN_FLAT_CHANNELS])
{
    float *left = at, *right = at + size->pitch;
    fill(left, 2 * size->pitch, 0);
    for (int i = 0; i < size->count; i += size->width) {
        left[i] = pool->pad_w > 0 ? __builtin_nanf("") : 0;
        right[i + size->width - 1] = __builtin_nanf("");
    }
    at = right + size->pitch;
    for (int c = 0; c < size->channels; c++) {
        float *array[NN_FLAT_ARRAYS];
        for (int i = 0; i < NN_FLAT_ARRAYS; i++, at += size->pitch) {
            int end = size->margin + size->count;
            float border = i + 1 < NN_FLAT_ARRAYS ? __builtin_nanf("") : 0;
            fill(at, size->margin, border);
            fill(at + end, size->pitch - end, border);
            array[i] = at + size->margin;
        }
        f[c] = (struct flat){size->width, size->count, left,     right,    array[0], array[1],
                             array[1],    array[2],    array[3], array[4], array[5]};
    }
}

/* Channels of one group, several small ones: each pass is to be far enough behind the last. */
static void flat_1(const struct flat *f, int channels, const float *x, const float *y,
                   const float *dy, float *dx, bool add)
{
    for (int i = 0; i < channels; i++) {
        copy_flat(x + (ptrdiff_t)i * f->count, f->count, f[i].cells);
        copy_flat(dy + (ptrdiff_t)i * f->count, f->count, f[i].dy);
    }
    for (int i = 0; i < channels; i++)
        rank_1(&f[i]);
    for (int i = 0; i < channels; i++)
        find_1(&f[i], y + (ptrdiff_t)i * f->count);
    for (int i = 0; i < channels; i++)
        give_1(&f[i]);
    for (int i = 0; i < channels; i++)
        collect_1(&f[i], dx + (ptrdiff_t)i * f->count, add);
}

/* height: of the output. A band has as many input rows as the arrays have room for. */
static void flat_2(const struct flat *f, int channels, int height, const float *x, const float *y,
                   const float *dy, float *dx, bool add)
{
    int width = f->width, most = (f->count / width - 1) / 2;
    ptrdiff_t in = 4 * (ptrdiff_t)height * width, out = (ptrdiff_t)height * width;
    for (int i = 0; i < channels; i++)
        fill(f[i].given, width, 0);
    for (int row = 0, rows; row < height; row += rows) {
        rows = height - row < most ? height - row : most;
        bool ends = row + rows == height;
        int count = 2 * rows * width, seen = ends ? count : count + width;
        ptrdiff_t from = 4 * (ptrdiff_t)row * width, to = (ptrdiff_t)row * width;
        for (int i = 0; i < channels; i++)
            halve(&f[i], x + i * in + from, seen);
        for (int i = 0; i < channels; i++)
            rank_2(&f[i], seen);
        for (int i = 0; i < channels; i++)
            give_2(&f[i], y + i * out + to, dy + i * out + to, rows, ends);
        for (int i = 0; i < channels; i++) {
            collect_2(&f[i], dx + i * in + from, count, add);
            memcpy(f[i].given, f[i].given + count, sizeof(float) * (size_t)width);
        }
    }
}

static void flat_channels(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                          const float *x, const float *y, const float *dy, float *dx, bool add,
                          int channels, float *scratch)
{
    const struct nn_max_pool_flat size = nn_max_pool_flat(pool, in, out);
    ptrdiff_t from = (ptrdiff_t)in.h * in.w, to = (ptrdiff_t)out.h * out.w;
    struct flat f[NN_FLAT_CHANNELS];
    flat_of(pool, &size, scratch, f);

    for (int n; channels > 0; channels -= n, x += n * from, dx += n * from) {
        n = channels < size.channels ? channels : size.channels;
        if (2 * n <= channels && n * from <= FETCHED) {
            fetch(x + n * from, n * from);
            fetch(y + n * to, n * to);
            fetch(dy + n * to, n * to);
        }
        if (pool->stride_w == 1)
            flat_1(f, n, x, y, dy, dx, add);
        else
            flat_2(f, n, out.h, x, y, dy, dx, add);
        y += n * to;
        dy += n * to;
    }
}
