/* check_model.c: `cervigate check --model`: what a model folder is, and what its <validation> must
 * be bound to. The element is printed, never written: a person answers for what it says. */
#include "check_model.h"
#include "clock.h"
#include "nn_model.h"
#include "node.h"
#include <stdio.h>
#include <sysexits.h>

void check_print_scope(const struct nn_model_info *info)
{
    printf("%s, %s", info->modalities, info->body_parts);
    if (info->views[0])
        printf(", views %s", info->views);
    printf(", from %d years\n", info->minimum_age);
}

static void print_facts(const struct nn_model_info *info)
{
    printf("model        %s %s\n", info->name, info->version);
    printf("network      %s, input %d x %d\n", info->network, info->preprocess.side,
           info->preprocess.side);
    for (int i = 0; i < info->classes; i++) {
        const struct nn_class *class_ = &info->class_[i];
        printf("class %d      %s", i, class_->name);
        if (class_->finding)
            printf(", a finding from %.6g\n", class_->operating_point);
        else
            puts(", no finding");
    }
    fputs("meant for    ", stdout);
    check_print_scope(info);
    printf("temperature  %.6g\n", info->temperature);
    printf("provenance   %s\n", info->provenance == NN_CLINICAL ? "clinical" : "synthetic");
    if (info->gate_digest[0])
        printf("gate         %s from %.6g, digest %.16s\n", info->gate_accept, info->gate_least,
               info->gate_digest);
    else
        puts("gate         none: every picture is judged");
    printf("weights      %s\ndigest       %s\n", info->weights_digest, info->digest);
    printf("validation   %s\n", info->validated ? "of this digest" : "none");
}

/* Empty attributes, which model.xsd refuses: nobody can leave them so. */
static void print_validation(const struct nn_model_info *info)
{
    char now[25];
    clock_iso(clock_utc_ms(), now);
    printf("\nTo be filled in and put into model.xml behind <provenance> and <training>, by who "
           "answers for it:\n"
           " <validation site=\"\" person=\"\" date=\"%.10s\" data=\"\" measures=\"\" "
           "digest=\"%s\"/>\n",
           now, info->digest);
}

int check_model(const char *dir)
{
    struct nn_model *model = NULL;
    struct nn_error err = {0};
    const struct conf conf = {.models = {dir}, .model_count = 1, .language = "en"};
    char error[512] = "";
    if (nn_model_open(dir, &model, &err) != NN_OK) {
        fprintf(stderr, "cervigate check: model %s: %s\n", dir, err.text);
        return EX_CONFIG;
    }

    const struct nn_model_info *info = nn_model_info(model);
    bool usable = mode_allowed(&conf, CONF_SHADOW, error, sizeof error);
    print_facts(info);
    if (!usable)
        fprintf(stderr, "cervigate check: %s\n", error);
    else if (mode_allowed(&conf, CONF_CLINICAL, error, sizeof error))
        puts("modes        shadow, demo, clinical");
    else
        printf("modes        shadow, demo; %s\n", error);
    if (!info->validated)
        print_validation(info);
    nn_model_close(model);
    return usable ? 0 : EX_CONFIG;
}
