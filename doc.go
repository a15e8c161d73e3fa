// Package migrationlink is the contract of the migrationlink application: the
// names, inputs, results and error types with which a caller starts, watches
// and cancels the workflow that links an organization of MongoDB Ops Manager or
// Cloud Manager (the source) to an organization of Atlas (the target).
//
// A service uses Client. A workflow in the namespace of the workers uses ChildOptions; one in
// another namespace uses LinkOperation through Nexus. docs/how-to/call-from-a-workflow.md
// explains all three.
//
// It imports the standard library, and of Temporal what a caller has anyway. JSON
// field names and every string constant here are the wire format: they never
// change their meaning.
package migrationlink
