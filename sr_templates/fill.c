/* Filling: shape by shape in document order, repeating, leaving out, and putting values and phrases
 * in place. A row whose text comes out empty, or whose code is not in the template, is a result
 * that is incomplete: a report is either whole or not made. */
#include "srt_private.h"
#include <stdlib.h>
#include <string.h>

struct filling {
    const struct srt_template *template_;
    struct srt_tree *tree;
    struct srt_error *err;
    enum srt_status status;
};

static bool fail(struct filling *filling, const struct srt_shape *shape, const char *what,
                 const char *about)
{
    filling->status = srt_fail(filling->err, SRT_INVALID, "template line %d: %s %.100s",
                               shape->line, what, about);
    return false;
}

static bool out_of_memory(struct filling *filling)
{
    filling->status = srt_fail(filling->err, SRT_NO_MEMORY, "out of memory");
    return false;
}

/* As it stands in the report: printable, and ASCII when the object is. */
static void expand(const struct srt_scope *scope, const char *pattern, char *text, size_t size)
{
    srt_expand(scope, pattern, text, size);
    srt_clean(text, scope->result->ascii, scope->template_->language);
}

static bool holds(const struct srt_scope *scope, const char *when)
{
    char text[SRT_MAX_TEXT];

    while (when && *when) {
        bool wanted = *when != '!';
        when += !wanted;
        size_t length = strcspn(when, " ");
        srt_value(scope, when, length, text, sizeof text);
        if ((text[0] != '\0') != wanted)
            return false;
        when += length;
        when += strspn(when, " ");
    }
    return true;
}

/* The code of an id; NULL when there is none. */
static const struct dx_code *code_of(const struct filling *filling, const struct srt_scope *scope,
                                     const char *pattern, char *id, size_t size)
{
    expand(scope, pattern, id, size);
    return srt_find_code(filling->template_, id);
}

static bool set_code(struct filling *filling, const struct srt_shape *shape,
                     const struct srt_scope *scope, const char *pattern, struct dx_code *code)
{
    char id[SRT_MAX_TEXT];
    const struct dx_code *found = code_of(filling, scope, pattern, id, sizeof id);

    if (!found)
        return fail(filling, shape, "no code", id);
    code->value = srt_arena_text(&filling->tree->arena, found->value);
    code->scheme = srt_arena_text(&filling->tree->arena, found->scheme);
    code->meaning = srt_arena_text(&filling->tree->arena, found->meaning);
    if (!code->value || !code->scheme || !code->meaning)
        return out_of_memory(filling);
    return true;
}

static bool set_text(struct filling *filling, const struct srt_shape *shape,
                     const struct srt_scope *scope, struct dx_sr_item *item)
{
    char text[SRT_MAX_TEXT];
    const char *pattern = shape->say ? srt_phrase(scope->template_, shape->say) : shape->value;

    expand(scope, pattern, text, sizeof text);
    if (text[0] == '\0')
        return fail(filling, shape, "empty:", pattern);
    item->text = srt_arena_text(&filling->tree->arena, text);
    return item->text ? true : out_of_memory(filling);
}

static bool set_region(struct filling *filling, const struct srt_shape *shape,
                       const struct srt_scope *scope, struct dx_sr_item *item)
{
    const struct srt_image *image = scope->image;

    if (!image || !image->region)
        return fail(filling, shape, "a region where there is none", "");
    size_t bytes = image->region_points * 2 * sizeof *image->region;
    float *points = srt_arena_zero(&filling->tree->arena, bytes);
    if (!points)
        return out_of_memory(filling);
    memcpy(points, image->region, bytes);
    item->points = points;
    item->point_count = image->region_points;
    return true;
}

static bool set_value(struct filling *filling, const struct srt_shape *shape,
                      const struct srt_scope *scope, struct dx_sr_item *item)
{
    switch (shape->type) {
    case DX_SR_CODE:
        return set_code(filling, shape, scope, shape->value, &item->code);
    case DX_SR_NUM:
        return set_code(filling, shape, scope, shape->unit, &item->code) &&
               set_text(filling, shape, scope, item);
    case DX_SR_TEXT:
    case DX_SR_UIDREF:
        return set_text(filling, shape, scope, item);
    case DX_SR_SCOORD:
        return set_region(filling, shape, scope, item);
    case DX_SR_IMAGE:
        if (!scope->image)
            return fail(filling, shape, "an image outside", "each");
        item->image = scope->slice ? *scope->slice : scope->image->reference;
        return true;
    case DX_SR_CONTAINER:
        if (shape->template_id) {
            item->template_id = srt_arena_text(&filling->tree->arena, shape->template_id);
            return item->template_id ? true : out_of_memory(filling);
        }
        return true;
    }
    return true;
}

/* Left out because a code that it may lack is not in the list. */
static bool lacks_code(const struct filling *filling, const struct srt_shape *shape,
                       const struct srt_scope *scope)
{
    char id[SRT_MAX_TEXT];

    return shape->optional &&
           ((shape->name && !code_of(filling, scope, shape->name, id, sizeof id)) ||
            (shape->type == DX_SR_CODE && !code_of(filling, scope, shape->value, id, sizeof id)));
}

static void fill_list(struct filling *filling, const struct srt_shape *shape,
                      const struct srt_scope *scope, struct dx_sr_item ***tail);

/* One occurrence of a row. */
static void fill_one(struct filling *filling, const struct srt_shape *shape,
                     const struct srt_scope *scope, struct dx_sr_item ***tail)
{
    struct dx_sr_item *item, **child;

    if (!holds(scope, shape->when) || filling->status != SRT_OK)
        return;
    if (shape->is_repeat) {
        fill_list(filling, shape->child, scope, tail);
        return;
    }
    if (lacks_code(filling, shape, scope))
        return;
    item = srt_arena_zero(&filling->tree->arena, sizeof *item);
    if (!item) {
        out_of_memory(filling);
        return;
    }
    item->relation = shape->relation;
    item->type = shape->type;
    if (shape->name && !set_code(filling, shape, scope, shape->name, &item->concept))
        return;
    if (!set_value(filling, shape, scope, item))
        return;
    child = &item->child;
    fill_list(filling, shape->child, scope, &child);
    **tail = item;
    *tail = &item->next;
}

static bool takes_class(const struct srt_shape *shape, const struct srt_scope *scope)
{
    const struct srt_image *image = scope->image;
    const struct srt_class *class_ = scope->class_;

    switch (shape->each) {
    case SRT_EACH_CLASS:
        return true;
    case SRT_EACH_OPERATING_POINT:
        return class_->finding;
    case SRT_EACH_FIRST_FINDING:
        return class_ == srt_first_finding(image, scope->model);
    case SRT_EACH_FURTHER_FINDING:
        return srt_is_named(image, class_) && class_ != srt_first_finding(image, scope->model);
    case SRT_ONCE:
    case SRT_EACH_IMAGE:
    case SRT_EACH_JUDGED:
    case SRT_EACH_UNJUDGED:
    case SRT_EACH_OPINION:
    case SRT_EACH_MODEL:
        break;
    }
    return false;
}

/* Over the classes of the scope's image and model. */
static void fill_classes(struct filling *filling, const struct srt_shape *shape,
                         const struct srt_scope *scope, struct dx_sr_item ***tail)
{
    const struct srt_image *image = scope->image;

    for (size_t i = 0; image && srt_is_judged(image) && i < image->opinion[scope->model].classes;
         i++) {
        struct srt_scope inner = *scope;
        inner.class_ = &image->opinion[scope->model].class_[i];
        inner.class_number = i + 1;
        if (takes_class(shape, &inner))
            fill_one(filling, shape, &inner, tail);
    }
}

/* Over the models, or those that judged the scope's image. */
static void fill_models(struct filling *filling, const struct srt_shape *shape,
                        const struct srt_scope *scope, struct dx_sr_item ***tail)
{
    for (size_t m = 0; m < scope->result->model_count; m++) {
        struct srt_scope inner = *scope;
        inner.model = m;
        inner.has_model = true;
        if (shape->each == SRT_EACH_FURTHER_FINDING)
            fill_classes(filling, shape, &inner, tail);
        else if (shape->each == SRT_EACH_MODEL || scope->image->opinion[m].classes > 0)
            fill_one(filling, shape, &inner, tail);
    }
}

/* A series is in the library with each of its slices. */
static void fill_slices(struct filling *filling, const struct srt_shape *shape,
                        const struct srt_scope *scope, struct dx_sr_item ***tail)
{
    struct srt_scope inner = *scope;

    if (!scope->image->slices)
        fill_one(filling, shape, scope, tail);
    for (size_t i = 0; scope->image->slices && i < scope->image->slice_count; i++) {
        inner.slice = &scope->image->slices[i];
        fill_one(filling, shape, &inner, tail);
    }
}

static void fill_image(struct filling *filling, const struct srt_shape *shape,
                       const struct srt_scope *scope, struct dx_sr_item ***tail)
{
    bool judged = srt_is_judged(scope->image);

    switch (shape->each) {
    case SRT_EACH_IMAGE:
        fill_slices(filling, shape, scope, tail);
        break;
    case SRT_EACH_OPINION:
    case SRT_EACH_FURTHER_FINDING:
        if (judged)
            fill_models(filling, shape, scope, tail);
        break;
    case SRT_EACH_JUDGED:
    case SRT_EACH_UNJUDGED:
        if (judged == (shape->each == SRT_EACH_JUDGED))
            fill_one(filling, shape, scope, tail);
        break;
    case SRT_ONCE:
    case SRT_EACH_MODEL:
    case SRT_EACH_CLASS:
    case SRT_EACH_OPERATING_POINT:
    case SRT_EACH_FIRST_FINDING:
        break;
    }
}

static void fill_images(struct filling *filling, const struct srt_shape *shape,
                        const struct srt_scope *scope, struct dx_sr_item ***tail)
{
    for (size_t i = 0; i < scope->result->image_count && filling->status == SRT_OK; i++) {
        struct srt_scope inner = *scope;
        inner.image = &scope->result->images[i];
        inner.image_number = i + 1;
        fill_image(filling, shape, &inner, tail);
    }
}

static void fill_list(struct filling *filling, const struct srt_shape *shape,
                      const struct srt_scope *scope, struct dx_sr_item ***tail)
{
    for (; shape && filling->status == SRT_OK; shape = shape->next) {
        switch (shape->each) {
        case SRT_ONCE:
            fill_one(filling, shape, scope, tail);
            break;
        case SRT_EACH_IMAGE:
        case SRT_EACH_JUDGED:
        case SRT_EACH_UNJUDGED:
        case SRT_EACH_OPINION:
            fill_images(filling, shape, scope, tail);
            break;
        case SRT_EACH_MODEL:
            fill_models(filling, shape, scope, tail);
            break;
        case SRT_EACH_CLASS:
        case SRT_EACH_OPERATING_POINT:
        case SRT_EACH_FIRST_FINDING:
            fill_classes(filling, shape, scope, tail);
            break;
        case SRT_EACH_FURTHER_FINDING: /* those of all images, outside an image */
            if (scope->image)
                fill_classes(filling, shape, scope, tail);
            else
                fill_images(filling, shape, scope, tail);
            break;
        }
    }
}

enum srt_status srt_fill(const struct srt_template *template_, const struct srt_result *result,
                         struct srt_tree **tree, struct srt_error *err)
{
    struct filling filling = {template_, NULL, err, SRT_OK};
    struct srt_scope scope = {.template_ = template_, .result = result};
    struct dx_sr_item **tail;

    *tree = NULL;
    filling.status = srt_check_result(result, err);
    if (filling.status != SRT_OK)
        return filling.status;
    filling.tree = calloc(1, sizeof *filling.tree);
    if (!filling.tree)
        return srt_fail(err, SRT_NO_MEMORY, "out of memory");
    tail = &filling.tree->root;
    fill_list(&filling, template_->root, &scope, &tail);
    if (filling.status == SRT_OK && !filling.tree->root)
        filling.status = srt_fail(err, SRT_INVALID, "the template's root row is left out");
    if (filling.status == SRT_OK)
        *tree = filling.tree;
    else
        srt_tree_destroy(filling.tree);
    return filling.status;
}
