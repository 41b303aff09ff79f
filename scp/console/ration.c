#include "ration.h"

int ration_take(struct ration *ration, int64_t now_ms)
{
    int64_t spent = ration->spent_ms > now_ms ? ration->spent_ms : now_ms;
    int64_t over = spent + ration->every_ms - now_ms - ration->most * ration->every_ms;
    if (over > 0)
        return (int)((over + 999) / 1000);
    ration->spent_ms = spent + ration->every_ms;
    return 0;
}
