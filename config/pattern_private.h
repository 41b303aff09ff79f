/* pattern_private.h: between pattern.c, which reads and writes programs, and pattern_run.c. */
#ifndef PATTERN_PRIVATE_H
#define PATTERN_PRIVATE_H

#include "conf_pattern.h"
#include <stdint.h>

#define PATTERN_RANGES 2048 /* of all bracket expressions */

/* Steps of a program: a thread that is at one goes on at pc + 1, or where x and y say. */
enum step {
    STEP_CHARACTER, /* eats the character x */
    STEP_ANY,       /* eats one */
    STEP_RANGES,    /* eats one of ranges x to y - 1 */
    STEP_NO_RANGES, /* eats one of none of them */
    STEP_SPLIT,     /* goes on at pc + x and at pc + y */
    STEP_JUMP,      /* goes on at pc + x */
    STEP_ASSERT,    /* goes on where enum place x holds */
    STEP_FOUND
};
enum place { PLACE_BEGIN, PLACE_END, PLACE_EDGE, PLACE_NO_EDGE, PLACE_WORD, PLACE_WORD_END };

struct range {
    uint32_t from, to;
};

struct conf_pattern {
    struct {
        uint8_t step;
        int32_t x, y;
    } program[CONF_PATTERN_STEPS];
    int count;
    struct range range[PATTERN_RANGES];
    int ranges;

    /* scratch of a match: threads that wait for a character, now and next; those still to be
     * followed; where each step was last visited */
    uint16_t now[CONF_PATTERN_STEPS], next[CONF_PATTERN_STEPS], todo[2 * CONF_PATTERN_STEPS];
    int32_t seen[CONF_PATTERN_STEPS];
};

/* The next character of UTF-8 text in its upper case; *text goes behind it; 0 at the end. A byte
 * that is no UTF-8 is U+DC80 to U+DCFF, which no text can hold. */
uint32_t conf_pattern_character(const char **text);

#endif
