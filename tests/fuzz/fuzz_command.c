/* A command set as it comes from a peer: checked, read, and written again. */
#include "command.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct dx_command command;
    struct dx_error err;
    uint8_t written[DX_COMMAND_TEXT];

    if (dx_check_command(bytes, count, &err) != DX_OK)
        return 0;
    dx_command_parse(bytes, count, &command);
    size_t size = dx_command_write(&command, written);
    if (size > sizeof written || dx_check_command(written, size, &err) != DX_OK)
        abort();
    return 0;
}
