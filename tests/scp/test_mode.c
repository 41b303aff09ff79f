/* The modes: what cannot be read is shadow; clinical needs a model that may. */
#include "nn_fixture.h"
#include "scp_fixture.h"
#include "sender.h"
#include <errno.h>
#include <sys/stat.h>

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

/* Who decides once and for all must know whether the mode was read or only could not be. */
static void trouble_is_told_from_shadow(void **state)
{
    struct fixture *f = *state;
    char path[256];
    enum conf_mode mode = CONF_CLINICAL;
    f->conf.mode = CONF_DEMO;
    assert_true(node_mode_read(&f->conf, &mode));
    assert_int_equal(mode, CONF_DEMO);
    write_mode(f, "nonsense\n");
    assert_true(node_mode_read(&f->conf, &mode));
    assert_int_equal(mode, CONF_SHADOW);

    node_path(&f->conf, path, sizeof path, "mode");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0); /* opened, but not read: EISDIR */
    assert_false(node_mode_read(&f->conf, &mode));
    assert_int_equal(errno, EISDIR);
    assert_int_equal(mode, CONF_SHADOW);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink(path, path), 0);
    assert_false(node_mode_read(&f->conf, &mode));
    assert_int_equal(errno, ELOOP);
}

static void name_models(struct fixture *f, const char *first, const char *second)
{
    f->conf.language = "en";
    f->conf.model = f->conf.models[0] = first;
    f->conf.models[1] = second;
    f->conf.model_count = second ? 2 : 1;
}

static void setting(void **state)
{
    struct fixture *f = *state;
    char error[512] = "";
    name_models(f, "/nonexistent", NULL);
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
    assert_int_equal(nn_model_assemble(info, NULL, path, &model, &err), NN_OK);
    *info = *nn_model_info(model);
    nn_model_close(model);
    assert_int_equal(nn_model_write(dir, info, NULL, &err), NN_OK);
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
    name_models(f, f->folder, NULL);

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
    name_models(f, f->folder, NULL);

    info = fixture_info(64);
    for (int i = 0; i < info.classes; i++)
        if (info.class_[i].finding)
            snprintf(info.class_[i].name, sizeof info.class_[i].name, "other%d", i);
    make_model(f->folder, &info);
    assert_false(mode_allowed(&f->conf, CONF_SHADOW, error, sizeof error));
    assert_non_null(strstr(error, "\"other0\" is a finding that the report has no code for"));
}

/* Each of two models is asked, and the one that is not fit is named. */
static void clinical_needs_both_models(void **state)
{
    struct fixture *f = *state;
    char second[80], error[512] = "";
    static struct nn_model_info info;
    snprintf(second, sizeof second, "%s/second", f->folder);
    assert_int_equal(mkdir(second, 0700), 0);
    info = fixture_info(64);
    info.provenance = NN_CLINICAL;
    make_model(f->folder, &info);
    validate(f->folder, info.digest);
    info = fixture_info(64);
    info.provenance = NN_CLINICAL;
    snprintf(info.name, sizeof info.name, "the-second");
    make_model(second, &info);

    name_models(f, f->folder, second);
    assert_true(mode_allowed(&f->conf, CONF_DEMO, error, sizeof error));
    assert_false(mode_allowed(&f->conf, CONF_CLINICAL, error, sizeof error));
    assert_non_null(strstr(error, "the-second has no <validation>"));
    assert_true(mode_model_allowed(&f->conf, 0, CONF_CLINICAL, NULL, error, sizeof error));
    assert_false(mode_model_allowed(&f->conf, 1, CONF_CLINICAL, NULL, error, sizeof error));
    name_models(f, second, f->folder);
    assert_false(mode_set(&f->conf, CONF_CLINICAL, error, sizeof error));
    name_models(f, f->folder, "/nonexistent");
    assert_false(mode_allowed(&f->conf, CONF_SHADOW, error, sizeof error));
    assert_non_null(strstr(error, "/nonexistent"));

    validate(second, info.digest);
    name_models(f, f->folder, second);
    assert_true(mode_set(&f->conf, CONF_CLINICAL, error, sizeof error));
}

static void a_template_that_is_not_there_is_refused(void **state)
{
    struct fixture *f = *state;
    char error[512] = "";
    static struct nn_model_info info;
    info = fixture_info(64);
    make_model(f->folder, &info);
    name_models(f, f->folder, NULL);
    f->conf.templates = "/nonexistent";
    assert_false(mode_allowed(&f->conf, CONF_SHADOW, error, sizeof error));
    assert_non_null(strstr(error, "report template: "));
    assert_true(mode_set(&f->conf, CONF_SHADOW, error, sizeof error));
    f->conf.model_count = 0;
    f->conf.templates = NULL;
    assert_false(mode_allowed(&f->conf, CONF_SHADOW, error, sizeof error));
    assert_string_equal(error, "there is no model");
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
        T(trouble_is_told_from_shadow),
        T(setting),
        T(clinical_needs_provenance_and_validation),
        T(clinical_needs_both_models),
        T(a_finding_without_a_code_is_refused),
        T(a_template_that_is_not_there_is_refused),
        T(who_gets_what),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
