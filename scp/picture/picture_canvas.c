#include "picture_canvas.h"
#include <math.h>
#include <string.h>

void canvas_fill(struct canvas *canvas, int x, int y, int width, int height, struct colour colour)
{
    int left = x < 0 ? 0 : x, top = y < 0 ? 0 : y;
    int right = x + width < canvas->cols ? x + width : canvas->cols;
    int bottom = y + height < canvas->rows ? y + height : canvas->rows;
    size_t stride = (size_t)canvas->cols * 3;
    if (left >= right || top >= bottom)
        return;
    uint8_t *first = canvas->rgb + (size_t)top * stride + (size_t)left * 3;
    for (int col = 0; col < right - left; col++)
        memcpy(first + (size_t)col * 3, (uint8_t[3]){colour.r, colour.g, colour.b}, 3);
    for (int row = 1; row < bottom - top; row++)
        memcpy(first + (size_t)row * stride, first, (size_t)(right - left) * 3);
}

void canvas_blend(struct canvas *canvas, int x, int y, struct colour colour, unsigned coverage)
{
    if (x < 0 || y < 0 || x >= canvas->cols || y >= canvas->rows)
        return;
    uint8_t *to = canvas->rgb + ((size_t)y * (size_t)canvas->cols + (size_t)x) * 3;
    const uint8_t from[3] = {colour.r, colour.g, colour.b};
    for (int c = 0; c < 3; c++)
        to[c] = (uint8_t)((from[c] * coverage + to[c] * (255u - coverage) + 127u) / 255u);
}

/* From the middle of a pixel to the nearest point of the line. */
static float distance(float x, float y, const float from[2], const float to[2])
{
    float along_x = to[0] - from[0], along_y = to[1] - from[1];
    float square = along_x * along_x + along_y * along_y;
    float t = square > 0 ? ((x - from[0]) * along_x + (y - from[1]) * along_y) / square : 0;
    t = fminf(fmaxf(t, 0.0f), 1.0f);
    return hypotf(x - from[0] - t * along_x, y - from[1] - t * along_y);
}

void canvas_line(struct canvas *canvas, struct area clip, const float from[2], const float to[2],
                 float thick, struct colour colour)
{
    float half = thick / 2.0f;
    int left = (int)floorf(fminf(from[0], to[0]) - half - 1.0f);
    int right = (int)ceilf(fmaxf(from[0], to[0]) + half + 1.0f);
    int top = (int)floorf(fminf(from[1], to[1]) - half - 1.0f);
    int bottom = (int)ceilf(fmaxf(from[1], to[1]) + half + 1.0f);
    left = left < clip.x ? clip.x : left;
    top = top < clip.y ? clip.y : top;
    right = right > clip.x + clip.width ? clip.x + clip.width : right;
    bottom = bottom > clip.y + clip.height ? clip.y + clip.height : bottom;
    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++) {
            float inside = half + 0.5f - distance((float)x + 0.5f, (float)y + 0.5f, from, to);
            if (inside > 0.0f)
                canvas_blend(canvas, x, y, colour, (unsigned)(255.0f * fminf(inside, 1.0f) + 0.5f));
        }
}
