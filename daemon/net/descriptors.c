#include "net/descriptors.h"

#include <dirent.h>
#include <sys/resource.h>

#define DESCRIPTORS_GUESS 64u /* open ones, where /proc is not there to count them */

static uint64_t descriptors_open(void)
{
    DIR *directory = opendir("/proc/self/fd");
    uint64_t n = 0;
    if (directory == NULL) {
        return DESCRIPTORS_GUESS;
    }
    while (readdir(directory) != NULL) {
        n++;
    }
    closedir(directory);
    return n > 3 ? n - 3 : 0; /* ".", ".." and the directory itself */
}

void descriptors_set(struct descriptors *descriptors, uint64_t limit, uint64_t open)
{
    uint64_t max = limit > open ? limit - open : 0;
    descriptors->max = max;
    descriptors->spare = max / 4 < DESCRIPTORS_SPARE ? max / 4 : DESCRIPTORS_SPARE;
    atomic_init(&descriptors->taken, 0);
}

void descriptors_init(struct descriptors *descriptors)
{
    struct rlimit limit;
    uint64_t most = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (uint64_t)limit.rlim_cur : UINT64_MAX;
    descriptors_set(descriptors, most, descriptors_open());
}
