#include "admin.h"
#include "start.h"
#include <stdlib.h>

const char *admin_conf_path(const char *path)
{
    if (!path)
        path = getenv("CERVIGATE_CONFIG");
    return path ? path : "/etc/cervigate/cervigate.xml";
}

struct conf *admin_conf(const char *path, int *status)
{
    return start_conf(admin_conf_path(path), NULL, status, NULL);
}
