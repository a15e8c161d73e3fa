package guide

import "github.com/migrationlink/migrationlink"

// unknown is the type of an error that carries none of the contract.
const unknown = "Unknown"

var ending = []Error{
	{
		Type: migrationlink.ErrInvalidRequest, Effect: Ends,
		Meaning: "A field of the request is wrong. Nothing was sent to the manager.",
		Example: `orgId: "5F1B" is not an organization's id; use its 24 lower-case hexadecimal digits, as in the address of the organization's page`,
		Steps:   []string{"Correct the fields that the message names.", "Start the request again."},
	},
	{
		Type: migrationlink.ErrUnknownManager, Effect: Ends,
		Meaning: "No worker has the manager in its configuration.",
		Example: `manager: no worker has "prod" in its configuration; known are: demo`,
		Steps:   []string{"Use one of the names in the message.", "Or add a section [managers.NAME] to worker.toml of every worker."},
	},
	{
		Type: migrationlink.ErrUnknownAtlas, Effect: Ends,
		Meaning: "The worker does not have the Atlas connection of the request in its configuration.",
		Example: `token.atlas.name: the worker does not have "prod" in its configuration; known are: demo`,
		Steps:   []string{"Use one of the names in the message.", "Or add a section [atlas.NAME] to worker.toml of every worker."},
	},
	{
		Type: migrationlink.ErrTokenUnavailable, Effect: Ends,
		Meaning: "The worker cannot read the link-token at the place that the request names. The place is a variable of the worker, or a file in its directory of link-tokens.",
		Example: "token.ref: env:LINK_TOKEN_DEMO is not set; set it in the environment of every worker",
		Steps: []string{
			"Put the link-token where the request says, for every worker. A new variable needs a restart of every worker.",
			"Or name another source of the link-token.",
		},
	},
	{
		Type: migrationlink.ErrTokenNotOpened, Effect: Ends,
		Meaning: "No worker can open the sealed link-token. It is sealed to another recipient, it is damaged, or it is bound to another organization.",
		Example: "token.sealed: the sealed link-token cannot be opened: this worker has no identities",
		Steps: []string{
			"Run 'starter doctor': it shows the recipients to which the workers open.",
			"Check that all workers have the same tokens.identities. After a rotation, check that the old identity is still there.",
			"Seal the link-token again, to one of these recipients and for this organization.",
			"For a link that waits, run 'starter retry --sealed-token-file FILE' or 'starter retry --token-stdin'.",
		},
	},
	{
		Type: migrationlink.ErrTokenRejected, Effect: Ends,
		Meaning: "The manager does not accept the link-token.",
		Example: `manager "demo": create the link of organization 5f1b2c3d4e5f6a7b8c9d0e1f: HTTP 400 INVALID_ATTRIBUTE: The link-token is not valid.`,
		Steps: []string{
			"Generate a new link-token in Atlas for this source organization. Atlas shows each link-token once, and each serves one organization.",
			"Give it to the workers, or seal it.",
			"If a worker generates the link-tokens, check token.atlas.orgId (--atlas-org), and whether somebody deleted the link-token in Atlas. The next attempt generates a new one.",
		},
	},
	{
		Type: migrationlink.ErrKeyRejected, Effect: Ends,
		Meaning: "The manager, or Atlas, does not accept the API key or the service account of the worker.",
		Example: `manager "demo": read the link's status of organization 5f1b2c3d4e5f6a7b8c9d0e1f: HTTP 401 UNEXPECTED_ERROR: You are not authorized for this resource.`,
		Steps: []string{
			"Check public_key and private_key of [managers.NAME] or [atlas.NAME] in worker.toml. For a service account, check client_id and client_secret.",
			"Check in the manager that the key exists and has not expired.",
			"If the key is right, check that no proxy in front of the manager removes the Authorization header.",
			"Run 'starter doctor --manager NAME'. A new key goes into the files that worker.toml names, without a restart.",
		},
	},
	{
		Type: migrationlink.ErrRoleMissing, Effect: Ends,
		Meaning: "The API key is valid, but it lacks the role Organization Owner in the organization.",
		Example: `manager "demo": read the link's status of organization 5f1b2c3d4e5f6a7b8c9d0e1f: HTTP 401 NOT_ORG_OWNER: The specified user does not have the required role in this organization.`,
		Steps:   []string{"Give the key the role Organization Owner in the organization that the message names."},
	},
	{
		Type: migrationlink.ErrAccessListRefused, Effect: Ends,
		Meaning: "The address of the worker is not on the access list of the API key.",
		Example: `manager "demo": read the link's status of organization 5f1b2c3d4e5f6a7b8c9d0e1f: HTTP 403 IP_ADDRESS_NOT_ON_ACCESS_LIST: This request is not allowed from this IP address.`,
		Steps: []string{
			"Add the address that the remedy names to the access list of the API key. It is the worker's address as the manager sees it.",
			"Add the addresses of all workers: if one is missing, only some calls are refused.",
		},
	},
	{
		Type: migrationlink.ErrAccountSuspended, Effect: Ends,
		Meaning: "The manager has suspended the account.",
		Example: `manager "demo": read the link's status of organization 5f1b2c3d4e5f6a7b8c9d0e1f: HTTP 402 ACCOUNT_SUSPENDED: This account is suspended.`,
		Steps:   []string{"Settle the account with MongoDB."},
	},
	{
		Type: migrationlink.ErrForbidden, Effect: Ends,
		Meaning: "The manager, or Atlas, refuses the call with HTTP 403, for a reason other than the access list.",
		Example: `manager "demo": read the link's status of organization 5f1b2c3d4e5f6a7b8c9d0e1f: HTTP 403 FEATURE_UNSUPPORTED: This feature is not supported by this organization.`,
		Steps: []string{
			"Ask the manager's administrator whether live migration is allowed for this organization.",
			"For Atlas, check that the key has the role Organization Owner in the target organization.",
		},
	},
	{
		Type: migrationlink.ErrOrgNotFound, Effect: Ends,
		Meaning: "The manager, or Atlas, has no such organization, or the API key cannot see it.",
		Example: `manager "demo": read the link's status of organization 5f1b2c3d4e5f6a7b8c9d0e1f: HTTP 404 ORG_NOT_FOUND: No organization with this ID exists.`,
		Steps: []string{
			"Check orgId (--org), or token.atlas.orgId (--atlas-org) for Atlas.",
			"Check that the API key belongs to an installation that has this organization.",
		},
	},
	{
		Type: migrationlink.ErrWrongAPI, Effect: Ends,
		Meaning: "The answer is not from the link API of the manager. It is another server, a sign-on page, a proxy, or another path.",
		Example: `manager "demo": read the link's status of organization 5f1b2c3d4e5f6a7b8c9d0e1f: HTTP 404 RESOURCE_NOT_FOUND: Cannot find this resource.`,
		Steps: []string{
			"Check base_url and base_path of the section that the remedy names.",
			"Check the proxies, load balancers and sign-on pages between the worker and the manager. NO_PROXY exempts a host from the proxy.",
			"Check that orgId is the source organization, and token.atlas.orgId the target organization.",
		},
	},
	{
		Type: migrationlink.ErrCertificateInvalid, Effect: Ends,
		Meaning: "The TLS certificate of the manager cannot be verified, or the manager refuses the worker's client certificate.",
		Example: `manager "demo": read the link's status of organization 5f1b2c3d4e5f6a7b8c9d0e1f: no reply: tls: failed to verify certificate: x509: certificate signed by unknown authority`,
		Steps: []string{
			"For an unknown authority, set ca_file of the section to the certificate of the authority.",
			"For an expired certificate, renew it. If it has not expired, correct the clock of the worker.",
			"For another name, use a name in base_url that the certificate holds.",
			"For a client certificate, set client_cert_file and client_key_file to one that the manager trusts.",
		},
	},
	{
		Type: migrationlink.ErrRequestRefused, Effect: Ends,
		Meaning: "The manager, or Atlas, refuses the call for a reason that has no type of its own.",
		Example: `manager "demo": read the projects of organization 5f1b2c3d4e5f6a7b8c9d0e1f: HTTP 400 INVALID_QUERY_PARAMETER: Invalid query parameter pageNum specified.`,
		Steps: []string{
			"Look up the code of the message in the API documentation of the manager or of Atlas.",
			"For Atlas, check token.atlas.accessListIps and token.atlas.orgId.",
		},
	},
	{
		Type: migrationlink.ErrMigrationRunning, Effect: Ends,
		Meaning: "The link cannot be removed while a live migration uses it.",
		Example: `manager "demo": delete the link of organization 5f1b2c3d4e5f6a7b8c9d0e1f: HTTP 409 CANNOT_DELETE_ORG_LINK_WITH_RUNNING_LIVE_EXPORT: The organization link cannot be deleted: live exports are running in the projects [564cc2ee1f564dfae25b8342].`,
		Steps: []string{
			"End or cancel the live migration of the projects that the remedy names.",
			"A request that waits notices the end of the migration by itself.",
		},
	},
	{
		Type: migrationlink.ErrTimedOut, Effect: Ends,
		Meaning: "A limit of the request was reached. The link stays, unless undo is \"always\".",
		Example: "the link was not SYNCED within 1h0m0s",
		Steps: []string{
			"Look at the Live Migration page of the manager: it may be slow to sync.",
			"To continue, start the link again: it keeps a link that is SYNCED.",
			"For a longer limit, set --create-timeout or --sync-timeout. While a link runs, use 'starter extend'.",
		},
	},
	{
		Type: migrationlink.ErrAlreadyLinked, Effect: Ends,
		Meaning: "Somebody else made a link for this organization, and the request says to fail then.",
		Example: `organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager "demo" is already linked (SYNCED), and not by this request`,
		Steps: []string{
			"Find out who made the link.",
			"To keep it, set ifLinked (--if-linked) to \"keep\". To replace it, set it to \"relink\".",
		},
	},
	{
		Type: migrationlink.ErrWrongTarget, Effect: Ends,
		Meaning: "A link that this request did not make is SYNCED, and the target organization shows none of the projects. The manager does not report where a link leads.",
		Example: `organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager "demo" is SYNCED by a link that this request did not make, and at least 45s after SYNCED was seen, organization 6a1b2c3d4e5f6a7b8c9d0e1f of Atlas "demo" shows none of the 3 projects of organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager "demo"`,
		Steps: []string{
			"Look in Atlas which organization shows the projects on its Live Migration page.",
			"If none does, wait a minute and start the link again: Atlas may show the projects late.",
			"If the target in the request is wrong, correct token.atlas.orgId (--atlas-org).",
			"Only if the link is wrong, replace it with --if-linked relink. A blocked request keeps its ifLinked: cancel it and start another one.",
		},
	},
	{
		Type: migrationlink.ErrCancelledByOther, Effect: Ends,
		Meaning: "This request joined a running link, and somebody else cancelled that link.",
		Example: "somebody else cancelled the workflow link.demo.5f1b2c3d4e5f6a7b8c9d0e1f, which this request was waiting for (wrong target)",
		Steps:   []string{"Start the request again if it is still wanted."},
	},
	{
		Type: migrationlink.ErrTerminated, Effect: Ends,
		Meaning: "The workflow was terminated in Temporal before it could report its outcome. Nothing was undone.",
		Example: "somebody terminated the workflow in Temporal; nothing was undone",
		Steps: []string{
			"To continue, start the link again: it keeps a link that is SYNCED.",
			"Or remove the link with 'starter unlink'.",
			"To end a link, use 'starter cancel' instead of terminating its workflow.",
		},
	},
	{
		Type: migrationlink.ErrHistoryFull, Effect: Ends,
		Meaning: "Something sent so many signals and updates to the workflow, or such large ones, that its history was almost full. Temporal terminates a workflow then, so the workflow ended before that. The link stays, unless undo is \"always\".",
		Example: "the history of the workflow is almost full, because of what others sent to it; the link stays",
		Steps: []string{
			"Look into the workflow's history in Temporal for what was sent, and stop it at its source.",
			"To continue, start the link again: it keeps a link that is SYNCED.",
		},
	},
	{
		Type: migrationlink.ErrTooLarge, Effect: Ends,
		Meaning: "The organization has more projects, hosts or deployments than an assessment reads. This is the `problem` of an assessment; nothing fails.",
		Example: "organization 5f1b2c3d4e5f6a7b8c9d0e1f has 1200 projects, and the hosts of the first 1000 were read",
		Steps:   []string{"Look at the deployments in the manager."},
	},
	{
		Type: migrationlink.ErrUndoFailed, Effect: Ends,
		Meaning: "The link, or its link-token in Atlas, was to be removed again and could not be.",
		Example: `the link was cancelled, and the link could not be removed: manager "demo": delete the link of organization 5f1b2c3d4e5f6a7b8c9d0e1f: HTTP 409 CANNOT_DELETE_ORG_LINK_WITH_RUNNING_LIVE_EXPORT: The organization link cannot be deleted: live exports are running in the projects [564cc2ee1f564dfae25b8342].`,
		Steps: []string{
			"Solve the second problem in the message.",
			"If the link was left, remove it with 'starter unlink'.",
			"If a link-token was left, delete it in Atlas as the remedy says. That call takes no id: it removes one link of the target organization.",
		},
	},
	{
		Type: unknown, Effect: Ends,
		Meaning: "The workflow ended with an error that does not come from this application. The message is Temporal's own.",
		Steps:   []string{"Check the workflow's history in Temporal."},
	},
}

var retried = []Error{
	{
		Type: migrationlink.ErrNotSynced, Effect: Retries,
		Meaning: "The manager does not report SYNCED yet. This is normal while a link syncs.",
		Example: `manager "demo" reports NOT_SYNCED for organization 5f1b2c3d4e5f6a7b8c9d0e1f`,
		Steps: []string{
			"Wait. 'starter check' reads the status now.",
			"If it lasts, check on the manager's Live Migration page that the manager reaches Atlas. Its Refresh button sends an update to Atlas.",
			"For more time, use 'starter extend'.",
		},
	},
	{
		Type: migrationlink.ErrNotInAtlas, Effect: Retries,
		Meaning: "Atlas does not show a project of the source organization yet.",
		Example: `organization 6a1b2c3d4e5f6a7b8c9d0e1f of Atlas "demo" shows none of the 3 projects of organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager "demo"`,
		Steps: []string{
			"Wait: Atlas may show the projects late.",
			"If it lasts, check that token.atlas.orgId (--atlas-org) is the organization that was linked, and that the manager reaches Atlas.",
		},
	},
	{
		Type: migrationlink.ErrAtlasUnavailable, Effect: Retries,
		Meaning: "Atlas did not answer, or asked for the call to be made later.",
		Example: `Atlas "demo": read the available projects of organization 6a1b2c3d4e5f6a7b8c9d0e1f: HTTP 503 UNEXPECTED_ERROR: The service is temporarily unavailable.`,
		Steps: []string{
			"Check that Atlas is up and that the workers reach it, if necessary through their proxy.",
			"For HTTP 429, lower requests_per_second of [atlas.NAME].",
		},
	},
	{
		Type: migrationlink.ErrManagerUnavailable, Effect: Retries,
		Meaning: "The manager did not answer, or asked for the call to be made later.",
		Example: `manager "demo": read the link's status of organization 5f1b2c3d4e5f6a7b8c9d0e1f: no reply: dial tcp 192.0.2.10:8443: connect: connection refused`,
		Steps: []string{
			"Check that the manager is up and that the workers reach it: 'starter doctor --manager NAME'.",
			"For HTTP 429, lower requests_per_second of [managers.NAME] on all workers.",
			"During an upgrade of the manager, wait. 'starter extend' gives links more time.",
		},
	},
	{
		Type: migrationlink.ErrWorkerUnavailable, Effect: Retries,
		Meaning: "No worker took the call, or the worker that took it vanished, or its machine is in trouble. Examples are too many open files, a full disk, or secrets that are not mounted.",
		Example: "the worker did not finish the call",
		Steps: []string{
			"Check that the workers run: 'starter doctor'.",
			"If the message names a problem of the worker's machine, solve that. Any other worker can take the call meanwhile.",
			"If the workers run, they are busy, or requests_per_second is used up.",
		},
	},
	{
		Type: migrationlink.ErrReplyLost, Effect: Retries,
		Meaning: "The manager may have created the link, but its reply did not arrive. The workflow reads the status before it creates a link again.",
		Example: `manager "demo": create the link of organization 5f1b2c3d4e5f6a7b8c9d0e1f: no reply: read tcp 198.51.100.7:41822->192.0.2.10:8443: read: connection reset by peer`,
		Steps: []string{
			"Wait: the link is created again only if it does not appear within settleTime.",
			"Check that the manager is up and that the workers reach it.",
		},
	},
}

var refusing = []Error{
	{
		Type: migrationlink.ErrDifferentRequest, Effect: Refuses,
		Meaning: "A different request for the organization is running. One workflow at a time works on an organization.",
		Example: `a different request for organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager "demo" is running: undo: running link: never; your request: on-cancel`,
		Steps: []string{
			"Wait for the end of the running request, or cancel it first.",
			"To join it, send an equal request.",
		},
	},
	{
		Type: migrationlink.ErrInvalidUpdate, Effect: Refuses,
		Meaning: "A field of the update is wrong.",
		Example: "token: unlinking takes no link-token; leave it out",
		Steps:   []string{"Correct the fields that the message names, and send the update again."},
	},
	{
		Type: migrationlink.ErrTooManyChecks, Effect: Refuses,
		Meaning: "The link was checked so often that its history has no room for another check.",
		Example: "the link has already been checked 1000 times",
		Steps:   []string{"Use 'starter status': the link is polled automatically."},
	},
	{
		Type: migrationlink.ErrNotBlocked, Effect: Refuses,
		Meaning: "The request continues by itself, so there is nothing to retry.",
		Example: "it is syncing and continues by itself",
		Steps:   []string{"Wait, or read the status now with 'starter check'."},
	},
	{
		Type: migrationlink.ErrTooManyRetries, Effect: Refuses,
		Meaning: "The request was retried so often that its history has no room for another retry.",
		Example: "it has already been retried 500 times",
		Steps:   []string{"Cancel the link, and start it again."},
	},
	{
		Type: migrationlink.ErrAlreadyEnded, Effect: Refuses,
		Meaning: "The request has ended, or is being cancelled.",
		Example: "it is ending",
		Steps:   []string{"Look at the outcome with 'starter status'.", "To continue, start it again."},
	},
}
