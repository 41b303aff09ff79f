#include "look.h"

#include "node.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What one side does not know is no difference, but for the Patient ID: a result without one does
 * not belong to a patient who has got one since. */
void look_take_study(struct look_found *found, const char *study, const char *patient_id,
                     const char *issuer, const char *accession)
{
    const struct send_look *look = found->look;
    if (strcmp(study, look->study) != 0)
        return; /* a peer that matches more than it was asked for */
    found->count++;
    if (dx_text_differs(look->patient_id, patient_id))
        found->differs = "Patient ID";
    else if (issuer[0] != '\0' && look->issuer[0] != '\0' && dx_text_differs(look->issuer, issuer))
        found->differs = "Issuer of Patient ID";
    else if (accession[0] != '\0' && look->accession[0] != '\0' &&
             dx_text_differs(look->accession, accession))
        found->differs = "Accession Number";
}

void look_take_image(struct look_found *found, const char *sop_instance)
{
    for (size_t i = 0; i < found->wanted_count; i++)
        if (!found->seen[i] && strcmp(sop_instance, found->wanted[i].sop_instance) == 0) {
            found->seen[i] = true;
            found->count++;
        }
}

static enum look_end look_for_study(const struct look_peer *peer, const struct send_look *look,
                                    char text[256])
{
    struct look_found found = {.look = look};
    enum look_end end = peer->study(peer->peer, &found, text);
    if (end != LOOK_THERE)
        return end;
    if (found.count == 0) {
        (void)snprintf(text, 256, "the study is not there");
        return LOOK_MISSING;
    }
    if (found.differs != NULL) {
        (void)snprintf(text, 256, "the study has another %s there", found.differs);
        return LOOK_OTHER;
    }
    return LOOK_THERE;
}

static enum look_end look_for_images(const struct look_peer *peer, const struct send_look *look,
                                     const struct dx_reference *images, size_t count,
                                     char text[256])
{
    size_t there = 0;
    bool *seen = calloc(count + 1, sizeof *seen);
    if (seen == NULL) {
        (void)snprintf(text, 256, "out of memory");
        return LOOK_FAILED;
    }
    for (size_t i = 0; i < count;) {
        size_t some = 1;
        while (i + some < count && strcmp(images[i + some].series, images[i].series) == 0)
            some++;
        struct look_found found = {
            .look = look, .wanted = &images[i], .wanted_count = some, .seen = &seen[i]};
        enum look_end end = peer->images(peer->peer, &found, text);
        if (end != LOOK_THERE) {
            free(seen);
            return end;
        }
        there += found.count;
        i += some;
    }
    free(seen);
    if (there == count)
        return LOOK_THERE;
    (void)snprintf(text, 256, "%zu of %zu images are there", there, count);
    return LOOK_MISSING;
}

static enum look_end look_for_all(const struct look_peer *peer, const struct conf *conf,
                                  const struct send_look *look, char text[256])
{
    char path[PATH_MAX];
    struct dx_reference *images = NULL;
    size_t count = 0;
    struct dx_error err = {.status = DX_OK};
    enum look_end end = look_for_study(peer, look, text);
    if (end != LOOK_THERE || look->report[0] == '\0')
        return end;
    node_path(conf, path, sizeof path, "%s", look->report);
    if (access(path, F_OK) != 0) /* delivered long ago, and retention took it */
        return end;
    if (dx_result_evidence(path, &images, &count, &err) != DX_OK) {
        (void)snprintf(text, 256, "%s", err.text);
        return LOOK_FAILED;
    }
    end = look_for_images(peer, look, images, count, text);
    free(images);
    return end;
}

enum look_end look_for(const struct look_peer *peer, const struct conf *conf,
                       const struct send_look *look, struct look_memory *memory, char text[256])
{
    memory->is_fresh = memcmp(&memory->look, look, sizeof *look) != 0;
    if (memory->is_fresh) {
        memory->look = *look;
        memory->text[0] = '\0';
        memory->end = look_for_all(peer, conf, look, memory->text);
    }
    memcpy(text, memory->text, sizeof memory->text);
    return memory->end;
}
