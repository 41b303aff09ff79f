/* config/: <tls>, <callers> and the peers' TLS: values, what is complained of, who is in a network.
 */
#include "config_fixture.h"
#include <stdlib.h>
#include <string.h>

#define WITH(peer, elements)                                                                       \
    "<cervigate xmlns=\"urn:cervigate:config:1\"><node aeTitle=\"C\" spool=\"/s\" "                \
    "model=\"/m\"/>\n"                                                                             \
    "<peers><peer name=\"p\" aeTitle=\"P\" host=\"h\" port=\"1\" " peer "/></peers>\n"             \
    "<rules><rule name=\"r\" action=\"analyze\"/></rules>\n" elements "</cervigate>"
#define FILES "certificate=\"/c\" key=\"/k\" authorities=\"/a\""

static void doors_load_to_the_same(void **state)
{
    static const char text[] =
        WITH("tls=\"true\" tlsName=\"pacs.example.org\"",
             "<tls listen=\"true\" port=\"0\" only=\"true\" " FILES
             "\nrevoked=\"/r\" clientCertificate=\"optional\" leastVersion=\"1.3\"/>"
             "<callers><caller aeTitle=\"A B\" addresses=\"10.0.0.1 fd00::/8\"/>"
             "<caller tls=\"true\" certificate=\"x.example.org\"/></callers>");
    struct conf *first = load_text(text, ""), *second, *plain = load_text(WITH("", ""), "");

    (void)state;
    assert_true(first->tls.listen && first->tls.only && first->tls.newest);
    assert_int_equal(first->tls.port, 0);
    assert_string_equal(first->tls.key, "/k");
    assert_string_equal(first->tls.revoked, "/r");
    assert_int_equal(first->tls.client_certificate, CONF_CLIENT_OPTIONAL);
    assert_int_equal(conf_attribute_line(first, "tls", "key"), 4);
    assert_int_equal(conf_attribute_line(first, "tls", "revoked"), 5);
    assert_true(first->peers[0].tls);
    assert_string_equal(first->peers[0].tls_name, "pacs.example.org");
    assert_int_equal(first->caller_count, 2);
    assert_string_equal(first->callers[0].addresses, "10.0.0.1 fd00::/8");
    assert_null(first->callers[1].ae_title);
    assert_true(first->callers[1].tls);
    second = load_print_of(first);
    assert_false(plain->tls.listen || plain->tls.only || plain->tls.newest || plain->peers[0].tls);
    assert_null(plain->tls.certificate);
    assert_int_equal(plain->tls.port, 2762);
    assert_int_equal(plain->tls.client_certificate, CONF_CLIENT_REQUIRED);
    assert_int_equal(plain->caller_count, 0);
    assert_int_equal(plain->health.certificate_days, 30);
    conf_destroy(first);
    conf_destroy(second);
    conf_destroy(plain);
}

static void refuse(const char *text, const char *words)
{
    struct conf *conf = NULL;
    struct conf_complaints complaints;
    bool found = false;

    assert_int_equal(conf_load_text(text, strlen(text), "-", &conf, &complaints), CONF_BAD);
    for (size_t i = 0; i < complaints.count; i++)
        found |= complaints.list[i].line > 0 && strstr(complaints.list[i].text, words) != NULL;
    if (!found)
        fail_msg("no complaint has \"%s\"; first: %s", words, complaints.list[0].text);
    conf_complaints_finish(&complaints);
}

static void contradictions_are_told(void **state)
{
    (void)state;
    refuse(WITH("", "<tls listen=\"true\"/>"), "without certificate and key");
    refuse(WITH("", "<tls certificate=\"/c\"/>"), "a certificate without its key");
    refuse(WITH("", "<tls key=\"/c\"/>"), "a key without a certificate");
    refuse(WITH("", "<tls listen=\"true\" certificate=\"/c\" key=\"/k\"/>"), "no authorities");
    refuse(WITH("", "<tls certificate=\"c\" key=\"/k\"/>"), "expected an absolute path");
    refuse(WITH("", "<tls revoked=\"/r\"/>"), "without authorities");
    refuse(WITH("", "<tls only=\"true\" " FILES "/>"), "no port at all");
    refuse(WITH("", "<tls listen=\"true\" port=\"11112\" " FILES "/>"),
           "the plain port is the same");
    refuse(WITH("", "<tls listen=\"true\" port=\"8104\" " FILES "/>"), "the console has the same");
    refuse(WITH("", "<tls leastVersion=\"1.1\"/>"), "expected one of 1.2, 1.3");
    refuse(WITH("tls=\"true\"", ""), "<tls authorities>");
    refuse(WITH("tlsName=\"x\"", ""), "of a peer without TLS");
    refuse(WITH("", "<callers/>"), "<callers> has no <caller>");
    refuse(WITH("", "<callers><caller addresses=\"10.0.0.0/33\"/></callers>"),
           "found \"10.0.0.0/33\"");
    refuse(WITH("", "<callers><caller addresses=\"ct1.example.org\"/></callers>"),
           "found \"ct1.example.org\"");
    refuse(WITH("", "<callers><caller addresses=\" \"/></callers>"), "only blanks");
    refuse(WITH("", "<callers><caller aeTitle=\"a\\b\"/></callers>"), "expected an AE title");
    refuse(WITH("", "<callers><caller aeTitle=\"A\" tls=\"true\"/></callers>"), "could never call");
    refuse(WITH("", "<orders listen=\"true\" tls=\"true\"/>"),
           "<orders tls=\"true\"> and <tls> without certificate and key");
    refuse(WITH("", "<tls certificate=\"/c\" key=\"/k\"/><orders listen=\"true\" tls=\"true\"/>"),
           "has no authorities to judge them by");
    refuse(WITH("", "<tls listen=\"true\" clientCertificate=\"none\" " FILES "/>"
                    "<callers><caller certificate=\"x\"/></callers>"),
           "could never call");
}

static void everyone_is_warned_of(void **state)
{
    (void)state;
    conf_destroy(load_text(WITH("", "<callers><caller/></callers>"),
                           "4: warning: <caller> without aeTitle, addresses and certificate: "
                           "everyone may call\n"));
}

static void addresses_and_networks(void **state)
{
    static const struct {
        const char *address, *list;
        bool is_in;
    } cases[] = {
        {"10.1.2.3", "10.1.2.3", true},
        {"10.1.2.4", "10.1.2.3", false},
        {"10.1.2.4", " 10.1.2.3\n10.1.2.4 ", true},
        {"10.1.255.255", "10.1.0.0/16", true},
        {"10.2.0.0", "10.1.0.0/16", false},
        {"10.1.2.131", "10.1.2.128/30", true},
        {"10.1.2.132", "10.1.2.128/30", false},
        {"192.0.2.1", "0.0.0.0/0", true},
        {"192.0.2.1", "192.0.2.1/32", true},
        {"192.0.2.2", "192.0.2.1/32", false},
        {"::ffff:10.1.2.3", "10.1.2.0/24", true}, /* a listener on :: sees IPv4 so */
        {"10.1.2.3", "::ffff:10.1.2.0/120", true},
        {"fd12::1", "fd00::/8", true},
        {"fe80::1", "fd00::/8", false},
        {"::1", "0.0.0.0/0", false},
        {"::1", "::/0", true},
        {"10.1.2.3", "10.1.2.0/", false},
        {"10.1.2.3", "10.1.2.0/+24", false},
        {"10.1.2.3", "10.1.2.0/0024", false},
        {"10.1.2.3", "", false},
        {"unknown", "0.0.0.0/0 ::/0", false},
        {"", "::/0", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (conf_address_is_in(cases[i].address, cases[i].list) != cases[i].is_in)
            fail_msg("%s in %s", cases[i].address, cases[i].list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doors_load_to_the_same),
        cmocka_unit_test(contradictions_are_told),
        cmocka_unit_test(everyone_is_warned_of),
        cmocka_unit_test(addresses_and_networks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
