import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readDeclared } from '../../../activities/configuration/declared.ts';
import { temporaryFolder } from '../../support/folder.ts';

/** As one of these backends has it: another port, another path, no curl, and the data beside the volume. */
const DOCKERFILE = `FROM python:3.12 AS build
EXPOSE 1234
FROM python:3.12-slim
RUN pip install --no-cache-dir -r requirements.txt
EXPOSE 8000/tcp
HEALTHCHECK --interval=30s \\
  CMD curl -f http://localhost:7860/api/health || exit 1
CMD ["uvicorn", "main:app", "--host", "0.0.0.0", "--port", "7860"]
`;
const COMPOSE = `
x-db: &db
  image: docker.io/library/postgres:16.2@sha256:${'0'.repeat(64)}
services:
  api:
    build: .
    environment: { SECRET_KEY: do-not-tell }
    ports: ['127.0.0.1:8000:7860', { target: 7860, published: 80 }]
    healthcheck: { test: [CMD, curl, -f, 'http://localhost:7860/api/health?key=do-not-tell'] }
  vectors:
    image: qdrant/qdrant:v1.12.1
    volumes: ['qdrant:/qdrant_data', { type: volume, source: s, target: /qdrant/snapshots }]
  db:
    <<: *db
    volumes: ['pg:/var/lib/postgresql/data']
`;

async function read(files: Readonly<Record<string, string>>) {
  const folder = temporaryFolder('declared');
  const paths = await Promise.all(
    Object.entries(files).map(async ([name, text]) => {
      await writeFile(join(folder, name), text);
      return join(folder, name);
    }),
  );
  return readDeclared(paths);
}

test('a Dockerfile says it of its last stage', async () => {
  const { declared } = await read({ Dockerfile: DOCKERFILE });
  expect(declared).toEqual({
    ports: [8000, 7860, 7860].map((port) => ({ where: 'Dockerfile', port })),
    health: [{ where: 'Dockerfile', path: '/api/health', program: 'curl' }],
    volumes: [],
    lacking: ['curl', 'wget'],
  });
  const { declared: installed } = await read({ 'api.Dockerfile': 'FROM node:24-slim\nRUN apt-get install -y curl\n' });
  expect(installed.lacking).toEqual(['wget']);
});

test('a compose file says it of the one service that is built, and of all volumes; nothing else is taken from it', async () => {
  const { declared, leftOut } = await read({ 'docker-compose.yml': COMPOSE });
  const where = 'docker-compose.yml, api';
  expect(declared).toEqual({
    ports: [7860, 7860, 7860].map((port) => ({ where, port })),
    health: [{ where, path: '/api/health', program: 'curl' }],
    volumes: [
      { where: 'docker-compose.yml, vectors', image: 'qdrant/qdrant', targets: ['/qdrant_data', '/qdrant/snapshots'] },
      { where: 'docker-compose.yml, db', image: 'postgres', targets: ['/var/lib/postgresql/data'] },
    ],
    lacking: [],
  });
  expect(JSON.stringify({ declared, leftOut })).not.toContain('do-not-tell');
  const two = await read({ 'compose.yaml': 'services: { a: { build: ., ports: [1] }, b: { build: ., ports: [2] } }' });
  expect(two.declared.ports).toEqual([]);
});

test('the files of hosts say which path they ask', async () => {
  const { declared } = await read({
    'render.yaml': 'services: [{ type: web, healthCheckPath: /health }, { type: cron }]',
    'railway.json': '{"deploy": {"healthcheckPath": "/v1/health"}}',
    'README.md': '# not asked',
  });
  expect(declared.health).toEqual([
    { where: 'render.yaml', path: '/health' },
    { where: 'railway.json', path: '/v1/health' },
  ]);
});

test('what cannot be read is named, and not quoted', async () => {
  const { declared, leftOut } = await read({
    'compose.yml': 'services: [do-not-tell',
    'railway.json': '{"a": do-not-tell',
  });
  expect(declared.health).toEqual([]);
  expect(leftOut.map((line) => line.split(' ')[0])).toEqual(['compose.yml', 'railway.json']);
  expect(leftOut.join()).not.toContain('do-not-tell');
  expect((await readDeclared(['/nowhere/Dockerfile'])).leftOut).toEqual([
    expect.stringMatching(/^Dockerfile is left out/),
  ]);
});

test('what this project’s own files say agrees, and keeps its data', async () => {
  const { declared, leftOut } = await readDeclared(
    ['Dockerfile', 'docker-compose.yml'].map((name) => join(process.cwd(), name)),
  );
  expect(leftOut).toEqual([]);
  expect(
    declared.volumes.filter(({ image }) => /qdrant|postgres/.test(image)).map(({ targets }) => targets[0]),
  ).toEqual(['/var/lib/postgresql', '/var/lib/postgresql', '/qdrant/storage']);
});
