/* Preparation of DCMTK: everything that a child of fork should find loaded already. */
#include "charset.h"
#include "shim.hh"

#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcdict.h"
#include "dcmtk/dcmdata/dcrledrg.h"
#include "dcmtk/dcmdata/dcrleerg.h"
#include "dcmtk/dcmdata/dcspchrs.h"
#include "dcmtk/dcmdata/dcuid.h"
#include "dcmtk/dcmjpeg/djdecode.h"
#include "dcmtk/dcmjpls/djdecode.h"
#include "dcmtk/dcmjpls/djencode.h"

#include "logging.hh"

/* Loads the character set converters (gconv modules) that studies commonly need, because the object
 * child cannot open files any more. A converter that the machine lacks is no error here. */
static void preload_character_sets()
{
    static const char *const sets[] = {"ISO_IR 100",     "ISO_IR 101",      "ISO_IR 144",
                                       "ISO 2022 IR 87", "ISO 2022 IR 149", "GB18030",
                                       "ISO_IR 13"};
    for (const char *set : sets) {
        DcmSpecificCharacterSet converter;
        if (converter.selectCharacterSet(set).good()) {
            OFString text;
            (void)converter.convertString("A", text);
        }
    }
}

/* Each of the dictionary's files is left out in silence when it cannot be opened, for want of a
 * descriptor or of memory; without the standard's attributes no object can be read or written. */
static bool has_standard_attributes()
{
    const DcmDataDictionary &dictionary = dcmDataDict.rdlock();
    bool has = dictionary.findEntry(DCM_SOPInstanceUID, NULL) != NULL;
    dcmDataDict.rdunlock();
    return has;
}

enum dx_status dx_init(dx_log_fn log, void *context, struct dx_error *err)
{
    return dx_guard(
        err, [&]() -> enum dx_status {
            dx_logging_install(log, context);
            if (!has_standard_attributes())
                return dx_fail(
                    err, DX_MISSING,
                    "DCMTK's data dictionary is not loaded (DCMDICTPATH, dcmtk package)");
            DcmRLEDecoderRegistration::registerCodecs();
            DJDecoderRegistration::registerCodecs();
            DJLSDecoderRegistration::registerCodecs();
            DcmRLEEncoderRegistration::registerCodecs();
            DJLSEncoderRegistration::registerCodecs(0, 0, 0, 0, OFFalse, 0, OFTrue, EJLSUC_never);
            preload_character_sets();
            dx_charset_preload();
            return DX_OK;
        });
}

const char *dx_library_version(void)
{
    return "DCMTK " OFFIS_DCMTK_VERSION_STRING;
}
