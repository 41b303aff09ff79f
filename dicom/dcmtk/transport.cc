#include "transport.hh"

#include "bytes.h"

#include "dcmtk/dcmnet/cond.h"

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
/* RFC 8446 5.1: content types of TLS; the byte after is the version's 3. */
const uint8_t TLS_ALERT = 0x15, TLS_HANDSHAKE = 0x16, TLS_MAJOR = 3;
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
    OFCondition serverSideHandshake() override;
    OFCondition clientSideHandshake() override;
    void close() override;

  private:
    ssize_t fail(enum dx_status status, const char *why, uint8_t reason = 0);
    ssize_t fail_head();
    void send_abort(uint8_t reason);
    ssize_t take(void *buffer, size_t count, short *events);
    ssize_t put(const void *buffer, size_t count, bool more, short *events);
    bool await_first_byte(int64_t until, uint8_t *byte);
    bool check_first_byte(uint8_t byte);
    OFCondition handshake(bool is_server);
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
    bool is_secure_ = false; /* the handshake is done */
};

void DxConnection::send_abort(uint8_t reason)
{
    const uint8_t abort[10] = {0x07, 0, 0, 0, 0, 4, 0, 0, 2, reason};
    dx_error ignored;
    size_t sent;

    if (state_->tls == nullptr) {
        (void)send(getSocket(), abort, sizeof abort, MSG_NOSIGNAL | MSG_DONTWAIT);
    } else if (is_secure_) {
        (void)dx_tls_write(state_->tls, abort, sizeof abort, false, &sent, &ignored);
        dx_tls_end(state_->tls);
    }
}

/* PS3.8 9.3.8: A-ABORT by the service provider, with a reason of its table 9-26; then nothing more
 * is read. */
ssize_t DxConnection::fail(enum dx_status status, const char *why, uint8_t reason)
{
    if (state_->failure.status == DX_OK) {
        (void)dx_fail(&state_->failure, status, "%s", why);
        send_abort(reason);
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
    if (state_->limits.is_client)
        return state_->limits.is_open ? "limit answerTime: the peer was silent for too long"
                                      : "the peer was too slow to negotiate";
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
    uint32_t length = dx_be32(head_ + 2);

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

/* The header is none that may be here: why. */
ssize_t DxConnection::fail_head()
{
    if (is_known())
        return fail(DX_LIMIT, "limit maximumPdu: a PDU is longer than its type may be",
                    INVALID_PARAMETER);
    bool is_tls = state_->tls == nullptr && head_[1] == TLS_MAJOR && !state_->limits.is_open;
    if (!is_tls || (head_[0] != TLS_HANDSHAKE && head_[0] != TLS_ALERT))
        return fail(DX_MALFORMED, "a PDU of an unknown type", UNRECOGNIZED_PDU);
    return fail(DX_MIXUP, "the peer speaks TLS where plain DICOM is due", UNRECOGNIZED_PDU);
}

/* Bytes of the stream, 0 at its end; -1 with EAGAIN: after events. */
ssize_t DxConnection::take(void *buffer, size_t count, short *events)
{
    dx_error why = {};
    size_t got = 0;

    *events = POLLIN;
    if (state_->tls == nullptr)
        return recv(getSocket(), buffer, count, MSG_DONTWAIT);
    switch (dx_tls_read(state_->tls, buffer, count, &got, &why)) {
    case DX_TLS_DONE:
        return static_cast<ssize_t>(got);
    case DX_TLS_ENDED:
        return 0;
    case DX_TLS_FAILED:
        return fail(DX_TLS, why.text);
    case DX_TLS_WANTS_WRITE:
        *events = POLLOUT;
        break;
    case DX_TLS_WANTS_READ:
        break;
    }
    errno = EAGAIN;
    return -1;
}

ssize_t DxConnection::put(const void *buffer, size_t count, bool more, short *events)
{
    dx_error why = {};
    size_t done = 0;

    *events = POLLOUT;
    if (state_->tls == nullptr)
        return send(getSocket(), buffer, count,
                    MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
    switch (dx_tls_write(state_->tls, buffer, count, more, &done, &why)) {
    case DX_TLS_DONE:
        return static_cast<ssize_t>(done);
    case DX_TLS_FAILED:
        return fail(DX_TLS, why.text);
    case DX_TLS_ENDED: { /* TLS 1.3: a server judges our certificate after we have begun */
        char byte;
        if (dx_tls_read(state_->tls, &byte, 1, &done, &why) == DX_TLS_FAILED)
            return fail(DX_TLS, why.text);
        errno = EPIPE;
        return -1;
    }
    case DX_TLS_WANTS_READ:
        *events = POLLIN;
        break;
    case DX_TLS_WANTS_WRITE:
        break;
    }
    errno = EAGAIN;
    return -1;
}

ssize_t DxConnection::read(void *buffer, size_t count)
{
    short events;
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
        ssize_t got = take(buffer, count, &events);
        if (got > 0) {
            state_->window_bytes += static_cast<uint64_t>(got);
            if (!follow(static_cast<const uint8_t *>(buffer), static_cast<size_t>(got)))
                return fail_head();
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
        (void)wait(events, next_deadline());
    }
}

ssize_t DxConnection::write(void *buffer, size_t count)
{
    const uint8_t *bytes = static_cast<const uint8_t *>(buffer);
    int64_t deadline = now_ms() + state_->limits.pdu_seconds * INT64_C(1000);
    /* A P-DATA header of its own: the fragment follows, so let them share a segment. */
    bool more = count == 12 && bytes[0] == 0x04;
    size_t done = 0;
    short events;

    while (done < count) {
        ssize_t sent = put(bytes + done, count - done, more, &events);
        if (sent >= 0) {
            done += static_cast<size_t>(sent);
        } else if (errno == EAGAIN) {
            if (!wait(events, deadline)) {
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
    if (is_secure_ && dx_tls_has_pending(state_->tls))
        return OFTrue;
    for (;;) {
        int64_t left = deadline - now_ms();
        int ready = poll(&poller, 1, left > 0 ? static_cast<int>(left) : 0);
        if (ready > 0)
            return OFTrue;
        if (ready == 0 || errno != EINTR)
            return OFFalse;
    }
}

/* ---- TLS ---- */

bool DxConnection::await_first_byte(int64_t until, uint8_t *byte)
{
    for (;;) {
        ssize_t got = recv(getSocket(), byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (got > 0)
            return true;
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            (void)fail(DX_TLS, "the peer closed before TLS began: does it want plain DICOM here?");
            return false;
        }
        if (!wait(POLLIN, until)) {
            (void)fail(DX_TIMEOUT, "limit acseTimeout: the peer was too slow to begin TLS");
            return false;
        }
    }
}

/* The kind of the first PDU, or of a record of TLS. */
bool DxConnection::check_first_byte(uint8_t byte)
{
    if (byte == TLS_HANDSHAKE || byte == TLS_ALERT)
        return true;
    if (byte < 0x01 || byte > 0x07) {
        (void)fail(DX_MALFORMED, "the peer speaks neither TLS nor DICOM");
        return false;
    }
    if (state_->caller != nullptr && byte == 0x01)
        dx_scp_refuse_plain(getSocket(), state_->caller);
    (void)fail(DX_MIXUP, "the peer speaks plain DICOM where TLS is due");
    return false;
}

/* All of it within the time for one PDU of the negotiation, however lively the peer is. A server's
 * peer speaks first; a client looks at its peer's first byte after its own hello. */
OFCondition DxConnection::handshake(bool is_server)
{
    dx_error why = {};
    int64_t until = now_ms() + state_->limits.idle_seconds * INT64_C(1000);
    bool is_checked = false;

    dx_tls_attach(state_->tls, getSocket());
    for (;;) {
        uint8_t byte;
        short events = POLLIN;
        if (!is_checked && is_server) {
            if (!await_first_byte(until, &byte) || !check_first_byte(byte))
                return DUL_NETWORKCLOSED;
            is_checked = true;
        }
        enum dx_tls_step step = dx_tls_handshake(state_->tls, is_checked, &why);
        if (step == DX_TLS_DONE)
            break;
        if (step == DX_TLS_FAILED || step == DX_TLS_ENDED) {
            (void)fail(DX_TLS, why.text);
            state_->failure.tls = why.tls;
            return DUL_NETWORKCLOSED;
        }
        if (step == DX_TLS_WANTS_WRITE) {
            events = POLLOUT;
        } else if (!is_checked) {
            if (!await_first_byte(until, &byte) || !check_first_byte(byte))
                return DUL_NETWORKCLOSED;
            is_checked = true;
        }
        if (!wait(events, until)) {
            (void)fail(DX_TIMEOUT, "limit acseTimeout: the peer was too slow with its handshake");
            return DUL_NETWORKCLOSED;
        }
    }
    is_secure_ = true;
    deadline_ = now_ms() + state_->limits.idle_seconds * INT64_C(1000);
    return EC_Normal;
}

OFCondition DxConnection::serverSideHandshake()
{
    return state_->tls != nullptr ? handshake(true) : EC_Normal;
}

OFCondition DxConnection::clientSideHandshake()
{
    return state_->tls != nullptr ? handshake(false) : EC_Normal;
}

void DxConnection::close()
{
    if (is_secure_ && state_->failure.status == DX_OK)
        dx_tls_end(state_->tls);
    is_secure_ = false;
    DcmTCPConnection::close();
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
