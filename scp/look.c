#include "look.h"

#include "dx_result.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIST_MOST    50 /* SOP Instance UIDs in one identifier: some peers cut long ones */
#define MATCHES_MOST 1000

/* PS3.7 annex C */
#define NOT_AUTHORIZED      0x0124
#define CLASS_NOT_SUPPORTED 0x0122
#define NO_SUCH_OPERATION   0x0211

#define TAG_INSTANCE  DX_TAG(0x0008, 0x0018)
#define TAG_ACCESSION DX_TAG(0x0008, 0x0050)
#define TAG_LEVEL     DX_TAG(0x0008, 0x0052)
#define TAG_PATIENT   DX_TAG(0x0010, 0x0020)
#define TAG_ISSUER    DX_TAG(0x0010, 0x0021)
#define TAG_STUDY     DX_TAG(0x0020, 0x000d)
#define TAG_SERIES    DX_TAG(0x0020, 0x000e)

struct found {
    const struct send_look *look;
    size_t count;
    const char *differs; /* keyword of the first attribute that does */
    const struct dx_reference *wanted;
    size_t wanted_count;
    bool *seen; /* of each wanted */
};

/* Other character sets than ASCII are not compared: the peer may answer in its own. */
static bool differs(const char *ours, const char *theirs)
{
    return dx_text_is_ascii(ours) && dx_text_is_ascii(theirs) && strcmp(ours, theirs) != 0;
}

/* What one side does not know is no difference, but for the Patient ID: a result without one does
 * not belong to a patient who has got one since. */
static bool take_study(void *context, const struct dx_attrs *match)
{
    struct found *f = context;
    const char *issuer = dx_attrs_text(match, TAG_ISSUER);
    const char *accession = dx_attrs_text(match, TAG_ACCESSION);
    if (strcmp(dx_attrs_text(match, TAG_STUDY), f->look->study) != 0)
        return true; /* a peer that matches more than it was asked for */
    f->count++;
    if (differs(f->look->patient_id, dx_attrs_text(match, TAG_PATIENT)))
        f->differs = "Patient ID";
    else if (issuer[0] != '\0' && f->look->issuer[0] != '\0' && differs(f->look->issuer, issuer))
        f->differs = "Issuer of Patient ID";
    else if (accession[0] != '\0' && f->look->accession[0] != '\0' &&
             differs(f->look->accession, accession))
        f->differs = "Accession Number";
    return true;
}

static bool take_image(void *context, const struct dx_attrs *match)
{
    struct found *f = context;
    const char *uid = dx_attrs_text(match, TAG_INSTANCE);
    for (size_t i = 0; i < f->wanted_count; i++)
        if (!f->seen[i] && strcmp(uid, f->wanted[i].sop_instance) == 0) {
            f->seen[i] = true;
            f->count++;
        }
    return true;
}

static enum look_end ask(struct dx_scu *scu, struct dx_writing *identifier, dx_scu_match match,
                         struct found *f, char text[256])
{
    struct dx_error err = {.status = DX_OK};
    uint16_t dimse = 0;
    enum dx_status status = dx_scu_find(scu, identifier, MATCHES_MOST, match, f, &dimse, &err);
    dx_writing_finish(identifier);
    if (status == DX_NO_CONTEXT) {
        (void)snprintf(text, 256, "the peer takes no C-FIND (Study Root)");
        return LOOK_NOT_TAKEN;
    }
    if (status != DX_OK) {
        (void)snprintf(text, 256, "%s", err.text);
        return status == DX_LIMIT || status == DX_NO_MEMORY ? LOOK_FAILED : LOOK_UNREACHED;
    }
    if (dimse != 0)
        (void)snprintf(text, 256, "C-FIND: status %04X", dimse);
    if (dimse == NOT_AUTHORIZED || dimse == CLASS_NOT_SUPPORTED || dimse == NO_SUCH_OPERATION)
        return LOOK_NOT_TAKEN;
    if (dimse != 0)
        return LOOK_FAILED;
    return LOOK_THERE;
}

static enum look_end look_for_study(struct dx_scu *scu, const struct send_look *look,
                                    char text[256])
{
    struct found f = {.look = look};
    struct dx_writing identifier = {.count = 0};
    dx_put_text(&identifier, TAG_ACCESSION, "");
    dx_put_text(&identifier, TAG_LEVEL, "STUDY");
    dx_put_text(&identifier, TAG_PATIENT, "");
    dx_put_text(&identifier, TAG_ISSUER, "");
    dx_put_uid(&identifier, TAG_STUDY, look->study);
    enum look_end end = ask(scu, &identifier, take_study, &f, text);
    if (end != LOOK_THERE)
        return end;
    if (f.count == 0) {
        (void)snprintf(text, 256, "the study is not there");
        return LOOK_MISSING;
    }
    if (f.differs != NULL) {
        (void)snprintf(text, 256, "the study has another %s there", f.differs);
        return LOOK_OTHER;
    }
    return LOOK_THERE;
}

/* Images of one series, at most LIST_MOST of them. */
static enum look_end ask_images(struct dx_scu *scu, struct found *f, char text[256])
{
    static char list[LIST_MOST * DX_UID_MAX];
    struct dx_writing identifier = {.count = 0};
    size_t used = 0;
    for (size_t i = 0; i < f->wanted_count; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? "\\" : "",
                                 f->wanted[i].sop_instance);
    dx_put_uid(&identifier, TAG_INSTANCE, list);
    dx_put_text(&identifier, TAG_LEVEL, "IMAGE");
    dx_put_uid(&identifier, TAG_STUDY, f->look->study);
    dx_put_uid(&identifier, TAG_SERIES, f->wanted[0].series);
    return ask(scu, &identifier, take_image, f, text);
}

static enum look_end look_for_images(struct dx_scu *scu, const struct send_look *look,
                                     const struct dx_reference *images, size_t count,
                                     char text[256])
{
    size_t there = 0;
    for (size_t i = 0; i < count;) {
        bool seen[LIST_MOST] = {false};
        size_t some = 1;
        while (i + some < count && some < LIST_MOST &&
               strcmp(images[i + some].series, images[i].series) == 0)
            some++;
        struct found f = {.look = look, .wanted = &images[i], .wanted_count = some, .seen = seen};
        enum look_end end = ask_images(scu, &f, text);
        if (end != LOOK_THERE)
            return end;
        there += f.count;
        i += some;
    }
    if (there == count)
        return LOOK_THERE;
    (void)snprintf(text, 256, "%zu of %zu images are there", there, count);
    return LOOK_MISSING;
}

static enum look_end look_for_all(struct dx_scu *scu, const struct conf *conf,
                                  const struct send_look *look, char text[256])
{
    char path[PATH_MAX];
    struct dx_reference *images = NULL;
    size_t count = 0;
    struct dx_error err = {.status = DX_OK};
    enum look_end end = look_for_study(scu, look, text);
    if (end != LOOK_THERE || look->report[0] == '\0')
        return end;
    node_path(conf, path, sizeof path, "%s", look->report);
    if (access(path, F_OK) != 0) /* delivered long ago, and retention took it */
        return end;
    if (dx_result_evidence(path, &images, &count, &err) != DX_OK) {
        (void)snprintf(text, 256, "%s", err.text);
        return LOOK_FAILED;
    }
    end = look_for_images(scu, look, images, count, text);
    free(images);
    return end;
}

enum look_end look_for(struct dx_scu *scu, const struct conf *conf, const struct send_look *look,
                       struct look_memory *memory, char text[256])
{
    memory->is_fresh = memcmp(&memory->look, look, sizeof *look) != 0;
    if (memory->is_fresh) {
        memory->look = *look;
        memory->text[0] = '\0';
        memory->end = look_for_all(scu, conf, look, memory->text);
    }
    memcpy(text, memory->text, sizeof memory->text);
    return memory->end;
}
