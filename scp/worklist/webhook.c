/* POST by libcurl. */
#include "webhook.h"

#include "clock.h"
#include "json_time.h"
#include "secret_file.h"
#include "web_name.h"
#include <curl/curl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MOST 65536 /* of the receiver's body, which nobody reads */

/* malloc, the caller's; NULL: out of memory. */
static char *body_of(const struct news *news)
{
    char created[25];
    clock_iso(news->created_ms, created);
    bool is_gone = news->kind == NEWS_WITHDRAWN && news->reason != REASON_READ;
    const char *why = is_gone ? "withdrawn" : priority_reason_text(news->reason);
    json_t *json =
        json_pack("{s:s,s:s,s:I,s:s,s:s,s:b,s:s,s:s?,s:s,s:b,s:s?,s:s}", "id", news->message,
                  "study", news->study, "revision", (json_int_t)news->revision, "event",
                  news->kind == NEWS_PRIORITY ? "priority" : "withdrawn", "priority",
                  priority_rank_name(news->rank), "raised", news->raised, "order",
                  priority_order_name(news->order), "outcome",
                  news->kind == NEWS_PRIORITY ? srt_outcome_name(news->outcome) : NULL, "reason",
                  why, "research", news->research, "report", news->is_report ? news->report : NULL,
                  "created", created);
    char *body = json != NULL ? json_text(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return body;
}

void webhook_address(const char *url, char host[256], uint16_t *port)
{
    char *name = NULL, *number = NULL;
    CURLU *parsed = curl_url();
    host[0] = '\0';
    *port = 0;
    if (parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parsed, CURLUPART_HOST, &name, 0) == CURLUE_OK &&
        curl_url_get(parsed, CURLUPART_PORT, &number, CURLU_DEFAULT_PORT) == CURLUE_OK) {
        size_t length = strlen(name);
        bool is_bracketed = name[0] == '[' && length > 2;
        (void)snprintf(host, 256, "%.*s", (int)(is_bracketed ? length - 2 : length),
                       is_bracketed ? name + 1 : name);
        *port = (uint16_t)strtoul(number, NULL, 10);
    }
    curl_free(name);
    curl_free(number);
    curl_url_cleanup(parsed);
}

/* "X-Cervigate-Signature: sha256=..." */
static bool sign(const char *path, const char *body, char *header, size_t size, char why[NEWS_WHY])
{
    char secret[SECRET_MAX];
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    bool read = secret_read(path, secret, why);
    bool done = read && HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)body,
                             strlen(body), mac, &length) != NULL;
    OPENSSL_cleanse(secret, sizeof secret);
    if (!read)
        return false;
    int used = snprintf(header, size, "X-Cervigate-Signature: sha256=");
    for (unsigned i = 0; done && i < length; i++)
        used += snprintf(header + used, size - (size_t)used, "%02x", mac[i]);
    if (!done)
        (void)snprintf(why, NEWS_WHY, "signature: out of memory");
    return done;
}

/* Reads what the receiver says and forgets it; too much ends the transfer. */
static size_t drop(char *bytes, size_t size, size_t count, void *context)
{
    size_t *seen = context;
    (void)bytes;
    *seen += size * count;
    return *seen > ANSWER_MOST ? 0 : size * count;
}

static bool prepare(CURL *curl, const struct conf_announcement *to, const char *body,
                    struct curl_slist *headers, char *error, size_t *seen)
{
    bool good =
        curl_easy_setopt(curl, CURLOPT_URL, to->url) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, seen) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)to->answer_seconds) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    if (good && to->authorities != NULL)
        good = curl_easy_setopt(curl, CURLOPT_CAINFO, to->authorities) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK;
    return good;
}

static enum news_end judge(long status, char why[NEWS_WHY])
{
    if (status >= 200 && status < 300)
        return NEWS_TOLD;
    (void)snprintf(why, NEWS_WHY, "HTTP status %ld", status);
    if (status == 429 || (status >= 502 && status <= 504)) /* not about this news: order is kept */
        return NEWS_UNREACHED;
    if (status == 408 || status == 425 || status >= 500)
        return NEWS_LATER;
    return NEWS_REFUSED;
}

static enum news_end post(CURL *curl, const struct conf_announcement *to, const char *body,
                          struct curl_slist *headers, char why[NEWS_WHY])
{
    char error[CURL_ERROR_SIZE] = "", host[256];
    uint16_t port;
    size_t seen = 0;
    long status = 0;
    struct curl_slist *addresses = NULL;
    webhook_address(to->url, host, &port);
    if (!web_name_resolve(host, port, &addresses, why, NEWS_WHY))
        return NEWS_UNREACHED;
    if (!prepare(curl, to, body, headers, error, &seen) ||
        curl_easy_setopt(curl, CURLOPT_RESOLVE, addresses) != CURLE_OK) {
        curl_slist_free_all(addresses);
        (void)snprintf(why, NEWS_WHY, "libcurl cannot do it");
        return NEWS_LATER;
    }
    CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(addresses);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_WRITE_ERROR && seen > ANSWER_MOST)
        return judge(status, why);
    if (code == CURLE_OK)
        return judge(status, why);
    (void)snprintf(why, NEWS_WHY, "%s", error[0] != '\0' ? error : curl_easy_strerror(code));
    return NEWS_UNREACHED;
}

enum news_end webhook_tell(const struct conf_announcement *to, const struct news *news,
                           char why[NEWS_WHY])
{
    char signature[128] = "";
    enum news_end end = NEWS_LATER;
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json"), *more;
    char *body = body_of(news);
    CURL *curl = curl_easy_init();
    if (headers == NULL || body == NULL || curl == NULL) {
        (void)snprintf(why, NEWS_WHY, "out of memory");
        goto out;
    }
    if (to->secret != NULL) {
        if (!sign(to->secret, body, signature, sizeof signature, why))
            goto out;
        more = curl_slist_append(headers, signature);
        if (more == NULL)
            goto out;
        headers = more;
    }
    end = post(curl, to, body, headers, why);
out:
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    free(body);
    return end;
}
