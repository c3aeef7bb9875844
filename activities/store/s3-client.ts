import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import type { S3Config } from '../../config/store.ts';
import { isAbsent, isTaken, readError } from './s3-errors.ts';
import { type Doing, storeFailure, type Where } from './s3-failures.ts';
import { uploadParts } from './s3-upload.ts';

const CONNECT_MS = 10_000;
const ATTEMPTS = 3;
/** Where a server other than Amazon's names no region, this is what all of them take. */
const ANY_REGION = 'us-east-1';

/** What an object is, without its bytes. */
export interface Head {
  readonly bytes: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: string | undefined;
  /** What keeps it from being removed, in words; absent when nothing does. */
  readonly lock: string | undefined;
}

/** An answer under way. */
export interface Got {
  /** Of the whole answer, as the server announced it. */
  readonly bytes: number;
  readonly etag: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  /** For an answer that nobody is going to read. */
  cancel(): void;
}

/**
 * A bucket, in the few calls that we make of it; the only place that knows the SDK. Names are whole names of objects. Every
 * call has a deadline, is repeated by the SDK where that is safe, and throws the SDK's errors translated once.
 */
export class Bucket {
  readonly name: string;
  readonly #client: S3Client;
  readonly #where: Where;
  readonly #conditional: boolean;

  constructor(config: S3Config) {
    this.name = config.bucket;
    this.#client = new S3Client(settingsOf(config));
    this.#conditional = config.conditionalWrites;
    this.#where = { bucket: config.bucket, endpoint: config.endpoint ?? 'Amazon S3', region: regionOf(config) };
  }

  /** Says what a call failed with. */
  failure(error: unknown, doing: Doing): Error {
    return storeFailure(readError(error), this.#where, doing, error);
  }

  /** Whether there is such an object. By listing, because an answer to HEAD says nothing of why it is no. */
  async has(name: string): Promise<boolean> {
    const command = new ListObjectsV2Command({ Bucket: this.name, Prefix: name, MaxKeys: 1 });
    const { Contents = [] } = await this.#call({ what: `looking for ${name}`, permission: 's3:ListBucket' }, () =>
      this.#client.send(command),
    );
    return Contents[0]?.Key === name;
  }

  /** Names that start with `prefix`, a page at a time. */
  async *names(prefix: string): AsyncGenerator<string[]> {
    for (let token: string | undefined; ;) {
      const command = new ListObjectsV2Command({ Bucket: this.name, Prefix: prefix, ContinuationToken: token });
      const page = await this.#call({ what: `listing ${prefix || 'everything'}`, permission: 's3:ListBucket' }, () =>
        this.#client.send(command),
      );
      yield (page.Contents ?? []).flatMap(({ Key }) => Key ?? []);
      token = page.NextContinuationToken;
      if (token === undefined) return;
    }
  }

  async head(name: string): Promise<Head | undefined> {
    const command = new HeadObjectCommand({ Bucket: this.name, Key: name });
    const found = await this.#unlessAbsent({ what: `looking at ${name}`, permission: 's3:GetObject' }, () =>
      this.#client.send(command),
    );
    if (!found) return undefined;
    const until = found.ObjectLockRetainUntilDate;
    const held = found.ObjectLockLegalHoldStatus === 'ON' ? 'a legal hold' : undefined;
    const kept =
      until && until > new Date() ? `${found.ObjectLockMode ?? 'a lock'} until ${until.toISOString()}` : undefined;
    return {
      bytes: found.ContentLength ?? 0,
      metadata: found.Metadata ?? {},
      version: found.VersionId,
      lock: held ?? kept,
    };
  }

  /** Whether earlier versions of what is missing are there all the same; no, when we may not look. */
  async isHidden(name: string): Promise<boolean> {
    const command = new ListObjectVersionsCommand({ Bucket: this.name, Prefix: name, MaxKeys: 2 });
    return this.#client.send(command).then(
      ({ Versions = [] }) => Versions.some(({ Key }) => Key === name),
      () => false,
    );
  }

  /** The bytes from `at` on; `undefined` when there is no such object, or not the one of that `etag` any more. */
  async get(name: string, from?: { readonly at: number; readonly etag: string | undefined }): Promise<Got | undefined> {
    const again = from && { Range: `bytes=${from.at}-`, ...(from.etag === undefined ? {} : { IfMatch: from.etag }) };
    const command = new GetObjectCommand({ Bucket: this.name, Key: name, ...again });
    const found = await this.#unlessAbsent({ what: `reading ${name}`, permission: 's3:GetObject' }, () =>
      this.#client.send(command),
    );
    if (!found) return undefined;
    const body = found.Body;
    if (!(body instanceof Readable)) throw new TypeError('the SDK gave a body that is no stream of Node');
    return { bytes: found.ContentLength ?? 0, etag: found.ETag, body, cancel: () => void body.destroy() };
  }

  /** Sends everything as one object, which appears when it is whole. Throws what the SDK throws. */
  async upload(name: string, data: AsyncIterable<Uint8Array>, metadata: Record<string, string>): Promise<void> {
    const condition = this.#conditional ? { IfNoneMatch: '*' } : {};
    await uploadParts(this.#client, { Bucket: this.name, Key: name, Metadata: metadata, ...condition }, data);
  }

  /** One small put as it stands. Throws what the SDK throws. */
  async putOnce(
    name: string,
    body: Uint8Array,
    more: { IfNoneMatch?: string; ChecksumSHA256?: string },
  ): Promise<void> {
    await this.#client.send(new PutObjectCommand({ Bucket: this.name, Key: name, Body: body, ...more }));
  }

  /** Removes one version; without one, what is seen under the name. Throws what the SDK throws. */
  async remove(name: string, version: string | undefined): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.name, Key: name, VersionId: version }));
  }

  /** Gives up every upload in parts that was begun under a prefix and not ended. */
  async giveUpUploads(prefix: string): Promise<void> {
    const list = new ListMultipartUploadsCommand({ Bucket: this.name, Prefix: prefix });
    const listing = { what: `listing uploads under ${prefix}`, permission: 's3:ListBucketMultipartUploads' };
    const { Uploads = [] } = await this.#call(listing, () => this.#client.send(list));
    for (const { Key, UploadId } of Uploads) {
      const abort = new AbortMultipartUploadCommand({ Bucket: this.name, Key, UploadId });
      const doing = { what: `giving up an upload of ${Key ?? prefix}`, permission: 's3:AbortMultipartUpload' };
      await this.#unlessAbsent(doing, () => this.#client.send(abort));
    }
  }

  /** Whether earlier versions are kept. */
  async versioning(): Promise<boolean> {
    const command = new GetBucketVersioningCommand({ Bucket: this.name });
    const answer = await this.#call({ what: 'asking for versioning', permission: 's3:GetBucketVersioning' }, () =>
      this.#client.send(command),
    );
    return answer.Status === 'Enabled';
  }

  /** The rule that locks what is put, in words: `COMPLIANCE for 30 days`; '' when locking is on without a rule. */
  async lockRule(): Promise<string> {
    const command = new GetObjectLockConfigurationCommand({ Bucket: this.name });
    const { ObjectLockConfiguration: found } = await this.#client.send(command);
    const { Mode, Days, Years } = found?.Rule?.DefaultRetention ?? {};
    if (Mode === undefined) return '';
    return `${Mode} for ${Days === undefined ? `${Years ?? '?'} years` : `${Days} days`}`;
  }

  async #call<T>(doing: Doing, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw this.failure(error, doing);
    }
  }

  #unlessAbsent<T>(doing: Doing, call: () => Promise<T>): Promise<T | undefined> {
    return this.#call(doing, () =>
      call().catch((error: unknown) => {
        const seen = readError(error);
        if (isAbsent(seen) || isTaken(seen)) return undefined;
        throw error;
      }),
    );
  }
}

function regionOf({ region, endpoint }: S3Config): string | undefined {
  return region ?? (endpoint === undefined ? undefined : ANY_REGION);
}

function settingsOf(config: S3Config): S3ClientConfig {
  const { endpoint, forcePathStyle, accessKeyId, secretAccessKey, sessionToken, checksums, timeoutSeconds } = config;
  const region = regionOf(config);
  const when = checksums === 'always' ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED';
  const timeout = timeoutSeconds * 1_000;
  return {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(accessKeyId && secretAccessKey
      ? {
          credentials: {
            accessKeyId: accessKeyId.reveal(),
            secretAccessKey: secretAccessKey.reveal(),
            ...(sessionToken ? { sessionToken: sessionToken.reveal() } : {}),
          },
        }
      : {}),
    forcePathStyle,
    maxAttempts: ATTEMPTS,
    requestChecksumCalculation: when,
    responseChecksumValidation: when,
    requestHandler: {
      connectionTimeout: Math.min(CONNECT_MS, timeout),
      requestTimeout: timeout,
      // Without it the SDK only warns.
      throwOnRequestTimeout: true,
      socketTimeout: timeout,
    },
  };
}
