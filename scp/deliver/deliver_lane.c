#include "deliver_lane.h"

#include "clock.h"
#include "log.h"
#include <stdio.h>

int64_t lane_back_off(const struct lane *lane, unsigned times)
{
    return role_back_off(lane->to->retry_first_seconds, lane->to->retry_most_seconds, times);
}

bool lane_is_busy(const struct lane *lane)
{
    return lane->answered < lane->batch.count;
}

void lane_pause(struct lane *lane, int64_t ms)
{
    lane->retry_at = clock_monotonic_ms() + ms;
    lane->retry_utc = clock_utc_ms() + ms;
}

bool lane_is_paused(const struct lane *lane)
{
    return clock_monotonic_ms() < lane->retry_at && clock_utc_ms() < lane->retry_utc;
}

void lane_keeps_head(struct lane *lane)
{
    unsigned before = lane->head.times > 0 ? lane->head.times - 1 : 0;
    lane_pause(lane, role_jitter(lane_back_off(lane, before)));
}

void lane_unreached(struct lane *lane, const char *why, int64_t after_ms)
{
    int64_t most = (int64_t)lane->to->retry_most_seconds * 1000;
    int64_t pause_ms = role_jitter(lane_back_off(lane, lane->failures));
    if (after_ms > pause_ms)
        pause_ms = after_ms < most ? after_ms : most;
    lane_pause(lane, pause_ms);
    lane->failures += lane->failures < 30;
    log_event(LOG_AT_WARN, "destination-unreached",
              "destination=%s failures=%u retry_ms=%lld "
              "reason=%s",
              lane->to->peer->name, lane->failures, (long long)pause_ms, log_quote(why));
}

void lane_batch_over(struct lane *lane, const struct send_answer *last)
{
    if (last->verdict == VERDICT_UNREACHED) {
        head_unreached(&lane->head);
        lane_unreached(lane, last->text, (int64_t)last->retry_after_seconds * 1000);
    } else if (head_batch_over(&lane->head)) {
        lane_keeps_head(lane);
    }
}

bool lane_was_asked(const struct send_answer *answer)
{
    return answer->verdict != VERDICT_UNREACHED && answer->verdict != VERDICT_NOT_ALLOWED &&
           answer->verdict != VERDICT_BEHIND;
}

void lane_tell(const struct lane *lane, const struct delivery *job,
               const struct send_answer *answer)
{
    static const struct {
        enum log_level level;
        const char *stored, *committed;
    } events[] = {
        [VERDICT_DELIVERED] = {LOG_AT_INFO, "delivered", "committed"},
        [VERDICT_LATER] = {LOG_AT_WARN, "delivery-put-off", "commitment-put-off"},
        [VERDICT_REFUSED] = {LOG_AT_ERROR, "delivery-parked", "not-committed"},
        [VERDICT_WAITS] = {LOG_AT_WARN, "delivery-waits", NULL},
        [VERDICT_BEHIND] = {LOG_AT_DEBUG, NULL, NULL},
        [VERDICT_ASKED] = {LOG_AT_INFO, NULL, "commitment-asked"},
    };
    bool commitment = lane->batch.transaction[0] != '\0';
    const char *event =
        commitment ? events[answer->verdict].committed : events[answer->verdict].stored;
    if (event != NULL)
        log_event(events[answer->verdict].level, event,
                  "destination=%s kind=%s uid=%s attempts=%d status=%04X reason=%s",
                  lane->to->peer->name, result_kind_name(job->result.kind), job->result.uid,
                  job->attempts + 1, answer->dimse_status, log_quote_own(answer->text));
}
