/* An oflog appender that hands every message to one C function. */
#include "dcmtk/config/osconfig.h"

#include "dcmtk/oflog/appender.h"
#include "dcmtk/oflog/logger.h"
#include "dcmtk/oflog/oflog.h"
#include "dcmtk/oflog/spi/logevent.h"

#include "logging.hh"

namespace
{

using dcmtk::log4cplus::Logger;

class ForwardAppender : public dcmtk::log4cplus::Appender
{
  public:
    ForwardAppender(dx_log_fn log, void *context) : log_(log), context_(context)
    {
    }
    ~ForwardAppender() override
    {
        destructorImpl();
    }
    void close() override
    {
        closed = true;
    }

  protected:
    void append(const dcmtk::log4cplus::spi::InternalLoggingEvent &event) override
    {
        enum dx_log_level level = DX_LOG_DEBUG;
        if (event.getLogLevel() >= dcmtk::log4cplus::ERROR_LOG_LEVEL)
            level = DX_LOG_ERROR;
        else if (event.getLogLevel() >= dcmtk::log4cplus::WARN_LOG_LEVEL)
            level = DX_LOG_WARN;
        else if (event.getLogLevel() >= dcmtk::log4cplus::INFO_LOG_LEVEL)
            level = DX_LOG_INFO;
        log_(context_, level, event.getMessage().c_str());
    }

  private:
    dx_log_fn log_;
    void *context_;
};

} // namespace

void dx_logging_install(dx_log_fn log, void *context)
{
    /* The first logger initialises oflog from the environment: do that before replacing it. */
    (void)OFLog::getLogger("dcmtk");

    Logger root = Logger::getRoot();
    root.removeAllAppenders();
    if (log == nullptr) {
        root.setLogLevel(dcmtk::log4cplus::OFF_LOG_LEVEL);
        return;
    }
    dcmtk::log4cplus::SharedAppenderPtr appender(new ForwardAppender(log, context));
    root.addAppender(appender);
    root.setLogLevel(dcmtk::log4cplus::INFO_LOG_LEVEL);
}
