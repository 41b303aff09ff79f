/* Unified Procedure Steps as their manager: what a performer says of an item. */
#include "ups_held_fixture.h"

static void put_code(struct dx_writing *to, uint32_t tag)
{
    dx_put_begin(to, tag);
    dx_put_item(to);
    dx_put_text(to, UPS_CODE_VALUE, "1");
    dx_put_item_end(to);
    dx_put_end(to);
}

/* All but one of what is needed. */
static struct dx_writing performed(uint32_t without)
{
    struct dx_writing to = {.count = 0};
    dx_put_begin(&to, UPS_PERFORMED);
    dx_put_item(&to);
    if (without != UPS_PERFORMED_WORKITEM)
        put_code(&to, UPS_PERFORMED_WORKITEM);
    if (without != UPS_PERFORMED_STATION)
        put_code(&to, UPS_PERFORMED_STATION);
    if (without != UPS_OUTPUT) {
        dx_put_begin(&to, UPS_OUTPUT);
        dx_put_end(&to);
    }
    dx_put_text(&to, UPS_PERFORMED_START, without != UPS_PERFORMED_START ? "2026" : "");
    if (without != UPS_PERFORMED_END)
        dx_put_text(&to, UPS_PERFORMED_END, "2026");
    dx_put_item_end(&to);
    dx_put_end(&to);
    return to;
}

static void final_states(void **state)
{
    (void)state;
    static const uint32_t needed[] = {UPS_PERFORMED_WORKITEM, UPS_PERFORMED_STATION, UPS_OUTPUT,
                                      UPS_PERFORMED_START, UPS_PERFORMED_END};
    char missing[65];
    struct dx_writing said = performed(0);
    assert_true(dx_ups_said_is_final(said.bytes, said.count, missing));
    assert_string_equal(missing, "");
    dx_writing_finish(&said);
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        said = performed(needed[i]);
        assert_false(dx_ups_said_is_final(said.bytes, said.count, missing));
        assert_non_null(strstr(missing, "of (0074,1216)"));
        dx_writing_finish(&said);
    }
    assert_false(dx_ups_said_is_final(NULL, 0, missing));
    assert_string_equal(missing, "no value in (0074,1216)");
    assert_false(dx_ups_said_is_final((const uint8_t *)"junk", 4, missing));
}

static void settings(void **state)
{
    (void)state;
    struct dx_writing change = {.count = 0}, merged = {.count = 0}, twice = {.count = 0};
    struct dx_ups_setting setting;
    dx_put_text(&change, UPS_CHARACTER_SET, "ISO_IR 100");
    dx_put_uid(&change, UPS_TRANSACTION, "2.25.9");
    dx_put_begin(&change, UPS_PROGRESS);
    dx_put_item(&change);
    dx_put_text(&change, DX_TAG(0x0009, 0x1001), "private");
    dx_put_text(&change, DX_TAG(0x0074, 0x1006), "h\xe4lftig");
    dx_put_item_end(&change);
    dx_put_end(&change);
    dx_put_text(&change, UPS_PRIORITY, "LOW");
    OK(dx_ups_setting_read(change.bytes, change.count, &setting, &err));
    assert_string_equal(setting.transaction, "2.25.9");
    assert_true(setting.has_ours && setting.has_unknown && !setting.has_state);
    assert_true(has(&setting.said, UPS_PROGRESS) && has(&setting.said, UPS_CHARACTER_SET));
    struct dx_writing done = performed(0);
    OK(dx_ups_said_merge(done.bytes, done.count, &setting.said, &merged, &err));
    assert_true(has(&merged, UPS_PROGRESS) && has(&merged, UPS_PERFORMED));
    OK(dx_ups_said_merge(merged.bytes, merged.count, &setting.said, &twice, &err)); /* idempotent */
    assert_int_equal(twice.count, merged.count);
    assert_memory_equal(twice.bytes, merged.bytes, merged.count);

    held.said = merged.bytes;
    held.said_bytes = merged.count;
    struct dx_writing item = written();
    assert_non_null(memmem(item.bytes, item.count, "h\xc3\xa4lftig", 8));
    held.said = NULL;
    held.said_bytes = 0;
    dx_writing_finish(&item);
    dx_writing_finish(&twice);
    dx_writing_finish(&merged);
    dx_writing_finish(&done);
    dx_writing_finish(&setting.said);
    dx_writing_finish(&change);
}

/* A transaction that is no UID is none; too much is refused. */
static void settings_that_are_none(void **state)
{
    (void)state;
    struct dx_writing change = {.count = 0}, merged = {.count = 0};
    struct dx_ups_setting setting;
    struct dx_error why;
    char *text = calloc(1, DX_UPS_SAID_MOST + 1);
    assert_non_null(text);
    memset(text, 'x', DX_UPS_SAID_MOST);
    dx_put_uid(&change, UPS_TRANSACTION, "MINE");
    dx_put_text(&change, UPS_STATE, "COMPLETED");
    dx_put_begin(&change, UPS_PROGRESS);
    dx_put_item(&change);
    dx_put_text(&change, DX_TAG(0x0074, 0x1006), text);
    dx_put_item_end(&change);
    dx_put_end(&change);
    OK(dx_ups_setting_read(change.bytes, change.count, &setting, &err));
    assert_string_equal(setting.transaction, "");
    assert_true(setting.has_state);
    assert_int_equal(dx_ups_said_merge(NULL, 0, &setting.said, &merged, &why), DX_LIMIT);
    dx_writing_finish(&merged);
    dx_writing_finish(&setting.said);
    dx_writing_finish(&change);
    free(text);
}

static void actions(void **state)
{
    (void)state;
    struct dx_writing information = {.count = 0};
    struct dx_ups_action action;
    dx_put_uid(&information, UPS_TRANSACTION, "2.25.9");
    dx_put_text(&information, UPS_STATE, "IN PROGRESS");
    OK(dx_ups_action_read(information.bytes, information.count, &action, &err));
    assert_int_equal(action.state, DX_UPS_IN_PROGRESS);
    assert_string_equal(action.transaction, "2.25.9");
    dx_writing_finish(&information);
    dx_put_text(&information, UPS_STATE, "in progress");
    OK(dx_ups_action_read(information.bytes, information.count, &action, &err));
    assert_int_equal(action.state, DX_UPS_STATE_UNKNOWN);
    assert_string_equal(action.transaction, "");
    dx_writing_finish(&information);
}

/* What a canceled step must have is there, whether or not somebody said it; each once, in order. */
static void canceled(void **state)
{
    (void)state;
    struct dx_writing said = {.count = 0};
    held.state = DX_UPS_CANCELED;
    held.ended = "20261127130000+0000";
    held.why = "the study has been read";
    struct dx_writing item = written();
    assert_non_null(memmem(item.bytes, item.count, "20261127130000+0000", 19));
    assert_non_null(memmem(item.bytes, item.count, "110513", 6));
    assert_non_null(memmem(item.bytes, item.count, held.why, strlen(held.why)));
    dx_writing_finish(&item);
    dx_put_begin(&said, UPS_PROGRESS);
    dx_put_item(&said);
    dx_put_text(&said, DX_TAG(0x0074, 0x1004), "50");
    dx_put_text(&said, UPS_CANCEL_REASON, "called away");
    dx_put_item_end(&said);
    dx_put_end(&said);
    held.said = said.bytes;
    held.said_bytes = said.count;
    item = written();
    assert_null(memmem(item.bytes, item.count, held.why, strlen(held.why)));
    assert_non_null(memmem(item.bytes, item.count, "called away", 11));
    assert_non_null(memmem(item.bytes, item.count, "110513", 6));
    assert_true(has(&item, UPS_PROGRESS)); /* in order: it can be read */
    dx_writing_finish(&item);
    dx_writing_finish(&said);
    held.said = NULL;
    held.said_bytes = 0;
    held.state = DX_UPS_SCHEDULED;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(final_states),
        cmocka_unit_test(settings),
        cmocka_unit_test(settings_that_are_none),
        cmocka_unit_test(actions),
        cmocka_unit_test(canceled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
