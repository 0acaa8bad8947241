#!/bin/sh
# With NGINX_ENTRYPOINT_WORKER_PROCESSES_AUTOTUNE set, as many workers as the container may use CPUs:
# the smallest of the CPU set and the quota of cgroup v1 or v2, rounded up.
set -eu
[ -n "${NGINX_ENTRYPOINT_WORKER_PROCESSES_AUTOTUNE:-}" ] || exit 0
conf=/etc/nginx/nginx.conf
[ -w "$conf" ] || {
  echo "$0: ERROR: cannot write $conf"
  exit 0
}

cpus=$(nproc)
quota=
if [ -r /sys/fs/cgroup/cpu.max ]; then
  quota=$(awk '$1 != "max" { print int(($1 + $2 - 1) / $2) }' /sys/fs/cgroup/cpu.max)
elif [ -r /sys/fs/cgroup/cpu/cpu.cfs_quota_us ]; then
  period=$(cat /sys/fs/cgroup/cpu/cpu.cfs_period_us)
  quota=$(awk -v p="$period" '$1 > 0 { print int(($1 + p - 1) / p) }' /sys/fs/cgroup/cpu/cpu.cfs_quota_us)
fi
if [ -n "$quota" ] && [ "$quota" -lt "$cpus" ]; then cpus=$quota; fi
sed -i.bak "s/^worker_processes .*;/worker_processes $cpus;/" "$conf"
