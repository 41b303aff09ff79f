#include "picture_layout.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

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

/* A canvas is up to 100 MB: its pages of 4 KiB would take longer to come than its pixels to be
 * drawn. Where there are no large pages, those will do. */
static uint8_t *allocate(size_t size)
{
    size_t whole = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    if (size < 2 * HUGE_PAGE)
        return malloc(size);
    uint8_t *pixels = aligned_alloc(HUGE_PAGE, whole);
    if (pixels)
        (void)madvise(pixels, whole, MADV_HUGEPAGE);
    return pixels;
}

/* All but the images, which cover their places themselves. */
static void fill_ground(struct canvas *canvas, const struct layout *l, bool two)
{
    int low = l->image + l->draw_h, left = l->left_image + l->draw_w;
    int right = l->right_image + l->draw_w;
    canvas_fill(canvas, 0, 0, l->width, l->image, panel_ground);
    canvas_fill(canvas, 0, low, l->width, l->height - low, panel_ground);
    canvas_fill(canvas, 0, l->image, l->left_image, l->draw_h, panel_ground);
    canvas_fill(canvas, left, l->image, two ? l->right_image - left : l->width - left, l->draw_h,
                panel_ground);
    if (two)
        canvas_fill(canvas, right, l->image, l->width - right, l->draw_h, panel_ground);
}

enum picture_status picture_draw(struct picture_face *face, const struct picture_input *input,
                                 struct picture *picture)
{
    struct layout layout;
    memset(picture, 0, sizeof *picture);
    if (input->map && input->side < 1)
        return PICTURE_INVALID;
    enum picture_status status = layout_plan(input, &layout);
    if (status != PICTURE_OK)
        return status;

    struct canvas canvas = {.rows = layout.height, .cols = layout.width};
    canvas.rgb = allocate((size_t)layout.width * (size_t)layout.height * 3);
    if (!canvas.rgb)
        return PICTURE_NO_MEMORY;
    fill_ground(&canvas, &layout, input->map != NULL);
    status = image_draw(face, &canvas, &layout, input);
    if (status != PICTURE_OK) {
        free(canvas.rgb);
        return status;
    }
    *picture = (struct picture){(uint32_t)layout.height, (uint32_t)layout.width, canvas.rgb};
    return PICTURE_OK;
}
