/* Series that are judged as one, and unjudged ones that are told as one.
 *
 * A model for slices (its card has <series>) scores each slice; the series' score of a class is the
 * highest that `positive` slices in a row all reach. So "at or above the operating point" means
 * what it means for one image: that many neighbours say so. The key slice is the strongest of that
 * run.
 *
 * A series of many images that nobody judged, all for one reason, is one line of the report. */
#include "report_gather.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTED_MOST 8 /* unjudged images of a series that are told one by one */

/* Slices of one series in their order in the patient. */
struct stack {
    struct gathered *g;
    size_t *part; /* (count) */
    size_t count;
    int model;
    struct report_rule rule;
};

static int rule_of(const struct part *part, struct report_rule *rule)
{
    for (int m = 0; m < SRT_MAX_MODELS; m++)
        if (part->judgement.state == INSTANCE_JUDGED && part->judgement.opinion[m].classes > 0 &&
            report_series_rule(part->attrs, m, rule))
            return m;
    return -1;
}

/* ---- order ---- */

static size_t numbers(const char *text, double *to, size_t room)
{
    size_t count = 0;
    while (count < room) {
        char *end;
        double value = strtod(text, &end);
        if (end == text || !isfinite(value))
            break;
        to[count++] = value;
        text = *end == '\\' ? end + 1 : end;
    }
    return count;
}

/* Along the normal of the slices (PS3.3 C.7.6.2); by Instance Number where geometry is missing. */
static double position_of(const struct dx_attrs *attrs)
{
    double at[3], o[6], number = 0;
    if (numbers(dx_attrs_text(attrs, DX_TAG(0x0020, 0x0032)), at, 3) == 3 &&
        numbers(dx_attrs_text(attrs, DX_TAG(0x0020, 0x0037)), o, 6) == 6)
        return at[0] * (o[1] * o[5] - o[2] * o[4]) + at[1] * (o[2] * o[3] - o[0] * o[5]) +
               at[2] * (o[0] * o[4] - o[1] * o[3]);
    (void)numbers(dx_attrs_text(attrs, DX_TAG(0x0020, 0x0013)), &number, 1);
    return number;
}

struct placed {
    double position;
    size_t part;
};

static int by_position(const void *a, const void *b)
{
    const struct placed *one = a, *other = b;
    if (one->position < other->position || one->position > other->position)
        return one->position < other->position ? -1 : 1;
    return one->part < other->part ? -1 : one->part > other->part;
}

static bool order(struct stack *stack)
{
    struct placed *placed = calloc(stack->count, sizeof *placed);
    if (!placed)
        return false;
    for (size_t i = 0; i < stack->count; i++)
        placed[i] =
            (struct placed){position_of(stack->g->parts[stack->part[i]].attrs), stack->part[i]};
    qsort(placed, stack->count, sizeof *placed, by_position);
    for (size_t i = 0; i < stack->count; i++)
        stack->part[i] = placed[i].part;
    free(placed);
    return true;
}

/* ---- conclusion ---- */

static double slice_score(const struct stack *stack, size_t slice, int class_)
{
    return stack->g->parts[stack->part[slice]].judgement.opinion[stack->model].score[class_];
}

/* The best run's lowest score, and its strongest slice. */
static double run_score(const struct stack *stack, int class_, size_t *key)
{
    double best = -1;
    for (size_t first = 0; first + stack->rule.positive <= stack->count; first++) {
        double low = INFINITY;
        size_t top = first;
        for (size_t i = first; i < first + stack->rule.positive; i++) {
            low = fmin(low, slice_score(stack, i, class_));
            if (slice_score(stack, i, class_) > slice_score(stack, top, class_))
                top = i;
        }
        if (low > best) {
            best = low;
            *key = top;
        }
    }
    return best;
}

static void conclude(const struct stack *stack, struct srt_image *image)
{
    struct gathered *g = stack->g;
    size_t key = 0;
    double strongest = -1;
    struct srt_opinion opinion = g->images[stack->part[0]].opinion[stack->model];
    bool found = false;
    for (size_t c = 0; c < opinion.classes; c++) {
        size_t at = 0;
        struct srt_class *class_ = &opinion.class_[c];
        class_->score = run_score(stack, (int)c, &at);
        found |= class_->finding && class_->score >= class_->operating_point;
        if (class_->finding && class_->score > strongest) {
            strongest = class_->score;
            key = at;
        }
    }
    *image = g->images[stack->part[key]];
    image->opinion[stack->model] = opinion;
    image->outcome = found ? SRT_FINDING : SRT_NO_FINDING;
    if (!found)
        image->region = NULL, image->region_points = 0;
}

static void too_few(const struct stack *stack, struct srt_image *image)
{
    struct part *first = &stack->g->parts[stack->part[0]];
    *image = stack->g->images[stack->part[0]];
    image->outcome = SRT_NOT_PROCESSED;
    image->reason = SRT_TOO_FEW_SLICES;
    memset(image->opinion, 0, sizeof image->opinion);
    image->region = NULL;
    image->region_points = 0;
    snprintf(first->judgement.detail, sizeof first->judgement.detail,
             "%zu slices; the model needs %zu", stack->count, stack->rule.minimum);
    image->detail = first->judgement.detail;
}

/* ---- telling ---- */

static void list_slices(const struct stack *stack, struct srt_image *image)
{
    struct gathered *g = stack->g;
    struct dx_reference *slices = g->slices + g->slice_count;
    for (size_t i = 0; i < stack->count; i++)
        slices[i] = g->images[stack->part[i]].reference;
    g->slice_count += stack->count;
    image->slices = slices;
    image->slice_count = stack->count;
}

static bool track(const struct stack *stack, struct part *key, struct srt_image *image)
{
    const char *const fields[] = {"tracking series", stack->g->study->uid, image->reference.series};
    if (!report_hashed_uid(fields, 3, key->tracking))
        return gather_fail(stack->g, "report", "out of memory");
    image->tracking_uid = key->tracking;
    return true;
}

static bool tell_series(struct stack *stack, struct srt_image *image)
{
    if (!order(stack))
        return gather_fail(stack->g, "report", "out of memory");
    if (stack->count < stack->rule.minimum || stack->count < stack->rule.positive)
        too_few(stack, image);
    else
        conclude(stack, image);
    list_slices(stack, image);
    return track(stack, &stack->g->parts[stack->part[0]], image);
}

static bool same_refusal(const struct gathered *g, size_t a, size_t b)
{
    const struct srt_image *one = &g->images[a], *other = &g->images[b];
    return one->outcome == SRT_NOT_PROCESSED && other->outcome == SRT_NOT_PROCESSED &&
           one->reason == other->reason && one->reason != SRT_CONFLICT &&
           strcmp(one->reference.series, other->reference.series) == 0;
}

/* Parts that belong to the same entry as part `i`, itself first; marks them. */
static void collect(struct stack *stack, size_t i, bool *taken)
{
    struct gathered *g = stack->g;
    struct report_rule rule;
    stack->count = 0;
    stack->model = rule_of(&g->parts[i], &stack->rule);
    for (size_t j = i; j < g->count; j++) {
        bool together = j == i;
        if (!taken[j] && !together && stack->model >= 0)
            together = rule_of(&g->parts[j], &rule) == stack->model &&
                       strcmp(g->parts[i].instance.series, g->parts[j].instance.series) == 0;
        else if (!taken[j] && !together)
            together = same_refusal(g, i, j);
        if (together)
            stack->part[stack->count++] = j;
    }
    bool alone = stack->model < 0 && stack->count <= LISTED_MOST;
    if (alone)
        stack->count = 1;
    for (size_t k = 0; k < stack->count; k++)
        taken[stack->part[k]] = true;
}

bool gather_series(struct gathered *g)
{
    bool done = true;
    struct stack stack = {.g = g, .part = calloc(g->count, sizeof *stack.part)};
    bool *taken = calloc(g->count, sizeof *taken);
    struct srt_image *told = calloc(g->count, sizeof *told);
    const struct dx_attrs **attrs = calloc(g->count, sizeof *attrs);
    g->slices = calloc(g->count, sizeof *g->slices);
    if (!stack.part || !taken || !told || !attrs || !g->slices)
        done = gather_fail(g, "report", "out of memory");
    for (size_t i = 0; done && i < g->count; i++) {
        if (taken[i])
            continue;
        collect(&stack, i, taken);
        struct srt_image *image = &told[g->image_count];
        attrs[g->image_count++] = g->parts[i].attrs;
        if (stack.model >= 0) {
            done = tell_series(&stack, image);
        } else {
            *image = g->images[i];
            if (stack.count > 1)
                list_slices(&stack, image);
        }
    }
    if (done) {
        memcpy(g->images, told, g->image_count * sizeof *told);
        memcpy(g->attrs, attrs, g->image_count * sizeof *attrs);
    }
    free(stack.part);
    free(taken);
    free(told);
    free(attrs);
    return done;
}
