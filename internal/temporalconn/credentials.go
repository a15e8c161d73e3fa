package temporalconn

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"go.temporal.io/sdk/contrib/envconfig"

	"github.com/migrationlink/migrationlink/redact"
)

// authorization is the header whose value is a credential for sure.
const authorization = "authorization"

// profile reads the variables, and the file of profiles once.
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
	from.DisableEnv = true // what is in the file lies there even where a variable goes first
	stored, err := envconfig.LoadClientConfigProfile(from)
	if err == nil && len(credentials(stored)) > 0 {
		err = o.CheckKey(path)
	}
	if err != nil {
		return profile, fmt.Errorf("the file of profiles: %w", err)
	}
	return profile, nil
}

// profiles returns the file of profiles, which need not be there.
func (o Overrides) profiles() (path string, content []byte, err error) {
	lookup := o.Env
	if lookup == nil {
		lookup = envconfig.EnvLookupOS
	}
	if path, _ = lookup.LookupEnv("TEMPORAL_CONFIG_FILE"); path == "" {
		path = envconfig.DefaultConfigFilePath()
	}
	content, err = os.ReadFile(path) //nolint:gosec // who sets the variables names the file
	if err != nil && !os.IsNotExist(err) {
		return path, nil, err
	}
	if len(bytes.TrimSpace(content)) == 0 {
		content = []byte("\n") // none at all would have the library read the file
	}
	return path, content, nil
}

// credentials are what of a profile is a credential for sure.
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

// secretsOf are what of a profile may be a secret, and which no error repeats.
func secretsOf(profile envconfig.ClientConfigProfile) []redact.Secret {
	// Shorter headers are no secrets, but words, which errors are made of.
	const shortest = 6
	texts := credentials(profile)
	for _, value := range profile.GRPCMeta {
		if value = strings.TrimSpace(value); len(value) >= shortest {
			texts = append(texts, value)
		}
	}
	var secrets []redact.Secret
	for _, text := range texts {
		secrets = append(secrets, redact.NewSecret(text))
	}
	return secrets
}

// lastWord of the value of a header is the credential without its scheme.
func lastWord(header string) string {
	header = strings.TrimSpace(header)
	return header[strings.LastIndexByte(header, ' ')+1:]
}

// checkPlain refuses a credential that would go over the network without TLS.
func checkPlain(profile envconfig.ClientConfigProfile, address string) error {
	refuse := func(what, remedy string) error {
		return &Error{Misconfigured, fmt.Sprintf("without TLS the network between here and %s would read %s", address, what), remedy}
	}
	switch {
	case profile.APIKey != "":
		return refuse("the API key", "Leave TEMPORAL_TLS=false out, or the API key.")
	case profile.GRPCMeta[authorization] != "":
		return refuse("the header authorization", "Set TEMPORAL_TLS=true, or leave TEMPORAL_GRPC_META_AUTHORIZATION out; or change the profile.")
	}
	return nil
}
