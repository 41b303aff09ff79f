/* Which presentation contexts we take (PS3.8 9.3.3): Verification, everything storable, and the
 * answers to our requests for commitment, notifications of what there is, and the reading list. */
#include "session.hh"

#include "dx_commitment.h"

#include "dcmtk/dcmdata/dcuid.h"

#include <cstdio>
#include <cstring>

static bool has_prefix(const char *uid, const char *prefix)
{
    return strncmp(uid, prefix, strlen(prefix)) == 0;
}

/* Storage SOP classes: those of the dictionary, later ones under the storage root, and private
 * ones: vendors propose nothing but storage under their own roots. Other DICOM services (query,
 * worklist, commitment, print) are refused. */
static bool is_storage(const char *uid)
{
    if (!has_prefix(uid, "1.2.840.10008."))
        return dx_uid_is_valid(uid);
    return has_prefix(uid, "1.2.840.10008.5.1.4.1.1.") || dcmIsaStorageSOPClassUID(uid, ESSC_All);
}

/* All but those that carry no DICOM dataset: MIME and XML encapsulation, SMPTE ST 2110 streams. */
static bool is_storable_syntax(const char *uid)
{
    return dx_uid_is_valid(uid) && !has_prefix(uid, "1.2.840.10008.1.2.6.") &&
           !has_prefix(uid, "1.2.840.10008.1.2.7.");
}

/* The proposer's first choice that we can serve, or NULL. Verification has no dataset. */
static const char *choose_syntax(const T_ASC_PresentationContext &context)
{
    for (int i = 0; i < context.transferSyntaxCount; i++)
        if (is_storable_syntax(context.proposedTransferSyntaxes[i]))
            return context.proposedTransferSyntaxes[i];
    return nullptr;
}

/* A peer that answers our request is its SCP, and says so (PS3.7 D.3.3.4) or not. */
static bool is_commitment(const dx_session *session, const T_ASC_PresentationContext &context)
{
    return session->handler->event != nullptr &&
           strcmp(context.abstractSyntax, DX_STORAGE_COMMITMENT) == 0 &&
           context.proposedRole != ASC_SC_ROLE_SCU;
}

static bool is_availability(const dx_session *session, const T_ASC_PresentationContext &context)
{
    return session->handler->available != nullptr &&
           strcmp(context.abstractSyntax, DX_INSTANCE_AVAILABILITY) == 0 &&
           context.proposedRole != ASC_SC_ROLE_SCP;
}

static bool is_step(dx_session *session, const T_ASC_PresentationContext &context)
{
    return context.proposedRole != ASC_SC_ROLE_SCP &&
           dx_offers_step(session, context.abstractSyntax);
}

/* Event information and notifications are read in implicit little endian only. */
static const char *choose_implicit(const T_ASC_PresentationContext &context)
{
    for (int i = 0; i < context.transferSyntaxCount; i++)
        if (strcmp(context.proposedTransferSyntaxes[i], UID_LittleEndianImplicitTransferSyntax) ==
            0)
            return context.proposedTransferSyntaxes[i];
    return nullptr;
}

static void note_refused(dx_scp_summary *summary, const T_ASC_PresentationContext &context)
{
    if (summary->first_refused_context[0] == '\0')
        (void)snprintf(summary->first_refused_context, sizeof summary->first_refused_context,
                       "%s %s", context.abstractSyntax,
                       context.transferSyntaxCount > 0 ? context.proposedTransferSyntaxes[0] : "");
}

enum dx_status dx_negotiate(dx_session *session, struct dx_error *err)
{
    T_ASC_Parameters *params = session->wire.association->params;
    int count = ASC_countPresentationContexts(params);

    for (int i = 0; i < count; i++) {
        T_ASC_PresentationContext context = {};
        OFCondition condition = ASC_getPresentationContext(params, i, &context);
        if (condition.bad())
            return dx_fail_condition(err, DX_MALFORMED, "presentation contexts", condition);
        bool is_event = is_commitment(session, context);
        bool is_news = is_event || is_availability(session, context) || is_step(session, context);
        bool is_known = strcmp(context.abstractSyntax, UID_VerificationSOPClass) == 0 ||
                        is_storage(context.abstractSyntax) || is_news;
        const char *syntax = is_news    ? choose_implicit(context)
                             : is_known ? choose_syntax(context)
                                        : nullptr;
        if (syntax != nullptr) {
            condition = ASC_acceptPresentationContext(params, context.presentationContextID, syntax,
                                                      is_event ? context.proposedRole
                                                               : ASC_SC_ROLE_DEFAULT);
        } else {
            note_refused(session->summary, context);
            condition = ASC_refusePresentationContext(params, context.presentationContextID,
                                                      is_known ? ASC_P_TRANSFERSYNTAXESNOTSUPPORTED
                                                               : ASC_P_ABSTRACTSYNTAXNOTSUPPORTED);
        }
        if (condition.bad())
            return dx_fail_condition(err, DX_MALFORMED, "presentation contexts", condition);
        session->summary->contexts_proposed++;
        session->summary->contexts_accepted += syntax != nullptr ? 1 : 0;
    }
    return DX_OK;
}
