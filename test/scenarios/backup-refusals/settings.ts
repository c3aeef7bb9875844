import { join } from 'node:path';
import { mistake, type Refusal } from './refusal.ts';

/** Has the form of a public key of age, and one letter too much changed. */
export const MISTYPED = `age1${'q'.repeat(58)}`;

/** Found before the worker serves anybody: each names the setting, and says what to do. */
export const settings: Refusal[] = [
  mistake(
    'an unknown setting',
    { backup: { tolerence: 3 } },
    /backup\.tolerence .*no such setting\. Did you mean backup\.tolerance\?/,
  ),
  mistake('retention of no days', { retention: { keepDays: 0 } }, /retention\.keepDays .*>0\. Correct it in /),
  mistake(
    'retention of fewer days than none',
    { retention: { keepDays: -30 } },
    /retention\.keepDays .*>0\. Correct it in /,
  ),
  mistake(
    'retention without the last two verified sets',
    { retention: { keepVerified: 0 } },
    /retention\.keepVerified .*>=2\. Correct it in /,
  ),
  mistake(
    'a node that is no URL',
    { backup: { nodes: ['qdrant-1:6333'] } },
    /backup\.nodes\.0 .*must be an http:\/\/ or https:\/\/ URL\. Correct it in /,
  ),
  mistake(
    'an account on Qdrant Cloud that is no UUID',
    { qdrantCloud: { accountId: 'mine', clusterId: 'its', apiKey: 'k' } },
    /qdrantCloud\.accountId .*UUID\. Correct it in [^]*qdrantCloud\.clusterId .*UUID\. Correct it in /,
  ),
  mistake(
    'encryption for nobody',
    { store: { encryption: { recipients: [] } } },
    /store\.encryption\.recipients .*must name at least one public key of age\. Correct it in /,
  ),
  mistake(
    'a recipient that is cut off',
    { store: { encryption: { recipients: ['age1qqqq'] } } },
    /store\.encryption\.recipients\.0 .*age1 and 58 characters, as age-keygen prints it\. Correct it in /,
  ),
  mistake(
    'a mistyped recipient',
    { store: { encryption: { recipients: [MISTYPED] } } },
    /store\.encryption\.recipients\[0\]: is no public key of age \(mistyped or cut off\)/,
  ),
  mistake(
    'a configuration kept for nobody',
    { configuration: { recipients: [] } },
    /configuration\.recipients .*must name at least one public key of age, better two\. Correct it in /,
  ),
  mistake(
    'a configuration kept for a mistyped recipient alone',
    { configuration: { recipients: [MISTYPED] } },
    /configuration\.recipients\[0\]: is no public key of age \(mistyped or cut off\)/,
  ),
  {
    what: 'an identity that lies in the folder of the store',
    code: 'INVALID_CONFIGURATION',
    message:
      /store\.encryption\.identityFile: lies in the folder of the store, beside what it opens\. Keep it elsewhere\./,
    at: 'start',
    wrong: ({ store }) => ({
      env: { STORE_AGE_RECIPIENTS: MISTYPED, STORE_AGE_IDENTITY_FILE: join(store, 'key.txt') },
    }),
  },
];
