/* Unified Procedure Steps as their manager: how keys match, what is answered. */
#include "ups_held_fixture.h"

static bool matches_query(const struct dx_writing *key, struct dx_writing *answer)
{
    struct dx_ups_query *query = NULL;
    struct dx_writing item = written();
    bool matches = false;
    OK(dx_ups_query_read(key->bytes, key->count, &query, &err));
    OK(dx_ups_query_match(query, &item, &matches, answer, &err));
    dx_ups_query_destroy(query);
    dx_writing_finish(&item);
    return matches;
}

/* One key of the first level. */
static bool matches(uint32_t tag, const char *value)
{
    struct dx_writing key = {.count = 0}, answer = {.count = 0};
    dx_put_text(&key, UPS_CHARACTER_SET, "ISO_IR 192");
    dx_put_text(&key, tag, value);
    bool is = matches_query(&key, &answer);
    assert_int_equal(is, answer.count > 0);
    dx_writing_finish(&key);
    dx_writing_finish(&answer);
    return is;
}

/* ---- keys ---- */

static void words(void **state)
{
    (void)state;
    static const char *const yes[] = {"", "P-1", "*", "P*", "?-1", "*1", "P-1*", "**", "P?1"};
    static const char *const no[] = {"p-1", "P-", "P-11", "?", "P-1?", "Q*", "*2"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(matches(UPS_PATIENT_ID, yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(matches(UPS_PATIENT_ID, no[i]));
    assert_true(matches(UPS_ADMISSION, "*")); /* also where there is none */
    assert_false(matches(UPS_ADMISSION, "?*"));
    assert_true(matches(UPS_PRIORITY, "HIGH"));
    assert_false(matches(UPS_PRIORITY, "LOW"));
    assert_true(matches(DX_TAG(0x0008, 0x0060), "DX")); /* no attribute of a step: no key */
}

static void names(void **state)
{
    (void)state;
    assert_true(matches(UPS_PATIENT_NAME, "m\xc3\xbcller^*"));
    assert_true(matches(UPS_PATIENT_NAME, "M?ller*"));
    assert_true(matches(UPS_PATIENT_NAME, "\xe5\xb1\xb1"));
    assert_true(matches(UPS_PATIENT_NAME, "M\xc3\xbcller^J\xc3\xb6rg^^Dr^"));
    assert_false(matches(UPS_PATIENT_NAME, "M\xc3\xbcller"));
    assert_false(matches(UPS_PATIENT_NAME, "M??ller*"));
}

static void uids(void **state)
{
    (void)state;
    assert_true(matches(UPS_STUDY, "1.2.3"));
    assert_true(matches(UPS_STUDY, "1.2.4\\1.2.3"));
    assert_false(matches(UPS_STUDY, "1.2.*"));
    assert_false(matches(UPS_STUDY, "1.2.33\\1.2"));
}

static void times(void **state)
{
    (void)state;
    static const char *const yes[] = {"20261127120000+0000",
                                      "20261127120000.5+0000",
                                      "20261127130000+0100",
                                      "20261127110000-0100",
                                      "20261127120000+0000-",
                                      "-20261127120000+0000",
                                      "20261127115959+0000-20261127120001+0000",
                                      "2026",
                                      "202611",
                                      "2026-2027",
                                      "2025-",
                                      "-2026",
                                      "20261127123000+0030",
                                      "20261127110000-0100-",
                                      "20261127110000-0100-20261127110001-0100"};
    static const char *const no[] = {"2025",
                                     "2027-",
                                     "-2025",
                                     "20261128",
                                     "nonsense",
                                     "2026-2025",
                                     "20261127120001+0000-",
                                     "20261327",
                                     "20260230",
                                     "-20261127115959+0000",
                                     "2026112712+0000x"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (!matches(UPS_START, yes[i]))
            fail_msg("%s does not match", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (matches(UPS_START, no[i]))
            fail_msg("%s matches", no[i]);
    assert_true(matches(UPS_BIRTH_DATE, "19700228"));
    assert_true(matches(UPS_BIRTH_DATE, "19700101-19700228"));
    assert_true(matches(UPS_BIRTH_DATE, "-19700228"));
    assert_false(matches(UPS_BIRTH_DATE, "19700301-"));
}

/* A time without offset: of the query's zone, else of the process's. */
static void zones(void **state)
{
    (void)state;
    struct dx_writing key = {.count = 0}, answer = {.count = 0};
    dx_put_text(&key, UPS_TIMEZONE, "+0200");
    dx_put_text(&key, UPS_START, "20261127140000");
    assert_true(matches_query(&key, &answer));
    dx_writing_finish(&key);
    dx_writing_finish(&answer);
    assert_int_equal(setenv("TZ", "XYZ-3", 1), 0);
    assert_true(matches(UPS_START, "20261127150000"));
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    assert_true(matches(UPS_START, "20261127120000"));
    assert_false(matches(UPS_START, "20261127150000"));
}

static bool matches_request(const char *accession, const char *study, const char *issuer)
{
    struct dx_writing key = {.count = 0}, answer = {.count = 0};
    dx_put_begin(&key, UPS_REQUESTS);
    dx_put_item(&key);
    dx_put_text(&key, UPS_ACCESSION, accession);
    if (issuer != NULL) {
        dx_put_begin(&key, UPS_ACCESSION_ISSUER);
        dx_put_item(&key);
        dx_put_text(&key, UPS_NAMESPACE, issuer);
        dx_put_item_end(&key);
        dx_put_end(&key);
    }
    dx_put_uid(&key, UPS_STUDY, study);
    dx_put_item_end(&key);
    dx_put_end(&key);
    bool is = matches_query(&key, &answer);
    dx_writing_finish(&key);
    dx_writing_finish(&answer);
    return is;
}

static void sequences(void **state)
{
    (void)state;
    assert_true(matches_request("", "", NULL));
    assert_true(matches_request("A1", "", NULL));
    assert_true(matches_request("A?", "1.2.3", "HERE"));
    assert_false(matches_request("A1", "1.2.4", NULL));
    assert_false(matches_request("A1", "1.2.3", "THERE"));
}

static enum dx_status read_query(const struct dx_writing *key)
{
    struct dx_ups_query *query = NULL;
    struct dx_error err;
    enum dx_status status = dx_ups_query_read(key->bytes, key->count, &query, &err);
    dx_ups_query_destroy(query);
    return status;
}

static void what_is_no_query(void **state)
{
    (void)state;
    struct dx_writing key = {.count = 0};
    assert_int_equal(read_query(&key), DX_INVALID);
    dx_put_text(&key, UPS_CHARACTER_SET, "ISO_IR 100");
    dx_put_uid(&key, UPS_TRANSACTION, "1.2");
    assert_int_equal(read_query(&key), DX_INVALID);
    dx_put_text(&key, UPS_PATIENT_NAME, "M\xfcller");
    assert_int_equal(read_query(&key), DX_OK);
    dx_put_text(&key, UPS_SOP_CLASS, "");
    assert_int_equal(read_query(&key), DX_MALFORMED); /* out of order */
    dx_writing_finish(&key);
    dx_put_text(&key, UPS_PATIENT_NAME, "M\xfcller"); /* of no set that it says */
    assert_int_equal(read_query(&key), DX_MALFORMED);
    dx_writing_finish(&key);
    dx_put_begin(&key, UPS_REQUESTS);
    for (int i = 0; i < 2; i++) {
        dx_put_item(&key);
        dx_put_item_end(&key);
    }
    dx_put_end(&key);
    assert_int_equal(read_query(&key), DX_INVALID);
    dx_writing_finish(&key);
    for (int i = 0; i < 9000; i++)
        dx_put_text(&key, DX_TAG(0x0011, i), "");
    assert_int_equal(read_query(&key), DX_LIMIT);
    dx_writing_finish(&key);
}

static void what_a_query_says(void **state)
{
    (void)state;
    struct dx_writing key = {.count = 0};
    struct dx_ups_query *query = NULL;
    char words_[64], few[12];
    dx_put_text(&key, UPS_PATIENT_ID, "P1");
    dx_put_text(&key, UPS_STATE, "SCHEDULED");
    OK(dx_ups_query_read(key.bytes, key.count, &query, &err));
    assert_int_equal(dx_ups_query_states(query), 1u << DX_UPS_SCHEDULED);
    assert_true(dx_ups_query_is_known(query));
    dx_ups_query_words(query, words_, sizeof words_);
    assert_string_equal(words_, "(0010,0020)=P1 (0074,1000)=SCHEDULED");
    dx_ups_query_words(query, few, sizeof few);
    assert_string_equal(few, "(0010,0020)");
    dx_ups_query_destroy(query);
    dx_writing_finish(&key);
    dx_put_text(&key, DX_TAG(0x0008, 0x0060), "");
    OK(dx_ups_query_read(key.bytes, key.count, &query, &err));
    assert_int_equal(dx_ups_query_states(query), 0x1e);
    assert_false(dx_ups_query_is_known(query));
    dx_ups_query_destroy(query);
    dx_writing_finish(&key);
}

/* ---- what is answered ---- */

static void selected(void **state)
{
    (void)state;
    static const uint32_t tags[] = {UPS_STATE, UPS_TRANSACTION},
                          known[] = {UPS_STATE, UPS_REQUESTS};
    struct dx_writing item = written(), answer = {.count = 0};
    bool is_known;
    OK(dx_ups_select(&item, NULL, 0, &answer, &is_known, &err));
    assert_true(is_known && answer.count == item.count);
    assert_memory_equal(answer.bytes, item.bytes, item.count);
    assert_false(has(&item, UPS_TRANSACTION));
    assert_true(has(&item, UPS_MODIFIED) && has(&item, UPS_SOP_INSTANCE));
    dx_writing_finish(&answer);
    OK(dx_ups_select(&item, tags, 2, &answer, &is_known, &err));
    assert_false(is_known);
    assert_true(has(&answer, UPS_STATE) && !has(&answer, UPS_PRIORITY));
    dx_writing_finish(&answer);
    OK(dx_ups_select(&item, known, 2, &answer, &is_known, &err));
    assert_true(is_known && has(&answer, UPS_REQUESTS));
    dx_writing_finish(&answer);
    dx_writing_finish(&item);
}

/* Implicit VR says none: a sequence of defined length is known by its tag alone. */
static void the_dictionary_knows_its_sequences(void **state)
{
    (void)state;
    static const unsigned groups[] = {0x0008, 0x0010, 0x0020, 0x0032,
                                      0x0038, 0x0040, 0x0074, 0x0088};
    unsigned sequences_ = 0;
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        for (unsigned element = 0; element <= 0xffff; element++) {
            uint32_t tag = groups[g] << 16 | element;
            const uint8_t bytes[] = {(uint8_t)groups[g],
                                     0,
                                     (uint8_t)element,
                                     (uint8_t)(element >> 8),
                                     8,
                                     0,
                                     0,
                                     0,
                                     0xfe,
                                     0xff,
                                     0x00,
                                     0xe0,
                                     0,
                                     0,
                                     0,
                                     0};
            struct dx_tree tree;
            if (strcmp(dx_ups_vr(tag), "UN") == 0)
                continue;
            bool is_sequence = strcmp(dx_ups_vr(tag), "SQ") == 0;
            struct dx_error err;
            enum dx_status status = dx_tree_read(bytes, sizeof bytes, &tree, &err);
            if (status == DX_OK && (tree.count == 2) != is_sequence)
                fail_msg("(%04x,%04x)", groups[g], element);
            sequences_ += is_sequence;
            dx_tree_finish(&tree);
        }
    assert_int_equal(sequences_, 43);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(names),
        cmocka_unit_test(uids),
        cmocka_unit_test(times),
        cmocka_unit_test(zones),
        cmocka_unit_test(sequences),
        cmocka_unit_test(what_is_no_query),
        cmocka_unit_test(what_a_query_says),
        cmocka_unit_test(selected),
        cmocka_unit_test(the_dictionary_knows_its_sequences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
