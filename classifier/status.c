#include "nn_status.h"
#include <stdarg.h>
#include <stdio.h>

const char *nn_status_text(enum nn_status status)
{
    switch (status) {
#define X(code, text)                                                                              \
    case code:                                                                                     \
        return text;
        NN_STATUS_MAP(X)
#undef X
    }
    return "unknown status";
}

enum nn_status nn_fail(struct nn_error *err, enum nn_status status, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        err->status = status;
        if (vsnprintf(err->text, sizeof err->text, format, args) < 0)
            err->text[0] = '\0';
        va_end(args);
    }
    return status;
}
