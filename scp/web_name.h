/* web_name.h: names for libcurl, whose own resolver would need a thread: looked up here, in this
 * process. */
#ifndef WEB_NAME_H
#define WEB_NAME_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

/* For CURLOPT_RESOLVE: *addresses is the caller's (curl_slist_free_all), and NULL where host is an
 * address already. False: why gets a sentence. */
bool web_name_resolve(const char *host, uint16_t port, struct curl_slist **addresses, char *why,
                      size_t why_size);

#endif
