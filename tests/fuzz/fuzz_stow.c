/* Any bytes as an archive's answer by HTTP: read to the end, and never taken for a success that it
 * does not say. */
#include "stow.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OURS "1.2.3"

static void touch(void *context, const char *const values[STOW_TAGS])
{
    for (size_t i = 0; i < STOW_TAGS; i++)
        *(size_t *)context += strlen(values[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const tags[STOW_TAGS] = {"0020000D", "00100020", "00100021", "00080050"};
    static const long statuses[] = {200, 202, 409, 500};
    struct stow_reply reply = {.end = STOW_ANSWERED, .type = "application/dicom+json"};
    struct stow_said said;
    struct stow_told told;
    size_t matches, bytes = 0;
    if (size == 0)
        return 0;
    reply.status = statuses[data[0] % 4];
    reply.body = (const char *)data + 1;
    reply.count = size - 1;
    stow_judge(&reply, OURS, &told);
    if (told.verdict == VERDICT_DELIVERED &&
        (!stow_read(reply.body, reply.count, OURS, &said) || !(said.stored || said.failed)))
        abort();
    (void)stow_matches(reply.body, reply.count, tags, touch, &bytes, &matches);
    return 0;
}
