/* dx_init.h: prepares DCMTK once a process (dictionary, codecs, character sets, logging).
 *
 * Call before any other dx function and before threads; children of fork inherit it. Of every
 * header of this room that does not say otherwise: what is made is used by one thread at a time,
 * and what a call is given stays the caller's. */
#ifndef DX_INIT_H
#define DX_INIT_H

#include "dx_status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum dx_log_level { DX_LOG_DEBUG, DX_LOG_INFO, DX_LOG_WARN, DX_LOG_ERROR };

/* DCMTK's own messages arrive here instead of on standard error; NULL drops them. The text may hold
 * patient data: the daemon shows it in debug traces only. */
typedef void (*dx_log_fn)(void *context, enum dx_log_level level, const char *text);

DX_MUST_USE enum dx_status dx_init(dx_log_fn log, void *context, struct dx_error *err);
/* "DCMTK 3.6.7" */
const char *dx_library_version(void);

#ifdef __cplusplus
}
#endif
#endif
