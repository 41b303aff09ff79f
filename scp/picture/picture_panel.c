/* picture_panel.c: all that a picture says in words, bars and keys. */
#include "picture_layout.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define LINE_SIZE 512

const struct colour panel_ground = {13, 15, 19}, panel_outline = {120, 205, 255};
static const struct colour bright = {228, 231, 236}, quiet = {156, 163, 173};
static const struct colour track = {38, 43, 52}, neutral = {104, 136, 170};
static const struct colour caution = {240, 190, 90}, positive = {250, 150, 40};
static const struct colour beneath = {104, 104, 104}; /* a middle grey, as of the anatomy */

static bool reaches(const struct nn_class *class_, float score)
{
    return class_->finding && (double)score >= class_->operating_point;
}

/* One line; what has to be set smaller keeps the baseline. How high it is. */
static int line(struct picture_face *face, struct canvas *canvas, struct area area, int size,
                enum text_align align, struct colour colour, const char *text)
{
    int pitch = area.height = TEXT_PITCH(size);
    int used = text_fit(face, NULL, area, size, size * 6 / 10, align, colour, text);
    area.y += (pitch - used) * size / pitch;
    text_fit(face, canvas, area, size, size * 6 / 10, align, colour, text);
    return pitch;
}

/* ---- above the images ---- */

static void draw_warning(struct picture_face *face, struct canvas *canvas, const struct layout *l,
                         const struct picture_input *input)
{
    const char *notice = picture_say(input, "picture.not-for-diagnosis");
    const char *warning = input->warning ? input->warning : "";
    int size = l->em, room = l->width - 2 * l->margin - 2 * l->em;
    int first = text_width(face, size, warning), second = text_width(face, size, notice);
    if (first + second > room) { /* both give way alike */
        second = (int)((int64_t)second * room / (first + second));
        first = room - second;
    }
    const struct area right = {l->width - l->margin - second, l->warning, second, 0};
    const struct area left = {l->margin, l->warning, first, 0};
    line(face, canvas, right, size, TEXT_RIGHT, caution, notice);
    line(face, canvas, left, size, TEXT_LEFT, caution, warning);
}

static void draw_sentence(struct picture_face *face, struct canvas *canvas, const struct layout *l,
                          const struct picture_input *input)
{
    int indent = layout_em(l, 10), tall = layout_em(l, 39);
    struct area area = {l->margin + indent, l->sentence, l->width - 2 * l->margin - indent, tall};
    struct colour colour = input->found ? positive : neutral;
    int used = text_fit(face, NULL, area, layout_em(l, 28), layout_em(l, 6), TEXT_LEFT, bright,
                        input->sentence);
    canvas_fill(canvas, l->margin, l->sentence, layout_em(l, 4), tall, colour);
    area.y += (tall - used) / 2;
    area.height = used;
    text_fit(face, canvas, area, layout_em(l, 28), layout_em(l, 6), TEXT_LEFT, bright,
             input->sentence);
}

/* The words at one end of the scale, beside x; returns how wide they are. */
static int draw_end(struct picture_face *face, struct canvas *canvas, const struct layout *l, int x,
                    const char *text)
{
    int size = layout_em(l, 8), width = text_width(face, size, text), most = l->column / 6;
    width = width > most ? most : width;
    line(face, canvas, (struct area){x - width, l->caption + layout_em(l, 2), width, 0}, size,
         TEXT_RIGHT, quiet, text);
    return width;
}

/* The scale of the overlay, right in its column; returns the width used. */
static int draw_legend(struct picture_face *face, struct canvas *canvas, const struct layout *l,
                       const struct picture_input *input)
{
    char low[LINE_SIZE], high[LINE_SIZE];
    int bar = layout_em(l, 55), thick = layout_em(l, 8);
    int y = l->caption + layout_em(l, 10), x = l->right + l->column;
    snprintf(low, sizeof low, "%s %g", picture_say(input, "picture.low"),
             (double)PICTURE_THRESHOLD);
    snprintf(high, sizeof high, "1 %s", picture_say(input, "picture.high"));
    x -= draw_end(face, canvas, l, x, high) + layout_em(l, 4) + bar;
    for (int i = 0; i < bar; i++) {
        float strength =
            PICTURE_THRESHOLD + (1.0f - PICTURE_THRESHOLD) * (float)i / (float)(bar - 1);
        unsigned cover = (unsigned)(255.0f * colour_cover(strength) + 0.5f);
        canvas_fill(canvas, x + i, y - thick, 1, thick, beneath);
        for (int row = 0; row < thick; row++)
            canvas_blend(canvas, x + i, y - thick + row, colour_of_strength(strength), cover);
    }
    x -= layout_em(l, 4);
    x -= draw_end(face, canvas, l, x, low);
    return l->right + l->column - x;
}

static void draw_captions(struct picture_face *face, struct canvas *canvas, const struct layout *l,
                          const struct picture_input *input)
{
    char text[LINE_SIZE];
    const struct nn_model_info *model = input->opinion[0].model;
    struct area area = {l->left, l->caption, l->column, 0};
    line(face, canvas, area, layout_em(l, 10), TEXT_LEFT, quiet,
         picture_say(input, "picture.original"));
    if (!input->map)
        return;
    int legend = draw_legend(face, canvas, l, input);
    int length = snprintf(text, sizeof text, "%s %s", picture_say(input, "picture.overlay"),
                          picture_class(input, &model->class_[input->explained]));
    if (input->opinions > 1 && length > 0 && (size_t)length < sizeof text)
        snprintf(text + length, sizeof text - (size_t)length, " (%s)", model->name);
    area = (struct area){l->right, l->caption, l->column - legend - l->em, 0};
    line(face, canvas, area, layout_em(l, 10), TEXT_LEFT, quiet, text);
}

/* ---- the scores ---- */

static void model_words(const struct picture_input *input, const struct nn_model_info *model,
                        char text[LINE_SIZE])
{
    snprintf(text, LINE_SIZE, "%s %s %s (%.12s)", picture_say(input, "picture.model"), model->name,
             model->version, model->digest);
}

/* A bar of a score, and the mark of its operating point. */
static void draw_bar(struct canvas *canvas, struct area area, const struct nn_class *class_,
                     float score)
{
    int fill = (int)lrintf(fminf(fmaxf(score, 0.0f), 1.0f) * (float)area.width);
    canvas_fill(canvas, area.x, area.y, area.width, area.height, track);
    canvas_fill(canvas, area.x, area.y, fill, area.height,
                reaches(class_, score) ? positive : neutral);
    if (!class_->finding)
        return;
    int thick = area.height / 7 + 1, over = area.height / 3;
    int tick = area.x + (int)lrint(class_->operating_point * area.width) - thick / 2;
    tick = tick > area.x + area.width - thick ? area.x + area.width - thick : tick;
    canvas_fill(canvas, tick < area.x ? area.x : tick, area.y - over, thick, area.height + 2 * over,
                bright);
}

/* Where name, bar, score and operating point of a block stand. */
struct table {
    int name, bar, score, point; /* left ends */
    int name_width, bar_width, number_width;
};

static struct table table_of(struct picture_face *face, struct area area, int em,
                             const struct picture_input *input, const struct nn_model_info *model)
{
    struct table t = {.name = area.x, .number_width = text_width(face, em, "0.000")};
    for (int i = 0; i < model->classes; i++) {
        int width = text_width(face, em, picture_class(input, &model->class_[i]));
        t.name_width = width > t.name_width ? width : t.name_width;
    }
    t.name_width = t.name_width > area.width / 3 ? area.width / 3 : t.name_width;
    t.point = area.x + area.width - t.number_width;
    t.score = t.point - t.number_width - 3 * em;
    t.bar = t.name + t.name_width + em;
    t.bar_width = t.score - em - t.bar;
    return t;
}

static void draw_row(struct picture_face *face, struct canvas *canvas, const struct table *t, int y,
                     int em, const struct picture_input *input, const struct nn_class *class_,
                     float score)
{
    char text[32];
    struct colour colour = reaches(class_, score) ? positive : bright;
    const struct area name = {t->name, y, t->name_width, 0};
    const struct area bar = {t->bar, y + em * 3 / 10, t->bar_width, em * 7 / 10};
    line(face, canvas, name, em, TEXT_LEFT, colour, picture_class(input, class_));
    draw_bar(canvas, bar, class_, score);
    snprintf(text, sizeof text, "%.3f", (double)score);
    text_draw(face, canvas, t->score, y + em, em, colour, text);
    if (!class_->finding)
        return;
    snprintf(text, sizeof text, "%.3f", class_->operating_point);
    text_draw(face, canvas, t->point, y + em, em, quiet, text);
}

/* One model's scores; headed: with its name above. Heights as in layout_plan. */
static void draw_block(struct picture_face *face, struct canvas *canvas, struct area area, int em,
                       bool headed, const struct picture_input *input, int opinion)
{
    char text[LINE_SIZE];
    const struct nn_model_info *model = input->opinion[opinion].model;
    struct table t = table_of(face, area, em, input, model);
    int y = area.y, small = em * 17 / 20;
    if (headed) {
        model_words(input, model, text);
        line(face, canvas, (struct area){area.x, y, area.width, 0}, small, TEXT_LEFT, quiet, text);
        y += em * 15 / 10;
    }
    line(face, canvas, (struct area){area.x, y, area.width * 45 / 100, 0}, small, TEXT_LEFT, quiet,
         picture_say(input, "picture.score"));
    line(face, canvas, (struct area){area.x + area.width * 55 / 100, y, area.width * 45 / 100, 0},
         small, TEXT_RIGHT, quiet, picture_say(input, "picture.operating-point"));
    y += em * 15 / 10;
    for (int i = 0; i < model->classes; i++, y += em * 16 / 10)
        draw_row(face, canvas, &t, y, em, input, &model->class_[i],
                 input->opinion[opinion].score[i]);
}

/* ---- what the overlay means ---- */

static void draw_key(struct picture_face *face, struct canvas *canvas, const struct layout *l,
                     struct area area, const struct picture_input *input)
{
    char text[LINE_SIZE];
    int size = layout_em(l, 8), pitch = layout_em(l, 12);
    if (input->region_points > 0) {
        int swatch = layout_em(l, 16), tall = layout_em(l, 8), thick = l->em / 7 + 1;
        canvas_fill(canvas, area.x, area.y + layout_em(l, 2), swatch, tall, panel_outline);
        canvas_fill(canvas, area.x + thick, area.y + layout_em(l, 2) + thick, swatch - 2 * thick,
                    tall - 2 * thick, panel_ground);
        line(face, canvas,
             (struct area){area.x + swatch + layout_em(l, 6), area.y,
                           area.width - swatch - layout_em(l, 6), 0},
             size, TEXT_LEFT, quiet, picture_say(input, "picture.region"));
        area.y += pitch;
        area.height -= pitch;
    }
    snprintf(text, sizeof text, "%s %g%s%s", picture_say(input, "picture.nothing-drawn"),
             (double)PICTURE_THRESHOLD, input->relative ? "  \xc2\xb7  " : "",
             input->relative ? picture_say(input, "picture.relative") : "");
    line(face, canvas, area, size, TEXT_LEFT, quiet, text);
    area.y += pitch;
    area.height -= pitch;
    text_fit(face, canvas, area, size, size * 6 / 10, TEXT_LEFT, quiet,
             picture_say(input, "picture.disclaimer"));
}

/* The same in one line, for two models. */
static void draw_foot(struct picture_face *face, struct canvas *canvas, const struct layout *l,
                      const struct picture_input *input)
{
    char text[3 * LINE_SIZE];
    snprintf(text, sizeof text, "%s  \xc2\xb7  %s %g%s%s%s%s",
             picture_say(input, "picture.disclaimer"), picture_say(input, "picture.nothing-drawn"),
             (double)PICTURE_THRESHOLD, input->relative ? "  \xc2\xb7  " : "",
             input->relative ? picture_say(input, "picture.relative") : "",
             input->region_points > 0 ? "  \xc2\xb7  \xe2\x96\xad " : "",
             input->region_points > 0 ? picture_say(input, "picture.region") : "");
    line(face, canvas,
         (struct area){l->left, l->foot + layout_em(l, 3), l->width - 2 * l->margin, 0},
         layout_em(l, 8), TEXT_LEFT, quiet, text);
}

static void draw_beneath(struct picture_face *face, struct canvas *canvas, const struct layout *l,
                         const struct picture_input *input)
{
    char text[LINE_SIZE];
    const struct area left = {l->left, l->block, l->column, l->block_height};
    const struct area right = {l->right, l->block, l->column, l->block_height};
    if (input->opinions > 1) {
        draw_block(face, canvas, left, l->em, true, input, 0);
        draw_block(face, canvas, right, l->em, true, input, 1);
        draw_foot(face, canvas, l, input);
        return;
    }
    int head = layout_em(l, 14);
    struct area key = {left.x, left.y + head, left.width, left.height - head};
    model_words(input, input->opinion[0].model, text);
    line(face, canvas, left, layout_em(l, 9), TEXT_LEFT, quiet, text);
    draw_key(face, canvas, l, key, input);
    draw_block(face, canvas, right, l->em, false, input, 0);
}

/* ---- without a map: the scores instead of the overlay ---- */

/* Tenths of the letters' size: each class, more where there is room, and of two models the name
 * above. */
#define LARGE_ROW  44
#define LARGE_MOST 66
#define LARGE_HEAD 18

/* The words stand under the mark that they name, as far as there is room. */
static void draw_point(struct picture_face *face, struct canvas *canvas, struct area area, int size,
                       const struct picture_input *input, double point)
{
    char text[LINE_SIZE];
    snprintf(text, sizeof text, "%s %.3f", picture_say(input, "picture.operating-point"), point);
    int width = text_width(face, size, text);
    int left = (int)lrint(point * area.width) - width / 2, most = area.width - width;
    left = left > most ? most : left;
    left = left < 0 ? 0 : left;
    area.x += left;
    area.width -= left;
    line(face, canvas, area, size, TEXT_LEFT, quiet, text);
}

static int draw_large(struct picture_face *face, struct canvas *canvas, struct area area, int em,
                      int pitch, const struct picture_input *input, int opinion)
{
    char text[LINE_SIZE];
    const struct nn_model_info *model = input->opinion[opinion].model;
    int y = area.y, number = text_width(face, em, "0.000");
    if (input->opinions > 1) {
        model_words(input, model, text);
        line(face, canvas, area, em * 7 / 10, TEXT_LEFT, quiet, text);
        y += em * LARGE_HEAD / 10;
    }
    for (int i = 0; i < model->classes; i++, y += pitch) {
        const struct nn_class *class_ = &model->class_[i];
        float score = input->opinion[opinion].score[i];
        struct colour colour = reaches(class_, score) ? positive : bright;
        const struct area bar = {area.x, y + em * 16 / 10, area.width, em * 7 / 10};
        line(face, canvas, (struct area){area.x, y, area.width - number - em, 0}, em, TEXT_LEFT,
             colour, picture_class(input, class_));
        snprintf(text, sizeof text, "%.3f", (double)score);
        text_draw(face, canvas, area.x + area.width - number, y + em, em, colour, text);
        draw_bar(canvas, bar, class_, score);
        if (class_->finding)
            draw_point(face, canvas, (struct area){area.x, y + em * 27 / 10, area.width, 0},
                       em * 6 / 10, input, class_->operating_point);
    }
    return y - area.y;
}

/* As tall as the image beside them, or if that leaves only small letters, down to the bottom. */
static void draw_alone(struct picture_face *face, struct canvas *canvas, const struct layout *l,
                       const struct picture_input *input)
{
    char text[LINE_SIZE];
    struct area area = {l->right, l->image, l->column, l->draw_h};
    int heads = input->opinions > 1 ? input->opinions : 0, rows = 0, most = layout_em(l, 26);
    for (int i = 0; i < input->opinions; i++)
        rows += input->opinion[i].model->classes;
    int tenths = LARGE_HEAD * heads + LARGE_ROW * rows, em = area.height * 10 / tenths;
    if (em < layout_em(l, 16)) {
        area.height = l->bottom - l->image;
        em = area.height * 10 / tenths;
        most = layout_em(l, 16);
    }
    em = em > most ? most : em;
    int pitch = (area.height - em * LARGE_HEAD / 10 * heads) / rows;
    pitch = pitch > em * LARGE_MOST / 10 ? em * LARGE_MOST / 10 : pitch;
    line(face, canvas, (struct area){l->right, l->caption, l->column, 0}, layout_em(l, 10),
         TEXT_LEFT, quiet, picture_say(input, "picture.score"));
    for (int i = 0; i < input->opinions; i++)
        area.y += draw_large(face, canvas, area, em, pitch, input, i);
    if (input->opinions == 1) {
        model_words(input, input->opinion[0].model, text);
        line(face, canvas, (struct area){l->left, l->block, l->column, 0}, layout_em(l, 9),
             TEXT_LEFT, quiet, text);
    }
}

void panel_draw(struct picture_face *face, struct canvas *canvas, const struct layout *layout,
                const struct picture_input *input)
{
    draw_warning(face, canvas, layout, input);
    draw_sentence(face, canvas, layout, input);
    draw_captions(face, canvas, layout, input);
    if (input->map)
        draw_beneath(face, canvas, layout, input);
    else
        draw_alone(face, canvas, layout, input);
}
