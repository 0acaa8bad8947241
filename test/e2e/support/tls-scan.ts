/** Scans a TLS server with sslyze, which is installed from the package registry on first use. */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../../../sandbox/engine/docker.ts";
import { withLock } from "../../../sandbox/engine/lock.ts";
import { ensurePrograms } from "../../../sandbox/engine/packages.ts";
import { cacheFolder } from "../../../sandbox/engine/paths.ts";

const requirements = fileURLToPath(new URL("sslyze.txt", import.meta.url));

/** Everything that sslyze can look at, except the comparison with its own, older copy of Mozilla's guideline. */
const commands = [
  ...["--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--certinfo"],
  ...["--compression", "--early_data", "--openssl_ccs", "--fallback", "--heartbleed", "--robot", "--reneg"],
  ...["--resum", "--elliptic_curves", "--http_headers", "--ems", "--mozilla_config=disable"],
];

/** Where and as whom the server is asked. */
export interface ScanTarget {
  readonly name: string;
  readonly address: string;
  /** A PEM file with the roots to trust besides the public ones. */
  readonly authorityFile?: string;
}

interface Suites {
  readonly is_tls_version_supported: boolean;
  readonly accepted_cipher_suites: readonly {
    readonly cipher_suite: { readonly name: string; readonly openssl_name: string };
  }[];
}

/** What of sslyze's result the tests read (sslyze 6, JSON output). */
export interface Scan {
  readonly ssl_2_0_cipher_suites: Suites;
  readonly ssl_3_0_cipher_suites: Suites;
  readonly tls_1_0_cipher_suites: Suites;
  readonly tls_1_1_cipher_suites: Suites;
  readonly tls_1_2_cipher_suites: Suites;
  readonly tls_1_3_cipher_suites: Suites;
  readonly certificate_info: {
    readonly certificate_deployments: readonly {
      readonly received_certificate_chain: readonly { readonly as_pem: string }[];
      readonly received_chain_has_valid_order: boolean;
      readonly received_chain_contains_anchor_certificate: boolean | null;
      readonly verified_chain_has_sha1_signature: boolean | null;
      readonly path_validation_results: readonly { readonly was_validation_successful: boolean }[];
    }[];
  };
  readonly tls_compression: { readonly supports_compression: boolean };
  readonly tls_1_3_early_data: { readonly supports_early_data: boolean };
  readonly openssl_ccs_injection: { readonly is_vulnerable_to_ccs_injection: boolean };
  readonly tls_fallback_scsv: { readonly supports_fallback_scsv: boolean };
  readonly heartbleed: { readonly is_vulnerable_to_heartbleed: boolean };
  readonly robot: { readonly robot_result: string };
  readonly session_renegotiation: {
    readonly supports_secure_renegotiation: boolean;
    readonly is_vulnerable_to_client_renegotiation_dos: boolean;
  };
  readonly session_resumption: {
    readonly session_id_resumption_result: string;
    readonly tls_ticket_resumption_result: string;
  };
  readonly elliptic_curves: { readonly supported_curves: readonly { readonly name: string }[] };
  readonly http_headers: {
    readonly strict_transport_security_header: {
      readonly max_age: number;
      readonly include_subdomains: boolean;
    } | null;
  };
  readonly tls_extended_master_secret: { readonly supports_ems_extension: boolean };
}

/** Scans port 443. @throws Error when a part of the scan did not come to its end */
export async function scan(target: ScanTarget, log: (line: string) => void): Promise<Scan> {
  const program = await sslyze(log);
  const folder = mkdtempSync(join(tmpdir(), "botgarden-scan-"));
  try {
    const output = join(folder, "scan.json");
    const authority = target.authorityFile === undefined ? [] : ["--certinfo_ca_file", target.authorityFile];
    const server = `${target.name}:443{${target.address}}`;
    await run(program, ["--quiet", ...commands, ...authority, `--json_out=${output}`, server], {
      timeout: 600_000,
    });
    return resultOf(readFileSync(output, "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Report {
  readonly server_scan_results: readonly {
    readonly scan_result: Record<string, { readonly status: string; readonly result: unknown }> | null;
    readonly connectivity_error_trace: string | null;
  }[];
}

function resultOf(json: string): Scan {
  const report: Report = JSON.parse(json);
  const [server] = report.server_scan_results;
  if (!server?.scan_result) throw new Error(`sslyze could not connect: ${server?.connectivity_error_trace}`);
  const parts = Object.entries(server.scan_result);
  const incomplete = parts.filter(([, { status }]) => status !== "COMPLETED").map(([name]) => name);
  if (incomplete.length > 0) throw new Error(`sslyze did not finish ${incomplete.join(", ")}`);
  return Object.fromEntries(parts.map(([name, { result }]) => [name, result])) as unknown as Scan;
}

/** The path of the program, installed if it is not there. */
async function sslyze(log: (line: string) => void): Promise<string> {
  const digest = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 8);
  const folder = join(cacheFolder("test-programs"), `sslyze-${digest}`);
  // Written last: an installation may be killed half-way.
  const complete = join(folder, "complete");
  await withLock("sslyze", log, async () => {
    if (existsSync(complete)) return;
    log("installing sslyze from the package registry (once)");
    await ensurePrograms([{ name: "python3", package: "python3-venv" }], log);
    rmSync(folder, { recursive: true, force: true });
    try {
      await run("python3", ["-m", "venv", folder]);
    } catch (error) {
      throw new Error('python3 can make no virtual environment; on Debian: "apt-get install python3-venv"', {
        cause: error,
      });
    }
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements];
    await run(join(folder, "bin/python"), pip);
    writeFileSync(complete, "");
  });
  return join(folder, "bin/sslyze");
}

/** What a scanner would complain of, one line each; empty is good. */
export function findings(found: Scan): string[] {
  const complaints: [boolean, string][] = [
    [found.ssl_2_0_cipher_suites.is_tls_version_supported, "SSL 2.0 is on"],
    [found.ssl_3_0_cipher_suites.is_tls_version_supported, "SSL 3.0 is on"],
    [found.tls_1_0_cipher_suites.is_tls_version_supported, "TLS 1.0 is on"],
    [found.tls_1_1_cipher_suites.is_tls_version_supported, "TLS 1.1 is on"],
    [found.tls_compression.supports_compression, "compression is on (CRIME)"],
    [found.tls_1_3_early_data.supports_early_data, "early data is on (replays)"],
    [found.openssl_ccs_injection.is_vulnerable_to_ccs_injection, "OpenSSL CCS injection"],
    [!found.tls_fallback_scsv.supports_fallback_scsv, "a downgrade is not noticed (no fallback SCSV)"],
    [found.heartbleed.is_vulnerable_to_heartbleed, "Heartbleed"],
    [!found.robot.robot_result.startsWith("NOT_VULNERABLE"), `ROBOT: ${found.robot.robot_result}`],
    [!found.session_renegotiation.supports_secure_renegotiation, "insecure renegotiation"],
    [found.session_renegotiation.is_vulnerable_to_client_renegotiation_dos, "clients may renegotiate"],
    [!found.tls_extended_master_secret.supports_ems_extension, "no extended master secret"],
  ];
  for (const deployment of found.certificate_info.certificate_deployments) {
    complaints.push(
      [!deployment.received_chain_has_valid_order, "the chain is not in order"],
      [deployment.verified_chain_has_sha1_signature === true, "a signature with SHA-1"],
      [
        !deployment.path_validation_results.some((result) => result.was_validation_successful),
        "the chain leads to no known root",
      ],
    );
  }
  return complaints.filter(([bad]) => bad).map(([, text]) => text);
}
