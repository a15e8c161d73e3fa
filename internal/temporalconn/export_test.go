package temporalconn

// IsHost is isHost.
var IsHost = isHost
