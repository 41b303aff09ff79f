/* Listening sockets: any free port, no waiting for full segments, addresses that cannot be had. */
#include "listen.h"
#include "scp_fixture.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

static void any_free_port(void **state)
{
    (void)state;
    int first = listen_open("127.0.0.1", 0);
    assert_true(first >= 0);
    uint16_t port = listen_port(first);
    assert_int_not_equal(port, 0);
    assert_int_equal(listen_open("127.0.0.1", port), -EADDRINUSE);
    assert_int_equal(close(first), 0);
}

static void what_is_accepted_has_no_delay(void **state)
{
    (void)state;
    int listening = listen_open("127.0.0.1", 0);
    int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(listen_port(listening)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(peer, (const struct sockaddr *)&to, sizeof to), 0);
    int accepted = accept(listening, NULL, NULL), on = 0;
    socklen_t size = sizeof on;
    assert_int_equal(getsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
    assert_int_not_equal(on, 0);
    assert_int_equal(close(accepted) + close(peer) + close(listening), 0);
}

static void what_is_no_address_of_ours(void **state)
{
    (void)state;
    assert_int_equal(listen_open("localhost", 0), -EADDRNOTAVAIL);
    assert_int_equal(listen_open("192.0.2.1", 0), -EADDRNOTAVAIL);
    assert_int_equal(listen_port(-1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_free_port),
        cmocka_unit_test(what_is_accepted_has_no_delay),
        cmocka_unit_test(what_is_no_address_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
