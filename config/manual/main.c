/* The manual of the configuration, from the table of its options' words (words.h).
 *
 *   conf_manual page [FILE]    cervigate.xml(5), which the build writes and installs
 *   conf_manual sample FILE    config/cervigate.xml with its comments as the table has them
 *   conf_manual schema FILE    config/cervigate.xsd with its documentation likewise
 *
 * scripts/manual writes the latter two back. Exit status 1: options without words, words without an
 * option, a file without its places. */
#include "words.h"
#include <string.h>
#include <sysexits.h>

int main(int argc, char **argv)
{
    bool page = (argc == 2 || argc == 3) && strcmp(argv[1], "page") == 0;
    bool sample = argc == 3 && strcmp(argv[1], "sample") == 0;
    bool schema = argc == 3 && strcmp(argv[1], "schema") == 0;
    bool good;

    if (!page && !sample && !schema) {
        fputs("usage: conf_manual page [FILE] | sample FILE | schema FILE\n", stderr);
        return EX_USAGE;
    }
    if (!facts_open())
        return EX_SOFTWARE;
    good = facts_complete() && (!page || argc == 2 || freopen(argv[2], "w", stdout));
    if (good)
        good = page     ? page_write(stdout)
               : sample ? sample_write(argv[2], stdout)
                        : schema_write(argv[2], stdout);
    facts_close();
    return good && fflush(stdout) == 0 ? 0 : 1;
}
