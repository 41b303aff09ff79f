/* The look by C-FIND, Study Root (PS3.4 C.6.2). */
#include "look.h"

#include <stdio.h>

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

static bool take_study(void *found, const struct dx_attrs *match)
{
    look_take_study(found, dx_attrs_text(match, TAG_STUDY), dx_attrs_text(match, TAG_PATIENT),
                    dx_attrs_text(match, TAG_ISSUER), dx_attrs_text(match, TAG_ACCESSION));
    return true;
}

static bool take_image(void *found, const struct dx_attrs *match)
{
    look_take_image(found, dx_attrs_text(match, TAG_INSTANCE));
    return true;
}

static enum look_end ask(struct dx_scu *scu, struct dx_writing *identifier, dx_scu_match match,
                         struct look_found *found, char text[256])
{
    struct dx_error err = {.status = DX_OK};
    uint16_t dimse = 0;
    enum dx_status status = dx_scu_find(scu, identifier, MATCHES_MOST, match, found, &dimse, &err);
    dx_writing_finish(identifier);
    if (status == DX_NO_CONTEXT) {
        (void)snprintf(text, 256, "the peer takes no C-FIND (Study Root)");
        return LOOK_NOT_TAKEN;
    }
    if (status != DX_OK)
        (void)snprintf(text, 256, "%s", err.text);
    if (dx_scu_is_broken(scu)) /* answers may still be on their way: nothing can follow */
        return LOOK_UNREACHED;
    if (status != DX_OK)
        return status == DX_LIMIT || status == DX_NO_MEMORY ? LOOK_FAILED : LOOK_UNREACHED;
    if (dimse != 0)
        (void)snprintf(text, 256, "C-FIND: status %04X", dimse);
    if (dimse == NOT_AUTHORIZED || dimse == CLASS_NOT_SUPPORTED || dimse == NO_SUCH_OPERATION)
        return LOOK_NOT_TAKEN;
    if (dimse != 0)
        return LOOK_FAILED;
    return LOOK_THERE;
}

static enum look_end ask_study(void *scu, struct look_found *found, char text[256])
{
    struct dx_writing identifier = {.count = 0};
    dx_put_text(&identifier, TAG_ACCESSION, "");
    dx_put_text(&identifier, TAG_LEVEL, "STUDY");
    dx_put_text(&identifier, TAG_PATIENT, "");
    dx_put_text(&identifier, TAG_ISSUER, "");
    dx_put_uid(&identifier, TAG_STUDY, found->look->study);
    return ask(scu, &identifier, take_study, found, text);
}

static enum look_end ask_images(void *scu, struct look_found *found, char text[256])
{
    static char list[LIST_MOST * DX_UID_MAX];
    for (size_t from = 0; from < found->wanted_count; from += LIST_MOST) {
        struct dx_writing identifier = {.count = 0};
        size_t used = 0;
        for (size_t i = from; i < found->wanted_count && i < from + LIST_MOST; i++)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i > from ? "\\" : "",
                                     found->wanted[i].sop_instance);
        dx_put_uid(&identifier, TAG_INSTANCE, list);
        dx_put_text(&identifier, TAG_LEVEL, "IMAGE");
        dx_put_uid(&identifier, TAG_STUDY, found->look->study);
        dx_put_uid(&identifier, TAG_SERIES, found->wanted[0].series);
        enum look_end end = ask(scu, &identifier, take_image, found, text);
        if (end != LOOK_THERE)
            return end;
    }
    return LOOK_THERE;
}

struct look_peer look_find_peer(struct dx_scu *scu)
{
    return (struct look_peer){
        .peer = scu,
        .study = ask_study,
        .images = ask_images,
        .configure = "let this node's AE title query there (C-FIND, Study Root), or set look"};
}
