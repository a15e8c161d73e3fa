// Package temporalconn connects to Temporal as configured by its own environment
// variables and profiles, and explains to the operator why it cannot.
package temporalconn

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/BurntSushi/toml"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"google.golang.org/grpc"
)

// dialLimit leaves time to report within 10 s that Temporal does not answer.
const dialLimit = 8 * time.Second

// Overrides take precedence over variables and profiles, unless they are empty.
type Overrides struct {
	Profile   string
	Address   string // host:port
	Namespace string
	// Env looks up variables. The default is the environment of the process.
	Env envconfig.EnvLookup
	// Flags reports whether the user can give --address and --namespace, so that
	// remedies mention them.
	Flags bool
	// CheckKey, if set, checks each file that holds a credential: the TLS client key, its
	// certificate if that holds a key, too, and the file of profiles.
	CheckKey func(path string) error
	// Codec says what the program does with a configured remote payload codec.
	Codec CodecUse
}

// Options are those of the client. Address and namespace are always set.
type Options struct {
	client.Options

	limited     *atomic.Bool // see WasLimited
	flags       bool
	secrets     *secrets
	certificate *certificate // nil if there is none in files
	key         *storedKey   // nil if there is none in the file of profiles
	proxy       string       // host:port that gRPC connects through; empty for none
	codec       string       // endpoint of the remote payload codec; empty for none
}

// Load reads the variables and profiles. Its error is an *Error and never contains a
// key.
func Load(o Overrides) (Options, error) {
	options := Options{limited: &atomic.Bool{}, flags: o.Flags, secrets: &secrets{}}
	err := o.load(&options)
	if err == nil {
		return options, nil
	}
	if _, known := errors.AsType[*Error](err); !known {
		err = misconfigured(err, options.secrets)
	}
	return Options{}, err
}

func (o Overrides) load(options *Options) error {
	if err := o.checkSpace(); err != nil {
		return err
	}
	profile, err := o.profile()
	if err != nil {
		return err
	}
	if err := cmp.Or(spaceIn("the namespace of the profile", profile.Namespace), spaceIn("the address of the profile", profile.Address)); err != nil {
		return err
	}
	if err := checkTLS(profile.TLS, o.CheckKey); err != nil {
		return err
	}
	options.secrets.addFrom(profile)
	if options.certificate, err = readFiles(profile.TLS, o.CheckKey); err != nil {
		return err
	}
	if options.Options, err = profile.ToClientOptions(envconfig.ToClientOptionsRequest{}); err != nil {
		return err
	}
	options.HostPort = cmp.Or(o.Address, options.HostPort, client.DefaultHostPort)
	options.Namespace = cmp.Or(o.Namespace, options.Namespace, client.DefaultNamespace)
	connection := &options.ConnectionOptions
	connection.GetSystemInfoTimeout = dialLimit // the one call of dialing
	connection.DialOptions = calls(options.limited)
	connection.GrpcCompression = &client.GrpcCompressionNone{} // payloads are small: it would take a tenth of a worker's CPU time
	if connection.TLS != nil {
		connection.TLS.MinVersion = tls.VersionTLS12
	} else if err := checkPlain(profile, options.HostPort); err != nil {
		return err
	}
	if err := o.useCodec(profile.Codec, options); err != nil {
		return err
	}
	if options.certificate != nil {
		connection.TLS.GetClientCertificate = options.certificate.get
	}
	if options.key = o.storedKey(profile.APIKey, options.secrets); options.key != nil {
		options.Credentials = client.NewAPIKeyDynamicCredentials(options.key.get)
	}
	return options.useProxy()
}

// useProxy finds the proxy through which gRPC connects.
func (o *Options) useProxy() error {
	proxy, err := proxyOf(o.HostPort)
	if err != nil {
		return &Error{Misconfigured, "the proxy of the Temporal connection cannot be used: " + err.Error(),
			"Correct it, as http://host:port, or set NO_PROXY to Temporal's host."}
	}
	if proxy == nil {
		return nil
	}
	o.proxy = proxy.Host
	if password, _ := proxy.User.Password(); password != "" {
		o.secrets.add(password)
	}
	return nil
}

// checkSpace rejects white space around values: lines of files from Windows end in a
// carriage return, which would be invisible in an error.
func (o Overrides) checkSpace() error {
	problems := []error{spaceIn("--address", o.Address), spaceIn("--namespace", o.Namespace), spaceIn("--profile", o.Profile)}
	for _, name := range []string{
		"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE", "TEMPORAL_CLIENT_AUTHORITY",
		"TEMPORAL_TLS", "TEMPORAL_TLS_SERVER_NAME", "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION", "TEMPORAL_CODEC_ENDPOINT",
		"TEMPORAL_TLS_CLIENT_CERT_PATH", "TEMPORAL_TLS_CLIENT_KEY_PATH", "TEMPORAL_TLS_SERVER_CA_CERT_PATH",
	} {
		value, _ := o.lookup().LookupEnv(name)
		if !strings.Contains(value, "-----BEGIN") { // has a message of its own
			problems = append(problems, spaceIn(name, value))
		}
	}
	return cmp.Or(problems...)
}

func spaceIn(name, value string) error {
	switch trimmed := strings.TrimSpace(value); {
	case trimmed == value:
		return nil
	case strings.HasSuffix(value, "\r"), strings.HasSuffix(value, "\r\n"):
		return fmt.Errorf("%s ends in a carriage return, as lines of files from Windows do", name)
	}
	return fmt.Errorf("%s has white space at its start or end", name)
}

func misconfigured(err error, secrets *secrets) *Error {
	text := secrets.remove(err.Error())
	// The parser's message quotes the file, which may contain a key without quotes.
	if position, ok := errors.AsType[toml.ParseError](err); ok {
		text = fmt.Sprintf("line %d of the file of profiles (last key: %q) is not valid TOML", position.Position.Line, position.LastKey)
	}
	return &Error{Misconfigured, "the configuration of the Temporal connection cannot be used: " + text,
		"Correct the TEMPORAL_* variables or the profile."}
}

// checkTLS rejects a key given in place of its path: the system's error would repeat it.
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

// isLoopbackHost reports whether host is localhost or a loopback address. It does not
// resolve names: a resolver could be made to answer anything.
func isLoopbackHost(host string) bool {
	address, noAddress := netip.ParseAddr(host)
	return host == "localhost" || noAddress == nil && address.IsLoopback()
}

// Dial connects and returns when Temporal has answered. Its error is an *Error. It does
// not wait for Temporal to come up: that is the supervisor's task.
func (o Options) Dial(ctx context.Context) (client.Client, error) {
	if o.certificate != nil {
		o.certificate.report.logger = o.Logger
	}
	if o.key != nil {
		o.key.report.logger = o.Logger
	}
	dial := &o.ConnectionOptions.DialOptions // after those of the caller: the last is the innermost
	*dial = append(slices.Clone(*dial), grpc.WithChainUnaryInterceptor(o.secrets.scrub))
	temporal, err := client.DialContext(ctx, o.Options)
	if err == nil {
		return temporal, nil
	}
	if o.ConnectionOptions.TLS == nil && o.proxy == "" && hungUp(err.Error()) && speaksTLS(ctx, o.HostPort) {
		return nil, &Error{Unreachable, fmt.Sprintf("Temporal cannot be reached at %s (it requires TLS, which is off)", o.HostPort),
			"Set TEMPORAL_TLS=true, and TEMPORAL_TLS_SERVER_CA_CERT_PATH and TEMPORAL_TLS_CLIENT_CERT_PATH if it needs them, or a profile."}
	}
	if known, ok := errors.AsType[*Error](o.Explain(err)); ok {
		return nil, known
	}
	return nil, o.unreachable(err) // a wrong port may answer anything
}
