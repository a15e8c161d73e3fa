package temporalconn

// VersionAttribute is the search attribute that holds a workflow's Worker Deployment
// version, as NAME:BUILD. It is missing without versions.
const VersionAttribute = "TemporalWorkerDeploymentVersion"

// LeastServer is the first Temporal server version that supports update-with-start by
// default. Links also run on older servers; starter says what is missing.
const LeastServer = "1.28"
