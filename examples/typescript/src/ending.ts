import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { FieldProblem, LinkResult } from './contract';

/** How a link ended, and which fields of its request were refused. */
export interface Ending {
  result: LinkResult;
  fields: FieldProblem[];
}

/**
 * Reads how a link ended out of the error of its workflow, or of any workflow that
 * has passed it on. Undefined means that the error carries no result: the link
 * may still be running.
 */
export function endingOf(error: unknown): Ending | undefined {
  for (let failure = error; failure instanceof Error; failure = failure.cause) {
    if (failure instanceof ApplicationFailure || failure instanceof CancelledFailure) {
      const [result, fields] = failure.details ?? [];
      if (isResult(result)) {
        return { result, fields: Array.isArray(fields) ? fields : [] };
      }
    }
  }
  return undefined;
}

function isResult(detail: unknown): detail is LinkResult {
  return typeof detail === 'object' && detail !== null && 'outcome' in detail;
}
