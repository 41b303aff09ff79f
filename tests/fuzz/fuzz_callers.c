/* Addresses and lists of networks: nothing is read beyond them, and what is no network takes
 * nobody. */
#include "conf_private.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static const char *const addresses[] = {"10.1.2.3", "::ffff:10.1.2.3", "fd12::1", "::1"};
    char *list = malloc(count + 1);

    if (list == NULL)
        return 0;
    if (count > 0)
        memcpy(list, bytes, count);
    list[count] = '\0';
    bool is_one = conf_is_network(list, strlen(list));
    bool is_any = false;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        is_any |= conf_address_is_in(addresses[i], list);
    if (is_any && !is_one && strpbrk(list, CONF_BLANKS) == NULL)
        abort();
    (void)conf_address_is_in(list, "0.0.0.0/0 ::/0");
    free(list);
    return 0;
}
