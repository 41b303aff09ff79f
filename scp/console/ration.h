/* ration.h: how often something may be asked for, by all together. */
#ifndef RATION_H
#define RATION_H

#include <stdint.h>

struct ration {
    int most;         /* at once */
    int64_t every_ms; /* one more */
    int64_t spent_ms; /* monotonic: until when what was taken is paid off */
};
/* Takes one: 0; else none, and after how many seconds there is one again. */
int ration_take(struct ration *ration, int64_t now_ms);

#endif
