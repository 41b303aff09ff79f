/* config/: the files of the folder beside a configuration, and local AEs. */
#include "conf_pattern.h"
#include "config_fixture.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD "<cervigate xmlns=\"urn:cervigate:config:1\">"
#define FIRST                                                                                      \
    HEAD "<node aeTitle=\"C\" spool=\"/s\" model=\"/m\" port=\"1\" mode=\"demo\"/>\n"              \
         "<peers><peer name=\"p\" aeTitle=\"P\" host=\"old\" port=\"1\"/></peers>\n"               \
         "<destinations><destination peer=\"p\" demo=\"true\"/></destinations>\n"                  \
         "<rules><rule name=\"one\" action=\"analyze\"><match attribute=\"Modality\" "             \
         "values=\"CR\"/></rule>\n<rule name=\"rest\" action=\"ignore\"/></rules></cervigate>"

#define TEXT(path, text)                                                                           \
    {                                                                                              \
        path, text, sizeof text - 1                                                                \
    }

static void later_files_stand_above(void **state)
{
    const struct conf_text texts[] = {
        TEXT("c.xml", FIRST),
        TEXT("c.d/1.xml", HEAD "<node port=\"2\" stationName=\"S\"/>\n<log level=\"debug\"/>"
                               "<peers>\n<peer name=\"p\"\n host=\"new\"/><peer name=\"q\" "
                               "aeTitle=\"Q\" host=\"h\" port=\"3\"/></peers></cervigate>"),
        TEXT("c.d/2.xml", HEAD "<node port=\"4\"/></cervigate>")};
    struct conf *conf = load_texts(texts, 3), *again;

    (void)state;
    assert_int_equal(conf->port, 4);
    assert_int_equal(conf->mode, CONF_DEMO);
    assert_string_equal(conf->station_name, "S");
    assert_int_equal(conf->log_level, 0);
    assert_int_equal(conf->peer_count, 2);
    assert_string_equal(conf->peers[0].host, "new");
    assert_string_equal(conf->peers[0].ae_title, "P");
    assert_int_equal(conf->peers[0].port, 1);
    assert_string_equal(conf->peers[1].name, "q");
    assert_string_equal(conf_file_of(conf, conf->peers[0].line), "c.xml");
    assert_string_equal(conf_file_of(conf, conf->peers[1].line), "c.d/1.xml");
    assert_int_equal(conf_line_in_file(conf->peers[1].line), 4);
    assert_string_equal(conf_spot_of(conf, conf->peers[0].line).text, "line 2");
    assert_string_equal(conf_spot_of(conf, conf->peers[1].line).text, "line 4 of 1.xml");
    again = load_print_of(conf);
    conf_destroy(conf);
    conf_destroy(again);
}

/* Before the first file's, whose last one takes everything; one of the same name in its place. */
static void rules_of_the_folder_come_first(void **state)
{
    const struct conf_text texts[] = {
        TEXT("c.xml", FIRST),
        TEXT("c.d/1.xml", HEAD "<rules><rule name=\"a\" action=\"store\"><match "
                               "attribute=\"Modality\" values=\"CT\"/></rule><rule name=\"one\" "
                               "action=\"store\"/></rules></cervigate>"),
        TEXT("c.d/2.xml",
             HEAD "<rules><rule name=\"b\" action=\"store\"><match attribute=\"Modality\" "
                  "values=\"MR\"/></rule><rule name=\"a\" action=\"ignore\"><match "
                  "attribute=\"Modality\" pattern=\"^P\"/></rule></rules></cervigate>")};
    static const char *const names[] = {"a", "b", "one", "rest"};
    struct conf_complaints complaints;
    struct conf *conf;

    (void)state;
    assert_int_equal(conf_load_texts(texts, 3, &conf, &complaints), CONF_OK);
    conf_complaints_finish(&complaints);
    assert_int_equal(conf->rule_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(conf->rules[i].name, names[i]);
    assert_int_equal(conf->rules[0].action, CONF_IGNORE);
    assert_int_equal(conf->rules[0].matches, 1);
    assert_string_equal(conf->rules[0].match[0].pattern, "^P");
    assert_int_equal(conf->rules[2].action, CONF_STORE_ONLY); /* without matches it keeps its own */
    assert_int_equal(conf->rules[2].matches, 1);
    conf_destroy(conf);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[256];
    FILE *out;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static void the_folder_is_read_in_the_order_of_names(void **state)
{
    char folder[] = "/tmp/cervigate-test-XXXXXX", path[256], below[256];
    struct conf *conf;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/node.xml", folder);
    snprintf(below, sizeof below, "%s/node.d", folder);
    write_file(folder, "node.xml", FIRST);
    conf = load_good(path); /* there is no folder */
    conf_destroy(conf);
    assert_int_equal(mkdir(below, 0700), 0);
    write_file(below, "20.xml", HEAD "<node port=\"20\"/></cervigate>");
    write_file(below, "10.xml", HEAD "<node port=\"10\" stationName=\"S\"/></cervigate>");
    write_file(below, ".30.xml", "an editor's");
    write_file(below, "30.xml~", "an editor's");
    conf = load_good(path);
    assert_int_equal(conf->port, 20);
    assert_string_equal(conf->station_name, "S");
    assert_string_equal(conf->files[1] + strlen(below), "/10.xml");
    assert_null(conf->files[3]);
    conf_destroy(conf);
    for (int i = 0; i < 65; i++) {
        char name[32];
        snprintf(name, sizeof name, "x%d.xml", i);
        write_file(below, name, HEAD "</cervigate>");
    }
    struct conf_complaints complaints;
    assert_int_equal(conf_load(path, &conf, &complaints), CONF_BAD);
    assert_non_null(strstr(complaints.list[0].text, "found 67 files in "));
    conf_complaints_finish(&complaints);
    snprintf(path, sizeof path, "rm -r %s", folder);
    assert_int_equal(system(path), 0);
}

static void aes_load_to_the_same(void **state)
{
    static const char text[] = HEAD
        "<node aeTitle=\"C\" spool=\"/s\"/><models><model folder=\"/m\" name=\"one\"/>"
        "<model folder=\"/n\" name=\"two\"/></models>\n"
        "<receive dimseTimeout=\"61\" datasetTime=\"62\"/><aes><ae aeTitle=\"ER 1+\" "
        "model=\"two\" dimseTimeout=\"5\" pduTimeout=\"6\" minimumRate=\"7\" "
        "associationTime=\"8\" datasetTime=\"9\"/><ae aeTitle=\"CT\"/>"
        "<ae aeTitle=\"DR'S `&lt;&gt;ROOM\"/></aes>"
        "<rules><rule name=\"er\" action=\"analyze\" ae=\"ER 1+\"><match attribute=\"Modality\" "
        "values=\"CR\"/></rule><rule name=\"own\" action=\"store\" ae=\"C\"/>"
        "<rule name=\"marks\" action=\"store\" ae=\"DR'S `&lt;&gt;ROOM\"/>"
        "<rule name=\"rest\" action=\"analyze\"/></rules></cervigate>";
    struct conf *first = load_text(text, ""), *second;
    const struct conf_ae *ae = conf_find_ae(first, "ER 1+");

    (void)state;
    assert_ptr_equal(ae, &first->aes[0]);
    assert_null(conf_find_ae(first, "C"));
    assert_ptr_equal(conf_find_ae(first, "er 1+"), ae); /* as <rule ae> takes it */
    assert_true(ae->models == 2 && ae->dimse_seconds == 5 && ae->pdu_seconds == 6 &&
                ae->minimum_rate == 7 && ae->association_seconds == 8 && ae->dataset_seconds == 9);
    ae = &first->aes[1];
    assert_true(ae->models == 0 && ae->dimse_seconds == 61 && ae->pdu_seconds == 60 &&
                ae->minimum_rate == 1024 && ae->dataset_seconds == 62);
    assert_string_equal(first->rules[0].match[0].pattern, "^ER 1\\+$");
    assert_int_equal(first->rules[0].matches, 2);
    assert_int_equal(first->rules[1].matches, 1);
    struct conf_pattern *marks = conf_pattern_create(first->rules[2].match[0].pattern, NULL, 0);
    assert_true(conf_pattern_found(marks, "dr's `<>room"));
    assert_false(conf_pattern_found(marks, "DR'S `<>ROOMS"));
    conf_pattern_destroy(marks);
    second = load_print_of(first);
    assert_string_equal(second->rules[0].ae, "ER 1+");
    assert_int_equal(second->rules[0].matches, 2);
    conf_destroy(first);
    conf_destroy(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_files_stand_above),
        cmocka_unit_test(rules_of_the_folder_come_first),
        cmocka_unit_test(the_folder_is_read_in_the_order_of_names),
        cmocka_unit_test(aes_load_to_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
