/* Sessions of the console. */
#include "session.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

struct session_table {
    struct session list[SESSIONS_MOST];
};

struct sessions {
    int64_t idle_ms, most_ms;
    struct session *list; /* SESSIONS_MOST */
    struct session_table *own;
};

struct session_table *session_table_create(void)
{
    void *memory = mmap(NULL, sizeof(struct session_table), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

void session_table_destroy(struct session_table *table)
{
    if (table != NULL)
        (void)munmap(table, sizeof *table);
}

void session_table_clear(struct session_table *table)
{
    OPENSSL_cleanse(table, sizeof *table);
}

struct sessions *sessions_create(struct session_table *table, int idle_seconds, int most_seconds)
{
    struct sessions *sessions = calloc(1, sizeof *sessions);
    if (sessions == NULL)
        return NULL;
    sessions->own = table == NULL ? session_table_create() : NULL;
    if (table == NULL && sessions->own == NULL) {
        free(sessions);
        return NULL;
    }
    sessions->list = table != NULL ? table->list : sessions->own->list;
    sessions->idle_ms = idle_seconds * INT64_C(1000);
    sessions->most_ms = most_seconds * INT64_C(1000);
    return sessions;
}

void sessions_destroy(struct sessions *sessions)
{
    if (sessions != NULL)
        session_table_destroy(sessions->own);
    free(sessions);
}

void session_end(struct session *session)
{
    OPENSSL_cleanse(session, sizeof *session);
}

static bool draw(char token[SESSION_TOKEN_MAX])
{
    unsigned char random[32];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    for (size_t i = 0; i < sizeof random; i++)
        (void)snprintf(token + 2 * i, 3, "%02x", random[i]);
    return true;
}

static bool is_over(const struct sessions *sessions, const struct session *session, int64_t now_ms)
{
    return session->begun_ms == 0 || now_ms - session->used_ms >= sessions->idle_ms ||
           now_ms - session->begun_ms >= sessions->most_ms;
}

struct session *session_begin(struct sessions *sessions, const struct account *account,
                              int64_t now_ms, char token[SESSION_TOKEN_MAX])
{
    struct session *place = &sessions->list[0];
    for (size_t i = 0; i < SESSIONS_MOST; i++) {
        struct session *s = &sessions->list[i];
        if (is_over(sessions, s, now_ms)) {
            place = s;
            break;
        }
        if (s->used_ms < place->used_ms)
            place = s;
    }
    session_end(place);
    if (!draw(token) || !draw(place->csrf))
        return NULL;
    (void)SHA256((const unsigned char *)token, strlen(token), place->digest);
    place->account = *account;
    place->begun_ms = place->used_ms = now_ms > 0 ? now_ms : 1;
    return place;
}

struct session *session_find(struct sessions *sessions, const char *token, int64_t now_ms,
                             bool used)
{
    unsigned char digest[32];
    (void)SHA256((const unsigned char *)token, strlen(token), digest);
    for (size_t i = 0; i < SESSIONS_MOST; i++) {
        struct session *s = &sessions->list[i];
        if (s->begun_ms == 0 || memcmp(s->digest, digest, sizeof digest) != 0)
            continue;
        if (is_over(sessions, s, now_ms)) {
            session_end(s);
            return NULL;
        }
        if (used)
            s->used_ms = now_ms;
        return s;
    }
    return NULL;
}

bool session_is_alive(const struct sessions *sessions, const unsigned char digest[32],
                      int64_t now_ms)
{
    for (size_t i = 0; i < SESSIONS_MOST; i++)
        if (memcmp(sessions->list[i].digest, digest, 32) == 0)
            return !is_over(sessions, &sessions->list[i], now_ms);
    return false;
}

bool session_may_change(const struct session *session, const char *csrf)
{
    return csrf != NULL && strlen(csrf) == sizeof session->csrf - 1 &&
           CRYPTO_memcmp(csrf, session->csrf, sizeof session->csrf - 1) == 0;
}

void sessions_hold(struct sessions *sessions, struct account *accounts, size_t count)
{
    for (size_t i = 0; i < SESSIONS_MOST; i++) {
        struct session *s = &sessions->list[i];
        const struct account *now =
            s->begun_ms != 0 ? accounts_find(accounts, count, s->account.name) : NULL;
        if (s->begun_ms != 0 && (now == NULL || now->role != s->account.role ||
                                 strcmp(now->hash, s->account.hash) != 0))
            session_end(s);
    }
}
