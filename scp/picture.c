/* The picture's layout, from top to bottom, every length in ems of the letters:
 *
 *   warning (RESEARCH line)                       NOT FOR DIAGNOSIS
 *   Original                     Saliency overlay, score of: fracture  [scale]
 *   +----------------------+     +----------------------+
 *   |  the source          |     |  the same, coloured  |
 *   +----------------------+     +----------------------+
 *   outcome in one sentence      Model score        score  operating
 *   model, version, digest       fracture  ====|==  0.931  point 0.50
 *
 * The two halves are columns of equal width; a source narrower than its column is centred in it.
 * The em follows the canvas' area, but never outgrows what the texts' columns can hold. */
#include "picture_canvas.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANVAS_MIN_WIDTH 1024
#define CANVAS_MAX_SIDE  16384
#define SMALL_SOURCE     384 /* a longest side below this is drawn several times its size */

static const struct colour ground = {13, 15, 19}, frame = {46, 51, 60}, track = {34, 38, 46};
static const struct colour bright = {226, 229, 234}, quiet = {150, 157, 167};
static const struct colour caution = {240, 180, 72}, positive = {236, 122, 58};
static const struct colour neutral = {98, 132, 166};

struct layout {
    int em, margin, gap;
    int width, height;   /* of the canvas */
    int column;          /* width of a half */
    int draw_w, draw_h;  /* of the image in it */
    int top, image, low; /* y of captions, images and the band beneath */
};

const char *picture_status_text(enum picture_status status)
{
    static const char *const texts[] = {
#define X(code, text) text,
        PICTURE_STATUS_MAP(X)
#undef X
    };
    return texts[status];
}

void picture_finish(struct picture *picture)
{
    if (!picture)
        return;
    free(picture->rgb);
    memset(picture, 0, sizeof *picture);
}

int picture_explained(const struct nn_model_info *model, const float *score)
{
    int top = 0, finding = -1;
    for (int i = 0; i < model->classes; i++) {
        const struct nn_class *class_ = &model->class_[i];
        if (score[i] > score[top])
            top = i;
        if (class_->finding && (double)score[i] >= class_->operating_point &&
            (finding < 0 || score[i] > score[finding]))
            finding = i;
    }
    return finding >= 0 ? finding : top;
}

void canvas_fill(struct canvas *canvas, int x, int y, int width, int height, struct colour colour)
{
    for (int row = y < 0 ? 0 : y; row < y + height && row < canvas->rows; row++)
        for (int col = x < 0 ? 0 : x; col < x + width && col < canvas->cols; col++)
            memcpy(canvas->rgb + ((size_t)row * (size_t)canvas->cols + (size_t)col) * 3,
                   (uint8_t[3]){colour.r, colour.g, colour.b}, 3);
}

void canvas_blend(struct canvas *canvas, int x, int y, struct colour colour, unsigned coverage)
{
    if (x < 0 || y < 0 || x >= canvas->cols || y >= canvas->rows)
        return;
    uint8_t *to = canvas->rgb + ((size_t)y * (size_t)canvas->cols + (size_t)x) * 3;
    const uint8_t from[3] = {colour.r, colour.g, colour.b};
    for (int c = 0; c < 3; c++)
        to[c] = (uint8_t)((from[c] * coverage + to[c] * (255u - coverage) + 127u) / 255u);
}

/* The class that is no finding is never called normal to a reader (design: words). */
static const char *label_of(const struct nn_class *class_)
{
    return class_->finding ? class_->name : "neither";
}

/* ---- the two halves ---- */

/* The source at the size it is drawn: area-averaged down, or repeated, or as it is. */
static float *scaled(const struct picture_input *input, int width, int height)
{
    float *out = malloc((size_t)width * (size_t)height * sizeof *out);
    if (!out)
        return NULL;
    if (width >= input->cols) {
        int times = width / input->cols;
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                out[(size_t)y * (size_t)width + (size_t)x] =
                    input->plane[(size_t)(y / times) * (size_t)input->cols + (size_t)(x / times)];
        return out;
    }
    struct nn_error err;
    if (nn_plane_resize(input->plane, input->rows, input->cols, out, height, width, &err) !=
        NN_OK) {
        free(out);
        return NULL;
    }
    return out;
}

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

static void draw_halves(struct canvas *canvas, const struct layout *l, const float *grey,
                        const float *map, const struct picture_input *input)
{
    const struct nn_preprocess *fit = &input->opinion[0].model->preprocess;
    struct colour_part part = part_of(input, l);
    int left = l->margin + (l->column - l->draw_w) / 2, right = left + l->column + l->gap;
    for (int y = 0; y < l->draw_h; y++) {
        for (int x = 0; x < l->draw_w; x++) {
            float value = grey[(size_t)y * (size_t)l->draw_w + (size_t)x];
            uint8_t v = (uint8_t)lrintf(255.0f * fminf(fmaxf(value, 0.0f), 1.0f));
            canvas_blend(canvas, left + x, l->image + y, (struct colour){v, v, v}, 255);
            float strength = colour_map_at(map, fit->side, fit->fit, part, (float)x, (float)y);
            canvas_blend(canvas, right + x, l->image + y, (struct colour){v, v, v}, 255);
            canvas_blend(canvas, right + x, l->image + y, colour_of_strength(strength),
                         (unsigned)lrintf(255.0f * colour_cover(strength)));
        }
    }
}

static void draw_captions(struct picture_face *face, struct canvas *canvas, const struct layout *l,
                          const struct picture_input *input)
{
    int size = l->em * 9 / 10, y = l->top + size;
    int right = l->margin + l->column + l->gap;
    char caption[128];
    snprintf(caption, sizeof caption, "Saliency overlay, score of: %s",
             label_of(&input->opinion[0].model->class_[input->explained]));
    text_draw(face, canvas, l->margin, y, size, quiet, "Original");
    text_draw(face, canvas, right, y, size, quiet, caption);

    int small = l->em * 3 / 4, bar = l->em * 6, thick = l->em / 2 + 1;
    int x = right + l->column - text_width(face, small, "high");
    text_draw(face, canvas, x, y, small, quiet, "high");
    x -= bar + l->em / 2;
    for (int i = 0; i < bar; i++)
        canvas_fill(canvas, x + i, y - thick, 1, thick,
                    colour_of_strength((float)i / (float)(bar - 1)));
    x -= text_width(face, small, "low") + l->em / 2;
    text_draw(face, canvas, x, y, small, quiet, "low");
}

/* ---- the texts ---- */

/* Above the images; canvas NULL measures. */
static int draw_warning(struct picture_face *face, struct canvas *canvas, const struct layout *l,
                        const struct picture_input *input)
{
    static const char notice[] = "NOT FOR DIAGNOSIS";
    int size = l->em, room = l->width - 2 * l->margin;
    int notice_width = text_width(face, size, notice);
    if (canvas)
        text_draw(face, canvas, l->width - l->margin - notice_width, l->margin + size, size,
                  caution, notice);
    int height = size + size * 2 / 5;
    if (input->warning)
        height = text_wrap(face, canvas, l->margin, l->margin, room - notice_width - 2 * size, size,
                           caution, input->warning);
    return height;
}

static int draw_outcome(struct picture_face *face, struct canvas *canvas, const struct layout *l,
                        const struct picture_input *input)
{
    const struct nn_model_info *model = input->opinion[0].model;
    int y = l->low, small = l->em * 17 / 20;
    bool found = model->class_[input->explained].finding &&
                 (double)input->opinion[0].score[input->explained] >=
                     model->class_[input->explained].operating_point;
    y += text_wrap(face, canvas, l->margin, y, l->column, l->em * 5 / 4, found ? positive : bright,
                   input->sentence);
    y += l->em / 2;

    char line[256];
    snprintf(line, sizeof line, "Model %s, version %s, digest %.12s", model->name, model->version,
             model->digest);
    y += text_wrap(face, canvas, l->margin, y, l->column, small, quiet, line);
    y += text_wrap(face, canvas, l->margin, y, l->column, small, quiet,
                   "The overlay shows where the score depends on the image, not an outline of an "
                   "injury.");
    return y - l->low;
}

struct score_columns {
    int x, bar, score, right; /* left ends of name, bar and score; right end of operating point */
    int width;                /* of the bar */
};

static struct score_columns columns_of(struct picture_face *face, const struct layout *l,
                                       const struct nn_model_info *model)
{
    struct score_columns c = {.x = l->margin + l->column + l->gap};
    int name = 0, score = text_width(face, l->em, "0.000");
    int point = text_width(face, l->em * 17 / 20, "operating point");
    for (int i = 0; i < model->classes; i++) {
        int width = text_width(face, l->em, label_of(&model->class_[i]));
        name = width > name ? width : name;
    }
    int most = l->column / 3;
    name = name > most ? most : name;
    c.bar = c.x + name + l->em;
    c.right = c.x + l->column;
    c.score = c.right - point - 3 * l->em / 2 - score;
    c.width = c.score - l->em - c.bar;
    return c;
}

static void draw_bar(struct picture_face *face, struct canvas *canvas, const struct layout *l,
                     const struct score_columns *c, int y, const struct nn_class *class_,
                     float score)
{
    bool found = class_->finding && (double)score >= class_->operating_point;
    int tall = l->em * 7 / 10, fill = (int)lrintf(score * (float)c->width);
    char text[32];
    text_draw(face, canvas, c->x, y, l->em, found ? positive : bright, label_of(class_));
    canvas_fill(canvas, c->bar, y - tall, c->width, tall, track);
    canvas_fill(canvas, c->bar, y - tall, fill, tall, found ? positive : neutral);
    snprintf(text, sizeof text, "%.3f", (double)score);
    text_draw(face, canvas, c->score, y, l->em, found ? positive : bright, text);
    if (!class_->finding)
        return;

    int thick = l->em / 10 + 1, over = l->em / 4;
    int tick = c->bar + (int)lrint(class_->operating_point * c->width) - thick / 2;
    canvas_fill(canvas, tick, y - tall - over, thick, tall + 2 * over, bright);
    snprintf(text, sizeof text, "%.3f", class_->operating_point);
    text_draw(face, canvas, c->right - text_width(face, l->em, text), y, l->em, quiet, text);
}

static int draw_scores(struct picture_face *face, struct canvas *canvas, const struct layout *l,
                       const struct picture_input *input)
{
    int pitch = l->em * 17 / 10, small = l->em * 17 / 20, y = l->low + l->em;
    if (canvas) {
        struct score_columns c = columns_of(face, l, input->opinion[0].model);
        text_draw(face, canvas, c.x, y, small, quiet, "Model score");
        text_draw(face, canvas, c.right - text_width(face, small, "operating point"), y, small,
                  quiet, "operating point");
        for (int i = 0; i < input->opinion[0].model->classes; i++)
            draw_bar(face, canvas, l, &c, y + (i + 1) * pitch, &input->opinion[0].model->class_[i],
                     input->opinion[0].score[i]);
    }
    return l->em + (input->opinion[0].model->classes + 1) * pitch;
}

/* ---- all of it ---- */

static int longest(int a, int b)
{
    return a > b ? a : b;
}

static void plan(struct picture_face *face, const struct picture_input *input, struct layout *l)
{
    int side = longest(input->rows, input->cols);
    double shrink = side > (int)input->matrix ? (double)input->matrix / side : 1.0;
    int times = side < SMALL_SOURCE ? (SMALL_SOURCE + side - 1) / side : 1;
    l->draw_w = longest(1, (int)lrint(input->cols * shrink)) * times;
    l->draw_h = longest(1, (int)lrint(input->rows * shrink)) * times;

    /* ems: margins 1 each, gap 1, so the halves take what is left of the width */
    int width = longest(CANVAS_MIN_WIDTH, 2 * l->draw_w + 2 * l->draw_w / 24);
    int by_area = (int)(sqrt((double)width * l->draw_h) / 58.0);
    l->em = longest(longest(18, width / 110), by_area);
    if (l->em > width / 54)
        l->em = width / 54;
    l->margin = l->gap = l->em;
    l->column = longest(l->draw_w, (CANVAS_MIN_WIDTH - 2 * l->margin - l->gap) / 2);
    l->width = 2 * l->column + l->gap + 2 * l->margin;

    l->top = l->margin + draw_warning(face, NULL, l, input) + l->em / 2;
    l->image = l->top + l->em * 3 / 2;
    l->low = l->image + l->draw_h + l->em;
    l->height = l->low + l->em / 2 +
                longest(draw_outcome(face, NULL, l, input), draw_scores(face, NULL, l, input));
}

enum picture_status picture_draw(struct picture_face *face, const struct picture_input *input,
                                 struct picture *picture)
{
    enum picture_status status = PICTURE_NO_MEMORY;
    struct canvas canvas = {0};
    float *grey = NULL, *map = NULL;
    struct layout l;

    memset(picture, 0, sizeof *picture);
    if (input->rows < 1 || input->cols < 1 || input->matrix < 1 ||
        input->matrix > CANVAS_MAX_SIDE / 4)
        return PICTURE_INVALID;
    plan(face, input, &l);
    if (l.width > CANVAS_MAX_SIDE || l.height > CANVAS_MAX_SIDE)
        return PICTURE_INVALID;

    canvas.rows = l.height;
    canvas.cols = l.width;
    canvas.rgb = malloc((size_t)l.width * (size_t)l.height * 3);
    grey = scaled(input, l.draw_w, l.draw_h);
    map = colour_smooth_map(input->map, input->opinion[0].model->preprocess.side);
    if (!canvas.rgb || !grey || !map)
        goto out;

    canvas_fill(&canvas, 0, 0, l.width, l.height, ground);
    draw_warning(face, &canvas, &l, input);
    draw_captions(face, &canvas, &l, input);
    draw_halves(&canvas, &l, grey, map, input);
    canvas_fill(&canvas, l.margin, l.low - l.em / 2, l.width - 2 * l.margin, 1 + l.em / 20, frame);
    draw_outcome(face, &canvas, &l, input);
    draw_scores(face, &canvas, &l, input);
    *picture = (struct picture){(uint32_t)l.height, (uint32_t)l.width, canvas.rgb};
    canvas.rgb = NULL;
    status = PICTURE_OK;

out:
    free(canvas.rgb);
    free(grey);
    free(map);
    return status;
}
