/* picture_image.c: the source beside its overlay, the outline, the letters of the orientation. */
#include "picture_layout.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WATERMARK_PARTS   7  /* letters of a seventh of the image's width */
#define WATERMARK_PERCENT 28 /* of white */
#define BAND              32 /* rows a task */

static const struct colour letters = {150, 157, 167}, casing = {8, 10, 14};

/* ---- the source ---- */

struct source {
    struct canvas *canvas;
    const struct layout *layout;
    const float *grey; /* (draw_h / times, draw_w / times) */
    int times;
};

static void source_band(void *context, int i, int thread)
{
    const struct source *s = context;
    const struct layout *l = s->layout;
    int cols = l->draw_w / s->times;
    int last = (i + 1) * BAND < l->draw_h ? (i + 1) * BAND : l->draw_h;
    (void)thread;
    for (int y = i * BAND; y < last; y++) {
        const float *from = s->grey + (size_t)(y / s->times) * (size_t)cols;
        uint8_t *to =
            s->canvas->rgb +
            ((size_t)(l->image + y) * (size_t)s->canvas->cols + (size_t)l->left_image) * 3;
        for (int x = 0; x < cols; x++) {
            float value = from[x] > 0.0f ? from[x] < 1.0f ? from[x] : 1.0f : 0.0f;
            uint8_t level = (uint8_t)(255.0f * value + 0.5f);
            for (int k = 0; k < s->times; k++, to += 3)
                to[0] = to[1] = to[2] = level;
        }
    }
}

static void draw_source(struct canvas *canvas, const struct layout *l, const float *grey, int times,
                        struct nn_pool *pool)
{
    struct source source = {canvas, l, grey, times};
    nn_pool_run(pool, (l->draw_h + BAND - 1) / BAND, source_band, &source);
}

/* The source as it is, repeated, or area-averaged down. */
static enum picture_status place_source(struct canvas *canvas, const struct layout *l,
                                        const struct picture_input *input)
{
    struct nn_error err;
    if (l->draw_w >= input->cols) {
        draw_source(canvas, l, input->plane, l->draw_w / input->cols, input->pool);
        return PICTURE_OK;
    }
    float *small = malloc((size_t)l->draw_w * (size_t)l->draw_h * sizeof *small);
    if (!small)
        return PICTURE_NO_MEMORY;
    enum nn_status status = nn_plane_resize(input->plane, input->rows, input->cols, small,
                                            l->draw_h, l->draw_w, input->pool, &err);
    if (status == NN_OK)
        draw_source(canvas, l, small, 1, input->pool);
    free(small);
    return status == NN_OK          ? PICTURE_OK
           : status == NN_NO_MEMORY ? PICTURE_NO_MEMORY
                                    : PICTURE_INVALID;
}

/* ---- the watermark ---- */

static int letter_size(int width)
{
    return width / WATERMARK_PARTS > 8 ? width / WATERMARK_PARTS : 8;
}

/* Black, as wide as the image; without a watermark nothing. */
static bool make_plate(const struct layout *l, const char *text, struct canvas *plate)
{
    *plate =
        (struct canvas){.rows = text ? TEXT_PITCH(letter_size(l->draw_w)) : 0, .cols = l->draw_w};
    plate->rgb = calloc((size_t)plate->rows * (size_t)plate->cols + 1, 3);
    return plate->rgb != NULL;
}

static void draw_plate(struct picture_face *face, struct canvas *plate, const char *text)
{
    const struct colour white = {255, 255, 255};
    int size = letter_size(plate->cols);
    if (text)
        (void)text_draw(face, plate, (plate->cols - text_width(face, size, text)) / 2, size, size,
                        white, text);
}

static void put_watermark(struct canvas *canvas, const struct layout *l, const struct canvas *plate,
                          int left)
{
    const struct colour white = {255, 255, 255};
    int top = l->image + l->draw_h - plate->rows - l->draw_h / WATERMARK_PARTS;
    for (int y = 0; y < plate->rows; y++)
        for (int x = 0; x < plate->cols; x++) {
            unsigned ink = plate->rgb[3 * ((size_t)y * (size_t)plate->cols + (size_t)x)];
            if (ink > 0 && top + y >= l->image && top + y < l->image + l->draw_h)
                canvas_blend(canvas, left + x, top + y, white, ink * WATERMARK_PERCENT / 100);
        }
}

/* ---- the overlay ---- */

/* The judged part at the size it is drawn. */
static struct colour_part part_of(const struct picture_input *input, const struct layout *l)
{
    const struct nn_box *box = &input->box;
    float across = (float)l->draw_w / (float)input->cols,
          down = (float)l->draw_h / (float)input->rows;
    if (box->x1 <= box->x0 || box->y1 <= box->y0)
        return (struct colour_part){0, 0, (float)l->draw_w, (float)l->draw_h};
    return (struct colour_part){(float)box->x0 * across, (float)box->y0 * down,
                                (float)box->x1 * across, (float)box->y1 * down};
}

struct overlay {
    struct picture_face *face;
    struct canvas *canvas, *plate;
    const struct layout *layout;
    const struct picture_input *input;
    struct colour_columns columns;
    float *lines; /* (threads, side of the map) */
};

/* Task 0 is all letters that lie nowhere on the images: one thread's, since they share a face. */
static void overlay_task(void *context, int task, int thread)
{
    const struct overlay *o = context;
    const struct layout *l = o->layout;
    int i = task - 1;
    if (task == 0) {
        panel_draw(o->face, o->canvas, l, o->input);
        draw_plate(o->face, o->plate, o->input->watermark);
        return;
    }
    float *line = o->lines + (size_t)thread * (size_t)o->columns.side;
    int last = (i + 1) * BAND < l->draw_h ? (i + 1) * BAND : l->draw_h;
    for (int y = i * BAND; y < last; y++) {
        uint8_t *row = o->canvas->rgb + (size_t)(l->image + y) * (size_t)o->canvas->cols * 3;
        uint8_t *right = row + (size_t)l->right_image * 3;
        memcpy(right, row + (size_t)l->left_image * 3, (size_t)l->draw_w * 3);
        colour_row(&o->columns, y, line, right);
    }
}

static enum picture_status colour_overlay(struct picture_face *face, struct canvas *canvas,
                                          struct canvas *plate, const struct layout *l,
                                          const struct picture_input *input)
{
    size_t threads = (size_t)nn_pool_threads(input->pool);
    struct overlay overlay = {.face = face,
                              .canvas = canvas,
                              .plate = plate,
                              .layout = l,
                              .input = input,
                              .columns = {.map = input->map,
                                          .side = input->side,
                                          .width = l->draw_w,
                                          .fit = input->fit,
                                          .part = part_of(input, l)}};
    overlay.lines = malloc(threads * (size_t)input->side * sizeof *overlay.lines);
    if (!overlay.lines || !colour_columns_init(&overlay.columns)) {
        free(overlay.lines);
        return PICTURE_NO_MEMORY;
    }
    nn_pool_run(input->pool, 1 + (l->draw_h + BAND - 1) / BAND, overlay_task, &overlay);
    colour_columns_finish(&overlay.columns);
    free(overlay.lines);
    return PICTURE_OK;
}

static void outline(struct canvas *canvas, const struct layout *l,
                    const struct picture_input *input, float thick, struct colour colour)
{
    float across = (float)l->draw_w / (float)input->cols,
          down = (float)l->draw_h / (float)input->rows;
    const struct area clip = {l->right_image, l->image, l->draw_w, l->draw_h};
    for (size_t i = 0; i + 1 < input->region_points; i++) {
        const float *p = input->region + 2 * i;
        const float from[2] = {(float)l->right_image + p[0] * across,
                               (float)l->image + p[1] * down};
        const float to[2] = {(float)l->right_image + p[2] * across, (float)l->image + p[3] * down};
        canvas_line(canvas, clip, from, to, thick, colour);
    }
}

/* ---- the orientation ---- */

/* The other end of a direction: letter by letter (PS3.3 C.7.6.1.1.1). */
static void opposite(const char *from, char *to, size_t size)
{
    static const char pairs[] = "APPALRRLHFFH";
    size_t count = 0;
    for (; from[count] && count + 1 < size; count++) {
        to[count] = '?';
        for (size_t i = 0; i + 1 < sizeof pairs - 1; i += 2)
            if (pairs[i] == from[count])
                to[count] = pairs[i + 1];
    }
    to[count] = '\0';
}

/* The two values, if both are made of a biped's letters. */
static bool split_orientation(const char *text, char row[8], char column[8])
{
    size_t first = strcspn(text, "\\");
    if (text[first] != '\\' || first == 0 || first > 3)
        return false;
    const char *second = text + first + 1;
    size_t count = strspn(second, "APLRHF");
    size_t rest = strspn(second + count, " ");
    if (strspn(text, "APLRHF") != first || count == 0 || count > 3 || second[count + rest])
        return false;
    memcpy(row, text, first);
    row[first] = '\0';
    memcpy(column, second, count);
    column[count] = '\0';
    return true;
}

/* Outside of the image: the source's own pixels stay. */
static void draw_letters(struct picture_face *face, struct canvas *canvas, const struct layout *l,
                         const char *orientation, int left)
{
    char row[8], column[8], against_row[8], against_column[8];
    int size = layout_em(l, 10), least = size / 2, edge = layout_em(l, 3);
    int middle = l->image + (l->draw_h - TEXT_PITCH(size)) / 2, wide = layout_em(l, 13);
    if (!split_orientation(orientation, row, column))
        return;
    opposite(row, against_row, sizeof against_row);
    opposite(column, against_column, sizeof against_column);
    const struct area before = {left - edge - wide, middle, wide, TEXT_PITCH(size)};
    const struct area behind = {left + l->draw_w + edge, middle, wide, TEXT_PITCH(size)};
    const struct area above = {left, l->image - TEXT_PITCH(size), l->draw_w, TEXT_PITCH(size)};
    const struct area below = {left, l->image + l->draw_h + edge / 2, l->draw_w, TEXT_PITCH(size)};
    text_fit(face, canvas, before, size, least, TEXT_RIGHT, letters, against_row);
    text_fit(face, canvas, behind, size, least, TEXT_LEFT, letters, row);
    text_fit(face, canvas, above, size, least, TEXT_CENTRE, letters, against_column);
    text_fit(face, canvas, below, size, least, TEXT_CENTRE, letters, column);
}

struct marks {
    struct canvas *canvas;
    const struct canvas *plate;
    const struct layout *layout;
    const struct picture_input *input;
};

/* What lies on the left image, or the right one. */
static void mark_image(void *context, int right, int thread)
{
    const struct marks *m = context;
    const struct layout *l = m->layout;
    float thick = (float)l->em / 7.0f;
    (void)thread;
    put_watermark(m->canvas, l, m->plate, right ? l->right_image : l->left_image);
    if (right) {
        outline(m->canvas, l, m->input, thick + (float)l->em / 8.0f, casing);
        outline(m->canvas, l, m->input, thick, panel_outline);
    }
}

enum picture_status image_draw(struct picture_face *face, struct canvas *canvas,
                               const struct layout *layout, const struct picture_input *input)
{
    struct canvas plate;
    struct marks marks = {canvas, &plate, layout, input};
    enum picture_status status = place_source(canvas, layout, input);
    if (status != PICTURE_OK)
        return status;
    if (!make_plate(layout, input->watermark, &plate))
        return PICTURE_NO_MEMORY;
    if (input->map) {
        status = colour_overlay(face, canvas, &plate, layout, input);
    } else {
        panel_draw(face, canvas, layout, input);
        draw_plate(face, &plate, input->watermark);
    }
    if (status == PICTURE_OK)
        nn_pool_run(input->pool, input->map ? 2 : 1, mark_image, &marks);
    free(plate.rgb);
    if (status == PICTURE_OK && input->orientation) {
        draw_letters(face, canvas, layout, input->orientation, layout->left_image);
        if (input->map)
            draw_letters(face, canvas, layout, input->orientation, layout->right_image);
    }
    return status;
}
