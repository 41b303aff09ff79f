/* explain_map.c: how well a map finds a box, and how many spots it has. */
#include "nn_explain.h"

#include <stdlib.h>

static bool holds(const double box[4], int x, int y)
{
    double at_x = x + 0.5, at_y = y + 0.5;
    return at_x >= box[0] && at_x < box[2] && at_y >= box[1] && at_y < box[3];
}

bool nn_map_pointing(const float *map, int side, const double box[4])
{
    long highest = 0, inside = 0;
    float top = 0;

    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
            float value = map[(size_t)y * (size_t)side + (size_t)x];
            if (value > top) {
                top = value;
                highest = inside = 0;
            }
            if (value >= top) {
                highest++;
                inside += holds(box, x, y);
            }
        }
    }
    return top > 0 && 2 * inside > highest;
}

bool nn_map_peak(const float *map, int side, double at[2])
{
    long highest = 0;
    float top = 0;

    at[0] = at[1] = 0;
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
            float value = map[(size_t)y * (size_t)side + (size_t)x];
            if (value > top) {
                top = value;
                highest = 0;
                at[0] = at[1] = 0;
            }
            if (value >= top && top > 0) {
                highest++;
                at[0] += x + 0.5;
                at[1] += y + 0.5;
            }
        }
    }
    for (int i = 0; i < 2 && highest > 0; i++)
        at[i] /= (double)highest;
    return highest > 0;
}

double nn_map_energy(const float *map, int side, const double box[4])
{
    double sum = 0, inside = 0;

    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
            double value = (double)map[(size_t)y * (size_t)side + (size_t)x];
            sum += value;
            inside += holds(box, x, y) ? value : 0;
        }
    }
    return sum > 0 ? inside / sum : 0;
}

/* Takes the spot around `start` out of the map. stack: as many places as the map has pixels. */
static void take_spot(bool *above, int side, size_t start, size_t *stack)
{
    size_t depth = 0, width = (size_t)side, area = width * width;

    above[start] = false;
    stack[depth++] = start;
    while (depth > 0) {
        size_t at = stack[--depth], x = at % width;
        const size_t next[4] = {at - width, at + width, at - 1, at + 1};
        const bool exists[4] = {at >= width, at + width<area, x> 0, x + 1 < width};
        for (int i = 0; i < 4; i++) {
            if (exists[i] && above[next[i]]) {
                above[next[i]] = false;
                stack[depth++] = next[i];
            }
        }
    }
}

enum nn_status nn_map_spots(const float *map, int side, float level, int *spots,
                            struct nn_error *err)
{
    size_t area = (size_t)side * (size_t)side;
    enum nn_status status = NN_OK;

    *spots = 0;
    if (!(level > 0))
        return nn_fail(err, NN_INVALID, "map: a level of %g for spots (above 0)", (double)level);
    bool *above = malloc(area * sizeof *above);
    size_t *stack = malloc(area * sizeof *stack);
    if (!above || !stack) {
        status = nn_fail(err, NN_NO_MEMORY, "map: no memory for side %d", side);
        goto out;
    }
    for (size_t i = 0; i < area; i++)
        above[i] = map[i] >= level;
    for (size_t i = 0; i < area; i++) {
        if (above[i]) {
            take_spot(above, side, i, stack);
            ++*spots;
        }
    }
out:
    free(above);
    free(stack);
    return status;
}
