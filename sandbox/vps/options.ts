/** How a container must be run so that systemd and a Docker engine of its own work in it. */
import { docker } from "../engine/docker.ts";

/**
 * Options of `docker run` and the command, for the cgroup version of the operator's engine. Measured with
 * Docker 20.10 on cgroup v1 (shared/design, decision 10); `--privileged` is refused on some machines.
 */
export async function systemdOptions(): Promise<{ options: string[]; command: string[] }> {
  const version = await docker(["info", "--format", "{{.CgroupVersion}}"]);
  const options = [
    ...["--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE"],
    ...["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"],
    ...["--security-opt", "systempaths=unconfined"],
    ...["--tmpfs", "/run", "--tmpfs", "/run/lock"],
  ];
  if (version === "1") return { options: [...options, ...cgroupV1], command: ["/sbin/init"] };
  // A cgroup namespace of its own is mounted read-only without --privileged; who may mount can change that.
  const remount = "mount -o remount,rw /sys/fs/cgroup && exec /sbin/init";
  return { options: [...options, "--cgroupns", "private"], command: ["/bin/sh", "-c", remount] };
}

/** systemd 257, Debian 13's, is the last that runs on cgroup v1, and only when its command line insists. */
const legacy = [
  "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1",
  "systemd.unified_cgroup_hierarchy=0",
  "systemd.legacy_systemd_cgroup_controller=1",
];
const cgroupV1 = [
  "--volume",
  "/sys/fs/cgroup:/sys/fs/cgroup",
  "--env",
  `SYSTEMD_PROC_CMDLINE=${legacy.join(" ")}`,
];
