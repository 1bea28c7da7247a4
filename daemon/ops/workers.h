/*
 * How many workers a machine wants. Runs once, on the main thread, before workers start. Owns
 * nothing.
 */
#ifndef FF_OPS_WORKERS_H
#define FF_OPS_WORKERS_H

#include <stdint.h>

#define WORKERS_MAX 64

/* The smallest of WORKERS_MAX, the CPUs this process may run on, and the cgroup's CPU quota rounded
 * up; at least 1. */
uint32_t workers_auto(void);

/* CPUs allowed by the quotas of a cgroup and of those above it, rounded up; 0: no quota.
 * `membership` is a file such as /proc/self/cgroup, `root` the mount point of the hierarchy such as
 * /sys/fs/cgroup. */
uint32_t workers_cgroup_quota(const char *membership, const char *root);

#endif
