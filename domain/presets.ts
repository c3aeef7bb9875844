/**
 * Settings for shapes that are met again and again among backends of textbook chatbots, as a beginning for those that cannot be
 * looked at yet. Named after the tables in which conversations are kept.
 */
export const PRESETS = {
  'sessions-messages': {
    about: 'chunks, sessions and messages in Postgres; citations as JSON in the messages',
    tables: {
      chunks: {
        table: 'chunks',
        pointId: 'qdrant_point_id',
        text: 'chunk_text',
        source: 'source_url',
        index: 'chunk_index',
      },
      sessions: { table: 'sessions', id: 'id' },
      messages: { table: 'messages', id: 'id', sessionId: 'session_id', role: 'role', content: 'content' },
      trace: { table: 'messages', chunkIds: 'citations', kind: 'json' },
    },
  },
  'chat-sessions': {
    about: 'no chunks in Postgres; chat_sessions and chat_messages',
    tables: {
      sessions: { table: 'chat_sessions', id: 'id' },
      messages: { table: 'chat_messages', id: 'id', sessionId: 'session_id', role: 'role', content: 'content' },
    },
  },
  conversations: {
    about: 'no chunks in Postgres; conversations and messages, citations as JSON',
    tables: {
      sessions: { table: 'conversations', id: 'id' },
      messages: { table: 'messages', id: 'id', sessionId: 'conversation_id', role: 'role', content: 'content' },
      trace: { table: 'messages', chunkIds: 'citations', kind: 'json' },
    },
  },
  'qdrant-only': { about: 'nothing in Postgres: Qdrant is compared with the source text', tables: undefined },
} as const;

export type PresetName = keyof typeof PRESETS;

export function isPreset(name: string): name is PresetName {
  return Object.hasOwn(PRESETS, name);
}
