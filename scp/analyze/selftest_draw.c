#include "selftest_draw.h"

#include "nn_image.h"
#include "phantom/phantom.h"
#include <math.h>
#include <string.h>

#define SEED 20271126

static const struct {
    enum nn_phantom_subject subject;
    double prevalence[3];
} inputs[SELFTEST_INPUTS] = {
    {NN_PHANTOM_LATERAL, {1, 0, 0}},
    {NN_PHANTOM_LATERAL, {0, 1, 0}},
    {NN_PHANTOM_LATERAL, {0, 0, 1}},
    {NN_PHANTOM_HAND, {0, 0, 1}},
};

enum nn_status selftest_draw(int i, uint16_t pixels[SELFTEST_PIXELS], struct nn_error *err)
{
    struct nn_plane plane = {0};
    struct nn_phantom_settings settings = {
        .seed = SEED, .rows = SELFTEST_SIDE, .cols = SELFTEST_SIDE, .subject = inputs[i].subject};
    memcpy(settings.prevalence, inputs[i].prevalence, sizeof settings.prevalence);
    enum nn_status status = nn_phantom_draw(&settings, 0, &plane, NULL, NULL, err);
    for (size_t k = 0; status == NN_OK && k < SELFTEST_PIXELS; k++)
        pixels[k] = (uint16_t)lrintf(65535.0f * fminf(fmaxf(plane.pixels[k], 0.0f), 1.0f));
    nn_plane_finish(&plane);
    return status;
}
