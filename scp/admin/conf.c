#include "admin.h"
#include "start.h"
#include <stdlib.h>

struct conf *admin_conf(const char *path, int *status)
{
    if (!path)
        path = getenv("CERVIGATE_CONFIG");
    return start_conf(path ? path : "/etc/cervigate/cervigate.xml", status);
}
