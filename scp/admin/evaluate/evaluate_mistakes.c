/* evaluate_mistakes.c: the worst mistakes as pictures: the image, and beside it the same with the
 * map that the node would show. Pictures are embedded PNGs: the page needs no other file. */
#include "evaluate_html.h"
#include "picture_canvas.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_OF_A_KIND 6
#define LONGEST_SIDE   320

struct mistake {
    const struct evaluate_image *image;
    double score; /* 1 - score of no finding */
};

static double injury_score(const struct evaluation *e, const struct evaluate_image *image)
{
    return 1.0 - (double)image->score[e->none];
}

static int by_score(const void *a, const void *b)
{
    const struct mistake *x = a, *y = b;
    return x->score < y->score ? -1 : x->score > y->score ? 1 : x->image < y->image ? -1 : 1;
}

static void embed(struct page *page, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16;
        three |= i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0;
        three |= i + 2 < size ? bytes[i + 2] : 0;
        fputc(digits[three >> 18], page->out);
        fputc(digits[three >> 12 & 63], page->out);
        fputc(i + 1 < size ? digits[three >> 6 & 63] : '=', page->out);
        fputc(i + 2 < size ? digits[three & 63] : '=', page->out);
    }
}

/* The room's encoder writes files: by way of one in the report's folder. */
static enum nn_status put_picture(struct page *page, const char *folder,
                                  const struct canvas *canvas, const char *words,
                                  struct nn_error *err)
{
    char path[PATH_MAX];
    uint8_t *bytes = NULL;
    size_t size = 0, room = (size_t)canvas->rows * (size_t)canvas->cols * 4 + 65536;
    snprintf(path, sizeof path, "%.4000s/.picture.png", folder);
    enum nn_status status =
        nn_image_write_png(path, canvas->rgb, canvas->rows, canvas->cols, 3, err);
    FILE *file = status == NN_OK ? fopen(path, "re") : NULL;
    if (status == NN_OK && (!file || !(bytes = malloc(room))))
        status = nn_fail(err, NN_IO, "%s: cannot be read again", path);
    if (status == NN_OK)
        size = fread(bytes, 1, room, file);
    if (file)
        fclose(file);
    unlink(path);
    if (status == NN_OK) {
        fprintf(page->out, "<img width=\"%d\" height=\"%d\" alt=\"", canvas->cols, canvas->rows);
        page_text(page, words);
        page_raw(page, "\" src=\"data:image/png;base64,");
        embed(page, bytes, size);
        page_raw(page, "\"/>");
    }
    free(bytes);
    return status;
}

static void outline(struct canvas *canvas, const double box[4], double scale)
{
    const struct colour blue = {86, 180, 233};
    int x0 = (int)(box[0] * scale), y0 = (int)(box[1] * scale);
    int width = (int)ceil((box[2] - box[0]) * scale), height = (int)ceil((box[3] - box[1]) * scale);
    canvas_fill(canvas, x0, y0, width, 2, blue);
    canvas_fill(canvas, x0, y0 + height - 2, width, 2, blue);
    canvas_fill(canvas, x0, y0, 2, height, blue);
    canvas_fill(canvas, x0 + width - 2, y0, 2, height, blue);
}

static void paint(struct canvas *canvas, const float *grey, const float *map,
                  const struct nn_preprocess *how, const struct colour_part *part)
{
    for (int y = 0; y < canvas->rows; y++) {
        for (int x = 0; x < canvas->cols; x++) {
            float value = grey[(size_t)y * (size_t)canvas->cols + (size_t)x];
            uint8_t v = (uint8_t)lrintf(255.0f * fminf(fmaxf(value, 0.0f), 1.0f));
            canvas_blend(canvas, x, y, (struct colour){v, v, v}, 255);
            if (!map)
                continue;
            float strength = colour_map_at(map, how->side, how->fit, *part, (float)x, (float)y);
            canvas_blend(canvas, x, y, colour_of_strength(strength),
                         (unsigned)lrintf(255.0f * colour_cover(strength)));
        }
    }
}

static int highest_finding(const struct evaluation *e, const struct evaluate_image *image)
{
    int best = e->none;
    for (int c = 0; c < e->model->classes; c++)
        if (e->model->class_[c].finding &&
            (best == e->none || image->score[c] > image->score[best]))
            best = c;
    return best;
}

/* Both halves of a mistake, from a plane that has just been judged. */
static enum nn_status put_pair(struct page *page, struct evaluation *e,
                               const struct evaluate_image *image, const struct prediction *p,
                               struct nn_error *err)
{
    const struct nn_plane *plane = &p->plane;
    double longest = plane->rows > plane->cols ? plane->rows : plane->cols;
    double scale = fmin(1, LONGEST_SIDE / longest);
    struct canvas canvas = {.rows = (int)fmax(1, rint(plane->rows * scale)),
                            .cols = (int)fmax(1, rint(plane->cols * scale))};
    size_t count = (size_t)canvas.rows * (size_t)canvas.cols;
    struct nn_explain how = {.method = NN_EXPLAIN_GRADIENT};
    const struct nn_box *b = &p->scores.box;
    const struct colour_part part = {(float)(b->x0 * scale), (float)(b->y0 * scale),
                                     (float)(b->x1 * scale), (float)(b->y1 * scale)};
    float *grey = malloc(count * sizeof *grey);
    canvas.rgb = calloc(count, 3);
    enum nn_status status =
        grey && canvas.rgb ? NN_OK : nn_fail(err, NN_NO_MEMORY, "no memory to draw");
    if (e->choice.method[0] && !nn_explain_find(e->choice.method, &how.method))
        status = nn_fail(err, NN_BAD_DATA, "explanation \"%s\": no such method", e->choice.method);
    if (status == NN_OK)
        status = nn_plane_resize(plane->pixels, plane->rows, plane->cols, grey, canvas.rows,
                                 canvas.cols, NULL, err);
    if (status == NN_OK)
        status = nn_judge_explain(e->predictor.judge, &how, highest_finding(e, image),
                                  e->predictor.map, err);
    if (status == NN_OK) {
        paint(&canvas, grey, NULL, &e->model->preprocess, &part);
        if (image->item->boxed)
            outline(&canvas, image->item->box, scale);
        status = put_picture(page, e->options.report, &canvas, "The image", err);
    }
    if (status == NN_OK) {
        paint(&canvas, grey, e->predictor.map, &e->model->preprocess, &part);
        status = put_picture(page, e->options.report, &canvas, "The same image with the map", err);
    }
    free(grey);
    free(canvas.rgb);
    return status;
}

static enum nn_status put_mistake(struct page *page, struct evaluation *e,
                                  const struct evaluate_image *image, struct nn_error *err)
{
    struct prediction p;
    char error[256];
    if (predict_file(&e->predictor, image->item->path, &p, error, sizeof error) != 0 || !p.judged)
        return nn_fail(err, NN_IO, "%s: was judged before, and is not now", image->item->path);
    page_raw(page, "<figure><div class=\"pair\">");
    enum nn_status status = put_pair(page, e, image, &p, err);
    page_raw(page, "</div><figcaption>");
    page_caption(page, "");
    page_raw(page, "<b>");
    page_say(page, "Truth: %s", e->model->class_[image->item->label].name);
    page_raw(page, "</b>. Scores:");
    for (int c = 0; c < e->model->classes; c++)
        page_say(page, "%s %s %.3f", c ? "," : "", e->model->class_[c].name,
                 (double)image->score[c]);
    page_say(page, ". Map of %s. ", e->model->class_[highest_finding(e, image)].name);
    page_raw(page, "<br/><code>");
    page_text(page, image->item->name);
    page_raw(page, "</code></figcaption></figure>\n");
    nn_plane_finish(&p.plane);
    return status;
}

/* Misses with the lowest scores, or false alarms with the highest. */
static enum nn_status put_kind(struct page *page, struct evaluation *e, struct mistake *room,
                               bool misses, struct nn_error *err)
{
    size_t count = 0, shown = 0;
    enum nn_status status = NN_OK;
    for (size_t i = 0; i < e->test.count; i++) {
        const struct evaluate_image *image = &e->test.image[i];
        bool injured = e->model->class_[image->item->label].finding;
        if (image->judged && injured == misses && image->called != misses)
            room[count++] = (struct mistake){image, injury_score(e, image) * (misses ? 1 : -1)};
    }
    if (count > 1)
        qsort(room, count, sizeof *room, by_score);
    shown = count < MOST_OF_A_KIND ? count : MOST_OF_A_KIND;
    page_raw(page, "<h3>");
    page_say(page,
             misses ? "Injured images that were not called: %zu"
                    : "Uninjured images that were called: %zu",
             count);
    page_raw(page, "</h3>\n");
    if (shown == 0)
        return NN_OK;
    page_paragraph(page, "quiet", "The %zu with the %s score of any injury.%s", shown,
                   misses ? "lowest" : "highest",
                   misses ? " A blue box is the injury, where known." : "");
    page_raw(page, "<div class=\"mistakes\">\n");
    for (size_t i = 0; status == NN_OK && i < shown; i++)
        status = put_mistake(page, e, room[i].image, err);
    page_raw(page, "</div>\n");
    return status;
}

enum nn_status html_mistakes(struct page *page, struct evaluation *e, struct nn_error *err)
{
    struct mistake *room = calloc(e->test.count + 1, sizeof *room);
    if (!room)
        return nn_fail(err, NN_NO_MEMORY, "no memory for the mistakes");
    page_section(page, "mistakes", "The worst mistakes");
    enum nn_status status = put_kind(page, e, room, true, err);
    if (status == NN_OK)
        status = put_kind(page, e, room, false, err);
    page_section_end(page);
    free(room);
    return status;
}
