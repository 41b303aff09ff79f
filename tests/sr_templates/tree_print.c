#include "tree_print.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct printing {
    char *text;
    size_t size, used;
};

__attribute__((format(printf, 2, 3))) static void put(struct printing *printing, const char *format,
                                                      ...)
{
    va_list arguments;
    int n;

    if (printing->used + 1 >= printing->size)
        return;
    va_start(arguments, format);
    n = vsnprintf(printing->text + printing->used, printing->size - printing->used, format,
                  arguments);
    va_end(arguments);
    if (n > 0)
        printing->used += (size_t)n;
    if (printing->used >= printing->size)
        printing->used = printing->size - 1;
}

/* A text that tells what the concept name means here (TID 300 row 16) stands for the name. */
static bool is_meaning(const struct dx_sr_item *item)
{
    return item->type == DX_SR_TEXT && item->concept.value &&
           strcmp(item->concept.value, "121050") == 0;
}

/* UCUM: what stands in braces is no unit. */
static bool is_annotation(const struct dx_code *unit)
{
    return unit->value[0] == '{';
}

static const char *name_of(const struct dx_sr_item *item)
{
    for (const struct dx_sr_item *child = item->child; child; child = child->next)
        if (is_meaning(child))
            return child->text;
    return item->concept.meaning ? item->concept.meaning : "Image";
}

static void put_item(struct printing *printing, const struct dx_sr_item *item, int depth)
{
    put(printing, "%*s%s", 2 * depth, "", name_of(item));
    switch (item->type) {
    case DX_SR_CONTAINER:
        break;
    case DX_SR_CODE:
        put(printing, ": %s", item->code.meaning);
        break;
    case DX_SR_TEXT:
    case DX_SR_UIDREF:
        put(printing, ": %s", item->text);
        break;
    case DX_SR_NUM:
        put(printing, ": %s%s%s", item->text, is_annotation(&item->code) ? "" : " ",
            is_annotation(&item->code) ? "" : item->code.value);
        break;
    case DX_SR_SCOORD:
        break;
    case DX_SR_IMAGE:
        put(printing, ": %s", item->image.sop_instance);
        break;
    }
    put(printing, "\n");
}

/* Depth is the template's: at most libxml2's 256 levels. */
static void put_list(struct printing *printing, const struct dx_sr_item *item, int depth)
{
    for (; item; item = item->next) {
        if (is_meaning(item))
            continue;
        put_item(printing, item, depth);
        put_list(printing, item->child, depth + 1);
    }
}

void tree_print(const struct srt_tree *tree, char *text, size_t size)
{
    struct printing printing = {text, size, 0};

    if (size == 0)
        return;
    text[0] = '\0';
    put_list(&printing, srt_tree_root(tree), 0);
}
