/* Any bytes as what a peer tells us unasked: the event of a commitment, a notification of
 * availability. What is taken is whole. */
#include "dx_availability.h"
#include "dx_commitment.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dx_commitment event;
    struct dx_availability news;
    struct dx_error err = {.status = DX_OK};
    if (size == 0)
        return 0;
    if (data[0] % 2 == 0) {
        if (dx_commitment_read(data + 1, size - 1, &event, &err) == DX_OK &&
            (event.count == 0 || event.count > DX_COMMITMENT_MOST ||
             !dx_uid_is_usable(event.transaction)))
            abort();
    } else if (dx_availability_read(data + 1, size - 1, &news, &err) == DX_OK &&
               (!dx_uid_is_usable(news.study) || news.there + news.away == 0 ||
                news.there + news.away > size)) {
        abort();
    }
    return 0;
}
