// Package temporalconn connects to the Temporal that Temporal's own variables
// and profiles name, and says in words for the operator why it cannot.
package temporalconn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
)

// dialLimit leaves room to say within 10 s that Temporal is not there.
const dialLimit = 8 * time.Second

// Overrides go before what the variables and profiles say. Empty ones do not.
type Overrides struct {
	Profile   string
	Address   string // host:port
	Namespace string
	// Env is where the variables are, by default in the process.
	Env envconfig.EnvLookup
	// Flags says that the user gives address and namespace as flags of these
	// names, so that a remedy names them.
	Flags bool
}

// Options are the client's, with address and namespace always set.
type Options struct {
	client.Options

	flags bool
}

// Load reads the variables and profiles. Its error is a *Error.
func Load(o Overrides) (Options, error) {
	loaded, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{ConfigFileProfile: o.Profile, EnvLookup: o.Env})
	if err != nil {
		return Options{}, &Error{Misconfigured, fmt.Sprintf("the configuration of the Temporal connection cannot be used: %v", err),
			"Correct the TEMPORAL_* variables or the profile."}
	}
	loaded.HostPort = cmp.Or(o.Address, loaded.HostPort, client.DefaultHostPort)
	loaded.Namespace = cmp.Or(o.Namespace, loaded.Namespace, client.DefaultNamespace)
	loaded.ConnectionOptions.GetSystemInfoTimeout = dialLimit // the one call of dialing
	return Options{loaded, o.Flags}, nil
}

// Dial returns when Temporal has answered. Its error is a *Error. It does not
// wait for a Temporal that is not there yet: that is for who starts the process.
func (o Options) Dial(ctx context.Context) (client.Client, error) {
	temporal, err := client.DialContext(ctx, o.Options)
	if err == nil {
		return temporal, nil
	}
	if known, ok := errors.AsType[*Error](o.Explain(err)); ok {
		return nil, known
	}
	return nil, o.unreachable(err) // a wrong port may answer anything
}
