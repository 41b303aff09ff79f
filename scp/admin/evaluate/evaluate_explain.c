/* evaluate_explain.c: do the maps point at the injury? The method is chosen on the validation part;
 * the test part is only measured with it. */
#include "evaluate.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_BOX 0.06 /* of the image: in a larger one a blind guess hits too often */
#define HOT         0.5f

/* What one map says. */
struct found {
    bool hit;
    double energy, share; /* share: the box's part of the map */
    double peak[2];       /* in pixels of the image; NAN: none */
    int spots;
};

static bool has_small_box(const struct evaluate_image *image, bool *too_large)
{
    const double *b = image->item->box;
    if (!image->judged || !image->item->boxed || image->rows <= 0)
        return false;
    double share = (b[2] - b[0]) * (b[3] - b[1]) / ((double)image->rows * (double)image->cols);
    *too_large = share > LARGEST_BOX;
    return share > 0 && !*too_large;
}

/* A box of the file's image in pixels of the map: through the part that was judged and the fit. */
static void to_map(const double box[4], const struct nn_box *part, const struct nn_preprocess *how,
                   double out[4])
{
    double width = part->x1 - part->x0, height = part->y1 - part->y0, left = part->x0,
           top = part->y0;
    if (how->fit == NN_FIT_PAD) {
        double square = fmax(width, height);
        left -= (square - width) / 2;
        top -= (square - height) / 2;
        width = height = square;
    }
    for (int i = 0; i < 4; i += 2) {
        out[i] = (box[i] - left) / width * how->side;
        out[i + 1] = (box[i + 1] - top) / height * how->side;
    }
}

/* And a point of the map back. */
static void from_map(const double at[2], const struct nn_box *part, const struct nn_preprocess *how,
                     double out[2])
{
    double size[2] = {part->x1 - part->x0, part->y1 - part->y0};
    const double corner[2] = {part->x0, part->y0};
    double square = fmax(size[0], size[1]);
    for (int i = 0; i < 2; i++) {
        double from = corner[i];
        if (how->fit == NN_FIT_PAD) {
            from -= (square - size[i]) / 2;
            size[i] = square;
        }
        out[i] = from + at[i] / how->side * size[i];
    }
}

static enum nn_status explain_one(struct evaluation *e, const struct evaluate_image *image,
                                  const struct nn_explain *how, int class_, struct found *found,
                                  struct nn_error *err)
{
    struct prediction p;
    char error[256];
    float *map = e->predictor.map;
    int side = e->model->preprocess.side;
    *found = (struct found){.peak = {NAN, NAN}};
    if (predict_file(&e->predictor, image->item->path, &p, error, sizeof error) != 0)
        return nn_fail(err, NN_IO, "%s", error);
    if (!p.judged)
        return nn_fail(err, NN_BAD_DATA, "%s: was judged before, and is not now",
                       image->item->path);
    enum nn_status status = nn_judge_explain(e->predictor.judge, how, class_, map, err);
    if (status == NN_OK)
        status = nn_map_spots(map, side, HOT, &found->spots, err);
    double peak[2];
    if (status == NN_OK && nn_map_peak(map, side, peak))
        from_map(peak, &p.scores.box, &e->model->preprocess, found->peak);
    if (status == NN_OK && image->item->boxed) {
        double box[4];
        to_map(image->item->box, &p.scores.box, &e->model->preprocess, box);
        found->hit = nn_map_pointing(map, side, box);
        found->energy = nn_map_energy(map, side, box);
        found->share = (box[2] - box[0]) * (box[3] - box[1]) / ((double)side * (double)side);
    }
    nn_plane_finish(&p.plane);
    return status;
}

/* At most `most` of the images that are asked for, evenly over the part. */
static size_t choose_images(const struct evaluation *e, const struct evaluate_images *images,
                            bool normals, size_t most, const struct evaluate_image **chosen)
{
    size_t all = 0, taken = 0, at = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < images->count; i++) {
            const struct evaluate_image *image = &images->image[i];
            bool too_large = false, injured = e->model->class_[image->item->label].finding;
            if (normals ? injured || !image->judged : !injured || !has_small_box(image, &too_large))
                continue;
            if (pass == 0)
                all++;
            else if (taken < most && at++ * most / all >= taken)
                chosen[taken++] = image;
        }
        if (all == 0)
            return 0;
    }
    return taken;
}

/* ---- the choice ---- */

static enum nn_status try_method(struct evaluation *e, enum nn_explain_method method,
                                 const struct evaluate_image **images, size_t count,
                                 struct evaluate_progress *progress, struct nn_error *err)
{
    const struct nn_explain how = {.method = method};
    struct evaluate_method *m = &e->figures.method[e->figures.methods++];
    struct found found;
    enum nn_status status = NN_OK;
    snprintf(m->name, sizeof m->name, "%s", nn_explain_name(method));
    for (size_t i = 0; status == NN_OK && i < count; i++) {
        status = explain_one(e, images[i], &how, images[i]->item->label, &found, err);
        m->images++;
        m->hits += found.hit;
        m->energy += found.energy / (double)count;
        evaluate_progress_show(progress, (size_t)method * count + i + 1,
                               NN_EXPLAIN_METHODS * count);
    }
    return status;
}

enum nn_status evaluate_explain_choose(struct evaluation *e, struct nn_error *err)
{
    size_t most = ((size_t)e->options.maps + 3) / 4;
    const struct evaluate_image **chosen = calloc(most + 1, sizeof *chosen);
    struct evaluate_progress progress;
    enum nn_status status = NN_OK;
    if (!chosen)
        return nn_fail(err, NN_NO_MEMORY, "no memory for maps");
    size_t count = choose_images(e, &e->validation, false, most, chosen);
    if (count > 0) {
        const struct evaluate_method *best = e->figures.method;
        evaluate_progress_begin(&progress, "methods of explanation");
        for (int m = 0; status == NN_OK && m < NN_EXPLAIN_METHODS; m++)
            status = try_method(e, (enum nn_explain_method)m, chosen, count, &progress, err);
        for (size_t m = 1; m < e->figures.methods; m++) {
            const struct evaluate_method *other = &e->figures.method[m];
            if (other->hits > best->hits ||
                (other->hits == best->hits && other->energy > best->energy))
                best = other;
        }
        memcpy(e->choice.method, best->name, sizeof e->choice.method);
    }
    free(chosen);
    return status;
}

/* ---- the measure ---- */

struct pointing {
    const struct found *found;
    size_t hits;
};

static void compute(void *context, const uint32_t *weight, size_t count, double *figures)
{
    const struct pointing *p = context;
    double hits = 0, energy = 0, all = 0;
    for (size_t i = 0; i < count; i++) {
        hits += weight[i] * (double)p->found[i].hit;
        energy += weight[i] * p->found[i].energy;
        all += weight[i];
    }
    figures[0] = all > 0 ? hits / all : NAN;
    figures[1] = all > 0 ? energy / all : NAN;
}

static enum nn_status measure_boxes(struct evaluation *e, const struct evaluate_image **images,
                                    const struct found *found, size_t count, struct nn_error *err)
{
    struct evaluate_explanation *x = &e->figures.explanation;
    uint32_t *patient = calloc(count, sizeof *patient);
    struct pointing context = {.found = found};
    double value[2];
    struct nn_interval interval[2] = {{0}};
    if (!patient)
        return nn_fail(err, NN_NO_MEMORY, "no memory for maps");
    for (size_t i = 0; i < count; i++) {
        patient[i] = (uint32_t)images[i]->item->group;
        context.hits += found[i].hit;
        x->expected += found[i].share / (double)count;
        x->spots += (size_t)found[i].spots;
    }
    const struct nn_resample over = {.count = count, .patient = patient};
    const struct nn_statistic statistic = {.context = &context, .figures = 2, .compute = compute};
    enum nn_status status = NN_OK;
    for (size_t i = 0; i < count; i++)
        x->peak[i] =
            (struct evaluate_peak){images[i]->item->name, {found[i].peak[0], found[i].peak[1]}};
    x->hit = nn_figure_rate(context.hits, count);
    if (e->choice.bootstrap.draws > 0)
        status =
            nn_bootstrap_run(&over, &statistic, &e->choice.bootstrap, value, interval, NULL, err);
    x->hit.interval = context.hits == 0 || context.hits == count
                          ? nn_interval_exact(context.hits, count, e->choice.bootstrap.level)
                          : interval[0];
    x->energy = (struct nn_figure){.defined = true, .of = count, .interval = interval[1]};
    for (size_t i = 0; i < count; i++)
        x->energy.value += found[i].energy / (double)count;
    free(patient);
    return status;
}

/* The finding whose map the node would show. */
static int highest_finding(const struct evaluation *e, const struct evaluate_image *image)
{
    int best = -1;
    for (int c = 0; c < e->model->classes; c++)
        if (e->model->class_[c].finding && (best < 0 || image->score[c] > image->score[best]))
            best = c;
    return best;
}

static enum nn_status explain_all(struct evaluation *e, const struct evaluate_image **chosen,
                                  struct found *found, size_t most, struct nn_error *err)
{
    struct evaluate_explanation *x = &e->figures.explanation;
    struct nn_explain how = {.method = NN_EXPLAIN_GRADIENT};
    struct evaluate_progress progress;
    enum nn_status status = NN_OK;
    if (!nn_explain_find(e->choice.method, &how.method))
        return nn_fail(err, NN_BAD_DATA, "explanation \"%s\": no such method", e->choice.method);
    memcpy(x->method, e->choice.method, sizeof x->method);
    x->explained = choose_images(e, &e->test, false, most, chosen);
    evaluate_progress_begin(&progress, "maps of the injured");
    for (size_t i = 0; status == NN_OK && i < x->explained; i++) {
        status = explain_one(e, chosen[i], &how, chosen[i]->item->label, &found[i], err);
        evaluate_progress_show(&progress, i + 1, x->explained);
    }
    if (status == NN_OK && x->explained > 0)
        status = measure_boxes(e, chosen, found, x->explained, err);
    x->normals = choose_images(e, &e->test, true, most, chosen);
    evaluate_progress_begin(&progress, "maps of the uninjured");
    for (size_t i = 0; status == NN_OK && i < x->normals; i++) {
        status = explain_one(e, chosen[i], &how, highest_finding(e, chosen[i]), &found[0], err);
        x->normals_called += chosen[i]->called;
        x->normal_spots += (size_t)found[0].spots;
        evaluate_progress_show(&progress, i + 1, x->normals);
    }
    x->defined = status == NN_OK && x->explained + x->normals > 0;
    return status;
}

enum nn_status evaluate_explain(struct evaluation *e, struct nn_error *err)
{
    struct evaluate_explanation *x = &e->figures.explanation;
    size_t most = (size_t)e->options.maps;
    if (most == 0 || e->choice.method[0] == '\0')
        return NN_OK;
    for (size_t i = 0; i < e->test.count; i++) {
        bool too_large = false;
        bool small = has_small_box(&e->test.image[i], &too_large);
        x->boxed += small || too_large;
        x->too_large += too_large;
    }
    const struct evaluate_image **chosen = calloc(most, sizeof *chosen);
    struct found *found = calloc(most, sizeof *found);
    x->peak = calloc(most, sizeof *x->peak);
    enum nn_status status = chosen && found && x->peak
                                ? explain_all(e, chosen, found, most, err)
                                : nn_fail(err, NN_NO_MEMORY, "no memory for maps");
    free(chosen);
    free(found);
    return status;
}
