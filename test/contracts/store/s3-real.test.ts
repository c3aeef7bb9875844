import { randomUUID } from 'node:crypto';
import { describe, test } from '@jest/globals';
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { createS3Store } from '../../../activities/store/s3.ts';
import { s3Config, tamperWith } from '../../support/s3.ts';
import { storeContract } from './contract.ts';

/**
 * Any bucket that may be written: S3_CONTRACT_BUCKET, and if need be S3_CONTRACT_REGION, S3_CONTRACT_ENDPOINT,
 * S3_CONTRACT_KEY_ID and S3_CONTRACT_SECRET. Everything happens in folders of its own, which are emptied afterwards.
 */
const {
  S3_CONTRACT_BUCKET: bucket,
  S3_CONTRACT_REGION: region,
  S3_CONTRACT_ENDPOINT: endpoint,
  S3_CONTRACT_KEY_ID: accessKeyId,
  S3_CONTRACT_SECRET: secretAccessKey,
} = process.env;

if (bucket === undefined) {
  describe('a real bucket', () => {
    test.skip('is not named: set S3_CONTRACT_BUCKET', () => undefined);
  });
} else {
  storeContract(`the bucket ${bucket}`, async () => {
    const config = s3Config({
      bucket,
      region,
      endpoint,
      prefix: `contract-${randomUUID()}`,
      forcePathStyle: endpoint !== undefined,
      accessKeyId,
      secretAccessKey,
    });
    const client = new S3Client({
      ...(region === undefined ? {} : { region }),
      ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
      ...(accessKeyId && secretAccessKey ? { credentials: { accessKeyId, secretAccessKey } } : {}),
    });
    const store = createS3Store(config);
    return {
      store,
      tamper: (key, bytes) => tamperWith(client, config, key, bytes),
      leftovers: async () => {
        const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: config.prefix });
        return ((await client.send(command)).Uploads ?? []).map(({ Key }) => Key ?? '');
      },
      close: async () => {
        for (const key of await store.list('')) await store.remove(key);
        client.destroy();
      },
    };
  });
}
