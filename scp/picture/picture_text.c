#include "picture_canvas.h"
#include <ft2build.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include FT_FREETYPE_H
#include FT_ADVANCES_H

#define ELLIPSIS "\xe2\x80\xa6"
#define CUT_MAX  512 /* bytes of a line that is cut */

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

void picture_letters(const struct picture_face *face, char *text, size_t size)
{
    FT_Int major, minor, patch;
    FT_Library_Version(face->library, &major, &minor, &patch);
    (void)snprintf(text, size, "FreeType %d.%d.%d", major, minor, patch);
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

/* ---- UTF-8 ---- */

static bool continues(char byte)
{
    return ((unsigned char)byte & 0xc0u) == 0x80u;
}

/* Bytes of the letter at `text`; what is no UTF-8 is one byte long, and U+FFFD. */
static size_t next_letter(const char *text, size_t count, FT_ULong *code)
{
    static const FT_ULong least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text[0];
    size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    FT_ULong value = length < 2 ? first : first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (i >= count || !continues(text[i]))
            length = 0;
        else
            value = value << 6 | ((unsigned char)text[i] & 0x3fu);
    }
    bool wrong = length == 0 || value < least[length] || value > 0x10ffff ||
                 (value >= 0xd800 && value <= 0xdfff);
    *code = wrong ? 0xfffd : value < 32 || value == 127 ? ' ' : value;
    return wrong ? 1 : length;
}

static FT_UInt glyph_of(struct picture_face *face, FT_ULong code)
{
    FT_UInt glyph = FT_Get_Char_Index(face->face, code);
    return glyph != 0 ? glyph : FT_Get_Char_Index(face->face, '?');
}

/* ---- letters ---- */

/* Places come from the font's own units, so that a text's width is in proportion to its size, and
 * measuring draws nothing. */
static FT_Pos advance_of(struct picture_face *face, FT_UInt before, FT_UInt glyph, FT_Pos *kern)
{
    FT_Vector delta = {0, 0};
    FT_Fixed advance = 0;
    if (before && FT_HAS_KERNING(face->face))
        FT_Get_Kerning(face->face, before, glyph, FT_KERNING_UNSCALED, &delta);
    if (FT_Get_Advance(face->face, glyph, FT_LOAD_NO_SCALE, &advance) != 0)
        advance = 0;
    *kern = delta.x;
    return advance;
}

static void blit(struct canvas *canvas, int x, int y, const FT_Bitmap *bitmap, struct colour colour)
{
    for (unsigned row = 0; row < bitmap->rows; row++) {
        const unsigned char *line = bitmap->buffer + (ptrdiff_t)row * bitmap->pitch;
        for (unsigned col = 0; col < bitmap->width; col++)
            canvas_blend(canvas, x + (int)col, y + (int)row, colour, line[col]);
    }
}

/* `count` bytes; canvas NULL measures. */
static int set_letters(struct picture_face *face, struct canvas *canvas, int x, int y, int size,
                       struct colour colour, const char *text, size_t count)
{
    FT_Pos pen = 0, kern, em = face->face->units_per_EM;
    FT_UInt before = 0;
    FT_ULong code;
    if (em == 0 || (canvas && !set_size(face, size)))
        return 0;
    for (size_t i = 0; i < count;) {
        i += next_letter(text + i, count - i, &code);
        FT_UInt glyph = glyph_of(face, code);
        FT_Pos advance = advance_of(face, before, glyph, &kern);
        pen += kern;
        if (canvas && FT_Load_Glyph(face->face, glyph, FT_LOAD_RENDER | FT_LOAD_TARGET_LIGHT) == 0)
            blit(canvas, x + (int)(pen * size / em) + face->face->glyph->bitmap_left,
                 y - face->face->glyph->bitmap_top, &face->face->glyph->bitmap, colour);
        pen += advance;
        before = glyph;
    }
    return (int)((pen * size + em - 1) / em);
}

static int width_of(struct picture_face *face, int size, const char *text, size_t count)
{
    return set_letters(face, NULL, 0, 0, size, (struct colour){0, 0, 0}, text, count);
}

int text_width(struct picture_face *face, int size, const char *text)
{
    return width_of(face, size, text, strlen(text));
}

int text_draw(struct picture_face *face, struct canvas *canvas, int x, int y, int size,
              struct colour colour, const char *text)
{
    return set_letters(face, canvas, x, y, size, colour, text, strlen(text));
}

/* ---- lines ---- */

/* Bytes of the longest run of letters that fits; at least one letter. */
static size_t letters_that_fit(struct picture_face *face, int width, int size, const char *text)
{
    FT_ULong code;
    size_t length = strlen(text), end = length > 0 ? next_letter(text, length, &code) : 0;
    while (text[end]) {
        size_t more = end + next_letter(text + end, length - end, &code);
        if (width_of(face, size, text, more) > width)
            break;
        end = more;
    }
    return end;
}

/* Bytes of the longest run of whole words that fits; 0: not even the first does. */
static size_t words_that_fit(struct picture_face *face, int width, int size, const char *text)
{
    size_t best = 0, end = 0;
    for (;;) {
        end += strspn(text + end, " ");
        end += strcspn(text + end, " ");
        if (width_of(face, size, text, end) > width)
            return best;
        best = end;
        if (!text[end])
            return best;
    }
}

/* How many lines the text takes; 0: a word is longer than a line. */
static int count_lines(struct picture_face *face, int width, int size, const char *text)
{
    int lines = 0;
    text += strspn(text, " ");
    while (*text) {
        size_t count = words_that_fit(face, width, size, text);
        if (count == 0)
            return 0;
        lines++;
        text += count;
        text += strspn(text, " ");
    }
    return lines;
}

static void draw_line(struct picture_face *face, struct canvas *canvas, struct area area, int y,
                      int size, enum text_align align, struct colour colour, const char *text,
                      size_t count)
{
    int room = area.width - width_of(face, size, text, count);
    int x = area.x + (align == TEXT_LEFT ? 0 : align == TEXT_RIGHT ? room : room / 2);
    set_letters(face, canvas, x, y, size, colour, text, count);
}

/* The rest of a text in a line too short for it. */
static void draw_cut(struct picture_face *face, struct canvas *canvas, struct area area, int y,
                     int size, enum text_align align, struct colour colour, const char *text)
{
    char line[CUT_MAX + sizeof ELLIPSIS];
    int dots = text_width(face, size, ELLIPSIS);
    if (dots > area.width)
        return;
    size_t count = letters_that_fit(face, area.width - dots, size, text);
    while (count > CUT_MAX)
        count--;
    while (count > 0 && continues(text[count]))
        count--;
    if (width_of(face, size, text, count) + dots > area.width)
        count = 0;
    memcpy(line, text, count);
    memcpy(line + count, ELLIPSIS, sizeof ELLIPSIS);
    draw_line(face, canvas, area, y, size, align, colour, line, strlen(line));
}

/* At a size that was found to fit, or at the least. */
static int draw_lines(struct picture_face *face, struct canvas *canvas, struct area area, int size,
                      enum text_align align, struct colour colour, const char *text)
{
    int pitch = TEXT_PITCH(size), height = 0;
    text += strspn(text, " ");
    while (*text && height + pitch <= area.height) {
        size_t count = words_that_fit(face, area.width, size, text);
        bool last = height + 2 * pitch > area.height;
        int y = area.y + height + size;
        height += pitch;
        if (count == 0 || (last && text[count + strspn(text + count, " ")])) {
            if (canvas)
                draw_cut(face, canvas, area, y, size, align, colour, text);
            return height;
        }
        if (canvas)
            draw_line(face, canvas, area, y, size, align, colour, text, count);
        text += count;
        text += strspn(text, " ");
    }
    return height;
}

int text_fit(struct picture_face *face, struct canvas *canvas, struct area area, int most,
             int least, enum text_align align, struct colour colour, const char *text)
{
    int size = most;
    while (size > least) {
        int lines = count_lines(face, area.width, size, text);
        if (lines > 0 && lines * TEXT_PITCH(size) <= area.height)
            break;
        size -= 1 + size / 24;
    }
    return draw_lines(face, canvas, area, size < least ? least : size, align, colour, text);
}
