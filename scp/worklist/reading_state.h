/* reading_state.h: what becomes of an item of the reading worklist when its state is to be changed
 * (PS3.4 table CC.1.1-2). Pure functions of their arguments. */
#ifndef READING_STATE_H
#define READING_STATE_H

#include "dx_ups_scp.h"
#include "store_reading.h"

enum dx_ups_state reading_word(enum reading_state state);

/* The status of N-ACTION Change UPS State; 0000: it changes. held: the Transaction UID of who
 * claimed the item, or ""; is_final: what COMPLETED needs has been said. What CANCELED needs the
 * node says itself where its performer has not. */
uint16_t reading_judge(enum reading_state is, const char *held, enum dx_ups_state wanted,
                       const char *given, bool is_final);
/* The status of N-SET; 0000: it may be set. */
uint16_t reading_judge_set(enum reading_state is, const char *held, const char *given);
/* Its further meaning, for an Error Comment; "" of none. */
const char *reading_words(uint16_t status);

#endif
