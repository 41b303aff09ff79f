/* config/: destinations, models, report and pictures: each value into its own field, and back. */
#include "config_fixture.h"
#include <stdlib.h>
#include <string.h>

/* A configuration with these elements in it, one peer, and a rule that judges. */
#define WITH(elements)                                                                             \
    "<cervigate xmlns=\"urn:cervigate:config:1\"><node aeTitle=\"C\" spool=\"/s\"/>\n"             \
    "<peers><peer name=\"p\" aeTitle=\"P\" host=\"h\" port=\"1\"/></peers>\n"                      \
    "<rules><rule name=\"r\" action=\"analyze\"/></rules>\n" elements "</cervigate>"
#define MODELS "<models><model folder=\"/m\"/></models>\n"

/* So does its destination, which names every option there is. */
static void sample_shows_defaults_of_destinations(void **state)
{
    static const char bare[] =
        WITH(MODELS "<destinations><destination peer=\"p\"/></destinations>");
    struct conf *sample = load_good(SAMPLE), *small = load_text(bare, "");
    char *text = slurp(SAMPLE), *shown = strstr(text, "<destination peer=");

    (void)state;
    assert_non_null(shown);
    *strstr(shown, "/>") = '\0';
    for (size_t i = 0; i < conf_destination_option_count; i++) {
        char name[64];
        if (conf_destination_options[i].fallback == NULL)
            continue;
        snprintf(name, sizeof name, " %s=\"%s\"", conf_destination_options[i].attribute,
                 conf_destination_options[i].fallback);
        assert_non_null(strstr(shown, name));
    }
    char *a = print(sample), *b = print(small);
    char *c = strstr(a, " outputs="), *d = strstr(b, " outputs=");
    size_t length = strcspn(c, "\n");
    assert_int_equal(length, strcspn(d, "\n"));
    assert_memory_equal(c, d, length);
    free(a);
    free(b);
    free(text);
    conf_destroy(sample);
    conf_destroy(small);
}

/* Every value of every choice comes back, and into its own field. */
static void destinations_load_to_the_same(void **state)
{
    static const char text[] =
        WITH(MODELS "<destinations><destination peer=\"p\" outputs=\" PMAP\n SC GSPS \" "
                    "reportClass=\"enhanced\" pictureSyntax=\"jpegls\" audience=\"everyone\" "
                    "hold=\"reported\" latePictures=\"true\" look=\"always\" lookMost=\"60\" "
                    "commitment=\"true\" commitmentTimeout=\"90\" answerTime=\"9\" rate=\"600\" "
                    "window=\"22:00-06:00\" rejectionNotes=\"true\" demo=\"true\" retryFirst=\"7\" "
                    "retryMost=\"8\"/></destinations>");
    static const char *const classes[] = {"auto", "comprehensive3d", "comprehensive", "enhanced"};
    struct conf *first = load_text(text, ""), *second;
    const struct conf_destination *d = &first->destinations[0];

    (void)state;
    assert_int_equal(d->outputs, CONF_PMAP | CONF_SC | CONF_GSPS);
    assert_int_equal(d->report_class, CONF_SR_ENHANCED);
    assert_int_equal(d->picture_syntax, CONF_JPEG_LS);
    assert_int_equal(d->audience, CONF_EVERYONE);
    assert_true(d->hold_until_reported && d->rejection_notes && d->demo);
    assert_true(d->late_pictures && d->commitment);
    assert_int_equal(d->look, CONF_LOOK_ALWAYS);
    assert_int_equal(d->look_most_seconds, 60);
    assert_int_equal(d->commitment_seconds, 90);
    assert_int_equal(d->answer_seconds, 9);
    assert_int_equal(d->rate, 600);
    assert_string_equal(d->window, "22:00-06:00");
    assert_int_equal(d->retry_first_seconds, 7);
    assert_int_equal(d->retry_most_seconds, 8);
    char *a = print(first);
    assert_non_null(strstr(a, " outputs=\"SC GSPS PMAP\" reportClass=\"enhanced\""));
    second = load_print_of(first);
    free(a);
    conf_destroy(first);
    conf_destroy(second);
    for (unsigned i = 0; i < 4; i++) {
        char one[1024];
        snprintf(one, sizeof one,
                 WITH(MODELS "<destinations><destination peer=\"p\" reportClass=\"%s\" "
                             "pictureSyntax=\"%s\"/></destinations>"),
                 classes[i], i == CONF_RLE ? "rle" : "uncompressed");
        first = load_text(one, "");
        assert_int_equal(first->destinations[0].report_class, CONF_SR_AUTO + i);
        assert_int_equal(first->destinations[0].picture_syntax,
                         i == CONF_RLE ? CONF_RLE : CONF_UNCOMPRESSED);
        conf_destroy(first);
    }
}

static void reports_and_pictures_load_to_the_same(void **state)
{
    static const char text[] =
        WITH(MODELS "<report language=\"fr\" templates=\"/etc/c &amp; d\"/>"
                    "<picture modality=\"SC_2\" maximumFrames=\"1024\" maximumMatrix=\"512\"/>"
                    "<study requireC7T1=\"false\"/>");
    struct conf *first = load_text(text, ""), *second;

    (void)state;
    assert_string_equal(first->language, "fr");
    assert_string_equal(first->templates, "/etc/c & d");
    assert_int_equal(first->report_line, 5);
    assert_string_equal(first->picture_modality, "SC_2");
    assert_int_equal(first->picture_frames, 1024);
    assert_false(first->require_c7_t1);
    assert_true(first->judge_unknown_age);
    second = load_print_of(first);
    assert_string_equal(second->templates, "/etc/c & d");
    conf_destroy(first);
    conf_destroy(second);
}

static void retention_loads_to_the_same(void **state)
{
    static const char text[] =
        WITH(MODELS "<retention objects=\"1\" results=\"36500\" parked=\"3\" "
                    "quarantine=\"4\" rows=\"5\" space=\"1125899906842624\"/>");
    struct conf *first = load_text(text, ""), *second, *plain = load_text(WITH(MODELS), "");

    (void)state;
    assert_int_equal(first->retention.object_days, 1);
    assert_int_equal(first->retention.result_days, 36500);
    assert_int_equal(first->retention.parked_days, 3);
    assert_int_equal(first->retention.quarantine_days, 4);
    assert_true(first->retention.space_bytes == UINT64_C(1125899906842624));
    assert_int_equal(first->retention.row_days, 5);
    assert_int_equal(plain->retention.object_days, 30);
    assert_int_equal(plain->retention.row_days, 3650);
    assert_int_equal(plain->retention.parked_days, 14);
    assert_int_equal(plain->retention.space_bytes, 0);
    second = load_print_of(first);
    conf_destroy(first);
    conf_destroy(second);
    conf_destroy(plain);
}

/* A limit below one object would empty the spool of all that is done, again and again. */
static void a_space_below_one_object_is_warned_of(void **state)
{
    (void)state;
    conf_destroy(
        load_text(WITH(MODELS "<limits datasetBytes=\"65536\"/><retention space=\"65536\"/>"), ""));
    conf_destroy(
        load_text(WITH(MODELS "<limits datasetBytes=\"65536\"/><retention space=\"65535\"/>"),
                  "5: warning: space is 65535 bytes, less than one object may have "
                  "(datasetBytes is 65536)\n"));
}

/* Eleven numbers, each into its own field, and back. */
static void health_loads_to_the_same(void **state)
{
    static const char text[] =
        WITH(MODELS "<health checkEvery=\"1\" selfTestEvery=\"2\" selfTestRetry=\"3\" "
                    "oldestJob=\"4\" silence=\"5\" silenceExpected=\"6\" reference=\"70\" "
                    "minimum=\"8\" cusumLimit=\"9\" oddsRatio=\"10\" scoreShift=\"11\"/>");
    struct conf *first = load_text(text, ""), *second;
    const struct conf_health *h = &first->health;

    (void)state;
    assert_int_equal(h->check_seconds, 1);
    assert_int_equal(h->selftest_seconds, 2);
    assert_int_equal(h->selftest_retry_seconds, 3);
    assert_int_equal(h->oldest_job_seconds, 4);
    assert_int_equal(h->silence_hours, 5);
    assert_int_equal(h->silence_expected, 6);
    assert_int_equal(h->reference, 70);
    assert_int_equal(h->minimum, 8);
    assert_int_equal(h->cusum_limit, 9);
    assert_int_equal(h->odds_ratio, 10);
    assert_int_equal(h->score_shift, 11);
    second = load_print_of(first);
    conf_destroy(first);
    conf_destroy(second);
}

/* Thirteen values, each into its own field, and back. */
static void audit_loads_to_the_same(void **state)
{
    static const char text[] = WITH(
        MODELS "<audit keep=\"1\" fileBytes=\"65536\" sourceId=\"a &lt;\" siteId=\"b\" host=\"c\" "
               "port=\"2\" transport=\"tls\" serverName=\"d\" ca=\"/e\" certificate=\"/f\" "
               "key=\"/g\" facility=\"3\" undrained=\"4\"/>");
    struct conf *first = load_text(text, ""), *second;
    const struct conf_audit *a = &first->audit;

    (void)state;
    assert_int_equal(a->keep_days, 1);
    assert_int_equal(a->file_bytes, 65536);
    assert_string_equal(a->source_id, "a <");
    assert_string_equal(a->site_id, "b");
    assert_string_equal(a->host, "c");
    assert_int_equal(a->port, 2);
    assert_int_equal(a->transport, CONF_TLS);
    assert_string_equal(a->server_name, "d");
    assert_string_equal(a->ca, "/e");
    assert_string_equal(a->certificate, "/f");
    assert_string_equal(a->key, "/g");
    assert_int_equal(a->facility, 3);
    assert_int_equal(a->undrained_hours, 4);
    assert_int_equal(first->audit_line, 5);
    char *one = print(first);
    second = load_text(one, "");
    char *two = print(second);
    assert_string_equal(one, two);
    free(one);
    free(two);
    conf_destroy(first);
    conf_destroy(second);
}

/* In the clear to this machine alone. */
static void audit_in_the_clear_stays_here(void **state)
{
    static const char *const here[] = {"127.0.0.1", "::1", "localhost"};
    char text[1024];

    (void)state;
    for (size_t i = 0; i < sizeof here / sizeof *here; i++) {
        (void)snprintf(text, sizeof text, WITH(MODELS "<audit host=\"%s\" transport=\"tcp\"/>"),
                       here[i]);
        struct conf *conf = load_text(text, "");
        assert_int_equal(conf->audit.transport, CONF_TCP);
        conf_destroy(conf);
    }
    conf_destroy(load_text(WITH(MODELS "<audit ca=\"/e\"/>"),
                           "5: warning: <audit> has no host: nothing is sent, what is said of TLS "
                           "is not used\n"));
}

static void two_models_load_to_the_same(void **state)
{
    static const char two[] =
        WITH("<models>\n<model folder=\"/m\"/>\n<model folder=\"/m2\"/></models>");
    struct conf *first = load_text(two, ""), *second;

    (void)state;
    assert_int_equal(first->model_count, 2);
    assert_ptr_equal(first->model, first->models[0]);
    assert_string_equal(first->models[0], "/m");
    assert_string_equal(first->models[1], "/m2");
    assert_int_equal(first->model_line[0], 5);
    assert_int_equal(first->model_line[1], 6);
    char *a = print(first);
    assert_null(strstr(a, " model="));
    second = load_print_of(first);
    assert_int_equal(second->model_count, 2);
    free(a);
    conf_destroy(first);
    conf_destroy(second);
}

/* One in <models> is the same as one in <node>. */
static void one_model_of_two_ways(void **state)
{
    struct conf *conf = load_text(WITH(MODELS), "");

    (void)state;
    assert_int_equal(conf->model_count, 1);
    assert_string_equal(conf->model, "/m");
    assert_int_equal(conf->model_line[0], 4);
    char *text = print(conf);
    assert_non_null(strstr(text, " model=\"/m\""));
    assert_null(strstr(text, "<models"));
    free(text);
    conf_destroy(conf);
}

static void the_audience_is_warned_of(void **state)
{
    static const char warning[] =
        "6: warning: audience is everyone: results in the main archive are seen by every web "
        "viewer's user, before any radiologist; consider hold=\"reported\" or a destination of the "
        "radiologists' own\n";

    (void)state;
    conf_destroy(load_text(WITH(MODELS "<destinations><destination peer=\"p\"\n "
                                       "audience=\"everyone\"/></destinations>"),
                           warning));
    conf_destroy(load_text(WITH(MODELS "<destinations><destination peer=\"p\" hold=\"reported\" "
                                       "audience=\"everyone\"/></destinations>"),
                           ""));
    conf_destroy(load_text(WITH(MODELS "<destinations><destination peer=\"p\" "
                                       "audience=\"radiologists\"/></destinations>"),
                           ""));
}

static void rules_load_to_the_same(void **state)
{
    static const char text[] =
        WITH("<models><model folder=\"/m\" name=\"one\"/><model folder=\"/n\" name=\"two\"/>"
             "</models><destinations><destination peer=\"p\"/></destinations><announcements>"
             "<ups name=\"u\" peer=\"p\"/></announcements>\n");
    static const char rules[] =
        "<rule name=\"n\" action=\"analyze\" model=\"two\" destinations=\" p \" "
        "announcements=\"u\" outputs=\"PMAP SR\" bodyPart=\"pixels\" priority=\"never\">"
        "<match attribute=\"PatientAge\" least=\"18M\" most=\"16\"/>"
        "<match attribute=\"Rows\" most=\"-0.5\"/>"
        "<match attribute=\"CalledAETitle\" pattern=\"^C\"/></rule>";
    char whole[4096];
    const char *at = strstr(text, "<rule ");
    snprintf(whole, sizeof whole, "%.*s%s%s", (int)(at - text), text, rules, at);
    struct conf *first = load_text(whole, ""), *second;
    const struct conf_rule *rule = &first->rules[0], *plain = &first->rules[1];
    (void)state;
    assert_string_equal(rule->model, "two");
    assert_true(rule->models == 2 && rule->outputs == (CONF_SR | CONF_PMAP));
    assert_true(rule->never_raises && rule->body_part_by_pixels && rule->matches == 3);
    assert_true(rule->match[0].bound[CONF_LEAST].number == 18 &&
                rule->match[0].bound[CONF_LEAST].unit == CONF_MONTHS);
    assert_true(rule->match[0].bound[CONF_MOST].number == 16 &&
                rule->match[0].bound[CONF_MOST].unit == CONF_YEARS);
    assert_true(!rule->match[1].least && rule->match[1].bound[CONF_MOST].number == -0.5 &&
                rule->match[1].bound[CONF_MOST].unit == CONF_PLAIN);
    assert_true(!plain->model && !plain->destinations && plain->models == 0 && plain->outputs == 0);
    assert_true(!plain->never_raises && !plain->body_part_by_pixels && !plain->announcements);
    assert_string_equal(rule->announcements, "u");
    char *a = print(first);
    assert_non_null(strstr(a, "<model folder=\"/n\" name=\"two\"/>"));
    assert_non_null(strstr(a, " outputs=\"SR PMAP\" bodyPart=\"pixels\" priority=\"never\">"));
    second = load_print_of(first);
    free(a);
    conf_destroy(first);
    conf_destroy(second);
}

static void one_named_model_loads_to_the_same(void **state)
{
    struct conf *first =
        load_text(WITH("<models><model folder=\"/m\" name=\"one\"/></models>"), "");
    (void)state;
    char *a = print(first);
    struct conf *second = load_text(a, "");
    assert_string_equal(second->model_name[0], "one");
    assert_string_equal(second->model, "/m");
    free(a);
    conf_destroy(first);
    conf_destroy(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample_shows_defaults_of_destinations),
        cmocka_unit_test(destinations_load_to_the_same),
        cmocka_unit_test(reports_and_pictures_load_to_the_same),
        cmocka_unit_test(retention_loads_to_the_same),
        cmocka_unit_test(a_space_below_one_object_is_warned_of),
        cmocka_unit_test(health_loads_to_the_same),
        cmocka_unit_test(audit_loads_to_the_same),
        cmocka_unit_test(audit_in_the_clear_stays_here),
        cmocka_unit_test(two_models_load_to_the_same),
        cmocka_unit_test(one_model_of_two_ways),
        cmocka_unit_test(the_audience_is_warned_of),
        cmocka_unit_test(rules_load_to_the_same),
        cmocka_unit_test(one_named_model_loads_to_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
