-- Everything here can be run again and again.

-- The environment's name, so that a wrong address is noticed before anything is written.
CREATE TABLE IF NOT EXISTS dr_environment (
  name text PRIMARY KEY
);

-- The id is the Qdrant point's id.
CREATE TABLE IF NOT EXISTS chunks (
  id uuid PRIMARY KEY,
  source text NOT NULL,
  heading text NOT NULL,
  chunk_index integer NOT NULL CHECK (chunk_index >= 0),
  text text NOT NULL,
  content_hash text NOT NULL CHECK (content_hash ~ '^[0-9a-f]{64}$'),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (source, chunk_index)
);

CREATE TABLE IF NOT EXISTS sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS messages (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('user', 'assistant')),
  content text NOT NULL,
  -- Of two messages written in one moment, which came first.
  sequence bigint GENERATED ALWAYS AS IDENTITY,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS messages_session ON messages (session_id, sequence);

-- What an answer rested on. A chunk may go with a new edition; its section and the hash of what it said stay.
CREATE TABLE IF NOT EXISTS citations (
  message_id uuid NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  position integer NOT NULL,
  chunk_id uuid REFERENCES chunks (id) ON DELETE SET NULL,
  source text NOT NULL,
  content_hash text NOT NULL,
  score double precision NOT NULL,
  PRIMARY KEY (message_id, position)
);
CREATE INDEX IF NOT EXISTS citations_chunk ON citations (chunk_id);
