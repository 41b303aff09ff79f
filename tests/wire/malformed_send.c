/* The mutations over the network, each in an association of its own, as a modality would send it.
 * Every input has an outcome: a status, a refused context, an abort; silence is a fault.
 *
 * The ledger is that of tests/faults/ledger.py: a line before each attempt, one after it. What the
 * objects say of their study and patient is not read: they are malformed. */
#include "malformed.h"

#include "dx_uid.h"
#include "peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECONDS 10.0
#define CLASS   "1.2.840.10008.5.1.4.1.1.7"

enum { SILENT = -1, ABORTED = -2, REJECTED = -3, NO_CONTEXT = -4, NO_CONNECTION = -5, ENDS = 5 };
static const char *const end_names[ENDS] = {"silent for 10 s", "aborted", "rejected",
                                            "context refused", "no connection"};

/* The result of the one context in an A-ASSOCIATE-AC. */
static int context_result(const uint8_t *body, size_t size)
{
    for (size_t i = 68; i + 8 < size; i++)
        if (body[i] == 0x21 && body[i + 1] == 0 && body[i + 4] == 1)
            return body[i + 6];
    return -1;
}

static int converse(int fd, const struct mutation *mutation)
{
    struct script script = {0}, dataset = {0};
    uint8_t body[1024];
    script_associate(&script, "MALFORMED", "CERVIGATE", CLASS, mutation->transfer_syntax);
    (void)peer_send(fd, script.bytes, script.count);
    script_finish(&script);
    int type = peer_receive(fd, SECONDS, body, sizeof body);
    if (type != 2)
        return type == 3 ? REJECTED : type == -1 ? SILENT : ABORTED;
    if (context_result(body, sizeof body) != 0)
        return NO_CONTEXT;

    script_store_command(&script, mutation->sop_instance);
    script_add(&dataset, mutation->dataset.at, mutation->dataset.count);
    if (dataset.count == 0)
        script_pdata(&script, 2, "", 0);
    script_fragments(&script, false, &dataset);
    (void)peer_send(fd, script.bytes, script.count);
    script_finish(&script);
    script_finish(&dataset);
    type = peer_receive(fd, SECONDS, body, sizeof body);
    if (type != 4)
        return type == -1 ? SILENT : ABORTED;
    script_release(&script);
    (void)peer_send(fd, script.bytes, script.count);
    script_finish(&script);
    int status = peer_status(body, sizeof body);
    (void)peer_receive(fd, SECONDS, body, sizeof body);
    return status < 0 ? ABORTED : status;
}

/* ---- the ledger ---- */

/* A UID as the command has it: whatever its bytes are, a string of JSON. */
static void print_text(FILE *ledger, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != 0; c++)
        (void)fprintf(ledger, *c < 32 || *c > 126 || *c == '"' || *c == '\\' ? "\\u%04x" : "%c",
                      *c);
}

static void print_line(FILE *ledger, const char *kind, const struct mutation *mutation,
                       const char *digest)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)fprintf(ledger, "{\"time\": %lld.%03ld, \"kind\": \"%s\", \"sop_instance\": \"",
                  (long long)now.tv_sec, now.tv_nsec / 1000000, kind);
    print_text(ledger, mutation->sop_instance);
    (void)fprintf(ledger, "\", \"study\": \"\", \"patient\": \"\", \"sha256\": \"%s\"", digest);
}

static void note_offer(FILE *ledger, const struct mutation *mutation, char digest[DX_DIGEST_MAX])
{
    struct dx_sha256 *sha = ledger != NULL ? dx_sha256_create() : NULL;
    if (sha == NULL)
        return;
    dx_sha256_add(sha, mutation->dataset.at, mutation->dataset.count);
    dx_sha256_take(sha, digest);
    print_line(ledger, "offer", mutation, digest);
    (void)fputs("}\n", ledger);
    (void)fflush(ledger);
}

static void note_outcome(FILE *ledger, const struct mutation *mutation, const char *digest,
                         int outcome, double seconds)
{
    static const char *const words[ENDS] = {"aborted", "aborted", "rejected", "no-context",
                                            "unreached"};
    if (ledger == NULL)
        return;
    print_line(ledger, "store", mutation, digest);
    (void)fprintf(ledger,
                  ", \"sop_class\": \"" CLASS
                  "\", \"issuer\": \"\", \"bytes\": %zu, \"path\": \"\", "
                  "\"expected\": null, \"comment\": \"\", \"ms\": %.0f, \"outcome\": ",
                  mutation->dataset.count, seconds * 1000);
    if (outcome >= 0)
        (void)fprintf(ledger, "\"%04x\"}\n", (unsigned)outcome & 0xffffu);
    else
        (void)fprintf(ledger, "\"%s\"}\n", words[-outcome - 1]);
    (void)fflush(ledger);
}

static int send_one(const struct corpus *corpus, uint64_t seed, uint64_t number, uint16_t port,
                    FILE *ledger)
{
    struct mutation mutation;
    char digest[DX_DIGEST_MAX] = "";
    double begin = peer_now();
    mutate(corpus, seed, number, &mutation);
    note_offer(ledger, &mutation, digest);
    int on = 1, fd = peer_connect(port), outcome = NO_CONNECTION;
    if (fd >= 0) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        outcome = converse(fd, &mutation);
        close(fd);
    }
    note_outcome(ledger, &mutation, digest, outcome, peer_now() - begin);
    bytes_finish(&mutation.dataset);
    return outcome;
}

int malformed_send(const struct corpus *corpus, uint64_t seed, uint64_t count, uint64_t first,
                   uint16_t port, const char *ledger)
{
    static uint64_t statuses[65536], ends[ENDS], all;
    double begin = peer_now(), slowest = 0;
    FILE *lines = ledger != NULL ? fopen(ledger, "ae") : NULL;
    if (ledger != NULL && lines == NULL) {
        (void)fprintf(stderr, "malformed: %s cannot be written\n", ledger);
        return 73;
    }
    for (uint64_t i = first; i < first + count; i++) {
        double start = peer_now();
        int outcome = send_one(corpus, seed, i, port, lines);
        if (peer_now() - start > slowest)
            slowest = peer_now() - start;
        if (outcome >= 0)
            statuses[outcome & 0xffff]++;
        else
            ends[-outcome - 1]++;
        if (outcome == SILENT || outcome == NO_CONNECTION)
            printf("%s: seed %llu number %llu\n", end_names[-outcome - 1], (unsigned long long)seed,
                   (unsigned long long)i);
        all++;
    }
    if (lines != NULL)
        (void)fclose(lines);
    printf("seed %llu, %llu sent from number %llu in %.0f s, slowest %.2f s:",
           (unsigned long long)seed, (unsigned long long)all, (unsigned long long)first,
           peer_now() - begin, slowest);
    for (unsigned i = 0; i < 65536; i++)
        if (statuses[i] > 0)
            printf(" %04X=%llu", i, (unsigned long long)statuses[i]);
    for (unsigned i = 0; i < ENDS; i++)
        if (ends[i] > 0)
            printf(" %s=%llu", end_names[i], (unsigned long long)ends[i]);
    putchar('\n');
    return ends[-SILENT - 1] + ends[-NO_CONNECTION - 1] > 0 ? 1 : 0;
}
