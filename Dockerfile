# The worker and `dr`, for production; and, as another target, what the sandbox's own servers run from.
#
#   docker build --target worker  --tag rag-recovery-worker .
#   docker build --target sandbox --tag rag-recovery-sandbox .
#
# Debian and not Alpine: Temporal's core is a native library that is built for glibc alone. The version of Node is that of
# package.json. Add the digest that you have looked at: --build-arg NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:...
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

# Without install scripts: everything native comes prebuilt within the packages.
FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --loglevel=error && npm cache clean --force

FROM ${NODE_IMAGE} AS sandbox-packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --loglevel=error && npm cache clean --force

# What both run on. Debian's own pg_dump is older than PostgreSQL 18 and would refuse it, so the client programs (pg_dump,
# pg_restore, pg_amcheck, psql) come from PostgreSQL's archive, whose key Debian's package brings along.
FROM ${NODE_IMAGE} AS base
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates postgresql-common tini \
  && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
  && apt-get install -y --no-install-recommends postgresql-client-18 \
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production PG_BIN_DIR=/usr/lib/postgresql/18/bin
WORKDIR /app
# A named volume that is mounted here takes its owner from these folders.
RUN mkdir -p /data/store /data/scratch /state /cache && chown -R 1000:1000 /data /state /cache
# Passes SIGTERM on, and takes care of the programs whose parents have died.
ENTRYPOINT ["/usr/bin/tini", "--"]

# The sandbox's chatbot, its embeddings, and the seed: `docker-compose.yml` has the commands.
FROM base AS sandbox
COPY --from=sandbox-packages /app/node_modules ./node_modules
COPY package.json ./
COPY config ./config
COPY domain ./domain
COPY sandbox ./sandbox
USER 1000:1000
CMD ["node", "sandbox/app/main.ts", "--help"]

# Last, so that `docker build .` makes it. It writes to /data and /tmp alone, so both may be the only places it can write to.
#
# Stop it with more patience than it has itself (workers/main.ts: after 40 seconds it ends, whatever still runs):
# `docker stop --time 60`, `stop_grace_period: 60s`, `terminationGracePeriodSeconds: 60`.
FROM base AS worker
COPY --from=packages /app/node_modules ./node_modules
COPY package.json ./
COPY activities ./activities
COPY client ./client
COPY config ./config
COPY domain ./domain
COPY workers ./workers
COPY workflows ./workflows
# Here and not at every start: the compiler unpacks itself, and does not load where nothing can be written.
RUN node workers/bundle.ts workflow-bundle.cjs && rm -rf /root/.cache /tmp/*
ENV STORE_DIRECTORY=/data/store
USER 1000:1000
# The flag keeps it a hundred megabytes smaller and costs nothing.
CMD ["node", "--max-semi-space-size=16", "workers/main.ts", "--bundle", "workflow-bundle.cjs"]
