/* shim.hh: what every face of the C API does at the border: no exception passes, and a DCMTK
 * condition becomes a status with its sentence. */
#ifndef DX_SHIM_HH
#define DX_SHIM_HH

#include "dcmtk/config/osconfig.h"

#include "dcmtk/ofstd/ofcond.h"
#include "dx_status.h"

#include <exception>
#include <new>

/* Runs body() -> enum dx_status; whatever it throws becomes a status. */
template <typename Body> enum dx_status dx_guard(struct dx_error *err, Body body) noexcept
{
    try {
        return body();
    } catch (const std::bad_alloc &) {
        return dx_fail(err, DX_NO_MEMORY, "out of memory");
    } catch (const std::exception &e) {
        return dx_fail(err, DX_INTERNAL, "DCMTK: %s", e.what());
    } catch (...) {
        return dx_fail(err, DX_INTERNAL, "DCMTK: unknown exception");
    }
}

/* "what: DCMTK's text", with the given status; what failed for want of memory is nobody's fault. */
inline enum dx_status dx_fail_condition(struct dx_error *err, enum dx_status status,
                                        const char *what, const OFCondition &condition)
{
    return dx_fail(err, condition == EC_MemoryExhausted ? DX_NO_MEMORY : status, "%s: %s", what,
                   condition.text());
}

#endif
