#include "picture_canvas.h"
#include <ft2build.h>
#include <stdlib.h>
#include <string.h>
#include FT_FREETYPE_H

struct picture_face {
    FT_Library library;
    FT_Face face;
    int size;
};

enum picture_status picture_face_open(const char *path, struct picture_face **face)
{
    struct picture_face *made = calloc(1, sizeof *made);
    if (!made)
        return PICTURE_NO_MEMORY;
    if (FT_Init_FreeType(&made->library) != 0) {
        free(made);
        return PICTURE_FONT;
    }
    if (FT_New_Face(made->library, path ? path : picture_font_path(), 0, &made->face) != 0) {
        picture_face_close(made);
        return PICTURE_FONT;
    }
    *face = made;
    return PICTURE_OK;
}

const char *picture_font_path(void)
{
    return CERVIGATE_FONT;
}

void picture_face_close(struct picture_face *face)
{
    if (!face)
        return;
    if (face->face)
        FT_Done_Face(face->face);
    FT_Done_FreeType(face->library);
    free(face);
}

static bool set_size(struct picture_face *face, int size)
{
    if (face->size == size)
        return true;
    if (FT_Set_Pixel_Sizes(face->face, 0, (FT_UInt)size) != 0)
        return false;
    face->size = size;
    return true;
}

/* Kerned advance to the next letter in 26.6 units. */
static FT_Pos kerning(struct picture_face *face, FT_UInt before, FT_UInt glyph)
{
    FT_Vector delta = {0, 0};
    if (before && FT_HAS_KERNING(face->face))
        FT_Get_Kerning(face->face, before, glyph, FT_KERNING_DEFAULT, &delta);
    return delta.x;
}

static void blit(struct canvas *canvas, int x, int y, const FT_Bitmap *bitmap, struct colour colour)
{
    for (unsigned row = 0; row < bitmap->rows; row++) {
        const unsigned char *line = bitmap->buffer + (ptrdiff_t)row * bitmap->pitch;
        for (unsigned col = 0; col < bitmap->width; col++)
            canvas_blend(canvas, x + (int)col, y + (int)row, colour, line[col]);
    }
}

/* `count` bytes of ASCII; anything else is shown as a question mark. canvas NULL measures. */
static int set_letters(struct picture_face *face, struct canvas *canvas, int x, int y, int size,
                       struct colour colour, const char *text, size_t count)
{
    FT_Pos pen = 0;
    FT_UInt before = 0;
    if (!set_size(face, size))
        return 0;
    for (size_t i = 0; i < count; i++) {
        unsigned char letter = (unsigned char)text[i];
        FT_UInt glyph = FT_Get_Char_Index(face->face, letter < 32 || letter > 126 ? '?' : letter);
        if (FT_Load_Glyph(face->face, glyph, canvas ? FT_LOAD_RENDER : FT_LOAD_DEFAULT) != 0)
            continue;
        pen += kerning(face, before, glyph);
        if (canvas)
            blit(canvas, x + (int)(pen >> 6) + face->face->glyph->bitmap_left,
                 y - face->face->glyph->bitmap_top, &face->face->glyph->bitmap, colour);
        pen += face->face->glyph->advance.x;
        before = glyph;
    }
    return (int)((pen + 63) >> 6);
}

int text_width(struct picture_face *face, int size, const char *text)
{
    return set_letters(face, NULL, 0, 0, size, (struct colour){0, 0, 0}, text, strlen(text));
}

int text_draw(struct picture_face *face, struct canvas *canvas, int x, int y, int size,
              struct colour colour, const char *text)
{
    return set_letters(face, canvas, x, y, size, colour, text, strlen(text));
}

/* Bytes of the longest run of whole words that fits; a word too long for a line is cut. */
static size_t fitting(struct picture_face *face, int width, int size, const char *text)
{
    struct colour none = {0, 0, 0};
    size_t best = 0, end = 0;
    for (;;) {
        end += strspn(text + end, " ");
        end += strcspn(text + end, " ");
        if (set_letters(face, NULL, 0, 0, size, none, text, end) > width)
            break;
        best = end;
        if (!text[end])
            return best;
    }
    if (best > 0)
        return best;
    for (best = 1; best < end; best++)
        if (set_letters(face, NULL, 0, 0, size, none, text, best + 1) > width)
            break;
    return best;
}

int text_wrap(struct picture_face *face, struct canvas *canvas, int x, int y, int width, int size,
              struct colour colour, const char *text)
{
    int pitch = size + size * 2 / 5, height = 0;
    text += strspn(text, " ");
    while (*text) {
        size_t count = fitting(face, width, size, text);
        if (canvas)
            set_letters(face, canvas, x, y + height + size, size, colour, text, count);
        height += pitch;
        text += count;
        text += strspn(text, " ");
    }
    return height;
}
