/* Status texts and the sentence that travels with them. */
#include "dx_status.h"

#include <stdarg.h>
#include <stdio.h>

const char *dx_status_text(enum dx_status status)
{
    switch (status) {
#define X(code, text)                                                                              \
    case code:                                                                                     \
        return text;
        DX_STATUS_MAP(X)
#undef X
    }
    return "unknown status";
}

enum dx_status dx_fail(struct dx_error *err, enum dx_status status, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        int written = vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);

        err->status = status;
        err->tls = DX_TLS_OTHER;
        if (written < 0)
            err->text[0] = '\0';
    }
    return status;
}
