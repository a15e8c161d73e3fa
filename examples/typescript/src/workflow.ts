import {
  CancellationScope, ChildWorkflowCancellationType, ChildWorkflowFailure, executeChild, ParentClosePolicy, proxyActivities,
} from '@temporalio/workflow';
import type * as activities from './activities';
import { linkTaskQueue, linkWorkflow, type LinkOrganization, type LinkRequest, type LinkResult } from './contract';
import { endingOf } from './ending';

const { announce, startMigration, callOff, askForEnding } = proxyActivities<typeof activities>({ startToCloseTimeout: '1 minute' });

/**
 * Announces the move of an organization, links it, and starts its migration. Its
 * cancellation cancels the link, which is undone before this ends.
 */
export async function moveOrganization(request: LinkRequest): Promise<LinkResult> {
  await announce(request.orgId);
  const result = await link(request);
  await startMigration(result);
  return result;
}

/**
 * Returns the result of a link that is there. Otherwise it calls the move off and
 * throws the error of the child as it is: so whoever called this workflow can read
 * the ending as well, and a cancellation stays one.
 */
async function link(request: LinkRequest): Promise<LinkResult> {
  try {
    return await executeChild<LinkOrganization>(linkWorkflow, {
      args: [request],
      taskQueue: linkTaskQueue,
      // No workflowId: this joins a running link of the organization.
      // No timeout: the limits are those of the request.
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `Link organization ${request.orgId} of manager ${request.manager}`,
    });
  } catch (error) {
    if (error instanceof ChildWorkflowFailure) { // or nothing was started
      await CancellationScope.nonCancellable(async () => {
        // This SDK drops the details of a child's cancellation. The child's history has them.
        const ending = endingOf(error) ?? (await askForEnding(error.execution));
        await callOff(request.orgId, ending);
      });
    }
    throw error;
  }
}
