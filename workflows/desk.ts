import { setHandler } from '@temporalio/workflow';
import type { z } from 'zod';
import type { FailureCode } from '../domain/failures.ts';
import { namesPlan } from '../domain/plan.ts';
import type { Awaits, Decision } from '../domain/report.ts';
import { describeIssues } from '../domain/run-input.ts';
import { failureWith } from './failure.ts';
import * as messages from './messages.ts';
import type { RunRecord } from './record.ts';

/** What the checklist puts where the approver's name goes. */
const MOST_NOTES = 50;
const PLACEHOLDER = 'your name';

type Answer =
  'retry' | 'commit' | 'rollBack' | 'reject' | { readonly skip: { readonly by: string; readonly reason: string } };

interface Said {
  readonly by: string;
  readonly note?: string | undefined;
  readonly plan?: string | undefined;
}

/**
 * Where people's messages arrive. Every message leaves a trace in the run's record, the refused ones too: the engine does
 * not write an update that its validator rejects into the history, so the checks are made in the handlers, which refuse
 * by failing the update alone.
 */
export class Desk {
  readonly #record: RunRecord;
  #awaited: Awaits | undefined;
  #answer: Answer | undefined;
  #aborted: { by: string; reason?: string | undefined } | undefined;
  #closed = false;
  #notes = 0;
  /** Set while the step that waits says that it may be skipped. */
  skippable = false;

  constructor(record: RunRecord) {
    this.#record = record;
    this.#handle();
  }

  get aborted(): { by: string; reason?: string | undefined } | undefined {
    return this.#aborted;
  }

  /** The answer that came while waiting, if any. */
  get answer(): Answer | undefined {
    return this.#answer;
  }

  /** From now on messages that answer this are accepted, and the record says so. */
  expect(awaited: Awaits | undefined): void {
    this.#awaited = awaited;
    this.#answer = undefined;
    this.#record.awaits = awaited;
  }

  /** After this nothing can be undone any more, and `abort` is refused. */
  close(): void {
    this.#closed = true;
  }

  #handle(): void {
    const { DESCRIPTIONS } = messages;
    setHandler(messages.statusQuery, () => this.#record.status(), { description: DESCRIPTIONS.status });
    setHandler(messages.approveUpdate, (sent) => this.#approve(sent), { description: DESCRIPTIONS.approve });
    setHandler(messages.rejectUpdate, (sent) => this.#reject(sent), { description: DESCRIPTIONS.reject });
    setHandler(messages.retryStepUpdate, (sent) => this.#retry(sent), { description: DESCRIPTIONS.retryStep });
    setHandler(messages.skipStepUpdate, (sent) => this.#skip(sent), { description: DESCRIPTIONS.skipStep });
    setHandler(messages.commitUpdate, (sent) => this.#commit(sent), { description: DESCRIPTIONS.commit });
    setHandler(messages.rollBackUpdate, (sent) => this.#rollBack(sent), { description: DESCRIPTIONS.rollBack });
    setHandler(messages.addNoteUpdate, (sent) => this.#note(sent), { description: DESCRIPTIONS.addNote });
    setHandler(messages.abortSignal, (sent) => this.#abort(sent), { description: DESCRIPTIONS.abort });
  }

  #approve(sent: unknown): string {
    const { plan, approver, note } = this.#read('approve', messages.approveSchema, sent);
    const said: Said = { by: approver ?? 'unnamed', note, plan };
    const proposed = this.#record.plan;
    if (!proposed || this.#awaited !== 'approval')
      return this.#refuse('approve', said, 'NOT_NOW', 'plan: no plan is waiting for approval');
    if (!namesPlan(plan, proposed.hash)) {
      return this.#refuse(
        'approve',
        said,
        'STALE_PLAN',
        `plan: ${plan} is not the plan that is proposed now (${proposed.hash.slice(0, 12)})`,
      );
    }
    const objection = this.#objectionTo(approver);
    if (objection !== undefined) return this.#refuse('approve', said, 'APPROVAL_REFUSED', objection);
    this.#accept('approve', { ...said, plan: proposed.hash });
    return `approved; ${Math.max(0, this.missingApprovals)} more needed`;
  }

  #objectionTo(approver: string | undefined): string | undefined {
    const { settings, initiator } = this.#record;
    const policy = settings?.approval;
    if (!policy) return 'approver: the run has not read its policy yet';
    const named = policy.approvers.length > 0 || policy.required > 1 || !policy.initiatorMayApprove;
    if (approver === undefined) return named ? 'approver: the policy of this environment needs a name' : undefined;
    if (policy.approvers.length > 0 && !policy.approvers.includes(approver))
      return `approver: ${approver} may not approve in this environment`;
    if (approver.toLowerCase() === PLACEHOLDER) return 'approver: put your own name in place of "your name"';
    const who = initiator.principal ?? initiator.claimed;
    if (!policy.initiatorMayApprove && (who === undefined || namesSame(who, approver))) {
      return `approver: whoever started the run (${who ?? 'unknown'}) may not approve it`;
    }
    return this.#record.approvals().some(({ by }) => by === approver)
      ? `approver: ${approver} has approved already`
      : undefined;
  }

  /** How many approvals are still needed for the plan that is proposed. */
  get missingApprovals(): number {
    return (this.#record.settings?.approval.required ?? 1) - this.#record.approvals().length;
  }

  #reject(sent: unknown): string {
    const { by, reason } = this.#read('reject', messages.rejectSchema, sent ?? {});
    return this.#take('reject', { by: by ?? 'unnamed', note: reason }, ['approval'], 'reject');
  }

  #retry(sent: unknown): string {
    const { by, note } = this.#read('retryStep', messages.retryStepSchema, sent ?? {});
    return this.#take('retryStep', { by: by ?? 'unnamed', note }, ['operator', 'outage'], 'retry');
  }

  #skip(sent: unknown): string {
    const { by = 'unnamed', reason } = this.#read('skipStep', messages.skipStepSchema, sent);
    if (!this.skippable)
      return this.#refuse('skipStep', { by, note: reason }, 'NOT_NOW', 'skipStep: this step cannot be skipped safely');
    return this.#take('skipStep', { by, note: reason }, ['operator', 'outage'], { skip: { by, reason } });
  }

  #commit(sent: unknown): string {
    const { by, note } = this.#read('commit', messages.commitSchema, sent ?? {});
    return this.#take('commit', { by: by ?? 'unnamed', note }, ['commit'], 'commit');
  }

  #rollBack(sent: unknown): string {
    const { by, reason } = this.#read('rollBack', messages.rollBackSchema, sent ?? {});
    return this.#take('rollBack', { by: by ?? 'unnamed', note: reason }, ['commit'], 'rollBack');
  }

  #note(sent: unknown): string {
    const { by, note } = this.#read('addNote', messages.addNoteSchema, sent);
    if ((this.#notes += 1) > MOST_NOTES) {
      return this.#refuse(
        'addNote',
        { by: by ?? 'unnamed' },
        'NOT_NOW',
        `addNote: ${MOST_NOTES} notes are kept, and no more`,
      );
    }
    this.#accept('addNote', { by: by ?? 'unnamed', note });
    return 'noted';
  }

  /** A signal has nobody to answer to, so a malformed one still aborts: the wish is plain. */
  #abort(sent: unknown): void {
    const read = messages.abortSchema.safeParse(sent ?? {});
    const by = (read.success && read.data.by) || 'unnamed';
    const reason = read.success ? read.data.reason : undefined;
    if (this.#closed) {
      this.#record.decide({
        what: 'abort',
        by,
        ...(reason ? { note: reason } : {}),
        refused: 'the recovery is committed',
      });
      return;
    }
    this.#aborted ??= { by, reason };
    this.#accept('abort', { by, note: reason });
  }

  #take(what: Decision['what'], said: Said, when: Awaits[], answer: Answer): string {
    if (this.#awaited === undefined || !when.includes(this.#awaited) || this.#answer !== undefined) {
      return this.#refuse(what, said, 'NOT_NOW', `${what}: the run does not wait for this now`);
    }
    this.#answer = answer;
    this.#accept(what, said);
    return 'accepted';
  }

  #read<S extends z.ZodType>(what: Decision['what'], schema: S, sent: unknown): z.infer<S> {
    const read = schema.safeParse(sent);
    if (read.success) return read.data;
    return this.#refuse(what, { by: 'unnamed' }, 'INVALID_INPUT', describeIssues(read.error));
  }

  #accept(what: Decision['what'], { by, note, plan }: Said): void {
    this.#record.decide({ what, by, ...(note ? { note } : {}), ...(plan ? { plan } : {}) });
  }

  #refuse(what: Decision['what'], { by, note, plan }: Said, code: FailureCode, why: string): never {
    this.#record.decide({ what, by, ...(note ? { note } : {}), ...(plan ? { plan } : {}), refused: why });
    throw failureWith(code, why);
  }
}

/** `dr-cli:ann@host` and `Ann` are one person, and `bob` is not `bobby`: identities hold a name between separators. */
function namesSame(identity: string, name: string): boolean {
  return identity
    .toLowerCase()
    .split(/[:@\s/]+/)
    .concat(identity.toLowerCase())
    .includes(name.toLowerCase());
}
