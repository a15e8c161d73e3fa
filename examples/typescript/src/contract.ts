/**
 * What this program uses of the contract of migrationlink. All of it is in
 * docs/reference/schema.json and docs/how-to/call-from-a-workflow.md. Fields that are not here may come with a
 * result: they are passed on as they are.
 */

/** The workflow type that links one organization, and the task queue it is on. */
export const linkWorkflow = 'LinkOrganization';
export const linkTaskQueue = 'migration-link';

export type LinkOrganization = (request: LinkRequest) => Promise<LinkResult>;

export interface LinkRequest {
  manager: string;
  /** The source organization: 24 lower-case hexadecimal digits. */
  orgId: string;
  /** Where the workers find the link-token: a reference, a sealed one, or Atlas. */
  token: { ref: string } | { sealed: string } | { atlas: { name: string; orgId: string; accessListIps?: string[] } };
  undo?: 'on-cancel' | 'always' | 'never';
  ifLinked?: 'keep' | 'fail' | 'relink';
  onBlocked?: 'fail' | 'wait';
  /** As in Go: "90s", "1h30m". */
  createTimeout?: string;
  syncTimeout?: string;
}

export interface LinkResult {
  manager: string;
  orgId: string;
  /** A later version may know more outcomes. */
  outcome: 'linked' | 'already-linked' | 'failed' | 'timed-out' | 'cancelled' | (string & {});
  linkStatus?: string;
  /** Whether this request made the link, and removed it again. */
  created: boolean;
  removed: boolean;
  /** Whether nobody can know that. */
  inDoubt?: boolean;
  problem?: { type: string; message: string; remedy: string };
}

/** A field of the request that is wrong, or that differs from the running request. */
export interface FieldProblem {
  field: string;
  problem: string;
}
