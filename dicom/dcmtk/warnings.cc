#include "warnings.hh"

#include "dcmtk/oflog/spi/logevent.h"

namespace
{

using dcmtk::log4cplus::Appender;
using dcmtk::log4cplus::WARN_LOG_LEVEL;

class CorruptionAppender : public Appender
{
  public:
    explicit CorruptionAppender(OFString &corrupt) : corrupt_(corrupt)
    {
    }
    ~CorruptionAppender() override
    {
        destructorImpl();
    }
    void close() override
    {
        closed = true;
    }

  protected:
    /* libjpeg's texts (jerror.h): JWRN_HIT_MARKER, JWRN_HUFF_BAD_CODE, JWRN_MUST_RESYNC begin with
     * the first of these, JWRN_JPEG_EOF is the second. Extraneous bytes lose nothing. */
    void append(const dcmtk::log4cplus::spi::InternalLoggingEvent &event) override
    {
        const OFString &text = event.getMessage();
        bool is_lost = text.find("Corrupt JPEG data") == 0 || text.find("Premature end") == 0;
        if (is_lost && text.find("extraneous bytes") == OFString_npos && corrupt_.empty())
            corrupt_ = text;
    }

  private:
    OFString &corrupt_;
};

} // namespace

DxDecoderWarnings::DxDecoderWarnings()
    : logger_(OFLog::getLogger("dcmtk.dcmjpeg")), level_(logger_.getLogLevel()),
      appender_(new CorruptionAppender(corrupt_)), corrupt_()
{
    if (logger_.getChainedLogLevel() > WARN_LOG_LEVEL)
        logger_.setLogLevel(WARN_LOG_LEVEL);
    logger_.addAppender(appender_);
}

DxDecoderWarnings::~DxDecoderWarnings()
{
    logger_.removeAppender(appender_);
    logger_.setLogLevel(level_);
}
