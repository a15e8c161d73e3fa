package temporalconn

// VersionAttribute is the search attribute in which Temporal keeps to which version of
// a Worker Deployment a workflow belongs, as NAME:BUILD; it has none without versions.
const VersionAttribute = "TemporalWorkerDeploymentVersion"
