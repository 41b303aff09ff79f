/* Who a reverse proxy says that it asks for: <console proxies userHeader rolesHeader>.
 *
 * Believed only from the addresses of `proxies`, and only where the header is there once: a proxy
 * that appends instead of replacing would let everybody name himself. */
#include "console.h"

#include "audit.h"
#include "clock.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct lookup {
    const char *name, *value;
    int count;
};

static enum MHD_Result look(void *context, enum MHD_ValueKind kind, const char *name,
                            const char *value)
{
    struct lookup *lookup = context;
    (void)kind;
    if (strcasecmp(name, lookup->name) == 0) {
        lookup->value = value;
        lookup->count++;
    }
    return MHD_YES;
}

/* The header's value when it is there once; NULL. */
static const char *only(const struct http_request *request, const char *name)
{
    struct lookup lookup = {.name = name};
    (void)MHD_get_connection_values(request->connection, MHD_HEADER_KIND, look, &lookup);
    return lookup.count == 1 ? lookup.value : NULL;
}

static bool has_word(const char *list, const char *word)
{
    static const char between[] = " \t,;|";
    size_t length = strlen(word);
    for (list += strspn(list, between); *list != '\0'; list += strspn(list, between)) {
        size_t size = strcspn(list, between);
        if (size == length && strncmp(list, word, size) == 0)
            return true;
        list += size;
    }
    return false;
}

bool proxy_is_one(const struct console *console, const char *address)
{
    const struct conf_web *web = &console->node->conf->web;
    return web->proxies != NULL && has_word(web->proxies, address);
}

/* The highest that his groups give; false: none. */
static bool role_of(const struct conf_web *web, const char *groups, enum account_role *role)
{
    const char *const names[] = {[ROLE_VIEWER] = web->viewer_group,
                                 [ROLE_READER] = web->reader_group,
                                 [ROLE_ADMIN] = web->admin_group};
    for (int r = ROLE_ADMIN; groups != NULL && r >= ROLE_VIEWER; r--)
        if (has_word(groups, names[r])) {
            *role = (enum account_role)r;
            return true;
        }
    return false;
}

static bool who(struct console *console, const struct http_request *request,
                struct account *account)
{
    const struct conf_web *web = &console->node->conf->web;
    const char *name =
        proxy_is_one(console, request->peer) ? only(request, web->user_header) : NULL;
    if (name == NULL || !account_is_name(name))
        return false;
    if (web->roles_header == NULL) {
        const struct account *known =
            accounts_find(console->accounts, console->account_count, name);
        if (known != NULL)
            *account = *known;
        return known != NULL;
    }
    *account = (struct account){.role = ROLE_VIEWER};
    (void)snprintf(account->name, sizeof account->name, "%s", name);
    return role_of(web, only(request, web->roles_header), &account->role);
}

struct session *proxy_session(struct console *console, struct visit *visit, struct session *has)
{
    struct account account;
    if (console->node->conf->web.user_header == NULL)
        return has;
    if (!who(console, &visit->request, &account))
        return NULL;
    if (has != NULL && strcmp(has->account.name, account.name) == 0 &&
        has->account.role == account.role)
        return has;
    if (has != NULL) /* the cookie is of who was there before him, or of what he was */
        session_end(has);
    visit->guest = (struct session){.account = account};
    return &visit->guest;
}
