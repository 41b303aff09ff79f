/* train_card.c: card.md: what the model is, what it was made of, how, and what it can. */
#include "train_model.h"
#include "whole_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *kind_of(const struct nn_model_info *info)
{
    return info->provenance == NN_CLINICAL ? "clinical" : "synthetic";
}

static void print_confusion(FILE *file, const struct nn_model_info *info)
{
    const long *confusion = info->measures.confusion;

    fputs("\n| truth \\ answer (highest score) |", file);
    for (int i = 0; i < info->classes; i++)
        fprintf(file, " %s |", info->class_[i].name);
    fputs("\n|---|", file);
    for (int i = 0; i < info->classes; i++)
        fputs("---|", file);
    for (int t = 0; t < info->classes; t++) {
        fprintf(file, "\n| %s |", info->class_[t].name);
        for (int i = 0; i < info->classes; i++)
            fprintf(file, " %ld |", confusion[t * info->classes + i]);
    }
    fputs("\n\n| finding | operating point | sensitivity | specificity | AUC |\n"
          "|---|---|---|---|---|\n",
          file);
    for (int i = 0; i < info->classes; i++) {
        if (info->class_[i].finding)
            fprintf(file, "| %s | %.4f | %.4f | %.4f | %.4f |\n", info->class_[i].name,
                    info->class_[i].operating_point, info->measures.finding[i].sensitivity,
                    info->measures.finding[i].specificity, info->measures.finding[i].auc);
    }
}

static void print_division(FILE *file, const struct train_outcome *o)
{
    const struct data_set *set = o->data->set;

    if (!set) {
        fputs("| division | phantoms of numbers that never meet |\n", file);
        return;
    }
    fprintf(file, "| division | %s: %zu training, %zu validation, %zu test images", o->data->split,
            o->data->training.count, o->data->validation.count, o->data->test.count);
    if (o->fold > 0)
        fprintf(file, "; fold %d of %ld is the test part", o->fold, o->options->folds);
    fprintf(file, " (split.csv) |\n| groups | %zu groups of one patient or near-duplicates |\n",
            set->groups);
    if (o->options->keep_copies)
        fputs("| near-duplicates | not looked for |\n", file);
    else
        fprintf(file, "| near-duplicates | %zu pairs (duplicates.csv) |\n", set->duplicate_pairs);
    if (set->leaking_pairs > 0 || strcmp(o->data->split, "random") == 0)
        fprintf(file,
                "| WARNING | %zu pairs of one group lie on two sides of the division: the figures "
                "are too good |\n",
                set->leaking_pairs);
    if (o->data->trained_before > 0)
        fprintf(file,
                "| WARNING | %zu images of the validation and test parts were trained on by the "
                "model that this one started from: the figures are too good |\n",
                o->data->trained_before);
}

static void print_preprocess(FILE *file, const struct nn_preprocess *p)
{
    fprintf(file, "| preprocessing | %s region, %s, fit by %s, %s",
            p->region == NN_REGION_SPINE ? "spine" : "whole",
            p->normalise == NN_NORMALISE_PERCENTILE ? "percentiles 1 to 99 normalised"
                                                    : "not normalised",
            p->fit == NN_FIT_PAD ? "padding" : "stretching",
            p->denoise > 0 ? "denoised" : "not denoised");
    if (p->denoise > 0)
        fprintf(file, " (Gaussian, %g px)", (double)p->denoise);
    fputs(" |\n", file);
}

static void print_augmentation(FILE *file, const struct nn_augmentation *a)
{
    fprintf(file,
            "| augmentation | rotation %g degrees, scale %g to %g, aspect %g to %g, shift %g, flip "
            "%g, crop %g, blur %g, gamma %g, contrast %g, brightness %g, noise %g |\n",
            a->rotation, a->scale_low, a->scale_high, a->aspect_low, a->aspect_high, a->shift,
            a->flip, a->crop, a->blur, a->gamma, a->contrast, a->brightness, a->noise);
}

static void print_training(FILE *file, const struct train_outcome *o)
{
    const struct nn_train_settings *s = o->settings;

    fprintf(file, "| training | %s", nn_optimiser_kind_name(s->optimiser.kind));
    if (s->optimiser.kind == NN_SGD)
        fprintf(file, ", momentum %g", s->optimiser.momentum);
    fprintf(file, ", rate %g times %g every %d epochs, batch %d, decay %g, clip %g", s->rate,
            s->rate_drop, s->rate_drop_epochs, s->batch, s->optimiser.weight_decay,
            s->optimiser.clip_norm);
    if (s->init)
        fprintf(file, ", new layers %g times faster", s->head_rate_factor);
    if (s->freeze)
        fprintf(file, ", frozen: %s", s->freeze);
    if (s->set_dropout)
        fprintf(file, ", dropout %g", s->dropout);
    if (s->class_weighting != NN_CLASSES_ALIKE)
        fputs(s->class_weighting == NN_CLASSES_BALANCED ? ", classes balanced"
                                                        : ", classes weighted",
              file);
    if (s->label_smoothing > 0)
        fprintf(file, ", label smoothing %g", s->label_smoothing);
    if (s->average > 0)
        fprintf(file, ", running mean of the weights %g", s->average);
    if (s->auxiliary)
        fputs(", auxiliary heads", file);
    if (s->places > 0)
        fprintf(file, ", scores at places %g", s->places);
    fprintf(file, ", seed %llu |\n", (unsigned long long)s->seed);
    fprintf(file,
            "| epochs | %d of %d; the values are those of epoch %d; lowest validation loss %.4f in "
            "epoch %d |\n",
            o->output->epochs, s->epochs, o->output->kept_epoch, o->output->best_loss,
            o->output->best_epoch);
}

static void print_card(FILE *file, const struct train_outcome *o, const struct nn_model_info *info)
{
    fprintf(file, "# Model card: %s %s\n\n", info->name, info->version);
    fputs("| sensitivity in injured patients: NOT MEASURED (n = 0) | |\n|---|---|\n", file);
    fprintf(file, "| network | %s, %d classes, input %d x %d |\n", info->network, info->classes,
            info->preprocess.side, info->preprocess.side);
    fprintf(file, "| start | %s |\n", o->start->words);
    if (o->start->layers_afresh[0])
        fprintf(file, "| not pre-trained | %s |\n", o->start->layers_afresh);
    fprintf(file, "| images | %s: %s |\n", kind_of(info), o->data->words);
    print_division(file, o);
    print_preprocess(file, &info->preprocess);
    print_augmentation(file, &o->settings->augmentation);
    print_training(file, o);
    fprintf(file, "| made by | `%s` |\n", o->options->command);
    fprintf(file, "| for | modalities %s, body part %s, view %s, age %d and above |\n",
            info->modalities, info->body_parts, info->views, info->minimum_age);
    fprintf(
        file,
        "| saliency drawn as strong | %g (median of the 99.5th percentiles of findings' maps; 0: "
        "not measured) |\n"
        "| calibration | none: outputs are model scores, not probabilities |\n"
        "| validation | none |\n| weights | SHA-256 %s |\n| model digest | %s |\n",
        info->saliency_scale, info->weights_digest, info->digest);
    fprintf(file, "\n%s\n\nMeasured on %s. %s\n", info->intended_use, info->measures.data,
            info->provenance == NN_SYNTHETIC ? "These figures describe drawings, not patients."
                                             : "These figures hold for that source of images.");
    print_confusion(file, info);
    if (info->provenance == NN_SYNTHETIC)
        fputs(
            "\nLimits: one generator drew all images; the share of injuries is far above everyday "
            "practice; injuries that the generator does not draw were never seen.\n",
            file);
}

enum nn_status train_card_write(const struct train_outcome *o, const struct nn_model_info *info,
                                struct nn_error *err)
{
    struct whole_file file;
    bool open = whole_file_open(&file, o->out, "card.md");

    if (open)
        print_card(file.out, o, info);
    if (!open || !whole_file_close(&file, true))
        return nn_fail(err, NN_IO, "%s: %s", file.path, strerror(errno));
    return NN_OK;
}
