/* committer_again.h: an object that is stored already has come again.
 *
 * The association's process may not read what is stored, so that it leaves the new file in
 * incoming/ and names it to the committer, which looks whether the stored bytes are still those of
 * the digest. */
#ifndef COMMITTER_AGAIN_H
#define COMMITTER_AGAIN_H

#include "node.h"
#include "store.h"

/* Where the dataset of objects/DIGEST is damaged or gone and that of incoming/OFFERED has this
 * digest, the new file takes its place: synced, renamed, the directory synced, logged as
 * file-replaced. The group length of the file meta group tells where a dataset begins; nothing else
 * is parsed. False: what is stored is damaged and could not be replaced, or could not be read; then
 * the object may not be called stored. */
bool committer_again(const struct conf *conf, const struct instance *instance, const char *offered);

#endif
