/* logging.hh: DCMTK's messages to the caller's function, never to standard error. */
#ifndef DX_LOGGING_HH
#define DX_LOGGING_HH

#include "dx_init.h"

void dx_logging_install(dx_log_fn log, void *context);

#endif
