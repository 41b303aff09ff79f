/* phantom_files.h: `cervigate phantom --out`: files, one folder a class, and manifest.csv.
 *
 * OUT/c-spine_CLASS/phantom_SEED_INDEX.ENDING (a subject other than the lateral spine:
 * OUT/SUBJECT/...), OUT/masks/..._mask.png, OUT/manifest.csv in the order of the numbers. Threads
 * draw; the bytes do not depend on how many. */
#ifndef PHANTOM_FILES_H
#define PHANTOM_FILES_H

#include "phantom_options.h"

int phantom_files(const struct phantom_options *options); /* exit status; tells what went wrong */

#endif
