import { type Branch, type Endpoint, EndpointPoolerMode, type Project } from '@neondatabase/api-client';
import type { Plane } from './plane.ts';
import { present } from './present.ts';
import type { BranchRecord, EndpointRecord } from './state.ts';

const REGION = 'aws-us-east-2';
const OWNER = 'sandbox-owner';
const PG_VERSION = 18;
const PROVISIONER = 'k8s-neonvm';
const RECOVERABLE_MS = 7 * 86_400_000;
const PER_GB = 2 ** 30;
const NOTHING_USED = {
  active_time_seconds: 0,
  compute_time_seconds: 0,
  cpu_used_sec: 0,
  written_data_bytes: 0,
  data_transfer_bytes: 0,
};

export function describeProject({ state, faults }: Plane): Project {
  const { id, name, historyRetentionSeconds, createdAt, updatedAt } = state.project;
  return {
    ...NOTHING_USED,
    id,
    name,
    data_storage_bytes_hour: 0,
    platform_id: 'aws',
    region_id: REGION,
    provisioner: PROVISIONER,
    settings: {},
    pg_version: PG_VERSION,
    proxy_host: '127.0.0.1',
    branch_logical_size_limit: 16 * 1024,
    branch_logical_size_limit_bytes: 16 * PER_GB,
    store_passwords: !faults.isOn('no-passwords'),
    creation_source: 'console',
    history_retention_seconds: historyRetentionSeconds,
    created_at: createdAt,
    updated_at: updatedAt,
    consumption_period_start: createdAt,
    consumption_period_end: '0001-01-01T00:00:00Z',
    owner_id: OWNER,
  };
}

export function describeBranch({ state }: Pick<Plane, 'state'>, branch: BranchRecord): Branch {
  const { deleted } = branch;
  const until = deleted && new Date(Date.parse(deleted.at) + RECOVERABLE_MS).toISOString();
  return {
    ...NOTHING_USED,
    id: branch.id,
    project_id: state.project.id,
    name: branch.name,
    current_state: branch.state,
    state_changed_at: branch.stateChangedAt,
    creation_source: 'console',
    default: branch.default,
    primary: branch.default,
    protected: branch.protected,
    created_at: branch.createdAt,
    updated_at: branch.updatedAt,
    init_source: 'parent-data',
    logical_size: state.timelines[branch.timeline]?.logicalSize ?? 0,
    ...present({
      parent_id: branch.parent,
      parent_lsn: branch.parentLsn,
      parent_timestamp: branch.parentTime,
      expires_at: branch.expiresAt,
      ttl_interval_seconds: branch.ttlSeconds,
      last_reset_at: branch.lastResetAt,
      restore_status: branch.restoreStatus,
      restored_from: branch.restoredFrom,
      restored_as: branch.restoredAs,
    }),
    ...(branch.restoreStatus === 'restored' ? { restricted_actions: RESTRICTED } : {}),
    ...(deleted && until !== null
      ? { recovery: { deleted_at: deleted.at, recoverable_until: until, deletion_method: deleted.method } }
      : {}),
  };
}

const RESTRICTED = [{ name: 'restore', reason: 'restore from snapshot on target branch is still ongoing' }];

export function describeEndpoint({ state }: Pick<Plane, 'state'>, endpoint: EndpointRecord): Endpoint {
  return {
    // With its port, since every endpoint is on the same host.
    host: `127.0.0.1:${endpoint.port}`,
    id: endpoint.id,
    project_id: state.project.id,
    branch_id: endpoint.branch,
    autoscaling_limit_min_cu: endpoint.minCu,
    autoscaling_limit_max_cu: endpoint.maxCu,
    region_id: REGION,
    type: endpoint.type,
    current_state: endpoint.state,
    settings: endpoint.settings,
    pooler_enabled: false,
    pooler_mode: EndpointPoolerMode.Transaction,
    disabled: endpoint.disabled,
    passwordless_access: false,
    creation_source: 'console',
    created_at: endpoint.createdAt,
    updated_at: endpoint.updatedAt,
    proxy_host: '127.0.0.1',
    suspend_timeout_seconds: endpoint.suspendTimeoutSeconds,
    provisioner: PROVISIONER,
    ...present({
      name: endpoint.name,
      started_at: endpoint.startedAt,
      suspended_at: endpoint.suspendedAt,
      last_active: endpoint.lastActive,
    }),
  };
}
