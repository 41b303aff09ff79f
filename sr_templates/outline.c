/* A template told to who documents it. */
#include "srt_private.h"

bool srt_outline_code(const struct srt_template *template_, size_t index, struct dx_code *code)
{
    if (index >= template_->code_count)
        return false;
    *code = template_->codes[index].code;
    return true;
}

static void tell(const struct srt_shape *shape, unsigned depth,
                 void (*take)(void *context, const struct srt_outline_row *row), void *context)
{
    for (; shape; shape = shape->next) {
        const struct srt_outline_row row = {.row = shape->row,
                                            .template_id = shape->template_id,
                                            .concept_ = shape->name,
                                            .type = shape->type,
                                            .relation = shape->relation,
                                            .depth = depth};
        if (!shape->is_repeat)
            take(context, &row);
        tell(shape->child, depth + (shape->is_repeat ? 0 : 1), take, context);
    }
}

void srt_outline(const struct srt_template *template_,
                 void (*take)(void *context, const struct srt_outline_row *row), void *context)
{
    tell(template_->root, 0, take, context);
}
