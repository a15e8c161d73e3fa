package temporalconn

import (
	"fmt"
	"net"
	"os"
	"strings"

	"go.temporal.io/sdk/contrib/envconfig"

	"github.com/migrationlink/migrationlink/internal/textfile"
)

// authorization is the one header whose value is certainly a credential.
const authorization = "authorization"

// profile reads the variables and the file of profiles.
func (o Overrides) profile() (envconfig.ClientConfigProfile, error) {
	path, content, err := o.profiles()
	if err != nil {
		return envconfig.ClientConfigProfile{}, fmt.Errorf("the file of profiles cannot be read: %w", err)
	}
	from := envconfig.LoadClientConfigProfileOptions{ConfigFileProfile: o.Profile, ConfigFileData: content, EnvLookup: o.Env}
	profile, err := envconfig.LoadClientConfigProfile(from)
	if err != nil || o.CheckKey == nil {
		return profile, err
	}
	from.DisableEnv = true // a credential is in the file even if a variable overrides it
	stored, err := envconfig.LoadClientConfigProfile(from)
	if err == nil && len(credentials(stored)) > 0 {
		err = o.CheckKey(path)
	}
	if err != nil {
		return profile, fmt.Errorf("the file of profiles: %w", err)
	}
	return profile, nil
}

func (o Overrides) lookup() envconfig.EnvLookup {
	if o.Env == nil {
		return envconfig.EnvLookupOS
	}
	return o.Env
}

// storedKey returns the API key in the file of profiles, or nil if there is none or a
// variable overrides it.
func (o Overrides) storedKey(key string, secrets *secrets) *storedKey {
	if set, _ := o.lookup().LookupEnv("TEMPORAL_API_KEY"); key == "" || set == key {
		return nil
	}
	path, _, err := o.profiles()
	if err != nil {
		return nil // it was just read
	}
	return &storedKey{path: path, current: key, secrets: secrets, read: func() (string, error) {
		profile, err := o.profile()
		return profile.APIKey, err
	}}
}

// Profiles returns the profiles and the path of their file, which need not exist.
func Profiles(env envconfig.EnvLookup) (path string, loaded envconfig.ClientConfig, _ error) {
	path, content, err := Overrides{Env: env}.profiles()
	if err != nil {
		return path, loaded, err
	}
	loaded, err = envconfig.LoadClientConfig(envconfig.LoadClientConfigOptions{ConfigFileData: content, EnvLookup: env})
	return path, loaded, err
}

// profiles returns the path and content of the file of profiles, which need not exist.
func (o Overrides) profiles() (path string, content []byte, err error) {
	if path, _ = o.lookup().LookupEnv("TEMPORAL_CONFIG_FILE"); path == "" {
		path = envconfig.DefaultConfigFilePath()
	}
	text, err := textfile.ReadTOML(path, maxFile)
	if err != nil && !os.IsNotExist(err) {
		return path, nil, err
	}
	if strings.TrimSpace(text) == "" {
		text = "\n" // without any, the library would read the file
	}
	return path, []byte(text), nil
}

// credentials returns the values in a profile that are certainly credentials.
func credentials(profile envconfig.ClientConfigProfile) []string {
	header := profile.GRPCMeta[authorization]
	all := []string{profile.APIKey, header, lastWord(header)}
	if profile.TLS != nil {
		all = append(all, string(profile.TLS.ClientKeyData))
	}
	if profile.Codec != nil {
		all = append(all, profile.Codec.Auth, lastWord(profile.Codec.Auth))
	}
	var set []string
	for _, credential := range all {
		if credential = strings.TrimSpace(credential); credential != "" {
			set = append(set, credential)
		}
	}
	return set
}

// addFrom adds the values in a profile that may be secrets.
func (s *secrets) addFrom(profile envconfig.ClientConfigProfile) {
	// Shorter headers are ordinary words, which also occur in errors.
	const shortest = 6
	s.add(credentials(profile)...)
	for _, value := range profile.GRPCMeta {
		if value = strings.TrimSpace(value); len(value) >= shortest {
			s.add(value)
		}
	}
}

// lastWord returns the credential in the value of a header, without its scheme.
func lastWord(header string) string {
	header = strings.TrimSpace(header)
	return header[strings.LastIndexByte(header, ' ')+1:]
}

// checkPlain rejects a credential that would cross the network without TLS.
func checkPlain(profile envconfig.ClientConfigProfile, address string) error {
	if host, _, err := net.SplitHostPort(address); err == nil && isLoopbackHost(host) {
		return nil
	}
	refuse := func(what, remedy string) error {
		return &Error{Misconfigured, fmt.Sprintf("without TLS, %s would cross the network to %s in plain text", what, address), remedy}
	}
	switch {
	case profile.APIKey != "":
		return refuse("the API key", "Remove TEMPORAL_TLS=false, or remove the API key.")
	case profile.GRPCMeta[authorization] != "":
		return refuse("the header authorization", "Set TEMPORAL_TLS=true, or remove TEMPORAL_GRPC_META_AUTHORIZATION; or change the profile.")
	}
	return nil
}

// maxFile limits the files of a connection, in bytes.
const maxFile = 1 << 20

func readFile(path string) ([]byte, error) {
	text, err := textfile.ReadFile(path, maxFile)
	return []byte(text), err
}
