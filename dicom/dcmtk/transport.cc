#include "transport.hh"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace
{

const uint32_t ASSOCIATE_MAX = 1u << 20;
/* PS3.8 table 9-26 */
const uint8_t UNRECOGNIZED_PDU = 1, INVALID_PARAMETER = 6;

int64_t now_ms()
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

} // namespace

static void begin_window(dx_transport_state *state)
{
    state->window_begin = now_ms();
    state->window_bytes = 0;
}

void dx_transport_begin_dataset(dx_transport_state *state)
{
    state->is_dataset = true;
    begin_window(state);
    state->dataset_begin = state->window_begin;
}

void dx_transport_end_dataset(dx_transport_state *state)
{
    state->is_dataset = false;
}

class DxConnection : public DcmTCPConnection
{
  public:
    DxConnection(int socket, dx_transport_state *state)
        : DcmTCPConnection(socket), state_(state), head_(), head_have_(0), body_left_(0),
          deadline_(now_ms() + state->limits.idle_seconds * INT64_C(1000))
    {
        state->association_begin = now_ms();
    }
    ssize_t read(void *buffer, size_t count) override;
    ssize_t write(void *buffer, size_t count) override;
    OFBool networkDataAvailable(int timeout) override;

  private:
    ssize_t fail(enum dx_status status, const char *why, uint8_t reason = 0);
    bool wait(short events, int64_t deadline);
    bool has_rate() const;
    bool check_rate();
    int64_t next_deadline() const;
    int64_t last_moment() const;
    const char *overdue() const;
    void acknowledge_now();
    bool is_known() const;
    bool check_head();
    bool follow(const uint8_t *bytes, size_t count);

    dx_transport_state *state_;
    uint8_t head_[6]; /* of the PDU that is being read */
    size_t head_have_;
    uint32_t body_left_;
    int64_t deadline_;
};

/* PS3.8 9.3.8: A-ABORT by the service provider, with a reason of its table 9-26; then nothing more
 * is read. */
ssize_t DxConnection::fail(enum dx_status status, const char *why, uint8_t reason)
{
    const uint8_t abort[10] = {0x07, 0, 0, 0, 0, 4, 0, 0, 2, reason};

    if (state_->failure.status == DX_OK) {
        (void)dx_fail(&state_->failure, status, "%s", why);
        (void)send(getSocket(), abort, sizeof abort, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)shutdown(getSocket(), SHUT_WR);
    }
    errno = EPROTO;
    return -1;
}

bool DxConnection::wait(short events, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - now_ms();
        struct pollfd poller = {getSocket(), events, 0};
        if (left <= 0)
            return false;
        int ready = poll(&poller, 1, left > 3600000 ? 3600000 : static_cast<int>(left));
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
    }
}

bool DxConnection::has_rate() const
{
    return state_->is_dataset && state_->limits.minimum_rate > 0 && state_->limits.rate_seconds > 0;
}

bool DxConnection::check_rate()
{
    if (!has_rate())
        return true;
    int64_t elapsed = now_ms() - state_->window_begin;
    if (elapsed < state_->limits.rate_seconds * INT64_C(1000))
        return true;
    bool is_fast =
        state_->window_bytes >= static_cast<uint64_t>(elapsed) * state_->limits.minimum_rate / 1000;
    begin_window(state_);
    return is_fast;
}

int64_t DxConnection::next_deadline() const
{
    int64_t window = state_->window_begin + state_->limits.rate_seconds * INT64_C(1000);
    int64_t first = has_rate() && window < deadline_ ? window : deadline_;
    return last_moment() < first ? last_moment() : first;
}

/* However lively the peer is: of the dataset within one, else of the association. */
int64_t DxConnection::last_moment() const
{
    int64_t begin = state_->is_dataset ? state_->dataset_begin : state_->association_begin;
    int seconds =
        state_->is_dataset ? state_->limits.dataset_seconds : state_->limits.association_seconds;
    return seconds > 0 ? begin + seconds * INT64_C(1000) : INT64_MAX;
}

const char *DxConnection::overdue() const
{
    if (!state_->limits.is_open)
        return "limit acseTimeout: the peer was too slow to negotiate";
    return head_have_ > 0 ? "limit pduTimeout: the peer stalled within a PDU"
                          : "limit dimseTimeout: the peer was silent for too long";
}

/* Of a complete PDU header. */
bool DxConnection::is_known() const
{
    return head_[0] >= 0x01 && head_[0] <= 0x07;
}

/* A complete PDU header: is the length one that this type may have? */
bool DxConnection::check_head()
{
    uint32_t length = static_cast<uint32_t>(head_[2]) << 24 |
                      static_cast<uint32_t>(head_[3]) << 16 | static_cast<uint32_t>(head_[4]) << 8 |
                      head_[5];

    body_left_ = length;
    if (head_[0] == 0x01 || head_[0] == 0x02)
        return length <= ASSOCIATE_MAX;
    if (head_[0] == 0x04)
        return length <= state_->limits.max_pdu;
    return is_known() && length == 4; /* A-ASSOCIATE-RJ, A-RELEASE-RQ and -RP, A-ABORT */
}

/* Follows the stream: count never crosses from a header into a body, or past a body's end. */
bool DxConnection::follow(const uint8_t *bytes, size_t count)
{
    if (head_have_ < sizeof head_) {
        if (head_have_ == 0)
            deadline_ = now_ms() + state_->limits.pdu_seconds * INT64_C(1000);
        memcpy(head_ + head_have_, bytes, count);
        head_have_ += count;
        if (head_have_ < sizeof head_)
            return true;
        if (!check_head())
            return false;
    } else {
        body_left_ -= static_cast<uint32_t>(count);
    }
    if (body_left_ == 0) {
        head_have_ = 0;
        deadline_ = now_ms() + state_->limits.idle_seconds * INT64_C(1000);
    }
    return true;
}

/* Peers that write header and fragment apart, without TCP_NODELAY, wait 40 ms for a delayed
 * acknowledgement of the header: what was read is acknowledged whenever we wait for more. Linux
 * forgets the option by itself. */
void DxConnection::acknowledge_now()
{
    int on = 1;
    (void)setsockopt(getSocket(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

ssize_t DxConnection::read(void *buffer, size_t count)
{
    size_t left = head_have_ < sizeof head_ ? sizeof head_ - head_have_ : body_left_;
    if (state_->failure.status != DX_OK)
        return fail(state_->failure.status, "");
    if (count > left)
        count = left;

    for (;;) {
        if (now_ms() >= last_moment())
            return fail(DX_TIMEOUT,
                        state_->is_dataset
                            ? "limit datasetTime: a dataset took too long"
                            : "limit associationTime: the association is open too long");
        ssize_t got = recv(getSocket(), buffer, count, MSG_DONTWAIT);
        if (got > 0) {
            state_->window_bytes += static_cast<uint64_t>(got);
            if (!follow(static_cast<const uint8_t *>(buffer), static_cast<size_t>(got)))
                return is_known()
                           ? fail(DX_LIMIT,
                                  "limit maximumPdu: a PDU is longer than its type may be",
                                  INVALID_PARAMETER)
                           : fail(DX_MALFORMED, "a PDU of an unknown type", UNRECOGNIZED_PDU);
            return got;
        }
        if (got == 0)
            return 0;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -1;
        if (now_ms() >= deadline_)
            return fail(DX_TIMEOUT, overdue());
        if (!check_rate())
            return fail(DX_TIMEOUT, "limit minimumRate: the peer sent too slowly");
        acknowledge_now();
        (void)wait(POLLIN, next_deadline());
    }
}

ssize_t DxConnection::write(void *buffer, size_t count)
{
    const uint8_t *bytes = static_cast<const uint8_t *>(buffer);
    int64_t deadline = now_ms() + state_->limits.pdu_seconds * INT64_C(1000);
    /* A P-DATA header of its own: the fragment follows, so let them share a segment. */
    int more = count == 12 && bytes[0] == 0x04 ? MSG_MORE : 0;
    size_t done = 0;

    while (done < count) {
        ssize_t put =
            send(getSocket(), bytes + done, count - done, MSG_NOSIGNAL | MSG_DONTWAIT | more);
        if (put >= 0) {
            done += static_cast<size_t>(put);
        } else if (errno == EAGAIN) {
            if (!wait(POLLOUT, deadline)) {
                (void)dx_fail(&state_->failure, DX_TIMEOUT,
                              "limit pduTimeout: the peer stopped reading");
                errno = ETIMEDOUT;
                return -1;
            }
        } else if (errno != EINTR) {
            return -1;
        }
    }
    /* Our own sending is no silence of the peer. */
    if (head_have_ == 0)
        deadline_ = now_ms() + state_->limits.idle_seconds * INT64_C(1000);
    return static_cast<ssize_t>(done);
}

OFBool DxConnection::networkDataAvailable(int timeout)
{
    struct pollfd poller = {getSocket(), POLLIN, 0};
    int64_t deadline = now_ms() + timeout * INT64_C(1000);
    acknowledge_now();
    for (;;) {
        int64_t left = deadline - now_ms();
        int ready = poll(&poller, 1, left > 0 ? static_cast<int>(left) : 0);
        if (ready > 0)
            return OFTrue;
        if (ready == 0 || errno != EINTR)
            return OFFalse;
    }
}

DcmTransportConnection *DxTransportLayer::createConnection(DcmNativeSocketType socket,
                                                           OFBool /* secure */)
{
    int on = 1;
    int flags = fcntl(socket, F_GETFD);
    if (flags >= 0)
        (void)fcntl(socket, F_SETFD, flags | FD_CLOEXEC);
    (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    state_->has_connection = true;
    return new DxConnection(socket, state_);
}
