import { z } from 'zod';
import type { Seen } from './s3-failures.ts';

/** What we look at in whatever the SDK, or Node below it, throws. */
const thrownSchema = z.looseObject({
  name: z.string().catch('Error'),
  message: z.string().catch(''),
  code: z.string().optional().catch(undefined),
  Code: z.string().optional().catch(undefined),
  Region: z.string().optional().catch(undefined),
  $metadata: z.looseObject({ httpStatusCode: z.number().optional() }).optional().catch(undefined),
  $response: z
    .looseObject({ statusCode: z.number().optional(), headers: z.record(z.string(), z.string()).catch({}) })
    .optional()
    .catch(undefined),
});

/** Reads an error of the SDK: answers without a body (to HEAD) have no code but their status. */
export function readError(error: unknown): Seen {
  const parsed = thrownSchema.safeParse(error);
  if (!parsed.success) return { ...NOTHING, code: 'Error', message: String(error) };
  const { name, message, code, Code, Region, $metadata, $response } = parsed.data;
  const headers = $response?.headers ?? {};
  const date = new Date(headers['date'] ?? '');
  return {
    code: message.startsWith('Region is missing') ? 'RegionMissing' : (Code ?? systemCode(code) ?? name),
    status: $metadata?.httpStatusCode ?? $response?.statusCode,
    message: message === '' ? (code ?? name) : message,
    region: Region ?? headers['x-amz-bucket-region'],
    serverTime: Number.isNaN(date.getTime()) ? undefined : date,
  };
}

/** `ECONNREFUSED` and its like; the SDK gives its own errors other things by that name. */
function systemCode(code: string | undefined): string | undefined {
  return code !== undefined && /^[A-Z0-9_]+$/.test(code) ? code : undefined;
}

const NOTHING = { status: undefined, region: undefined, serverTime: undefined } as const;

/** S3's ways of saying that there is no such object; a bucket that is not there is something else. */
export function isAbsent({ code, status }: Seen): boolean {
  return (
    code !== 'NoSuchBucket' &&
    (code === 'NoSuchKey' || code === 'NotFound' || code === 'NoSuchVersion' || status === 404)
  );
}

/** The condition "only when nothing is there" was not met. */
export function isTaken({ code, status }: Seen): boolean {
  return code === 'PreconditionFailed' || status === 412;
}

/** Nobody knows whether the request was carried out: no answer, or one from something in between. */
export function isUnknown({ status }: Seen): boolean {
  return status === undefined || status >= 500 || status === 408;
}
