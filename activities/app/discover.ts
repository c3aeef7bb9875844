import { z } from 'zod';
import type { FoundApp, FoundOperation } from '../../domain/discovered.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { parse, sendToApp } from './http.ts';

const DEADLINE_MS = 10_000;
/** Where apps of this kind answer for their health. */
const HEALTH = ['/health/deep', '/api/v1/health', '/api/health', '/v1/health', '/health', '/healthz'];

const schemaSchema = z.looseObject({
  $ref: z.string().optional(),
  type: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
});
const contentSchema = z.looseObject({
  content: z.record(z.string(), z.looseObject({ schema: z.unknown() })).optional(),
});
const openApiSchema = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()).default({}) }).optional(),
});
const operationSchema = z.looseObject({
  requestBody: contentSchema.optional(),
  responses: z.record(z.string(), contentSchema).optional(),
});
type OpenApi = z.infer<typeof openApiSchema>;

/**
 * What the app says of itself: its OpenAPI, and which health paths answer: the usual ones and `more`. Asks with GET only.
 * @throws RecoveryError APP_UNREACHABLE when it does not answer at all
 */
export async function discoverApp(baseUrl: string, more: readonly string[] = []): Promise<FoundApp> {
  const openApi = openApiSchema.safeParse(parse((await mustGet(baseUrl, '/openapi.json')).text));
  const operations = openApi.success ? operationsOf(openApi.data) : [];
  const health: { path: string; status: number; body: unknown }[] = [];
  for (const path of new Set([...HEALTH, ...more])) {
    const reply = await get(baseUrl, path);
    if (reply && reply.status !== 404 && reply.status !== 405)
      health.push({ path, status: reply.status, body: parse(reply.text) });
  }
  return { operations, health };
}

function mustGet(baseUrl: string, path: string): Promise<{ status: number; text: string }> {
  return sendToApp({ baseUrl, method: 'GET', path, headers: {}, deadlineMs: DEADLINE_MS });
}

async function get(baseUrl: string, path: string): Promise<{ status: number; text: string } | undefined> {
  try {
    return await mustGet(baseUrl, path);
  } catch (error) {
    if (error instanceof RecoveryError && error.code === 'APP_UNREACHABLE') return undefined;
    throw error;
  }
}

function operationsOf(api: OpenApi): FoundOperation[] {
  return Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, described]): FoundOperation[] => {
      const operation = operationSchema.safeParse(described);
      if (!operation.success) return [];
      const { requestBody, responses } = operation.data;
      const body = fieldsOf(api, requestBody);
      return [{ method: method.toUpperCase(), path, body, answer: fieldsOf(api, responses?.['200']) }];
    }),
  );
}

function fieldsOf(api: OpenApi, holder: z.infer<typeof contentSchema> | undefined): Record<string, string> {
  const schema = resolve(api, holder?.content?.['application/json']?.schema);
  const fields = Object.entries(schema?.properties ?? {});
  return Object.fromEntries(fields.map(([name, field]) => [name, typeOf(api, field)]));
}

function typeOf(api: OpenApi, field: unknown): string {
  const schema = resolve(api, field);
  if (typeof schema?.type === 'string') return schema.type;
  // What may be absent is described as one of two: the thing, or null.
  const inner = (schema?.anyOf ?? []).map((one) => typeOf(api, one)).filter((type) => type !== 'null');
  return inner[0] ?? 'unknown';
}

function resolve(api: OpenApi, schema: unknown): z.infer<typeof schemaSchema> | undefined {
  const parsed = schemaSchema.safeParse(schema).data;
  const name = /^#\/components\/schemas\/(.+)$/.exec(parsed?.$ref ?? '')?.[1];
  return name === undefined ? parsed : schemaSchema.safeParse(api.components?.schemas[name]).data;
}
