#include "ops/workers.h"

#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More CPUs than any kernel is built for. */
#define CPUS_MAX 8192

static uint32_t workers_allowed_cpus(void)
{
    cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
    int count = 0;

    if (set == NULL) {
        return 1;
    }
    if (sched_getaffinity(0, CPU_ALLOC_SIZE(CPUS_MAX), set) == 0) {
        count = CPU_COUNT_S(CPU_ALLOC_SIZE(CPUS_MAX), set);
    }
    CPU_FREE(set);
    return count > 0 ? (uint32_t)count : 1;
}

/* CPUs that a quota of v2's cpu.max ("50000 100000", "max 100000") or v1's pair of files gives; 0:
 * none. */
static uint32_t workers_quota_at(const char *root, const char *path)
{
    char file[PATH_MAX + 64];
    int64_t quota = -1, period = 0;
    FILE *in;

    snprintf(file, sizeof(file), "%s%s/cpu.max", root, path);
    in = fopen(file, "re");
    if (in != NULL) {
        if (fscanf(in, "%" SCNd64 " %" SCNd64, &quota, &period) != 2) {
            quota = -1;
        }
        fclose(in);
    } else {
        snprintf(file, sizeof(file), "%s%s/cpu.cfs_quota_us", root, path);
        in = fopen(file, "re");
        if (in != NULL) {
            if (fscanf(in, "%" SCNd64, &quota) != 1) {
                quota = -1;
            }
            fclose(in);
            snprintf(file, sizeof(file), "%s%s/cpu.cfs_period_us", root, path);
            in = fopen(file, "re");
            if (in != NULL) {
                if (fscanf(in, "%" SCNd64, &period) != 1) {
                    period = 0;
                }
                fclose(in);
            }
        }
    }
    if (quota <= 0 || period <= 0) {
        return 0;
    }
    int64_t cpus = quota / period + (quota % period != 0);
    return cpus > WORKERS_MAX ? WORKERS_MAX : (uint32_t)cpus;
}

/* The smallest quota of the cgroup `path` and of all above it. A container often sees itself as
 * "/", and its path on the host, which does not exist inside, as its membership: what cannot be
 * read is passed over. */
static uint32_t workers_smallest_quota(const char *root, char *path)
{
    uint32_t least = 0;

    for (;;) {
        uint32_t cpus = workers_quota_at(root, path);
        if (cpus != 0 && (least == 0 || cpus < least)) {
            least = cpus;
        }
        char *slash = strrchr(path, '/');
        if (slash == NULL) {
            return least;
        }
        *slash = '\0';
    }
}

static bool workers_has_cpu(const char *controllers)
{
    while (*controllers != '\0') {
        size_t len = strcspn(controllers, ",");
        if (len == 3 && strncmp(controllers, "cpu", 3) == 0) {
            return true;
        }
        controllers += len + (controllers[len] == ',');
    }
    return false;
}

uint32_t workers_cgroup_quota(const char *membership, const char *root)
{
    FILE *in = fopen(membership, "re");
    uint32_t least = 0;
    char *line = NULL;
    size_t cap = 0;

    if (in == NULL) {
        return 0;
    }
    /* "0::/path" is version 2, "4:cpu,cpuacct:/path" version 1. */
    while (getline(&line, &cap, in) > 0) {
        char v1[PATH_MAX];
        char *controllers = strchr(line, ':');
        char *path = controllers == NULL ? NULL : strchr(controllers + 1, ':');
        uint32_t cpus = 0;

        if (path == NULL) {
            continue;
        }
        controllers++;
        *path++ = '\0';
        path[strcspn(path, "\n")] = '\0';
        if (*controllers == '\0') {
            cpus = workers_smallest_quota(root, path);
        } else if (workers_has_cpu(controllers)) {
            snprintf(v1, sizeof(v1), "%s/cpu", root);
            cpus = workers_smallest_quota(v1, path);
        }
        if (cpus != 0 && (least == 0 || cpus < least)) {
            least = cpus;
        }
    }
    free(line);
    fclose(in);
    return least;
}

uint32_t workers_auto(void)
{
    uint32_t workers = workers_allowed_cpus();
    uint32_t quota = workers_cgroup_quota("/proc/self/cgroup", "/sys/fs/cgroup");

    if (quota != 0 && quota < workers) {
        workers = quota;
    }
    return workers > WORKERS_MAX ? WORKERS_MAX : workers;
}
