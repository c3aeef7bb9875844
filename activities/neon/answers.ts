import { z } from 'zod';

/**
 * The API's answers, as far as we read them (OpenAPI description in `@neondatabase/api-client`). What is not named here is
 * dropped at once: an answer to a creation holds passwords. Many of the API's closed sets are plain strings, so a value
 * that is new is kept, and taken for none that we know.
 */

const operationSchema = z.object({
  id: z.string(),
  action: z.string(),
  status: z.string(),
  branch_id: z.string().nullish(),
  failures_count: z.number().default(0),
  error: z.string().nullish(),
});
export type Operation = z.infer<typeof operationSchema>;

const branchSchema = z.object({
  id: z.string(),
  name: z.string(),
  parent_id: z.string().nullish(),
  parent_lsn: z.string().nullish(),
  parent_timestamp: z.string().nullish(),
  current_state: z.string(),
  pending_state: z.string().nullish(),
  default: z.boolean().default(false),
  protected: z.boolean().default(false),
  expires_at: z.string().nullish(),
  created_at: z.string().nullish(),
  last_reset_at: z.string().nullish(),
  restricted_actions: z.array(z.object({ name: z.string(), reason: z.string() })).nullish(),
});
export type Branch = z.infer<typeof branchSchema>;

const endpointSchema = z.object({
  id: z.string(),
  host: z.string(),
  type: z.string(),
  current_state: z.string().nullish(),
  suspend_timeout_seconds: z.number().nullish(),
});
export type Endpoint = z.infer<typeof endpointSchema>;

export const projectAnswerSchema = z.object({
  project: z.object({
    id: z.string(),
    history_retention_seconds: z.number().nonnegative().default(0),
    default_endpoint_settings: z.object({ suspend_timeout_seconds: z.number().nullish() }).nullish(),
    owner: z.object({ branches_limit: z.number(), subscription_type: z.string() }).nullish(),
  }),
});
export type Project = z.infer<typeof projectAnswerSchema>['project'];

const scheduleItemSchema = z.object({
  frequency: z.string(),
  hour: z.number().nullish(),
  retention_seconds: z.number().nullish(),
});
export type ScheduleItem = z.infer<typeof scheduleItemSchema>;

const operations = z.array(operationSchema).default([]);
export const operationsAnswerSchema = z.object({ operations });
export const operationAnswerSchema = z.object({ operation: operationSchema });
export const branchAnswerSchema = z.object({ branch: branchSchema });
export const branchesAnswerSchema = z.object({
  branches: z.array(branchSchema),
  pagination: z.object({ next: z.string().nullish() }).nullish(),
});
export const branchMadeSchema = z.object({ branch: branchSchema, operations });
export const endpointsAnswerSchema = z.object({ endpoints: z.array(endpointSchema) });
export const endpointMadeSchema = z.object({ endpoint: endpointSchema, operations });
export const databasesAnswerSchema = z.object({
  databases: z.array(z.object({ name: z.string(), owner_name: z.string() })),
});
export const connectionAnswerSchema = z.object({ uri: z.string().refine((uri) => URL.canParse(uri), 'is no URL') });
export const passwordAnswerSchema = z.object({ role: z.object({ password: z.string().min(1) }), operations });
export const scheduleAnswerSchema = z.object({ schedule: z.array(scheduleItemSchema) });
