/* variant.c: the manifest's words for what is there besides an injury. Thresholds are a reader's:
 * what would be reported. */
#include "phantom_parts.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SPUR       2.0  /* mm: an osteophyte that is told */
#define NARROW     0.6  /* of the tallest disc of the same neck */
#define OSTEOPENIA 0.75 /* of normal density */

void nn_phantom_add_word(char variant[NN_PHANTOM_VARIANT], const char *word)
{
    size_t used = strlen(variant);

    snprintf(variant + used, NN_PHANTOM_VARIANT - used, "%s%s", used > 0 ? "; " : "", word);
}

void nn_phantom_tell_wear(const struct phantom_anatomy *uninjured, char variant[NN_PHANTOM_VARIANT])
{
    double tallest = 0, spur = 0;
    bool narrow = false, listhesis = false;

    for (int i = 2; i < PHANTOM_T1; i++)
        if (!uninjured->level[i].fused)
            tallest = fmax(tallest, uninjured->level[i].disc);
    for (int i = 2; i < PHANTOM_T1; i++) {
        const struct phantom_level *level = &uninjured->level[i];

        spur = fmax(spur, fmax(fmax(level->spur_upper, level->spur_lower), level->rear_spur));
        narrow = narrow || (!level->fused && level->disc < NARROW * tallest);
        listhesis = listhesis || level->listhesis;
        if (level->fused) {
            char block[32];

            snprintf(block, sizeof block, "block C%d/%d", i, i + 1);
            nn_phantom_add_word(variant, block);
        }
    }
    if (spur > SPUR)
        nn_phantom_add_word(variant, "osteophytes");
    if (narrow)
        nn_phantom_add_word(variant, "narrow disc");
    if (uninjured->density < OSTEOPENIA)
        nn_phantom_add_word(variant, "osteopenia");
    if (listhesis)
        nn_phantom_add_word(variant, "listhesis");
}
