/* Which presentation contexts we take (PS3.8 9.3.3): everything storable, and the services of
 * dx_services.h that the caller of dx_scp_serve wants served. */
#include "session.hh"

#include "dx_services.h"

#include "dcmtk/dcmdata/dcuid.h"

#include <cstdio>
#include <cstring>

/* The proposer's first choice that we can serve, or NULL. Verification has no dataset. */
static const char *choose_syntax(const T_ASC_PresentationContext &context)
{
    for (int i = 0; i < context.transferSyntaxCount; i++)
        if (dx_is_storable_syntax(context.proposedTransferSyntaxes[i]))
            return context.proposedTransferSyntaxes[i];
    return nullptr;
}

/* Whether the service is one that the caller wants to be served, in the role that was proposed: a
 * peer that answers our request is its SCP, and says so (PS3.7 D.3.3.4) or not. */
static bool is_served(dx_session *session, const struct dx_service &service, int role)
{
    const dx_scp_handler *handler = session->handler;

    if (service.kind == DX_SERVICE_VERIFICATION)
        return true;
    if (role == (service.as_scu ? ASC_SC_ROLE_SCU : ASC_SC_ROLE_SCP))
        return false;
    if (service.kind == DX_SERVICE_COMMITMENT)
        return handler->event != nullptr;
    if (service.kind == DX_SERVICE_AVAILABILITY)
        return handler->available != nullptr;
    return dx_offers_step(session, service.sop_class);
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
        const struct dx_service *service = dx_service_of(context.abstractSyntax);
        bool is_known = service != nullptr ? is_served(session, *service, context.proposedRole)
                                           : dx_is_storage_class(context.abstractSyntax);
        bool is_event = is_known && service != nullptr && service->as_scu;
        const char *syntax = !is_known ? nullptr
                             : service != nullptr && service->implicit_only
                                 ? choose_implicit(context)
                                 : choose_syntax(context);
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
