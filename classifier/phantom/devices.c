#include "phantom_parts.h"
void nn_phantom_draw_devices(struct phantom_scene *scene,
                             const struct nn_phantom_settings *settings, uint64_t index,
                             const struct phantom_anatomy *uninjured, char variant[64])
{
    (void)scene;
    (void)settings;
    (void)index;
    (void)uninjured;
    (void)variant;
}
