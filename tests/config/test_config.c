/* config/: golden complaints for wrong files, the sample, the effective print, hostile XML.
 * CERVIGATE_GOLDEN=write writes the golden texts instead of comparing (then read the difference).
 */
#include "config_fixture.h"
#include <dirent.h>
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BAD CERVIGATE_SOURCE_DIR "/tests/config/bad"
#define SMALL                                                                                      \
    "<cervigate xmlns=\"urn:cervigate:config:1\">"                                                 \
    "<node aeTitle=\"C\" spool=\"/s\" model=\"/m\"/><peers/><rules/></cervigate>"

static int is_xml(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > 4 && strcmp(entry->d_name + length - 4, ".xml") == 0;
}

static void check_golden(const char *name)
{
    const char *write_them = getenv("CERVIGATE_GOLDEN");
    char path[512], expected_path[512];
    struct conf_complaints complaints;
    struct conf *conf;

    snprintf(path, sizeof path, BAD "/%s", name);
    snprintf(expected_path, sizeof expected_path, BAD "/%.*s.txt", (int)strlen(name) - 4, name);
    assert_int_equal(conf_load(path, &conf, &complaints), CONF_BAD);
    assert_null(conf);
    char *told = tell(&complaints);
    if (write_them && strcmp(write_them, "write") == 0) {
        FILE *out = fopen(expected_path, "w");
        assert_non_null(out);
        fputs(told, out);
        fclose(out);
    }
    char *expected = slurp(expected_path);
    if (strcmp(told, expected) != 0)
        print_error("%s\n", name);
    assert_string_equal(told, expected);
    free(expected);
    free(told);
    conf_complaints_finish(&complaints);
}

static void wrong_files_are_told_exactly(void **state)
{
    struct dirent **entries;
    int count = scandir(BAD, &entries, is_xml, alphasort);

    (void)state;
    assert_true(count >= 25);
    for (int i = 0; i < count; i++) {
        check_golden(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

/* Of the first line that holds this. */
static int line_in(const char *path, const char *words)
{
    char *text = slurp(path), *found = strstr(text, words);
    int line = 1;

    assert_non_null(found);
    for (const char *at = text; at < found; at++)
        line += *at == '\n';
    free(text);
    return line;
}

static void sample_loads(void **state)
{
    struct conf *conf = load_good(SAMPLE);

    (void)state;
    assert_string_equal(conf->path, SAMPLE);
    assert_int_equal(conf->node_line, line_in(SAMPLE, "<node aeTitle="));
    assert_string_equal(conf->ae_title, "CERVIGATE");
    assert_int_equal(conf->port, 11112);
    assert_int_equal(conf->mode, CONF_SHADOW);
    assert_int_equal(conf->log_level, 1);
    assert_int_equal(conf->peer_count, 1);
    assert_int_equal(conf->peers[0].port, 104);
    assert_ptr_equal(conf->destinations[0].peer, &conf->peers[0]);
    assert_int_equal(conf->destinations[0].outputs, CONF_SR | CONF_SC);
    assert_string_equal(conf->model, conf->models[0]);
    assert_int_equal(conf->model_count, 1);
    assert_int_equal(conf->model_line[0], conf->node_line);
    assert_string_equal(conf->language, "en");
    assert_null(conf->templates);
    assert_true(conf->require_c7_t1);
    assert_int_equal(conf->rule_count, 20);
    assert_string_equal(conf->rules[0].name, "for-processing");
    assert_int_equal(conf->rules[0].action, CONF_STORE_ONLY);
    assert_int_equal(conf->rules[1].action, CONF_ANALYZE);
    assert_int_equal(conf->rules[1].match[0].tag, 0x00080060);
    assert_string_equal(conf->rules[1].match[0].values, "CR DX RG");
    assert_null(conf->rules[1].match[0].pattern);
    assert_string_equal(conf->rules[16].match[1].values, "CT");
    assert_int_equal(conf->rules[16].action, CONF_ANALYZE);
    assert_int_equal(conf->rules[19].matches, 0);
    assert_int_equal(conf->limits.dataset_bytes, UINT64_C(4294967296));
    conf_destroy(conf);
}

/* The sample shows the defaults: leaving all options out gives the same effective values. */
static void sample_shows_defaults(void **state)
{
    struct conf_complaints complaints;
    struct conf *sample = load_good(SAMPLE), *small;

    (void)state;
    assert_int_equal(conf_load_text(SMALL, strlen(SMALL), "-", &small, &complaints), CONF_OK);
    conf_complaints_finish(&complaints);
    small->spool = sample->spool;
    small->model = sample->model;
    small->models[0] = sample->model;
    small->ae_title = sample->ae_title;
    char *a = print(sample), *b = print(small);
    size_t options = (size_t)(strstr(b, "<peers>") - b);
    assert_memory_equal(a, b, options);
    free(a);
    free(b);
    conf_destroy(sample);
    conf_destroy(small);
}

/* The table's option of this name; NULL: it is none. */
static const struct option *find_option(const char *element, const char *attribute)
{
    for (size_t i = 0; i < conf_option_count; i++)
        if (strcmp(conf_options[i].attribute, attribute) == 0 &&
            strcmp(conf_options[i].element, element) == 0)
            return &conf_options[i];
    for (size_t i = 0; strcmp(element, "destination") == 0 && i < conf_destination_option_count;
         i++)
        if (strcmp(conf_destination_options[i].attribute, attribute) == 0)
            return &conf_destination_options[i];
    for (size_t i = 0; i < conf_announcement_option_count; i++)
        if (strcmp(conf_announcement_options[i].attribute, attribute) == 0 &&
            strcmp(conf_announcement_options[i].element, element) == 0)
            return &conf_announcement_options[i];
    return NULL;
}

/* The schema tells the same defaults as the table that is used. */
static void schema_tells_the_defaults(void **state)
{
    xmlDoc *doc = xmlReadMemory(conf_schema_text, (int)conf_schema_text_size, NULL, NULL, 0);
    size_t found = 0;

    (void)state;
    assert_non_null(doc);
    for (const xmlNode *node = conf_next_element((const xmlNode *)doc); node;
         node = conf_next_element(node)) {
        if (strcmp((const char *)node->name, "attribute") != 0)
            continue;
        xmlChar *name = xmlGetNoNsProp(node, (const xmlChar *)"name");
        xmlChar *value = xmlGetNoNsProp(node, (const xmlChar *)"default");
        xmlChar *element = xmlGetNoNsProp(node->parent->parent, (const xmlChar *)"name");
        const struct option *option = find_option((const char *)element, (const char *)name);
        found += option != NULL;
        if (option && option->fallback)
            assert_string_equal(option->fallback, (const char *)value);
        else
            assert_null(value);
        xmlFree(element);
        xmlFree(value);
        xmlFree(name);
    }
    assert_int_equal(found, conf_option_count + conf_destination_option_count +
                                conf_announcement_option_count);
    xmlFreeDoc(doc);
}

static void effective_loads_to_the_same(void **state)
{
    static const char odd[] =
        "<cervigate xmlns=\"urn:cervigate:config:1\"><rules><rule name=\"a &lt; &quot;b&quot;\" "
        "action=\"store\"><match attribute=\"StudyDescription\" pattern=\"a&amp;b&#10;|&gt;\"/>"
        "</rule><rule name=\"rest\" action=\"analyze\"/></rules><log patientData=\"true\" "
        "level=\"debug\"/><node model=\"/m\" spool=\"/s p\" aeTitle=\"A B\" mode=\"demo\" "
        "port=\"0\" address=\"::\" manufacturer=\"M\xc3\xbcller\"/><peers><peer name=\"p\" "
        "aeTitle=\"P\" host=\"::1\" port=\"4242\"/></peers><destinations><destination peer=\"p\" "
        "outputs=\"SC\" demo=\"true\" retryMost=\"9\"/></destinations></cervigate>";
    struct conf_complaints complaints;
    struct conf *first, *second;

    (void)state;
    assert_int_equal(conf_load_text(odd, strlen(odd), "-", &first, &complaints), CONF_OK);
    assert_int_equal(complaints.count, 0);
    conf_complaints_finish(&complaints);
    assert_string_equal(first->rules[0].match[0].pattern, "a&b\n|>");
    assert_string_equal(first->manufacturer, "M\xc3\xbcller");
    assert_int_equal(first->port, 0);
    assert_int_equal(first->log_level, 0);
    assert_int_equal(first->destinations[0].outputs & CONF_SR, 0);
    assert_true(first->destinations[0].demo);
    char *a = print(first);
    assert_int_equal(conf_load_text(a, strlen(a), "-", &second, &complaints), CONF_OK);
    conf_complaints_finish(&complaints);
    char *b = print(second);
    assert_string_equal(a, b);
    free(a);
    free(b);
    conf_destroy(first);
    conf_destroy(second);
}

static void warnings_do_not_refuse(void **state)
{
    struct conf_complaints complaints;
    struct conf *conf;

    (void)state;
    assert_int_equal(conf_load_text(SMALL, strlen(SMALL), "-", &conf, &complaints), CONF_OK);
    assert_int_equal(complaints.count, 1);
    assert_true(complaints.list[0].warning);
    assert_string_equal(complaints.list[0].text,
                        "no rule says action=\"analyze\": nothing will be judged");
    conf_complaints_finish(&complaints);
    conf_destroy(conf);
}

static void unreadable_files_are_told(void **state)
{
    struct conf_complaints complaints;
    struct conf *conf;

    (void)state;
    assert_int_equal(conf_load("/nonexistent/cervigate.xml", &conf, &complaints), CONF_MISSING);
    assert_non_null(strstr(complaints.list[0].text, "No such file"));
    conf_complaints_finish(&complaints);
    assert_int_equal(conf_load("/", &conf, &complaints), CONF_MISSING);
    assert_non_null(strstr(complaints.list[0].text, "directory"));
    conf_complaints_finish(&complaints);
}

static void five_mebibytes_are_refused(void **state)
{
    char path[] = "/tmp/cervigate-test-XXXXXX";
    struct conf_complaints complaints;
    struct conf *conf;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 5 << 20), 0);
    close(fd);
    assert_int_equal(conf_load(path, &conf, &complaints), CONF_BAD);
    assert_non_null(strstr(complaints.list[0].text, "4194304 bytes"));
    conf_complaints_finish(&complaints);
    unlink(path);
}

static void refuse(const char *text, size_t size, const char *word)
{
    struct conf_complaints complaints;
    struct conf *conf;

    assert_int_equal(conf_load_text(text, size, "-", &conf, &complaints), CONF_BAD);
    assert_true(complaints.count >= 1);
    if (!strstr(complaints.list[0].text, word))
        print_error("%s\n", complaints.list[0].text);
    assert_non_null(strstr(complaints.list[0].text, word));
    conf_complaints_finish(&complaints);
}

static void deep_nesting_is_refused(void **state)
{
    enum { DEPTH = 100000 };
    char *text = malloc(DEPTH * 3 + 1);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < DEPTH; i++)
        memcpy(text + 3 * i, "<a>", 3);
    text[3 * DEPTH] = '\0';
    refuse(text, 3 * DEPTH, "Excessive depth");
    free(text);
}

static void other_bytes_are_refused(void **state)
{
    static const char utf16[] = "\xff\xfe<\0a\0/\0>\0";

    (void)state;
    refuse(utf16, sizeof utf16 - 1, "zero byte");
    refuse("", 0, "not well-formed");
    refuse("\xff\xfe\xfd", 3, "not well-formed");
}

static void a_million_errors_are_cut(void **state)
{
    struct conf_complaints complaints;
    struct conf *conf;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    assert_non_null(out);
    fputs("<cervigate xmlns=\"urn:cervigate:config:1\">", out);
    for (int i = 0; i < 500000; i++)
        fputs("<x/>\n", out);
    fputs("</cervigate>", out);
    fclose(out);
    assert_int_equal(conf_load_text(text, size, "-", &conf, &complaints), CONF_BAD);
    assert_int_equal(complaints.count, CONF_MOST_COMPLAINTS + 1);
    conf_complaints_finish(&complaints);
    free(text);
}

static void modes_and_keywords(void **state)
{
    enum conf_mode mode;

    (void)state;
    for (int i = CONF_SHADOW; i <= CONF_CLINICAL; i++) {
        assert_true(conf_mode_parse(conf_mode_name((enum conf_mode)i), &mode));
        assert_int_equal(mode, i);
    }
    assert_false(conf_mode_parse("live", &mode));
    assert_int_equal(conf_keyword_tag("BodyPartExamined"), 0x00180015);
    assert_int_equal(conf_keyword_tag("PatientName"), 0);
    assert_string_equal(conf_status_text(CONF_BAD), "configuration is wrong");
}

/* Read by a child, it is the same here; in too small a room it is none. */
static void a_room_is_handed_over(void **state)
{
    struct conf_complaints complaints;
    struct conf_room *room = conf_room_create(16u << 20), *small = conf_room_create(4096);
    struct conf *conf, *plain = load_good(SAMPLE);
    int pipes[2], status;
    (void)state;
    assert_non_null(room);
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    if (pid == 0) {
        bool good = conf_load_in(SAMPLE, room, &conf, &complaints) == CONF_OK;
        size_t used = conf_room_used(room);
        good = good && write(pipes[1], &conf, sizeof conf) == sizeof conf &&
               write(pipes[1], &used, sizeof used) == sizeof used;
        for (ssize_t n; good && used > 0; used -= (size_t)n)
            if ((n = write(pipes[1], (char *)room + conf_room_used(room) - used, used)) <= 0)
                _exit(1);
        _exit(good ? 0 : 1);
    }
    size_t used = 0;
    assert_int_equal(read(pipes[0], &conf, sizeof conf), sizeof conf);
    assert_int_equal(read(pipes[0], &used, sizeof used), sizeof used);
    for (size_t done = 0; done < used;) {
        ssize_t n = read(pipes[0], (char *)room + done, used - done);
        assert_true(n > 0);
        done += (size_t)n;
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    char *is = print(conf), *was = print(plain);
    assert_string_equal(is, was);
    free(is);
    free(was);
    conf_destroy(plain);
    conf_destroy(conf);
    assert_int_equal(conf_load_in(SAMPLE, small, &conf, &complaints), CONF_NO_MEMORY);
    assert_null(conf);
    conf_complaints_finish(&complaints);
    conf_room_destroy(small);
    close(pipes[0]);
    close(pipes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_files_are_told_exactly), cmocka_unit_test(sample_loads),
        cmocka_unit_test(sample_shows_defaults),        cmocka_unit_test(schema_tells_the_defaults),
        cmocka_unit_test(effective_loads_to_the_same),  cmocka_unit_test(a_room_is_handed_over),
        cmocka_unit_test(warnings_do_not_refuse),       cmocka_unit_test(unreadable_files_are_told),
        cmocka_unit_test(five_mebibytes_are_refused),   cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(other_bytes_are_refused),      cmocka_unit_test(a_million_errors_are_cut),
        cmocka_unit_test(modes_and_keywords),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
