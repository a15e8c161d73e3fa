import { getClient } from '@temporalio/activity';
import { WorkflowFailedError } from '@temporalio/client';
import type { WorkflowExecution } from '@temporalio/common';
import type { LinkResult } from './contract';
import { endingOf, type Ending } from './ending';

/** Stands for the first step of a platform. */
export async function announce(orgId: string): Promise<void> {
  console.log(`announced: organization ${orgId} is going to move`);
}

/** Stands for the step after the link. */
export async function startMigration({ outcome, orgId, manager, linkStatus }: LinkResult): Promise<void> {
  console.log(`${outcome}: organization ${orgId} of manager ${manager} is ${linkStatus}, its migration starts`);
}

/** Stands for what a platform does when there is no link. */
export async function callOff(orgId: string, ending?: Ending): Promise<void> {
  console.log(`called off: organization ${orgId}: ${explain(ending)}`);
}

/** Reads how a child ended from its history. */
export async function askForEnding({ workflowId, runId }: WorkflowExecution): Promise<Ending | undefined> {
  try {
    await getClient().workflow.getHandle(workflowId!, runId!).result();
  } catch (error) {
    if (error instanceof WorkflowFailedError) return endingOf(error);
    throw error; // Temporal could not be reached; the activity is retried
  }
  return undefined;
}

function explain(ending?: Ending): string {
  if (ending === undefined) {
    return 'the link may still be running; start this workflow again to join it, or to find it done';
  }
  const { result, fields } = ending;
  switch (result.outcome) {
    case 'cancelled':
      return `cancelled, the link was ${result.removed ? 'removed again' : result.created ? 'left' : 'not made'}`;
    case 'timed-out':
      return `not SYNCED in time, so look at the manager before you start again. ${result.problem?.remedy}`;
    case 'failed': // an invalid request, or a different one that is running, names its fields
      return [`failed, ${result.problem?.type}. ${result.problem?.remedy}`,
        ...fields.map(({ field, problem }) => `  ${field}: ${problem}`)].join('\n');
    default: // of a later version
      return result.outcome;
  }
}
