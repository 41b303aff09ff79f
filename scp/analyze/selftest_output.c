/* What goes out: a report and a picture of the first input. */
#include "selftest_case.h"

#include "report_file.h"
#include "rules.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IMAGE_CLASS "1.2.840.10008.5.1.4.1.1.1.1"
#define MAP_SIDE    48

/* ---- the report ---- */

static struct srt_model model_of(const struct nn_model_info *info)
{
    return (struct srt_model){.name = info->name,
                              .version = info->version,
                              .weights_digest = info->weights_digest,
                              .parameters = "self-test",
                              .intended_use = info->intended_use,
                              .synthetic = info->provenance == NN_SYNTHETIC};
}

static void describe(const struct selftest_case *c, struct srt_image *image,
                     struct srt_result *words)
{
    *image = (struct srt_image){.reference = {IMAGE_CLASS, "2.25.1", "2.25.2"},
                                .modality = "DX",
                                .rows = "320",
                                .columns = "320",
                                .view = "lateral",
                                .detail = "",
                                .tracking_uid = "2.25.4"};
    *words = (struct srt_result){.images = image,
                                 .image_count = 1,
                                 .device_uid = "2.25.5",
                                 .manufacturer = "cervigate",
                                 .model_name = RULES_MODEL_NAME,
                                 .serial = "SELFTEST",
                                 .station_ae = "SELFTEST",
                                 .software_version = CERVIGATE_VERSION,
                                 .model_count = (size_t)c->with->models,
                                 .mode = "shadow"};
    for (int m = 0; m < c->with->models; m++) {
        const struct nn_model_info *info = nn_model_info(c->with->model[m]);
        words->models[m] = model_of(info);
        image->opinion[m].classes = (size_t)info->classes;
        for (int i = 0; i < info->classes; i++)
            image->opinion[m].class_[i] = (struct srt_class){
                info->class_[i].name, info->class_[i].finding,
                (double)c->out->seen[m].input[0].score[i], info->class_[i].operating_point};
    }
    image->outcome = srt_image_outcome(image);
    words->outcome = srt_study_outcome(words);
}

static struct dx_attrs *patient(void)
{
    static const struct {
        uint32_t tag;
        const char *vr, *value;
    } values[] = {{DX_TAG(0x0008, 0x0005), "CS", "ISO_IR 192"},
                  {DX_TAG(0x0008, 0x0020), "DA", "20270101"},
                  {DX_TAG(0x0008, 0x0030), "TM", "120000"},
                  {DX_TAG(0x0010, 0x0010), "PN", "SELFTEST^SYNTHETIC"},
                  {DX_TAG(0x0010, 0x0020), "LO", "SELFTEST"},
                  {DX_TAG(0x0020, 0x000d), "UI", "2.25.3"}};
    struct dx_attrs *attrs = dx_attrs_create();
    bool done = attrs != NULL;
    for (size_t i = 0; done && i < sizeof values / sizeof *values; i++)
        done = dx_attrs_set_text(attrs, values[i].tag, values[i].vr, values[i].value) == DX_OK;
    if (done)
        return attrs;
    dx_attrs_destroy(attrs);
    return NULL;
}

static bool write_and_check(struct selftest_case *c, const struct srt_tree *tree,
                            const struct srt_result *words, const struct dx_attrs *source)
{
    struct dx_error err = {0};
    struct srt_scheme scheme;
    srt_template_scheme(c->with->template_, &scheme);
    const struct dx_sr sr = {.header = {.source = source,
                                        .sop_instance = "2.25.6",
                                        .series = "2.25.7",
                                        .series_number = REPORT_SERIES_SR,
                                        .instance_number = 1,
                                        .series_description = "self-test",
                                        .manufacturer = "cervigate",
                                        .model_name = RULES_MODEL_NAME,
                                        .software_versions = CERVIGATE_VERSION,
                                        .device_serial = "SELFTEST",
                                        .station_ae = "SELFTEST",
                                        .content_date = "20270101",
                                        .content_time = "120000",
                                        .timezone = "+0000",
                                        .references = &words->images[0].reference,
                                        .reference_count = 1},
                             .sop_class = DX_COMPREHENSIVE_3D_SR,
                             .root = srt_tree_root(tree),
                             .scheme = scheme.designator,
                             .scheme_name = scheme.name,
                             .scheme_organization = scheme.organization};
    const struct dx_expectation expected = {
        .sop_class = report_class_uid(RESULT_SR, false),
        .sop_instance = selftest_falsifies(c, "report") ? "2.25.8" : "2.25.6",
        .series = "2.25.7",
        .source = source,
        .references = &words->images[0].reference,
        .reference_count = 1,
        .forbidden = report_never(false),
        .required = srt_is_synthetic(words) ? srt_research_line : NULL,
        .scheme = scheme.designator};
    selftest_name_file(c, "sr");
    enum dx_status status = dx_sr_write(&sr, c->path, &err);
    if (status == DX_OK)
        status = dx_result_check(c->path, &expected, &err);
    (void)unlink(c->path);
    if (status == DX_NO_MEMORY || status == DX_IO || status == DX_NO_SPACE)
        return selftest_trouble(c, "report: %s", err.text);
    selftest_note(c, "report", "", status == DX_OK ? SELFTEST_GOOD : SELFTEST_BAD, "%s",
                  status == DX_OK ? "filled, written and checked" : err.text);
    return true;
}

bool selftest_report(struct selftest_case *c)
{
    struct srt_error why = {0};
    struct srt_image image;
    struct srt_result words;
    struct srt_tree *tree = NULL;
    describe(c, &image, &words);
    enum srt_status status = srt_fill(c->with->template_, &words, &tree, &why);
    if (status == SRT_NO_MEMORY)
        return selftest_trouble(c, "report: out of memory");
    if (status != SRT_OK) {
        selftest_note(c, "report", "", SELFTEST_BAD, "%s", why.text);
        return true;
    }
    struct dx_attrs *source = patient();
    bool done = source ? write_and_check(c, tree, &words, source)
                       : selftest_trouble(c, "report: out of memory");
    dx_attrs_destroy(source);
    srt_tree_destroy(tree);
    return done;
}

/* ---- the picture ---- */

/* A hill below the middle: nothing of the network is in this picture. */
static void fill_map(float map[MAP_SIDE * MAP_SIDE])
{
    for (int y = 0; y < MAP_SIDE; y++)
        for (int x = 0; x < MAP_SIDE; x++) {
            float dx = (float)(x - 20) / 12.0f, dy = (float)(y - 28) / 9.0f;
            float height = 1.0f - dx * dx - dy * dy;
            map[y * MAP_SIDE + x] = height > 0.0f ? 1.2f * height : 0.0f;
        }
}

static enum picture_status draw(struct selftest_case *c, int m, struct picture *picture)
{
    static float map[MAP_SIDE * MAP_SIDE];
    const struct nn_plane *plane = &c->plane[0];
    const struct nn_model_info *info = nn_model_info(c->with->model[m]);
    float score[NN_MAX_CLASSES], region[64];
    fill_map(map);
    for (int i = 0; i < info->classes; i++)
        score[i] = 1.0f / (float)info->classes;
    struct picture_input input = {.plane = plane->pixels,
                                  .rows = plane->rows,
                                  .cols = plane->cols,
                                  .map = map,
                                  .side = MAP_SIDE,
                                  .fit = info->preprocess.fit,
                                  .explained = 0,
                                  .opinion = {{info, score}},
                                  .opinions = 1,
                                  .region = region,
                                  .sentence = "Self-test.",
                                  .found = true,
                                  .warning = srt_research_line,
                                  .orientation = "P\\F",
                                  .matrix = 512};
    input.region_points = picture_region(map, MAP_SIDE, input.fit, input.box, plane->rows,
                                         plane->cols, PICTURE_REGION, region, 32);
    return picture_draw(c->with->face, &input, picture);
}

static bool one_picture(struct selftest_case *c, int m, const char *font)
{
    char letters[32];
    struct picture picture = {0};
    struct selftest_known *seen = &c->out->seen[m];
    enum picture_status status = draw(c, m, &picture);
    struct dx_sha256 *sha = dx_sha256_create();
    bool done = sha != NULL && status != PICTURE_NO_MEMORY;
    if (!done) {
        dx_sha256_destroy(sha);
        picture_finish(&picture);
        return selftest_trouble(c, "picture: out of memory");
    }
    if (status != PICTURE_OK)
        selftest_note(c, "picture", nn_model_info(c->with->model[m])->name, SELFTEST_BAD, "%s",
                      picture_status_text(status));
    if (status == PICTURE_OK && selftest_falsifies(c, "picture"))
        picture.rgb[0] ^= 1;
    dx_sha256_add(sha, picture.rgb, (size_t)picture.rows * picture.cols * 3);
    dx_sha256_take(sha, seen->picture);
    picture_letters(c->with->face, letters, sizeof letters);
    (void)snprintf(seen->letters, sizeof seen->letters, "%s, font %.32s", letters, font);
    picture_finish(&picture);
    return true;
}

bool selftest_picture(struct selftest_case *c)
{
    char font[DX_DIGEST_MAX];
    struct dx_error err = {0};
    if (dx_digest_file(picture_font_path(), 0, font, &err) != DX_OK)
        return selftest_trouble(c, "font: %s", err.text);
    for (int m = 0; m < c->with->models; m++)
        if (!one_picture(c, m, font))
            return false;
    return true;
}
