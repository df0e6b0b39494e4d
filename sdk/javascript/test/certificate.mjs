// Makes a certificate for 127.0.0.1 that signs itself.
import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Returns the names of the files of a certificate and its key, and its text. */
export async function makeCertificate() {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ca = pem("CERTIFICATE", certificate(privateKey, publicKey.export({ type: "spki", format: "der" })));
  const folder = await mkdtemp(join(tmpdir(), "sioemit-certificate-"));
  const files = { certificate: join(folder, "certificate.pem"), key: join(folder, "key.pem") };
  await writeFile(files.certificate, ca);
  await writeFile(files.key, privateKey.export({ type: "pkcs8", format: "pem" }));
  return { ...files, ca, remove: () => rm(folder, { recursive: true }) };
}

/** The numbers of DER, ASN.1. */
const [boolean, integer, bits, octets, id, text, time, sequence, set] = [1, 2, 3, 4, 6, 12, 23, 0x30, 0x31];
const explicit = (n) => 0xa0 + n;
const ipAddress = 0x87;

const ids = {
  ecdsaWithSHA256: "2a8648ce3d040302",
  commonName: "550403",
  subjectAltName: "551d11",
  basicConstraints: "551d13",
};

function der(tag, ...parts) {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const size = content.length < 128 ? [content.length] : [0x82, content.length >> 8, content.length & 255];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

function certificate(privateKey, publicKey) {
  const named = (name) => der(id, Buffer.from(ids[name], "hex"));
  const at = (days) => {
    const date = new Date(Date.now() + days * 86_400_000).toISOString();
    return der(time, `${date.replace(/[-:T]/g, "").slice(2, 14)}Z`);
  };
  const algorithm = der(sequence, named("ecdsaWithSHA256"));
  const name = der(sequence, der(set, der(sequence, named("commonName"), der(text, "127.0.0.1"))));
  const extensions = der(
    sequence,
    der(sequence, named("subjectAltName"), der(octets, der(sequence, der(ipAddress, [127, 0, 0, 1])))),
    der(sequence, named("basicConstraints"), der(octets, der(sequence, der(boolean, [255])))),
  );
  const content = der(
    sequence,
    der(explicit(0), der(integer, [2])), // version 3
    der(integer, [1]), // the serial number
    algorithm,
    name,
    der(sequence, at(-1), at(1)),
    name,
    publicKey,
    der(explicit(3), extensions),
  );
  return der(sequence, content, algorithm, der(bits, [0], sign("sha256", content, privateKey)));
}

function pem(label, bytes) {
  const lines = bytes.toString("base64").match(/.{1,64}/g);
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
