/* config/: peers with DICOMweb: where their address leads, what is complained of, what is printed.
 */
#include "config_fixture.h"
#include <stdlib.h>
#include <string.h>

#define WITH(peer, to, more)                                                                       \
    "<cervigate xmlns=\"urn:cervigate:config:1\"><node aeTitle=\"C\" spool=\"/s\" "                \
    "model=\"/m\"/>\n"                                                                             \
    "<peers><peer name=\"p\" " peer "/></peers>\n"                                                 \
    "<destinations><destination peer=\"p\" " to "/></destinations>\n"                              \
    "<rules><rule name=\"r\" action=\"analyze\"/></rules>\n" more "</cervigate>"
#define TRUST "<tls authorities=\"/a\"/>"

static void an_address_says_where_a_call_goes(void **state)
{
    static const struct {
        const char *url, *kept, *host;
        unsigned port;
        bool tls;
    } cases[] = {
        {"https://pacs.example.org/dicom-web", "https://pacs.example.org/dicom-web",
         "pacs.example.org", 443, true},
        {"http://127.0.0.1:8042/", "http://127.0.0.1:8042", "127.0.0.1", 8042, false},
        {"http://h", "http://h", "h", 80, false},
        {"https://[fd00::1]:8443/a/b", "https://[fd00::1]:8443/a/b", "fd00::1", 8443, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        (void)snprintf(text, sizeof text, WITH("url=\"%s\"", "", TRUST), cases[i].url);
        struct conf *conf = load_text(text, "");
        const struct conf_peer *peer = conf->destinations[0].peer;
        assert_string_equal(peer->url, cases[i].kept);
        assert_string_equal(peer->host, cases[i].host);
        assert_int_equal(peer->port, cases[i].port);
        assert_int_equal(peer->tls, cases[i].tls);
        assert_string_equal(peer->ae_title, "");
        conf_destroy(conf);
    }
}

static void it_is_printed_as_it_stands(void **state)
{
    struct conf *first =
        load_text(WITH("url=\"https://h/w\" user=\"u\" passwordFile=\"/p\"", "", TRUST), "");
    char *a = print(first);
    struct conf *second = load_text(a, "");
    char *b = print(second);
    (void)state;
    assert_non_null(strstr(a, "<peer name=\"p\" url=\"https://h/w\" user=\"u\" "
                              "passwordFile=\"/p\"/>"));
    assert_string_equal(a, b);
    conf_destroy(first);
    first = load_text(WITH("url=\"http://127.0.0.1/\" tokenFile=\"/t\"", "", ""), "");
    assert_string_equal(first->peers[0].token, "/t");
    assert_null(first->peers[0].user);
    free(a);
    free(b);
    conf_destroy(first);
    conf_destroy(second);
}

static void refuse(const char *text, int line, const char *words)
{
    struct conf *conf = NULL;
    struct conf_complaints complaints;
    bool found = false;

    assert_int_equal(conf_load_text(text, strlen(text), "-", &conf, &complaints), CONF_BAD);
    for (size_t i = 0; i < complaints.count; i++)
        found |= complaints.list[i].line == line && strstr(complaints.list[i].text, words) != NULL;
    if (!found)
        fail_msg("no complaint has \"%s\"; first: %d: %s", words, complaints.list[0].line,
                 complaints.list[0].text);
    conf_complaints_finish(&complaints);
}

static void contradictions_are_told(void **state)
{
    (void)state;
    refuse(WITH("", "", ""), 2, "<peer> has no host; expected aeTitle, host and port, or url");
    refuse(WITH("url=\"http://h\" aeTitle=\"A\"", "", ""), 2, "<peer aeTitle> beside url");
    refuse(WITH("url=\"http://h\"\ntls=\"true\"", "", TRUST), 3, "<peer tls> beside url");
    refuse(WITH("url=\"https://h\"", "", ""), 2, "expected <tls authorities>");
    refuse(WITH("url=\"https://u:p@h\"", "", TRUST), 2, "expected an address as https://");
    refuse(WITH("url=\"https://h/a?b=c\"", "", TRUST), 2, "expected an address as https://");
    refuse(WITH("url=\"ftp://h\"", "", ""), 2, "expected an address as https://");
    refuse(WITH("url=\"http://h:0\"", "", ""), 2, "expected a port from 1 to 65535");
    refuse(WITH("url=\"http://h:65536\"", "", ""), 2, "expected a port from 1 to 65535");
    refuse(WITH("url=\"https://h\" user=\"u\"", "", TRUST), 2, "a user without a passwordFile");
    refuse(WITH("url=\"https://h\" passwordFile=\"/p\"", "", TRUST), 2, "passwordFile without a");
    refuse(WITH("url=\"https://h\" user=\"u\" passwordFile=\"/p\" tokenFile=\"/t\"", "", TRUST), 2,
           "a user and a tokenFile");
    refuse(WITH("url=\"https://h\" tokenFile=\"t\"", "", TRUST), 2, "expected an absolute path");
    refuse(WITH("url=\"http://h\" tokenFile=\"/t\"", "", ""), 2, "in the clear");
    refuse(WITH("url=\"http://127.0.0.1.example.org\" tokenFile=\"/t\"", "", ""), 2,
           "would go to 127.0.0.1.example.org in the clear");
    refuse(WITH("aeTitle=\"A\" host=\"h\" port=\"1\"\ntokenFile=\"/t\"", "", ""), 3,
           "of a peer without url");
    refuse(WITH("url=\"http://h\"", "\ncommitment=\"true\"", ""), 4, "no Storage Commitment");
}

/* A name that only looks like an address of this machine is another's. */
static void what_is_this_machine(void **state)
{
    static const char *const here[] = {"localhost", "::1", "127.0.0.1", "127.1.2.3"};
    static const char *const away[] = {
        "127.0.0.1.example.org", "127.", "127.1", "127", "128.0.0.1", "localhost.example.org",
        "::1.example.org",       "::2",  "",      "0",   "0.0.0.0"};

    (void)state;
    for (size_t i = 0; i < sizeof here / sizeof *here; i++)
        assert_true(conf_is_this_machine(here[i]));
    for (size_t i = 0; i < sizeof away / sizeof *away; i++)
        assert_false(conf_is_this_machine(away[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_says_where_a_call_goes),
        cmocka_unit_test(it_is_printed_as_it_stands),
        cmocka_unit_test(contradictions_are_told),
        cmocka_unit_test(what_is_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
