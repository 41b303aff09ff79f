/* Audit messages against the schema of PS3.15 A.5.1 (audit.rng), whatever the values hold; what is
 * told of transfers and refusals; the syslog message. */
#include "scp_fixture.h"

#include "audit.h"
#include "audit_json.h"
#include "audit_reader.h"
#include "audit_syslog.h"
#include "audit_traffic.h"
#include <libxml/relaxng.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HOSTILE "a<\"&'>\x01\x7f\n]]>\xff\xc3\xa4 \xed\xa0\x80\xef\xbf\xbe<?xml?><!--"

static const struct conf *conf;
static xmlRelaxNG *schema;

static void quiet(void *context, const char *format, ...)
{
    (void)context;
    (void)format;
}

static bool is_valid(const char *message, size_t bytes)
{
    xmlDoc *doc = xmlReadMemory(message, (int)bytes, NULL, NULL, XML_PARSE_NONET);
    xmlRelaxNGValidCtxt *context = xmlRelaxNGNewValidCtxt(schema);
    int result = doc ? xmlRelaxNGValidateDoc(context, doc) : -1;
    xmlRelaxNGFreeValidCtxt(context);
    xmlFreeDoc(doc);
    return result == 0;
}

/* Every record of the log is valid; how many there are, and how many hold the text. */
static size_t count(const char *text, size_t *all)
{
    struct audit_reader *reader = audit_reader_open(conf, NULL);
    struct audit_record r;
    size_t found = 0, records = 0;
    while (audit_reader_next(reader, &r) == AUDIT_READ_RECORD) {
        if (!is_valid(r.message, r.message_bytes))
            fail_msg("%.*s", (int)r.message_bytes, r.message);
        records++;
        found += memmem(r.message, r.message_bytes, text, strlen(text)) != NULL;
    }
    audit_reader_close(reader);
    if (all)
        *all = records;
    return found;
}

static void the_schema_refuses(void **state)
{
    static const char good[] =
        "<AuditMessage><EventIdentification EventActionCode=\"E\" "
        "EventDateTime=\"2026-11-27T05:30:00.000Z\" EventOutcomeIndicator=\"0\"><EventID "
        "csd-code=\"110100\" codeSystemName=\"DCM\" originalText=\"x\"/></EventIdentification>"
        "<ActiveParticipant UserID=\"a\" UserIsRequestor=\"true\"/><AuditSourceIdentification "
        "AuditSourceID=\"s\"/></AuditMessage>";
    static const char *const changes[][2] = {{"110100", "110199"},
                                             {"=\"E\"", "=\"X\""},
                                             {"05:30:00.000Z", "25:30"},
                                             {"Indicator=\"0\"", "Indicator=\"1\""},
                                             {"UserID=\"a\" ", ""},
                                             {"=\"true\"", "=\"yes\""},
                                             {"AuditSourceID", "AuditSourceId"},
                                             {"originalText", "OriginalText"}};
    (void)state;
    assert_true(is_valid(good, strlen(good)));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char bad[1024];
        const char *at = strstr(good, changes[i][0]);
        snprintf(bad, sizeof bad, "%.*s%s%s", (int)(at - good), good, changes[i][1],
                 at + strlen(changes[i][0]));
        assert_false(is_valid(bad, strlen(bad)));
    }
}

static void every_event_is_valid(void **state)
{
    const struct audit_asker asker = {.calling = "WS1", .called = "NODE", .address = "10.1.2.3"};
    char studies[70][DX_UID_MAX];
    size_t all;
    (void)state;
    for (int i = 0; i < 70; i++)
        snprintf(studies[i], sizeof studies[i], "1.2.840.10008.12345.67890123456789.%d", i);
    audit_application(conf, true);
    (void)audit_configuration(conf, HOSTILE);
    audit_reload_refused(conf, HOSTILE, HOSTILE);
    assert_true(audit_mode(conf, HOSTILE, CONF_SHADOW, CONF_CLINICAL, NULL));
    assert_true(audit_mode(conf, "root", CONF_SHADOW, CONF_CLINICAL, HOSTILE));
    audit_selftest(conf, "score", HOSTILE);
    audit_deleted(conf, "objects", 70, studies, 70);
    audit_retention(conf, "quarantine", 3, NULL);
    audit_retention(conf, "audit", 3, HOSTILE);
    audit_forgotten(conf, HOSTILE, HOSTILE, "forgotten");
    audit_ordered(conf, HOSTILE, "retry", HOSTILE, HOSTILE);
    audit_looked(conf, HOSTILE, "");
    audit_looked(conf, "jobs show", "1.2.3");
    audit_worklist_asked(conf, &asker, HOSTILE, 3, 2, 0xa700);
    audit_worklist_item(conf, &asker, "1.2.3", "", "", "");
    audit_worklist_item(conf, &asker, "1.2.3", HOSTILE, "A1", "COMPLETED");
    audit_corrected(conf, HOSTILE, HOSTILE);
    audit_logged_in(conf, HOSTILE, "10.1.2.3", true);
    audit_logged_in(conf, HOSTILE, HOSTILE, false);
    audit_seen(conf, HOSTILE, "10.1.2.3", HOSTILE, "");
    audit_seen(conf, HOSTILE, HOSTILE, "study", "1.2.3");
    audit_searched(conf, HOSTILE, HOSTILE, HOSTILE);
    audit_exported(conf, "backup", HOSTILE);
    audit_found_broken(conf, HOSTILE, false);
    assert_true(audit_log_used(conf, HOSTILE));
    audit_application(conf, false);
    assert_int_equal(count("110104", &all), 0);
    assert_int_equal(all, 28);
    assert_int_equal(count("csd-code=\"110120\"", NULL), 1);
    assert_int_equal(count("csd-code=\"110121\"", NULL), 1);
    assert_int_equal(count("csd-code=\"110105\"", NULL), 4);
    assert_int_equal(count("csd-code=\"110110\"", NULL), 2);
    assert_int_equal(count("csd-code=\"110122\"", NULL), 2);
    assert_int_equal(count("a&lt;&quot;&amp;'&gt;???]]&gt;?\xc3\xa4 ", NULL), 7);
}

static struct instance received(const char *association, int study, int number)
{
    struct instance in = fixture_instance(number, number, study, association);
    snprintf(in.calling, sizeof in.calling, "CT <1>");
    return in;
}

static void a_transfer_is_told_once(void **state)
{
    struct audit_traffic *t = audit_traffic_create(conf);
    size_t all;
    (void)state;
    for (int i = 0; i < 10; i++) {
        struct instance in = received("a1", i % 2, i);
        audit_traffic_received(t, &in, "PAT \xe4 1", "ACC <7>");
        audit_traffic_turn(t);
    }
    assert_int_equal(count("\"110102\"", &all), 2);
    assert_int_equal(all, 2);
    audit_traffic_ended(t, "other");
    audit_traffic_turn(t);
    assert_int_equal(count("\"110104\"", NULL), 0);
    audit_traffic_ended(t, "a1");
    audit_traffic_turn(t);
    assert_int_equal(count("\"110104\"", &all), 2);
    assert_int_equal(all, 4);
    assert_int_equal(count("NumberOfInstances=\"5\"", NULL), 2);
    assert_int_equal(count("ParticipantObjectID=\"PAT ? 1\"", NULL), 4);
    assert_int_equal(count("ACC &lt;7&gt;", NULL), 4);
    assert_int_equal(count("UserID=\"CT &lt;1&gt;\"", NULL), 4);
    audit_traffic_destroy(t);
    assert_int_equal(count("", &all), 4);
}

/* What was sent is told, though the store that knows what it was made of cannot be read; what was
 * received is made of nothing. */
static void what_is_not_known_is_told(void **state)
{
    const struct conf_peer peer = {.name = "pacs", .ae_title = "PACS", .host = "192.0.2.1"};
    const struct conf_destination to = {.peer = &peer};
    const struct delivery delivery = {.result = {.study = "1.2.3", .sop_class = "1.2.840"}};
    struct audit_traffic *t = audit_traffic_create(conf);
    struct store *store = fixture_open(*state);
    struct instance in = received("a1", 1, 1);
    audit_traffic_received(t, &in, "P", "");
    audit_traffic_sending(t, store, &to, &delivery, 1);
    audit_traffic_sent(t, &to, NULL, &delivery.result);
    audit_traffic_destroy(t);
    store_close(store);
    assert_int_equal(count("\"110104\"", NULL), 2);
    assert_int_equal(count("type=\"unknown\"", NULL), 1);
    assert_int_equal(count("type=\"inputs\"", NULL), 0);
}

/* In place of the C library's, to count them. */
static unsigned syncs;

int fdatasync(int fd)
{
    syncs++;
    return (int)syscall(SYS_fdatasync, fd);
}

/* Twenty transfers begin and end: one sync a turn, and the head's own for a file that is new. */
static void a_turn_is_one_sync(void **state)
{
    struct audit_traffic *t = audit_traffic_create(conf);
    (void)state;
    audit_application(conf, true);
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < 20; i++) {
            char name[16];
            snprintf(name, sizeof name, "a%d", i);
            struct instance in = received(name, i, i);
            if (turn == 0)
                audit_traffic_received(t, &in, "P", "");
            else
                audit_traffic_ended(t, name);
        }
        syncs = 0;
        audit_traffic_turn(t);
        assert_int_equal(syncs, 1);
    }
    assert_int_equal(count("\"110102\"", NULL), 20);
    assert_int_equal(count("\"110104\"", NULL), 20);
    audit_traffic_destroy(t);
}

/* A flood of refusals is a handful of records, and none is uncounted. */
static void refusals_are_counted(void **state)
{
    struct audit_traffic *t = audit_traffic_create(conf);
    char title[17];
    size_t all;
    (void)state;
    for (int i = 0; i < 500; i++) {
        audit_traffic_refused(t, "192.0.2.7", "STRANGER", "X", "called AE title not recognized", 1);
        audit_traffic_turn(t);
    }
    (void)count("", &all);
    assert_int_equal(all, 1);
    for (int i = 0; i < 3000; i++) {
        snprintf(title, sizeof title, "S%d", i);
        audit_traffic_refused(t, "192.0.2.8", title, "X", "why", 1);
        audit_traffic_turn(t);
    }
    (void)count("", &all);
    assert_true(all <= 1 + 64);
    assert_true(audit_traffic_wait(t) > 0);
    audit_traffic_destroy(t);

    int told = 0;
    struct audit_record r;
    struct audit_reader *reader = audit_reader_open(conf, NULL);
    while (audit_reader_next(reader, &r) == AUDIT_READ_RECORD) {
        json_t *record = audit_json(&r), *object;
        assert_non_null(record);
        object = json_array_get(json_object_get(record, "objects"), 0);
        object = json_object_get(json_object_get(object, "details"), "count");
        told += (int)strtol(json_string_value(object), NULL, 10);
        json_decref(record);
    }
    audit_reader_close(reader);
    assert_int_equal(told, 3500);
}

static void the_syslog_message_is_the_record(void **state)
{
    static char frame[AUDIT_FRAME_MOST], again[AUDIT_FRAME_MOST];
    static const struct {
        const char *outcome;
        int pri;
    } cases[] = {{"0", 85}, {"4", 84}, {"8", 83}, {"12", 82}};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char message[200];
        snprintf(message, sizeof message, "<a EventOutcomeIndicator=\"%s\"/>", cases[i].outcome);
        const struct audit_record r = {.seq = i == 3 ? 2147483648 : i + 1,
                                       .time = "2026-11-27T05:30:00.123Z",
                                       .host = "node-1",
                                       .message = message,
                                       .message_bytes = strlen(message)};
        size_t bytes = audit_syslog_frame(10, &r, frame, sizeof frame);
        char expected[512], head[300];
        int length = snprintf(head, sizeof head,
                              "<%d>1 2026-11-27T05:30:00.123Z node-1 cervigate - DICOM+RFC3881 "
                              "[meta sequenceId=\"%d\"] \xef\xbb\xbf%s",
                              cases[i].pri, i == 3 ? 1 : (int)i + 1, message);
        snprintf(expected, sizeof expected, "%d %s", length, head);
        assert_int_equal(bytes, strlen(expected));
        assert_string_equal(frame, expected);
        assert_int_equal(audit_syslog_frame(10, &r, again, bytes), 0);
    }
}

static int setup(void **state)
{
    xmlRelaxNGParserCtxt *parser =
        xmlRelaxNGNewParserCtxt(CERVIGATE_SOURCE_DIR "/tests/scp/audit/audit.rng");
    schema = xmlRelaxNGParse(parser);
    xmlRelaxNGFreeParserCtxt(parser);
    xmlSetGenericErrorFunc(NULL, quiet);
    xmlSetStructuredErrorFunc(NULL, NULL);
    int failed = fixture_setup(state);
    conf = &((struct fixture *)*state)->conf;
    return failed != 0 || !schema;
}

static int teardown(void **state)
{
    xmlRelaxNGFree(schema);
    return fixture_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_schema_refuses),
        TEST(every_event_is_valid),
        TEST(a_transfer_is_told_once),
        TEST(what_is_not_known_is_told),
        TEST(a_turn_is_one_sync),
        TEST(refusals_are_counted),
        TEST(the_syslog_message_is_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
