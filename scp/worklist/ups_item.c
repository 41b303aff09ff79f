#include "ups_item.h"

const struct dx_ups_code ups_reading = {"110005", "DCM", "Interpretation"};

void ups_item_of(const struct news *news, const char *worklist_label,
                 const struct dx_ups_input *input, int64_t start_ms, struct ups_item_texts *texts,
                 struct dx_ups_new *item)
{
    enum dx_ups_priority priority = ups_priority_of(news->rank);
    ups_label(news, texts->label);
    ups_mark_write(news, priority, DX_UPS_PRIORITY_UNKNOWN, texts->comments);
    ups_time(start_ms, texts->start);
    *item = (struct dx_ups_new){.priority = priority,
                                .label = texts->label,
                                .worklist_label = worklist_label,
                                .comments = texts->comments,
                                .start = texts->start,
                                .workitem = ups_reading,
                                .input = *input,
                                .study = news->study,
                                .patient_name = news->patient_name,
                                .patient_id = news->patient_id,
                                .issuer = news->issuer,
                                .birth_date = news->birth_date,
                                .sex = news->sex,
                                .accession = news->accession,
                                .issuer_of_accession = news->issuer_of_accession,
                                .placer_order = news->placer_order,
                                .filler_order = news->filler_order,
                                .procedure_id = news->procedure_id,
                                .procedure_description = news->study_description};
}
