import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Fault, StrictS3, type Asked } from '../../activities/store/strict-s3.ts';
import { keyPair } from '../../activities/configuration/stage.ts';
import { freePort } from '../../support/ports.ts';
import { filesIn } from '../../support/refusals.ts';
import { KEYS, startMoto } from '../../support/s3.ts';
import type { Refusal, Wrong } from './refusal.ts';

const BUCKET = { bucket: 'the-bucket', region: 'us-east-1', forcePathStyle: true, ...KEYS };
const anHourAgo = { date: new Date(Date.now() - 3_600_000).toUTCString() };

/** A file system of so many kilobytes, where this user may make one. */
export function smallDisk(kilobytes: number): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'small-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', folder]);
  return {
    folder,
    remove: () => {
      execFileSync('umount', [folder]);
      rmSync(folder, { recursive: true });
    },
  };
}

function whyNoDisk(): string | undefined {
  try {
    smallDisk(4).remove();
    return undefined;
  } catch {
    return 'a small file system takes root';
  }
}
export const noDisk = whyNoDisk();

/** The bucket of a strict server that goes wrong where `fault` says so, until it is mended. */
export async function bucket(fault: (asked: Asked) => Fault, settings: object = {}): Promise<Wrong> {
  const server = await new StrictS3().start();
  server.fault = fault;
  return {
    settings: { store: { s3: { ...BUCKET, endpoint: server.url }, ...settings } },
    mend: () => Promise.resolve((server.fault = () => undefined)),
    elsewhere: () => [[...server.objects.keys()].filter((name) => !name.startsWith('runs/')), server.uploads.size],
    restore: () => server.stop(),
  };
}

/** What the bucket answers to everything, and what is said of it by whoever plans a backup. */
function refusing(what: string, fault: Fault, code: Refusal['code'], message: RegExp): Refusal {
  return { what, code, message, at: 'activity', act: (all) => all.planBackup(), wrong: () => bucket(() => fault) };
}

const faults: Refusal[] = [
  refusing(
    'a bucket of another region',
    { status: 301, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'eu-central-1' } },
    'STORE_REFUSED',
    /bucket the-bucket is not in the region us-east-1\. Set store\.s3\.region to eu-central-1/,
  ),
  refusing(
    'a clock that is wrong',
    { status: 403, code: 'RequestTimeTooSkewed', headers: anHourAgo },
    'STORE_DENIED',
    /clock of this machine is 6[0-9] minutes ahead of that of S3\. Set it \(NTP\)/,
  ),
  refusing(
    'an expired key',
    { status: 400, code: 'ExpiredToken' },
    'STORE_DENIED',
    /has expired\. Give the worker a new one/,
  ),
  {
    what: 'a key that expires while it is tried out what the bucket enforces',
    code: 'STORE_DENIED',
    message: /has expired\. Give the worker a new one/,
    at: 'activity',
    act: (all) => all.planBackup(),
    wrong: () =>
      bucket(({ headers }) => (headers['if-none-match'] ? { status: 400, code: 'ExpiredToken' } : undefined)),
  },
  refusing(
    'an unknown key',
    { status: 403, code: 'InvalidAccessKeyId' },
    'STORE_DENIED',
    /does not know the access key\. Correct store\.s3\.accessKeyId/,
  ),
  refusing(
    'a wrong secret',
    { status: 403, code: 'SignatureDoesNotMatch' },
    'STORE_DENIED',
    /secret of the access key is wrong\. Correct store\.s3\.secretAccessKey/,
  ),
  refusing(
    'a bucket that may not be written',
    { status: 403, code: 'AccessDenied' },
    'STORE_DENIED',
    /access is denied .*Allow s3:PutObject and s3:ListBucket on bucket the-bucket/,
  ),
  {
    what: 'a bucket that is not there',
    code: 'STORE_REFUSED',
    message: /there is no bucket the-bucket at http:.* Make it, or correct store\.s3\.bucket/,
    at: 'activity',
    act: (all) => all.planBackup(),
    wrong: async () => {
      const server = await startMoto();
      return { settings: { store: { s3: { ...BUCKET, endpoint: server.url } } }, restore: () => server.stop() };
    },
  },
  {
    what: 'a bucket that cannot be reached',
    code: 'STORE_UNREACHABLE',
    message: /http:\/\/127\.0\.0\.1:[0-9]+ does not answer .*store\.s3\.endpoint/,
    at: 'backup',
    step: 'plan',
    wrong: async () => ({
      settings: { store: { s3: { ...BUCKET, endpoint: `http://127.0.0.1:${await freePort()}` } } },
    }),
  },
  {
    what: 'a bucket that gets something else than what was sent',
    code: 'STORE_REFUSED',
    message: /\.tsv: what arrived is not what was sent \(BadDigest\)\. .*store\.s3\.checksums/,
    at: 'backup',
    step: 'index',
    wrong: () =>
      bucket(({ method, name }) =>
        method === 'PUT' && name.includes('/index-') ? { status: 400, code: 'BadDigest' } : undefined,
      ),
  },
  {
    what: 'a key of the bucket that expires in the middle',
    code: 'STORE_DENIED',
    message: /writing sets\/.*\.snapshot: the access key or session token has expired\. Give the worker a new one/,
    at: 'backup',
    step: 'snapshot',
    wrong: () => {
      let expired = false;
      return bucket(({ method, name }) => {
        expired ||= method === 'PUT' && name.endsWith('.snapshot');
        return expired ? { status: 400, code: 'ExpiredToken' } : undefined;
      });
    },
  },
];

const disks: Refusal[] = [
  {
    what: 'a store whose disk fills up in the middle',
    code: 'DISK_FULL',
    message: /artifact store: no space left to write .*\.part \([0-9]+ bytes free\)/,
    at: 'backup',
    step: 'snapshot',
    unless: noDisk,
    wrong: () => {
      const { folder, remove } = smallDisk(700);
      return {
        env: { STORE_DIRECTORY: join(folder, 'store') },
        elsewhere: () => filesIn(folder).filter((path) => !path.startsWith('store/runs/')),
        restore: remove,
      };
    },
  },
  {
    what: 'a store whose folder may not be written',
    code: 'STORE_DENIED',
    message: /artifact store: \/sys\/kernel.*E(ACCES|PERM|ROFS).*Let the user that runs this write below \/sys\/kernel/,
    at: 'backup',
    step: 'plan',
    unless: process.platform === 'linux' ? undefined : 'there is no folder that nobody may write',
    wrong: () => ({ env: { STORE_DIRECTORY: '/sys/kernel/recovery-store' } }),
  },
];

/** Encrypts for somebody, in a folder of its own. */
async function encrypting(identity: Readonly<Record<string, unknown>>): Promise<Wrong> {
  const { recipient } = await keyPair();
  return { settings: { store: { encryption: { recipients: [recipient], ...identity } } } };
}

const encryption: Refusal[] = [
  {
    what: 'an encrypted store without an identity',
    code: 'STORE_DENIED',
    message: /artifact sets\/.*\.age is encrypted, and no identity is configured\. Set store\.encryption\.identityFile/,
    at: 'backup',
    step: 'snapshot',
    wrong: () => encrypting({}),
  },
  {
    what: 'an encrypted store whose identity is another one',
    code: 'STORE_DENIED',
    message: /no identity in .*other\.txt opens it: it was encrypted for others\. Use one of theirs/,
    at: 'backup',
    step: 'snapshot',
    wrong: async ({ scratchDir }) => {
      const { identity } = await keyPair();
      const identityFile = join(scratchDir, 'other.txt');
      writeFileSync(identityFile, `${identity}\n`);
      return { ...(await encrypting({ identityFile })), restore: () => rmSync(identityFile) };
    },
  },
];

export const store: Refusal[] = [...faults, ...disks, ...encryption];
