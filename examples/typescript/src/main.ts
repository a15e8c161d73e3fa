/**
 * Runs a workflow of a platform that links an organization as a step between two of
 * its own, and waits for its end. Ctrl-C cancels it, and so the link.
 */
import { Client, WorkflowFailedError } from '@temporalio/client';
import { rootCause } from '@temporalio/common';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import * as activities from './activities';
import type { LinkRequest } from './contract';
import { moveOrganization } from './workflow';

/** The platform's own; the link runs on that of migrationlink. */
const taskQueue = 'platform-typescript';

async function main(orgId = '5f1b2c3d4e5f6a7b8c9d0e33'): Promise<void> {
  const request: LinkRequest = { manager: 'demo', orgId, token: { ref: 'env:LINK_TOKEN_DEMO' } };
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  const { connectionOptions, namespace } = loadClientConnectConfig(); // TEMPORAL_ADDRESS and the like
  const connection = await NativeConnection.connect(connectionOptions);
  try {
    const workflowsPath = require.resolve('./workflow');
    const worker = await Worker.create({ connection, namespace, taskQueue, workflowsPath, activities });
    const client = new Client({ connection, namespace });
    const move = await client.workflow.start(moveOrganization, {
      workflowId: `move-${orgId}`, workflowIdConflictPolicy: 'FAIL', taskQueue, args: [request],
    });
    process.on('SIGINT', () => move.cancel().catch((error) => console.error('not cancelled:', error)));
    console.log(JSON.stringify(await worker.runUntil(move.result()), null, 2));
  } finally {
    await connection.close();
  }
}

main(process.argv[2]).catch((error) => {
  console.error('not moved:', rootCause(error instanceof WorkflowFailedError ? error.cause : error));
  process.exitCode = 1;
});
