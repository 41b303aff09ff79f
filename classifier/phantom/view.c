/* view.c: how the patient lies on the detector. C1..C7 are always in the field, whatever the class:
 * the view is fitted to the uninjured anatomy. */
#include "phantom_parts.h"
#include <math.h>

#define DEGREE 0.017453292519943295

struct extent {
    double low_x, high_x, low_y, high_y;
};

static void include(struct extent *extent, const struct phantom_view *view, struct vec p)
{
    struct vec q = nn_phantom_project(view, p);

    extent->low_x = fmin(extent->low_x, q.x);
    extent->high_x = fmax(extent->high_x, q.x);
    extent->low_y = fmin(extent->low_y, q.y);
    extent->high_y = fmax(extent->high_y, q.y);
}

struct vec nn_phantom_project(const struct phantom_view *view, struct vec patient)
{
    double x = patient.x - view->centre.x, y = patient.y - view->centre.y;
    double c = cos(view->turn), s = sin(view->turn);
    double across = c * x - s * y, down = s * x + c * y;

    if (view->facing_left)
        across = -across;
    return (struct vec){view->middle.x + across / view->mm_per_pixel,
                        view->middle.y + down / view->mm_per_pixel};
}

void nn_phantom_view(const struct nn_phantom_settings *settings, uint64_t index,
                     const struct phantom_anatomy *uninjured, struct phantom_view *view)
{
    struct phantom_rng rng = nn_phantom_rng(settings->seed, index, PHANTOM_VIEW);
    struct extent extent = {1e9, -1e9, 1e9, -1e9};
    double margin = 9 * uninjured->scale, width, height, loose;

    *view = (struct phantom_view){.mm_per_pixel = 1};
    view->facing_left = nn_phantom_chance(&rng, 0.5);
    view->turn = DEGREE * nn_phantom_clamp(nn_phantom_normal(&rng, 0, 5.5), -12, 12);
    for (int i = 1; i <= 7; i++) {
        const struct phantom_level *level = &uninjured->level[i];

        include(&extent, view, nn_phantom_place(level->frame, level->depth, -level->height));
        include(&extent, view, nn_phantom_place(level->frame, level->depth, level->height));
        include(&extent, view,
                nn_phantom_place(level->rear,
                                 -level->depth / 2 - level->canal - fmin(level->spinous, 22),
                                 level->spinous_drop));
    }
    width = extent.high_x - extent.low_x + 2 * margin;
    height = extent.high_y - extent.low_y + 2 * margin;
    loose = nn_phantom_uniform(&rng, 1.04, 1.8);
    view->mm_per_pixel = loose * fmax(width / settings->cols, height / settings->rows);
    width = settings->cols - width / view->mm_per_pixel; /* slack in pixels */
    height = settings->rows - height / view->mm_per_pixel;
    /* extent is in the turned (and mirrored) axes: move the middle, not the patient's point. */
    view->centre = (struct vec){0, 0};
    view->middle.x = settings->cols / 2.0 + width * nn_phantom_uniform(&rng, -0.35, 0.35) -
                     (extent.low_x + extent.high_x) / 2 / view->mm_per_pixel;
    view->middle.y = settings->rows / 2.0 + height * nn_phantom_uniform(&rng, -0.2, 0.4) -
                     (extent.low_y + extent.high_y) / 2 / view->mm_per_pixel;
}
