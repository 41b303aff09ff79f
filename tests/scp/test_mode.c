/* The modes: what cannot be read is shadow; clinical needs a model that may. */
#include "nn_fixture.h"
#include "scp_fixture.h"
#include "sender.h"

static void write_mode(const struct fixture *f, const char *text)
{
    char path[256];
    node_path(&f->conf, path, sizeof path, "mode");
    fixture_write(path, text);
}

static void the_file_wins_over_the_configuration(void **state)
{
    struct fixture *f = *state;
    f->conf.mode = CONF_DEMO;
    assert_int_equal(node_mode(&f->conf), CONF_DEMO);
    write_mode(f, "shadow\n");
    assert_int_equal(node_mode(&f->conf), CONF_SHADOW);
    write_mode(f, "clinical");
    assert_int_equal(node_mode(&f->conf), CONF_CLINICAL);
}

static void the_unreadable_is_shadow(void **state)
{
    struct fixture *f = *state;
    char path[256];
    f->conf.mode = CONF_CLINICAL;
    write_mode(f, "");
    assert_int_equal(node_mode(&f->conf), CONF_SHADOW);
    write_mode(f, "demo demo\n");
    assert_int_equal(node_mode(&f->conf), CONF_SHADOW);
    write_mode(f, "a line that is longer than the longest name of any mode\n");
    assert_int_equal(node_mode(&f->conf), CONF_SHADOW);
    node_path(&f->conf, path, sizeof path, "mode");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(path, path), 0); /* ELOOP */
    assert_int_equal(node_mode(&f->conf), CONF_SHADOW);
}

static void setting(void **state)
{
    struct fixture *f = *state;
    char error[512] = "";
    f->conf.model = "/nonexistent";
    assert_true(mode_set(&f->conf, CONF_DEMO, error, sizeof error));
    assert_int_equal(node_mode(&f->conf), CONF_DEMO);
    assert_false(mode_set(&f->conf, CONF_CLINICAL, error, sizeof error));
    assert_non_null(strstr(error, "/nonexistent"));
    assert_int_equal(node_mode(&f->conf), CONF_DEMO);
    assert_true(mode_set(&f->conf, CONF_SHADOW, error, sizeof error));
    assert_int_equal(node_mode(&f->conf), CONF_SHADOW);

    f->conf.spool = "/nonexistent";
    assert_false(mode_set(&f->conf, CONF_DEMO, error, sizeof error));
    assert_non_null(strstr(error, "/nonexistent/mode"));
}

static void make_model(const char *dir, struct nn_model_info *info)
{
    char path[PATH_MAX];
    struct nn_model *model = NULL;
    struct nn_error err;
    fixture_path(path, dir, "weights.safetensors");
    fixture_weights(path, 3, 64);
    info->weights_digest[0] = '\0';
    assert_int_equal(nn_model_assemble(info, path, &model, &err), NN_OK);
    *info = *nn_model_info(model);
    nn_model_close(model);
    assert_int_equal(nn_model_write(dir, info, &err), NN_OK);
}

/* The validation that a site would write by hand. */
static void validate(const char *dir, const char *digest)
{
    char path[PATH_MAX], xml[16384], whole[17000];
    fixture_path(path, dir, "model.xml");
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(xml, 1, sizeof xml - 1, file);
    fclose(file);
    xml[n] = '\0';
    char *at = strstr(xml, "<weights");
    assert_non_null(at);
    snprintf(whole, sizeof whole,
             "%.*s<validation site=\"S\" person=\"P\" date=\"2026-01-31\" data=\"D\" "
             "measures=\"M\" digest=\"%s\"/>\n%s",
             (int)(at - xml), xml, digest, at);
    fixture_write(path, whole);
}

static void clinical_needs_provenance_and_validation(void **state)
{
    struct fixture *f = *state;
    char error[512] = "";
    static struct nn_model_info info;
    f->conf.model = f->folder;

    info = fixture_info(64);
    make_model(f->folder, &info);
    assert_true(mode_allowed(&f->conf, CONF_DEMO, error, sizeof error));
    assert_false(mode_allowed(&f->conf, CONF_CLINICAL, error, sizeof error));
    assert_non_null(strstr(error, "synthetic"));

    info = fixture_info(64);
    info.provenance = NN_CLINICAL;
    make_model(f->folder, &info);
    assert_false(mode_allowed(&f->conf, CONF_CLINICAL, error, sizeof error));
    assert_non_null(strstr(error, "validation"));
    assert_false(mode_set(&f->conf, CONF_CLINICAL, error, sizeof error));

    validate(f->folder, info.digest);
    assert_true(mode_set(&f->conf, CONF_CLINICAL, error, sizeof error));
    assert_int_equal(node_mode(&f->conf), CONF_CLINICAL);
}

/* Never a finding that no report can name, nor one under another finding's name. */
static void a_finding_without_a_code_is_refused(void **state)
{
    struct fixture *f = *state;
    char error[512] = "";
    static struct nn_model_info info;
    f->conf.model = f->folder;

    info = fixture_info(64);
    for (int i = 0; i < info.classes; i++)
        if (info.class_[i].finding)
            snprintf(info.class_[i].name, sizeof info.class_[i].name, "other%d", i);
    make_model(f->folder, &info);
    assert_false(mode_allowed(&f->conf, CONF_SHADOW, error, sizeof error));
    assert_non_null(strstr(error, "\"other0\" is a finding that the report has no code for"));
}

static void who_gets_what(void **state)
{
    (void)state;
    const struct conf_destination plain = {.demo = false}, marked = {.demo = true};
    assert_false(sender_allowed(CONF_SHADOW, &plain));
    assert_false(sender_allowed(CONF_SHADOW, &marked));
    assert_false(sender_allowed(CONF_DEMO, &plain));
    assert_true(sender_allowed(CONF_DEMO, &marked));
    assert_true(sender_allowed(CONF_CLINICAL, &plain));
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_file_wins_over_the_configuration),
        T(the_unreadable_is_shadow),
        T(setting),
        T(clinical_needs_provenance_and_validation),
        T(a_finding_without_a_code_is_refused),
        T(who_gets_what),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
