// Package temporalconn connects to the Temporal that Temporal's own variables
// and profiles name, and says in words for the operator why it cannot.
package temporalconn

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"

	"github.com/migrationlink/migrationlink/redact"
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
	// CheckKey, if set, is asked about each file with a credential, by its path:
	// that of the TLS client key, and that of the profiles.
	CheckKey func(path string) error
}

// Options are the client's, with address and namespace always set.
type Options struct {
	client.Options

	flags   bool
	secrets []redact.Secret // that no error may repeat
}

// Load reads the variables and profiles. Its error is a *Error, and repeats no
// key.
func Load(o Overrides) (Options, error) {
	profile, err := o.profile()
	if err != nil {
		return Options{}, misconfigured(err)
	}
	if err := checkTLS(profile.TLS, o.CheckKey); err != nil {
		return Options{}, misconfigured(err)
	}
	secrets := secretsOf(profile)
	loaded, err := profile.ToClientOptions(envconfig.ToClientOptionsRequest{})
	if err != nil {
		return Options{}, misconfigured(errors.New(redact.Remove(err.Error(), secrets...)))
	}
	loaded.HostPort = cmp.Or(o.Address, loaded.HostPort, client.DefaultHostPort)
	loaded.Namespace = cmp.Or(o.Namespace, loaded.Namespace, client.DefaultNamespace)
	if loaded.ConnectionOptions.TLS == nil && !isLoopback(loaded.HostPort) {
		if err := checkPlain(profile, loaded.HostPort); err != nil {
			return Options{}, err
		}
	}
	if loaded.ConnectionOptions.TLS != nil {
		loaded.ConnectionOptions.TLS.MinVersion = tls.VersionTLS12
	}
	loaded.ConnectionOptions.GetSystemInfoTimeout = dialLimit // the one call of dialing
	return Options{loaded, o.Flags, secrets}, nil
}

func misconfigured(err error) *Error {
	text := err.Error()
	// The parser's own words quote the file, where a key may stand without its
	// quotes.
	if position, ok := errors.AsType[toml.ParseError](err); ok {
		text = fmt.Sprintf("line %d of the file of profiles (last key: %q) is not valid TOML", position.Position.Line, position.LastKey)
	}
	return &Error{Misconfigured, "the configuration of the Temporal connection cannot be used: " + text,
		"Correct the TEMPORAL_* variables or the profile."}
}

// checkTLS refuses a key that is given where its path should be: the system's
// words about it would repeat it.
func checkTLS(settings *envconfig.ClientConfigTLS, checkKey func(path string) error) error {
	if settings == nil || settings.Disabled {
		return nil
	}
	for name, path := range map[string]string{
		"TEMPORAL_TLS_CLIENT_CERT_PATH":    settings.ClientCertPath,
		"TEMPORAL_TLS_CLIENT_KEY_PATH":     settings.ClientKeyPath,
		"TEMPORAL_TLS_SERVER_CA_CERT_PATH": settings.ServerCACertPath,
	} {
		if strings.ContainsAny(path, "\r\n") || strings.Contains(path, "-----BEGIN") {
			return fmt.Errorf("%s is the content of a file; set %s for that, or the path here", name, strings.TrimSuffix(name, "PATH")+"DATA")
		}
	}
	if checkKey == nil || settings.ClientKeyPath == "" {
		return nil
	}
	if err := checkKey(settings.ClientKeyPath); err != nil {
		return fmt.Errorf("the TLS client key: %w", err)
	}
	return nil
}

// isLoopback does not resolve names: a resolver could be made to answer anything.
func isLoopback(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	address, noAddress := netip.ParseAddr(host)
	return err == nil && (host == "localhost" || noAddress == nil && address.IsLoopback())
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
