/* phantom_dice.h: what a department decides by chance, the same for the same seed and index.
 *
 * Counter-based (splitmix64's finaliser); no stream of classifier/phantom: what a header says moves
 * no bone. */
#ifndef PHANTOM_DICE_H
#define PHANTOM_DICE_H

#include <stdint.h>

struct phantom_dice {
    uint64_t state;
};
enum phantom_dice_purpose {
    PHANTOM_DICE_HEADER = 1,
    PHANTOM_DICE_DEVICE,
    PHANTOM_DICE_CLOCK,
    PHANTOM_DICE_PAUSE,
    PHANTOM_DICE_STUDY,
    PHANTOM_DICE_GRAIN
};

struct phantom_dice phantom_dice(uint64_t seed, uint64_t index, enum phantom_dice_purpose purpose);
uint64_t phantom_dice_bits(struct phantom_dice *dice);
int phantom_dice_below(struct phantom_dice *dice, int sides); /* 0 .. sides - 1 */
double phantom_dice_uniform(struct phantom_dice *dice);       /* [0, 1) */

#endif
