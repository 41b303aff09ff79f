#include "phantom_study.h"
#include "phantom_dice.h"
#include "phantom_dicom.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPLICIT_LITTLE_ENDIAN "1.2.840.10008.1.2.1"

static void add(struct phantom_study *study, enum nn_phantom_subject subject)
{
    if (study->views < PHANTOM_VIEWS)
        study->view[study->views++] = (struct phantom_view){.subject = subject, .fd = -1};
}

/* Chances are per cent. */
static bool falls(struct phantom_dice *dice, int chance)
{
    return phantom_dice_below(dice, 100) < chance;
}

static void plan_spine(struct phantom_study *study, struct phantom_dice *dice)
{
    bool frontal = falls(dice, 85), repeated = falls(dice, 20), cut = falls(dice, 50);
    bool odontoid = falls(dice, 70), swimmers = falls(dice, 12), oblique = falls(dice, 10);

    if (frontal)
        add(study, NN_PHANTOM_AP);
    if (repeated) {
        add(study, cut ? NN_PHANTOM_CROPPED : NN_PHANTOM_LATERAL);
        study->view[study->views - 1].spoilt = !cut;
    }
    add(study, NN_PHANTOM_LATERAL);
    if (odontoid && frontal)
        add(study, NN_PHANTOM_ODONTOID);
    if (swimmers)
        add(study, NN_PHANTOM_SWIMMERS);
    if (oblique)
        add(study, NN_PHANTOM_OBLIQUE);
}

static void plan_other(struct phantom_study *study, int roll)
{
    static const struct {
        int below; /* of 100 */
        enum nn_phantom_subject subject;
    } others[] = {
        {76, NN_PHANTOM_CHILD},     {80, NN_PHANTOM_HARDWARE},         {89, NN_PHANTOM_CHEST},
        {92, NN_PHANTOM_HAND},      {94, NN_PHANTOM_SKULL_LATERAL},    {96, NN_PHANTOM_HIP},
        {97, NN_PHANTOM_DENTAL},    {98, NN_PHANTOM_THORACIC_LATERAL}, {99, NN_PHANTOM_CT_SLICE},
        {100, NN_PHANTOM_INVERTED},
    };
    size_t i = 0;

    while (i + 1 < sizeof others / sizeof *others && roll >= others[i].below)
        i++;
    add(study, others[i].subject);
}

/* What goes wrong between the studies. */
static void plan_odd(struct phantom_study *study, struct phantom_dice *dice)
{
    static const enum nn_phantom_subject odd[] = {NN_PHANTOM_BLANK, NN_PHANTOM_NOISE,
                                                  NN_PHANTOM_PHOTOGRAPH};

    add(study, odd[phantom_dice_below(dice, 3)]);
}

void phantom_modality_name(int modality, char name[DX_AE_MAX])
{
    snprintf(name, DX_AE_MAX, "MOD%d", modality + 1);
}

static struct phantom_header header_of(const struct phantom_options *o,
                                       const struct phantom_study *study, int view,
                                       const char *station)
{
    return (struct phantom_header){.seed = (uint64_t)o->seed,
                                   .index = study->index,
                                   .device = (uint64_t)study->modality,
                                   .careless = o->careless,
                                   .study = study->uid,
                                   .station = station,
                                   .image = view + 1,
                                   .patient = &study->patient};
}

void phantom_study_plan(const struct phantom_options *o, uint64_t index, int modality,
                        struct phantom_study *study)
{
    struct phantom_dice dice = phantom_dice((uint64_t)o->seed, index, PHANTOM_DICE_STUDY);
    struct nn_phantom_settings settings = phantom_options_settings(o, index);
    int roll = phantom_dice_below(&dice, 100);

    *study = (struct phantom_study){.index = index, .modality = modality};
    (void)phantom_dicom_study((uint64_t)o->seed, index, study->uid);
    if (o->subject != PHANTOM_MIX)
        add(study, settings.subject);
    else if (falls(&dice, 1))
        plan_odd(study, &dice);
    else if (roll < 70)
        plan_spine(study, &dice);
    else
        plan_other(study, roll);
    settings.subject = study->view[0].subject;
    nn_phantom_truth(&settings, index, &study->patient);
    for (int v = 0; v < study->views; v++) {
        struct phantom_header header = header_of(o, study, v, "");
        struct dx_scu_context *context = &study->view[v].context;
        snprintf(context->sop_class, sizeof context->sop_class, "%s",
                 phantom_dicom_sop_class(study->view[v].subject, &header));
        snprintf(context->transfer_syntax, sizeof context->transfer_syntax, EXPLICIT_LITTLE_ENDIAN);
    }
}

/* A third of the contrast in coarse noise. */
static void spoil(struct nn_plane *plane, uint64_t seed, uint64_t index)
{
    struct phantom_dice dice = phantom_dice(seed, index, PHANTOM_DICE_GRAIN);
    size_t count = (size_t)plane->rows * (size_t)plane->cols;

    for (size_t i = 0; i < count; i++) {
        float grain = (float)(phantom_dice_bits(&dice) >> 40) * 0x1p-24f;
        plane->pixels[i] = 0.33f * plane->pixels[i] + 0.2f * grain;
    }
}

static bool draw_view(const struct phantom_options *o, struct phantom_study *study, int v,
                      struct nn_error *err)
{
    char station[DX_AE_MAX];
    struct phantom_view *view = &study->view[v];
    struct nn_phantom_settings settings = phantom_options_settings(o, study->index);
    struct phantom_header header = header_of(o, study, v, station);
    struct nn_plane plane = {0};
    struct nn_phantom_truth truth;
    struct stat info;
    char path[64];

    phantom_modality_name(study->modality, station);
    view->fd = memfd_create("phantom", MFD_CLOEXEC);
    if (view->fd < 0)
        return nn_fail(err, NN_IO, "no memory file: %s", strerror(errno)) == NN_OK;
    snprintf(path, sizeof path, "/proc/self/fd/%d", view->fd);
    settings.subject = view->subject;
    if (nn_phantom_draw(&settings, study->index, &plane, NULL, &truth, err) != NN_OK)
        return false;
    if (view->spoilt)
        spoil(&plane, (uint64_t)o->seed, study->index);
    bool done = phantom_dicom_write(path, &plane, &truth, &header, err);
    nn_plane_finish(&plane);
    if (done && fstat(view->fd, &info) == 0)
        view->bytes = (long)info.st_size;
    return done;
}

bool phantom_study_draw(const struct phantom_options *o, struct phantom_study *study,
                        struct nn_error *err)
{
    for (int v = 0; v < study->views; v++)
        if (!draw_view(o, study, v, err))
            return false;
    return true;
}

void phantom_study_finish(struct phantom_study *study)
{
    for (int v = 0; v < study->views; v++) {
        if (study->view[v].fd >= 0)
            close(study->view[v].fd);
        study->view[v].fd = -1;
    }
}
