/* HTTP Basic (RFC 7617) for programs that cannot log in: viewers, scripts, other DICOMweb servers.
 *
 * A password is verified once and its digest remembered for REMEMBERED_MS: a viewer asks a hundred
 * times a second, and a verification takes 30 ms. What is remembered holds only as long as the
 * account is as it was. */
#include "console.h"

#include "clock.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define KNOWN         32
#define REMEMBERED_MS 300000
#define HEADER_MOST   512

struct known {
    unsigned char digest[SHA256_DIGEST_LENGTH]; /* of key and header */
    struct account account;
    int64_t until_ms;
};
struct basic {
    unsigned char key[32]; /* of this process: digests mean nothing to another */
    struct known known[KNOWN];
};

struct basic *basic_create(void)
{
    struct basic *basic = calloc(1, sizeof *basic);
    if (basic != NULL &&
        getrandom(basic->key, sizeof basic->key, 0) != (ssize_t)sizeof basic->key) {
        free(basic);
        return NULL;
    }
    return basic;
}

void basic_destroy(struct basic *basic)
{
    if (basic != NULL)
        OPENSSL_cleanse(basic, sizeof *basic);
    free(basic);
}

static void digest_of(const struct basic *basic, const char *text,
                      unsigned char digest[SHA256_DIGEST_LENGTH])
{
    unsigned char both[sizeof basic->key + HEADER_MOST];
    size_t length = strnlen(text, HEADER_MOST);
    memcpy(both, basic->key, sizeof basic->key);
    memcpy(both + sizeof basic->key, text, length);
    (void)SHA256(both, sizeof basic->key + length, digest);
    OPENSSL_cleanse(both, sizeof both);
}

/* Of what was verified lately; the place for it when it was not. */
static struct known *find(struct basic *basic, const unsigned char *digest, int64_t now_ms,
                          bool *found)
{
    struct known *place = &basic->known[0];
    for (size_t i = 0; i < KNOWN; i++) {
        struct known *k = &basic->known[i];
        if (now_ms < k->until_ms && CRYPTO_memcmp(k->digest, digest, sizeof k->digest) == 0) {
            *found = true;
            return k;
        }
        if (k->until_ms < place->until_ms)
            place = k;
    }
    *found = false;
    return place;
}

/* "name:password" of the header's base64; false: it is none. */
static bool decode(const char *text, char both[HEADER_MOST], char **password)
{
    size_t length = strlen(text);
    if (length == 0 || length % 4 != 0 || length >= HEADER_MOST)
        return false;
    int n = EVP_DecodeBlock((unsigned char *)both, (const unsigned char *)text, (int)length);
    if (n < 0)
        return false;
    n -= (text[length - 1] == '=') + (text[length - 2] == '=');
    both[n] = '\0';
    *password = strchr(both, ':');
    if (*password == NULL || strlen(both) != (size_t)n)
        return false;
    *(*password)++ = '\0';
    return account_is_name(both) && strlen(*password) <= ACCOUNT_PASSWORD_MAX;
}

static struct session *begin(struct visit *visit, const struct account *account)
{
    visit->guest = (struct session){.account = *account};
    return &visit->guest;
}

struct session *basic_session(struct console *console, struct visit *visit, int *wait)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char both[HEADER_MOST], *password = NULL;
    bool known;
    int64_t now = clock_monotonic_ms();
    const struct http_request *request = &visit->request;
    const char *header = http_header(request, MHD_HTTP_HEADER_AUTHORIZATION);
    *wait = 0;
    if (header == NULL || strncasecmp(header, "Basic ", 6) != 0 || strlen(header) >= HEADER_MOST ||
        !console_is_private(console, request))
        return NULL;
    digest_of(console->basic, header + 6, digest);
    struct known *place = find(console->basic, digest, now, &known);
    if (known) {
        const struct account *is =
            accounts_find(console->accounts, console->account_count, place->account.name);
        if (is != NULL && is->role == place->account.role &&
            strcmp(is->hash, place->account.hash) == 0)
            return begin(visit, is);
    }
    if (!decode(header + 6, both, &password))
        return NULL;
    const struct account *account = login_verify(console, request, both, password, wait);
    OPENSSL_cleanse(both, sizeof both);
    if (account == NULL)
        return NULL;
    memcpy(place->digest, digest, sizeof digest);
    place->account = *account;
    place->until_ms = now + REMEMBERED_MS;
    return begin(visit, account);
}
