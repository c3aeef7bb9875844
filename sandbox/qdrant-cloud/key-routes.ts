import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { CloudError } from './errors.ts';
import type { Ground } from './ground.ts';
import type { KeyRecord } from './model.ts';
import type { Route } from './routes.ts';
import { refuseReadOnly } from './wire.ts';

const KEYS = '/api/cluster/auth/v2/accounts/:accountId/database-api-keys';
const READ_ONLY = ['id', 'createdAt', 'createdByEmail', 'postfix', 'key'];
const READING = 'GLOBAL_ACCESS_RULE_ACCESS_TYPE_READ_ONLY';
const MANAGING = 'GLOBAL_ACCESS_RULE_ACCESS_TYPE_MANAGE';
const ofClusterSchema = z.object({ clusterId: z.uuid() });

/** Rules for single collections are not done here. */
const ruleSchema = z.strictObject({ globalAccess: z.object({ accessType: z.enum([READING, MANAGING]) }) });
const keySchema = z.object({
  accountId: z.uuid(),
  clusterId: z.uuid(),
  name: z.string().regex(/^[\w\s-]{4,128}$/, 'value must be 4 to 128 letters, digits, spaces, dashes and underscores'),
  expiresAt: z.iso.datetime({ offset: true }).nullish(),
  accessRules: z.array(ruleSchema).max(1, "There can't be more than one global access rule").default([]),
});

/** DatabaseApiKeyService v2: keys of the database, which open the endpoint of their cluster. */
export function keyRoutes(ground: Ground): Route[] {
  const { state, accountId } = ground;
  return [
    {
      is: ['GET', KEYS, 'read:api_keys'],
      answer: ({ query }) => {
        const { clusterId } = ofClusterSchema.parse(query);
        state.cluster(clusterId);
        return {
          items: state.keys.filter((key) => key.clusterId === clusterId).map((key) => keyMessage(accountId, key)),
        };
      },
    },
    {
      is: ['POST', KEYS, 'write:api_keys'],
      answer: ({ body }) => {
        const { databaseApiKey } = z.object({ databaseApiKey: z.unknown() }).parse(body);
        refuseReadOnly('create_database_api_key', databaseApiKey, READ_ONLY);
        return { databaseApiKey: create(ground, keySchema.parse(databaseApiKey)) };
      },
    },
    {
      is: ['DELETE', `${KEYS}/:id`, 'delete:api_keys'],
      answer: ({ params, query }) => {
        const { id } = z.object({ id: z.uuid() }).parse(params);
        const { clusterId } = ofClusterSchema.parse(query);
        const key = state.keys.find((one) => one.id === id && one.clusterId === clusterId);
        if (!key) throw new CloudError('NOT_FOUND', `database api key ${id} not found`);
        state.forget(state.keys, id);
        return {};
      },
    },
  ];
}

/** The key itself is in this answer, and never again. */
function create({ state, accountId }: Ground, fields: z.infer<typeof keySchema>): object {
  state.cluster(fields.clusterId);
  const key = randomBytes(24).toString('base64url');
  const reads = fields.accessRules.some(({ globalAccess }) => globalAccess.accessType === READING);
  const record: KeyRecord = {
    id: randomUUID(),
    clusterId: fields.clusterId,
    name: fields.name,
    createdAt: state.now().toISOString(),
    expiresAt: fields.expiresAt ?? null,
    reads,
    postfix: key.slice(-4),
    sha256: hashOf(key),
  };
  state.keys.push(record);
  state.save();
  return { ...keyMessage(accountId, record), key };
}

/** What a key of the database may do on a cluster now; `undefined` for one that is none of its. */
export function rightOf(
  { state }: Pick<Ground, 'state'>,
  clusterId: string,
  key: string,
): 'manage' | 'read' | undefined {
  const sha256 = hashOf(key);
  const found = state.keys.find((one) => one.clusterId === clusterId && one.sha256 === sha256);
  if (!found || (found.expiresAt !== null && Date.parse(found.expiresAt) <= state.now().getTime())) return undefined;
  return found.reads ? 'read' : 'manage';
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

function keyMessage(accountId: string, { sha256: _, reads, expiresAt, ...rest }: KeyRecord): object {
  const accessRules = [{ globalAccess: { accessType: reads ? READING : MANAGING } }];
  return { ...rest, accountId, accessRules, createdByEmail: '', key: '', ...(expiresAt === null ? {} : { expiresAt }) };
}
