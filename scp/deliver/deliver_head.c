#include "deliver_head.h"

#include <stdio.h>

bool head_is_aside(const struct delivery *job)
{
    return job->next_ms != 0 && job->looked_ms == 0;
}

bool head_failed(struct head *head, const struct delivery *job, bool broke)
{
    if (head_is_aside(job))
        return true;
    if (!head->passing && head->delivery == job->id && head->passed) {
        *head = (struct head){.delivery = 0};
        return true;
    }
    head->held = true;
    if (head->passing)
        return false;
    if (head->delivery != job->id) {
        *head = (struct head){.delivery = job->id, .held = true};
        (void)snprintf(head->study, sizeof head->study, "%s", job->result.study);
    }
    head->times++;
    head->broke = broke;
    head->passed = false;
    return false;
}

void head_decided(struct head *head, const struct delivery *job, bool taken)
{
    if (head->delivery == job->id) {
        *head = (struct head){.delivery = 0, .held = head->held};
    } else if (taken && head->delivery != 0) {
        head->passed = true;
        head->passing = false;
    }
}

/* Where the association ended over the first it may have been what took the peer down: the other's
 * turn is still to come. */
void head_unreached(struct head *head)
{
    head->passing = head->passing && head->broke;
}

bool head_batch_over(struct head *head)
{
    bool held = head->held;
    head->held = false;
    if (!held)
        return false;
    head->passing = !head->passing && head->times >= HEAD_TRIES;
    return !head->passing;
}

bool head_chosen(struct head *head, const struct delivery *job, size_t count)
{
    bool is_there = false;
    head->alone = head->passing && count == 0;
    if (head->passing) {
        head->passing = count > 0;
        return head->alone;
    }
    for (size_t i = 0; i < count; i++)
        is_there = is_there || job[i].id == head->delivery;
    if (!is_there)
        *head = (struct head){.delivery = 0};
    return false;
}
