/* backup.h: what `cervigate backup` puts into its file, and `cervigate restore` takes out of it:
 *
 *   cervigate-backup    first: the format, the program's version, when, whether with objects
 *   node-id, mode       as in the spool; mode only when it was changed
 *   cervigate.xml       the configuration in use
 *   results/NAME        every file of a result that is there
 *   objects/ab/NAME     received objects not judged yet; with --objects all that are there
 *   jobs.sqlite         last: the job store, which agrees with what comes before it */
#ifndef BACKUP_H
#define BACKUP_H

#define BACKUP_MANIFEST               "cervigate-backup"
#define BACKUP_FORMAT                 "cervigate backup 1\n" /* the manifest's first line */
#define BACKUP_CONFIGURATION          "cervigate.xml"
#define BACKUP_STORE                  "jobs.sqlite"
#define BACKUP_RESTORED_CONFIGURATION "restored-cervigate.xml"

#endif
