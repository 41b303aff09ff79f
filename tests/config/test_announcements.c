/* config/: <announcements>, <orders>, <orderQuery>, <readingWorklist> and <priority>: each value
 * into its own field, and back. */
#include "config_fixture.h"
#include <stdlib.h>
#include <string.h>

#define WITH(elements)                                                                             \
    "<cervigate xmlns=\"urn:cervigate:config:1\"><node aeTitle=\"A\" spool=\"/s\" "                \
    "model=\"/m\"/>" elements "<rules><rule name=\"r\" action=\"analyze\"/></rules></cervigate>"
#define PEER "<peers><peer name=\"p\" aeTitle=\"P\" host=\"h\" port=\"1\"/></peers>"

static const char full[] = WITH(
    PEER
    "<priority ageing=\"60\" delay=\"61\" list=\"10\" knownDays=\"0\"/><announcements>"
    "<webhook name=\"w\" url=\"http://localhost:8/x\" secret=\"/k\" authorities=\"/ca\"/>"
    "<hl7 name=\"h\" host=\"hl7\" port=\"6661\" tls=\"true\" tlsName=\"n\" authorities=\"/b\" "
    "certificate=\"/c\" key=\"/d\" "
    "results=\"false\" priority=\"true\" version=\"2.3.1\" characters=\"latin-1\" "
    "sendingApplication=\"SA\" sendingFacility=\"SF\" receivingApplication=\"RA\" "
    "receivingFacility=\"RF\" service=\"a^b^c\" demo=\"true\" expire=\"61\" answerTime=\"62\" "
    "retryFirst=\"2\" retryMost=\"3\"><profile control=\"SC\" raised=\"U^Urgent^L\" "
    "routine=\"N^Normal^L\" priorityIn=\"OBR-5\" numberIn=\"both\" accessionIn=\"OBR-18\" "
    "preliminary=\"R\" none=\"I\" withdrawn=\"D\" outcome=\"1^o^L\" reason=\"\" rank=\"2^k^L\" "
    "study=\"3^s^L\" accession=\"4^a^L\" report=\"5^r^L\" model=\"6^m^L\" "
    "research=\"7^x^L\"/></hl7>"
    "<ups name=\"u\" peer=\"p\" item=\"own\" workitemCodes=\"1^A 2^B\" worklistLabel=\"L\" "
    "lookEvery=\"7\"/></announcements>");

static void is_profile(const struct conf_hl7_profile *a, const struct conf_hl7_profile *b)
{
    assert_int_equal(a->priority_in, b->priority_in);
    assert_int_equal(a->number_in, b->number_in);
    assert_int_equal(a->accession_in, b->accession_in);
    const char *const texts[][2] = {{a->control, b->control},     {a->raised, b->raised},
                                    {a->routine, b->routine},     {a->preliminary, b->preliminary},
                                    {a->none, b->none},           {a->withdrawn, b->withdrawn},
                                    {a->outcome, b->outcome},     {a->reason, b->reason},
                                    {a->rank, b->rank},           {a->study, b->study},
                                    {a->accession, b->accession}, {a->report, b->report},
                                    {a->model, b->model},         {a->research, b->research}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_string_equal(texts[i][0], texts[i][1]);
}

static void looks_right(const struct conf *conf)
{
    static const struct conf_hl7_profile profile = {.control = "SC",
                                                    .raised = "U^Urgent^L",
                                                    .routine = "N^Normal^L",
                                                    .priority_in = CONF_HL7_OBR_5,
                                                    .number_in = CONF_HL7_BOTH_NUMBERS,
                                                    .accession_in = CONF_HL7_OBR_18,
                                                    .preliminary = "R",
                                                    .none = "I",
                                                    .withdrawn = "D",
                                                    .outcome = "1^o^L",
                                                    .reason = "",
                                                    .rank = "2^k^L",
                                                    .study = "3^s^L",
                                                    .accession = "4^a^L",
                                                    .report = "5^r^L",
                                                    .model = "6^m^L",
                                                    .research = "7^x^L"};
    assert_int_equal(conf->ageing_seconds, 60);
    assert_int_equal(conf->delay_seconds, 61);
    assert_int_equal(conf->list_most, 10);
    assert_int_equal(conf->known_days, 0);
    assert_int_equal(conf->announcement_count, 3);
    const struct conf_announcement *a = &conf->announcements[2];
    assert_int_equal(a->way, CONF_UPS);
    assert_string_equal(a->name, "u");
    assert_ptr_equal(a->peer, &conf->peers[0]);
    assert_true(a->own_item);
    assert_string_equal(a->workitem_codes, "1^A 2^B");
    assert_string_equal(a->worklist_label, "L");
    assert_int_equal(a->look_seconds, 7);
    assert_false(a->demo);
    assert_int_equal(a->expire_seconds, 3600);
    assert_int_equal(a->answer_seconds, 30);
    a = &conf->announcements[1];
    assert_int_equal(a->way, CONF_HL7);
    assert_string_equal(a->host, "hl7");
    assert_int_equal(a->port, 6661);
    assert_true(a->tls && !a->results && a->priority && a->demo);
    assert_string_equal(a->tls_name, "n");
    assert_string_equal(a->authorities, "/b");
    assert_int_equal(a->version, 0);
    assert_int_equal(a->characters, CONF_HL7_LATIN_1);
    assert_string_equal(a->sending_application, "SA");
    assert_string_equal(a->sending_facility, "SF");
    assert_string_equal(a->receiving_application, "RA");
    assert_string_equal(a->receiving_facility, "RF");
    assert_string_equal(a->service, "a^b^c");
    is_profile(&a->profile, &profile);
    assert_int_equal(a->expire_seconds, 61);
    assert_int_equal(a->answer_seconds, 62);
    assert_int_equal(a->retry_first_seconds, 2);
    assert_int_equal(a->retry_most_seconds, 3);
    a = &conf->announcements[0];
    assert_int_equal(a->way, CONF_WEBHOOK);
    assert_string_equal(a->url, "http://localhost:8/x");
    assert_string_equal(a->secret, "/k");
    assert_string_equal(a->authorities, "/ca");
}

static void loads_to_the_same(void **state)
{
    struct conf *first = load_text(full, ""), *second;

    (void)state;
    looks_right(first);
    second = load_print_of(first);
    looks_right(second);
    conf_destroy(first);
    conf_destroy(second);
}

static void defaults(void **state)
{
    struct conf *conf =
        load_text(WITH("<announcements><hl7 name=\"h\" host=\"x\"/></announcements>"), "");
    const struct conf_announcement *a = &conf->announcements[0];

    (void)state;
    static const struct conf_hl7_profile profile = CONF_HL7_PROFILE;
    is_profile(&a->profile, &profile);
    assert_int_equal(a->port, 2575);
    assert_true(a->results && !a->priority && !a->tls && !a->demo);
    assert_int_equal(a->version, 1);
    assert_int_equal(a->characters, CONF_HL7_UTF_8);
    assert_string_equal(a->sending_application, "CERVIGATE");
    assert_string_equal(a->receiving_facility, "");
    assert_null(a->tls_name);
    assert_int_equal(conf->ageing_seconds, 86400);
    assert_int_equal(conf->delay_seconds, 28800);
    assert_int_equal(conf->list_most, 10000);
    assert_int_equal(conf->known_days, 30);
    conf_destroy(conf);
}

static void reading_looks_right(const struct conf *conf)
{
    const struct conf_reading *reading = &conf->reading;

    assert_int_equal(reading->offer, CONF_OFFER_PULL);
    assert_true(reading->demo);
    assert_string_equal(reading->label, "NECKS");
    assert_int_equal(reading->matches, 2);
    assert_int_equal(reading->queries, 3);
    assert_int_equal(reading->query_seconds, 4);
    assert_int_equal(reading->claim_seconds, 61);
}

static void reading_worklist(void **state)
{
    struct conf *first =
        load_text(WITH("<callers><caller aeTitle=\"X\"/></callers>"
                       "<readingWorklist offer=\"pull\" demo=\"true\" label=\"NECKS\" "
                       "matches=\"2\" queries=\"3\" queryTime=\"4\" claimTime=\"61\"/>"),
                  "");
    struct conf *second, *none = load_text(WITH(""), "");

    (void)state;
    reading_looks_right(first);
    second = load_print_of(first);
    reading_looks_right(second);
    assert_int_equal(none->reading.offer, CONF_OFFER_NONE);
    assert_false(none->reading.demo);
    assert_string_equal(none->reading.label, "READING");
    assert_int_equal(none->reading.matches, 1000);
    assert_int_equal(none->reading.queries, 4);
    assert_int_equal(none->reading.query_seconds, 30);
    assert_int_equal(none->reading.claim_seconds, 14400);
    conf_destroy(first);
    conf_destroy(second);
    conf_destroy(none);
}

static void orders_look_right(const struct conf *conf)
{
    const struct conf_orders *orders = &conf->orders;

    assert_true(orders->listen);
    assert_string_equal(orders->address, "::1");
    assert_int_equal(orders->port, 7);
    assert_string_equal(orders->from, "10.0.0.0/8 ::2");
    assert_int_equal(orders->connections, 3);
    assert_int_equal(orders->message_bytes, 2048);
    assert_int_equal(orders->idle_seconds, 9);
    assert_string_equal(orders->postoperative, "post|op");
    assert_true(orders->tls && orders->patients);
    assert_string_equal(orders->issuer, "HOSP");
}

static void orders(void **state)
{
    struct conf *first = load_text(
        WITH("<tls certificate=\"/c\" key=\"/k\" clientCertificate=\"none\"/>"
             "<orders listen=\"true\" tls=\"true\" patients=\"true\" issuer=\"HOSP\" "
             "address=\"::1\" port=\"7\" from=\"10.0.0.0/8 ::2\" "
             "connections=\"3\" messageBytes=\"2048\" idleTime=\"9\" postoperative=\"post|op\"/>"),
        "");
    struct conf *second, *none = load_text(WITH(""), "");

    (void)state;
    orders_look_right(first);
    second = load_print_of(first);
    orders_look_right(second);
    assert_true(!none->orders.listen && !none->orders.from && !none->orders.postoperative);
    assert_true(!none->orders.tls && !none->orders.patients && !none->orders.issuer);
    assert_string_equal(none->orders.address, "0.0.0.0");
    assert_int_equal(none->orders.port, 2575);
    assert_int_equal(none->orders.connections, 16);
    assert_int_equal(none->orders.message_bytes, 1048576);
    assert_int_equal(none->orders.idle_seconds, 300);
    conf_destroy(first);
    conf_destroy(second);
    conf_destroy(none);
}

static void order_query_looks_right(const struct conf *conf)
{
    const struct conf_order_query *query = &conf->order_query;

    assert_ptr_equal(query->peer, &conf->peers[0]);
    assert_int_equal(query->period_seconds, 2);
    assert_int_equal(query->period_most_seconds, 3);
    assert_int_equal(query->window_seconds, 4);
    assert_int_equal(query->answer_seconds, 5);
    assert_int_equal(query->matches, 6);
    assert_int_equal(query->retry_first_seconds, 7);
    assert_int_equal(query->retry_most_seconds, 8);
}

static void order_query(void **state)
{
    struct conf *first =
        load_text(WITH(PEER "<orderQuery peer=\"p\" period=\"2\" periodMost=\"3\" window=\"4\" "
                            "answerTime=\"5\" matches=\"6\" retryFirst=\"7\" retryMost=\"8\"/>"),
                  "");
    struct conf *second, *none = load_text(WITH(PEER), "");

    (void)state;
    order_query_looks_right(first);
    second = load_print_of(first);
    order_query_looks_right(second);
    assert_null(none->order_query.peer);
    assert_int_equal(none->order_query.period_seconds, 60);
    assert_int_equal(none->order_query.period_most_seconds, 1800);
    assert_int_equal(none->order_query.window_seconds, 14400);
    assert_int_equal(none->order_query.answer_seconds, 30);
    assert_int_equal(none->order_query.matches, 100);
    assert_int_equal(none->order_query.retry_first_seconds, 1);
    assert_int_equal(none->order_query.retry_most_seconds, 300);
    conf_destroy(first);
    conf_destroy(second);
    conf_destroy(none);
}

static void warns_of_what_sends_nothing(void **state)
{
    (void)state;
    conf_destroy(
        load_text(WITH("<announcements><hl7 name=\"h\" host=\"x\" "
                       "results=\"false\"/></announcements>"),
                  "1: warning: <hl7> has neither results nor priority: nothing is sent\n"));
}

#define WEBHOOK(url) WITH("<announcements><webhook name=\"w\" url=\"" url "\"/></announcements>")
static void in_the_clear_to_this_machine_alone(void **state)
{
    static const char *const here[] = {WEBHOOK("http://127.0.0.1"), WEBHOOK("http://127.9.9.9:8/x"),
                                       WEBHOOK("http://[::1]:8"), WEBHOOK("http://localhost/x")};
    static const char *const away[] = {WEBHOOK("http://127.0.0.1.example.org/"),
                                       WEBHOOK("http://localhost.example.org"),
                                       WEBHOOK("http://[::1"), WEBHOOK("http://[::1].example.org"),
                                       WEBHOOK("http://127.0.0.1?.example.org")};

    (void)state;
    for (size_t i = 0; i < sizeof here / sizeof *here; i++)
        conf_destroy(load_text(here[i], ""));
    for (size_t i = 0; i < sizeof away / sizeof *away; i++) {
        struct conf *conf = NULL;
        struct conf_complaints complaints;
        assert_int_equal(conf_load_text(away[i], strlen(away[i]), "-", &conf, &complaints),
                         CONF_BAD);
        assert_int_equal(complaints.count, 1);
        assert_non_null(strstr(complaints.list[0].text, "in the clear"));
        conf_complaints_finish(&complaints);
    }
}

static char *shown(const struct conf *conf)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    conf_print_shown(conf, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* What stands behind the host may be a token: print-effective has it, for it loads again; what is
 * shown to others has not, but tells one from another. */
static void what_may_be_a_token_is_not_shown(void **state)
{
    static const char *const texts[] = {
        WEBHOOK("https://h.org:8/T0/s3cret"), WEBHOOK("https://h.org:8/T0/s3cres"),
        WEBHOOK("https://h.org:8?s3cret"), WEBHOOK("https://h.org:8/")};
    char *seen[4];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct conf *conf = load_text(texts[i], "");
        char *whole = print(conf);
        seen[i] = shown(conf);
        assert_non_null(strstr(whole, i == 3 ? "h.org:8/\"" : "s3cre"));
        assert_null(strstr(seen[i], "s3cre"));
        assert_non_null(strstr(seen[i], i == 3 ? "url=\"https://h.org:8/\""
                                               : "url=\"https://h.org:8/ (not shown: "));
        free(whole);
        conf_destroy(conf);
    }
    assert_string_not_equal(seen[0], seen[1]);
    for (size_t i = 0; i < 4; i++)
        free(seen[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_to_the_same),
        cmocka_unit_test(defaults),
        cmocka_unit_test(reading_worklist),
        cmocka_unit_test(orders),
        cmocka_unit_test(order_query),
        cmocka_unit_test(warns_of_what_sends_nothing),
        cmocka_unit_test(in_the_clear_to_this_machine_alone),
        cmocka_unit_test(what_may_be_a_token_is_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
