import { describe, expect, test } from '@jest/globals';
import { mustGoBack, namesFor } from '../../domain/cluster-recovery.ts';
import { recoverySet } from '../support/fake-activities.ts';
import { GONE, probeWith } from '../support/fake-cluster.ts';

const RUN = '01a2134e-defa-7200-8eed-368e38428e61';
const withAliases = (...aliases: string[]) => ({
  ...recoverySet,
  qdrant: {
    ...recoverySet.qdrant,
    aliases: aliases.map((alias) => ({ alias, collection: recoverySet.qdrant.collection })),
  },
});

describe('what the collection is called on its new server', () => {
  const set = withAliases('textbook-content', 'beta');

  test('elsewhere: as it was, with every alias that it had', () => {
    expect(namesFor({ name: 'textbook-content', set, taken: true }, 'replacement', RUN)).toEqual({
      collection: 'textbook-content-v1',
      aliases: ['textbook-content', 'beta'],
    });
  });

  test('beside: a name of its own, which does not grow from run to run', () => {
    const first = namesFor({ name: 'textbook-content', set, taken: true }, 'beside', RUN);
    expect(first?.collection).toBe('textbook-content-v1-r38428e61');
    const again = { ...set, qdrant: { ...set.qdrant, collection: first?.collection ?? '', aliases: [] } };
    const second = namesFor(
      { name: 'textbook-content', set: again, taken: true },
      'beside',
      RUN.replace('38428e61', 'ffffffff'),
    );
    expect(second?.collection).toBe('textbook-content-v1-rffffffff');
  });

  test('beside is impossible where the app uses the collection’s own name, unless that is free', () => {
    const own = { ...recoverySet, qdrant: { ...recoverySet.qdrant, collection: 'textbook-content' } };
    expect(namesFor({ name: 'textbook-content', set: own, taken: true }, 'beside', RUN)).toBeUndefined();
    expect(namesFor({ name: 'textbook-content', set: own, taken: false }, 'beside', RUN)?.collection).toBe(
      'textbook-content',
    );
  });
});

describe('a new server is given up', () => {
  const bad = probeWith({ query: 'dummy-shard' });

  test('when it is bad so many times in a row, and the old one is well', () => {
    expect(mustGoBack([bad, bad, bad], 3, probeWith())).toMatch(/cannot read it, 3 times in a row/);
  });

  test('when only the app does not see it', () => {
    const unseen = probeWith({ app: 'unavailable' });
    expect(mustGoBack([unseen, unseen, unseen], 3, probeWith())).toMatch(/not seen by the app/);
  });

  test.each([
    ['after a blip', [bad, probeWith(), bad], probeWith()],
    ['too early', [bad, bad], probeWith()],
    ['for one that is no better', [bad, bad, bad], GONE],
  ])('never %s', (_name, seen, old) => {
    expect(mustGoBack(seen, 3, old)).toBeUndefined();
  });
});
