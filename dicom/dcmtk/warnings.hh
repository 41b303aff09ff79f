/* warnings.hh: what DCMTK's JPEG decoders only warn of, though the image is damaged.
 *
 * A scan that ends too early is filled with grey and reported as success; the words go to a logger
 * alone. While an object of this class lives, they are caught. One thread, one at a time. */
#ifndef DX_WARNINGS_HH
#define DX_WARNINGS_HH

#include "dcmtk/config/osconfig.h"

#include "dcmtk/oflog/appender.h"
#include "dcmtk/oflog/oflog.h"

class DxDecoderWarnings
{
  public:
    DxDecoderWarnings();
    ~DxDecoderWarnings();
    DxDecoderWarnings(const DxDecoderWarnings &) = delete;
    DxDecoderWarnings &operator=(const DxDecoderWarnings &) = delete;
    /* The first sentence that means lost image data, or "". */
    const OFString &corrupt() const
    {
        return corrupt_;
    }

  private:
    OFLogger logger_;
    dcmtk::log4cplus::LogLevel level_;
    dcmtk::log4cplus::SharedAppenderPtr appender_;
    OFString corrupt_;
};

#endif
