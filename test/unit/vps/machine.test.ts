import { describe, expect, test } from "vitest";
import { debianMirror, extraCertificates, pipConf } from "../../../sandbox/images/machine.ts";
import { overlaps } from "../../../sandbox/vps/network.ts";

const bookworm = { ID: "debian", VERSION_CODENAME: "bookworm" };

describe("the machine's Debian mirror", () => {
  test("from a deb822 file, past comments and a third party's source", () => {
    const vendor = "Types: deb\nURIs: https://packages.test/node\nSuites: nodistro\nComponents: main\n";
    const debian =
      "Types: deb deb-src\n# a comment\nURIs: http://mirror.test/debian/\nSuites: bookworm bookworm-updates\nComponents: main\n\n" +
      "Types: deb\nURIs: http://mirror.test/debian-security\nSuites: bookworm-security\nComponents: main\n";
    expect(debianMirror([vendor, debian], bookworm)).toBe("http://mirror.test/debian");
  });

  test("from a list with options", () => {
    const list =
      "# deb http://old.test/debian bookworm main\n" +
      "deb http://mirror.test/debian-security bookworm-security main\n" +
      "deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] https://mirror.test/debian bookworm main contrib\n";
    expect(debianMirror([list], bookworm)).toBe("https://mirror.test/debian");
  });

  test("not a disabled one, not a disc, not another system's", () => {
    const disabled =
      "Enabled: no\nTypes: deb\nURIs: http://a.test/debian\nSuites: bookworm\nComponents: main\n";
    expect(debianMirror([disabled, "deb cdrom:[x]/ bookworm main\n"], bookworm)).toBeUndefined();
    const ubuntu = "deb http://archive.test/ubuntu noble main\n";
    expect(debianMirror([ubuntu], { ID: "ubuntu", VERSION_CODENAME: "noble" })).toBeUndefined();
  });
});

describe("the machine's certificates", () => {
  const certificate = (text: string): string =>
    `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----`;

  test("only those that Mozilla has not, each once, however the lines are broken", () => {
    const pem = [certificate("AAAA\nBBBB"), "# a comment", certificate("CCCC"), certificate("CC\nCC")].join(
      "\n",
    );
    const extra = extraCertificates(pem, [certificate("AA\nAABBBB")]);
    expect(extra).toHaveLength(1);
    expect(extra[0]?.replace(/\s/g, "")).toContain("-CCCC-");
  });

  test("none where there is nothing", () => {
    expect(extraCertificates("")).toEqual([]);
  });
});

test("pip keeps the machine's index and patience", () => {
  expect(pipConf({ PIP_DEFAULT_TIMEOUT: "180", PIP_INDEX_URL: "https://index.test/simple" })).toBe(
    "[global]\ntimeout = 180\nindex-url = https://index.test/simple\n",
  );
  expect(pipConf({})).toBe("[global]\n");
});

test.each([
  ["10.200.1.0/24", "10.200.1", true],
  ["10.200.1.0/24", "10.200.2", false],
  ["10.200.0.0/16", "10.200.9", true],
  ["10.0.0.0/8", "10.200.9", true],
  ["10.200.9.128/25", "10.200.9", true],
  ["10.200.9.7/32", "10.200.9", true],
  ["0.0.0.0/0", "10.200.9", true],
  ["172.17.0.0/16", "10.200.9", false],
])("%s and %s.0/24 overlap: %s", (cidr, prefix, expected) => {
  expect(overlaps(cidr, prefix)).toBe(expected);
});
