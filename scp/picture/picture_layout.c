#include "picture_layout.h"
#include <math.h>

#define CANVAS_MIN_WIDTH 1024
#define CANVAS_MAX_SIDE  16384
#define SMALL_SOURCE     384 /* a longest side below this is drawn several times its size */

static int longest(int a, int b)
{
    return a > b ? a : b;
}

int layout_em(const struct layout *layout, int tenths)
{
    return layout->em * tenths / 10;
}

/* The size of the image: its own, averaged down to the matrix, or whole-numbered times. */
static void plan_image(const struct picture_input *input, struct layout *l)
{
    int side = longest(input->rows, input->cols);
    double shrink = side > (int)input->matrix ? (double)input->matrix / side : 1.0;
    int times = side < SMALL_SOURCE ? (SMALL_SOURCE + side - 1) / side : 1;
    l->draw_w = longest(1, (int)lrint(input->cols * shrink)) * times;
    l->draw_h = longest(1, (int)lrint(input->rows * shrink)) * times;
}

static int most_classes(const struct picture_input *input)
{
    int most = 3;
    for (int i = 0; i < input->opinions; i++)
        most = longest(most, input->opinion[i].model->classes);
    return most;
}

static void plan_columns(struct layout *l)
{
    /* The canvas' area tells how large it is looked at; a long line of letters still has to fit. */
    int width = longest(CANVAS_MIN_WIDTH, l->draw_w * 2 + l->draw_w / 8);
    int by_area = (int)(sqrt((double)width * l->draw_h) / 56.0);
    l->em = longest(longest(16, width / 90), by_area);
    if (l->em > width / 56)
        l->em = width / 56;
    l->margin = layout_em(l, 17);
    l->gap = layout_em(l, 32);
    l->column = longest(l->draw_w, (CANVAS_MIN_WIDTH - 2 * l->margin - l->gap) / 2);
    l->width = 2 * l->column + l->gap + 2 * l->margin;
    l->left = l->margin;
    l->right = l->margin + l->column + l->gap;
    l->left_image = l->left + (l->column - l->draw_w) / 2;
    l->right_image = l->right + (l->column - l->draw_w) / 2;
}

static void plan_rows(const struct picture_input *input, struct layout *l)
{
    bool two = input->opinions > 1;
    l->warning = layout_em(l, 9);
    l->sentence = l->warning + layout_em(l, 18);
    l->caption = l->sentence + layout_em(l, 46);
    l->image = l->caption + layout_em(l, 17) + layout_em(l, 13);
    l->block = l->image + l->draw_h + layout_em(l, 18);
    l->block_height = layout_em(l, 15 + 16 * most_classes(input) + (two ? 15 : 0));
    l->foot = l->block + l->block_height;
    l->bottom = l->foot + (two ? layout_em(l, 17) : 0);
    l->height = l->bottom + layout_em(l, 8);
}

enum picture_status layout_plan(const struct picture_input *input, struct layout *layout)
{
    if (input->rows < 1 || input->cols < 1 || input->matrix < 1 ||
        input->matrix > CANVAS_MAX_SIDE / 4 || input->opinions < 1 || input->opinions > 2)
        return PICTURE_INVALID;
    plan_image(input, layout);
    plan_columns(layout);
    plan_rows(input, layout);
    if (layout->width > CANVAS_MAX_SIDE || layout->height > CANVAS_MAX_SIDE)
        return PICTURE_INVALID;
    return PICTURE_OK;
}

bool picture_halves(int rows, int cols, uint32_t matrix, const int *classes, int models,
                    struct picture_halves *halves)
{
    struct layout l;
    struct nn_model_info info[2] = {0};
    struct picture_input input = {.rows = rows, .cols = cols, .matrix = matrix, .opinions = models};
    for (int i = 0; i < models && i < 2; i++) {
        info[i].classes = classes[i];
        input.opinion[i].model = &info[i];
    }
    if (layout_plan(&input, &l) != PICTURE_OK)
        return false;
    *halves = (struct picture_halves){.width = l.width,
                                      .height = l.height,
                                      .left = l.left_image,
                                      .right = l.right_image,
                                      .top = l.image,
                                      .cols = l.draw_w,
                                      .rows = l.draw_h};
    return true;
}
