import { type Connection, isGrpcServiceError } from '@temporalio/client';
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes.js';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.ts';

const DEADLINE_MS = 20_000;
/** gRPC status of an attribute that is there already. */
const ALREADY_EXISTS = 6;

/** A connection of either package: both carry the operator service. */
type Operator = Pick<Connection, 'operatorService' | 'withDeadline'>;

/**
 * Registers the search attributes that runs upsert, where they are missing: an upsert of an unknown attribute would fail
 * the workflow task again and again. Safe to repeat.
 * @throws when the server does not allow it (Temporal Cloud): then they are created once, in its console
 */
export async function registerSearchAttributes(connection: Operator, namespace: string): Promise<void> {
  await connection.withDeadline(Date.now() + DEADLINE_MS, async () => {
    for (const { name, type } of SEARCH_ATTRIBUTES) {
      const indexed = encodeSearchAttributeIndexedValueType(type);
      if (indexed === undefined) continue;
      await connection.operatorService
        .addSearchAttributes({ namespace, searchAttributes: { [name]: indexed } })
        .catch((error: unknown) => {
          if (!isGrpcServiceError(error) || Number(error.code) !== ALREADY_EXISTS) throw error;
        });
    }
  });
}
