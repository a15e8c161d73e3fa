package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/internal/adminapi"
	"github.com/migrationlink/migrationlink/internal/assess"
	"github.com/migrationlink/migrationlink/opsmanager"
)

// Key documents one setting of the file.
type Key struct {
	Section string // such as "log", or "managers.NAME"
	Name    string
	Default string // empty for none
	Accepts string // values and bounds
	Meaning string // whole sentences
}

const (
	reference  = "`env:VARIABLE` or `file:/absolute/path`"
	trueFalse  = "`true` or `false`"
	pemFile    = "path of a PEM file"
	isRequired = "required"
)

// Keys documents every setting of the file, in the order of the sections.
func Keys() []Key {
	d := Default()
	keys := []Key{
		{"log", "level", quoted(d.Log.Level), "`debug`, `info`, `warn`, `error`", "The lowest level that is written."},
		{"log", "format", quoted(d.Log.Format), "`json` or `console`", "The form of the log. `console` is for people."},
		{"http", "address", "", "`host:port`", "Where the worker serves `/metrics` (Prometheus), `/healthz` and `/readyz`. `worker --config FILE --probe` asks it. Without an address, nothing is served."},
		{"http", "pprof", "`false`", trueFalse, "Also serves the profiles of the process there."},
		{"worker", "stop_timeout", quoted(d.Worker.StopTimeout), "above 1 s, at most 10 min", "How long a running call may take to finish at shutdown. It must be above every `request_timeout`."},
		{"worker", "max_cached_workflows", quoted(d.Worker.MaxCachedWorkflows), "10 to 1000000", "Links that are kept in memory, at about 76 kB each. The worker reads any other link from Temporal when that link continues."},
		{"tokens", "directory", "", "absolute path of a directory", "Where `file:` link-tokens are. No reference leads out of it. A worker refuses a directory that holds a key, an identity or this file, or that contains their folder."},
		{"tokens", "identities", "", "list of " + reference, "The age identities that open sealed link-tokens. Workers seal the link-tokens that they generate in Atlas to the first. Required with `[atlas.NAME]`."},
		{"assessment", "ops_manager_below", "`6.0`", "a version of MongoDB", "Only versions of MongoDB below this one can be pushed from Ops Manager."},
		{"assessment", "cloud_manager_from", versionList(d.Assessment), fmt.Sprintf("list of at most %d versions, lowest first", maxMinimums), "The first versions that Cloud Manager pushes with mongosync, one for each release series."},
		{"managers.NAME", "base_url", isRequired, "`https://host:port`", "The address of the manager. Plain `http` is accepted to loopback only, see `allow_insecure_http`."},
		{"managers.NAME", "kind", "by `base_url`", "`ops-manager` or `cloud-manager`", "The product. `https://cloud.mongodb.com` is Cloud Manager, every other address is Ops Manager."},
		{"managers.NAME", "base_path", quoted(opsmanager.DefaultBasePath), "a path", "The path of the API."},
		{"managers.NAME", "public_key", isRequired, reference, "A reference to the public key of an API key with the role Organization Owner, or Global Owner for several organizations. Never write the key itself here. A worker refuses variables `LINK_TOKEN_…` for keys and identities: requests may name those."},
		{"managers.NAME", "private_key", isRequired, reference, "The private key of the API key, by the same rules."},
		{"managers.NAME", "unlinked_is_404", "`false`", trueFalse, "Set it if the manager answers 404 to the status of an organization without a link. Then `NOT_SYNCED` is the status of a link that somebody made. Without it, the worker may take such a link for none and overwrite it. `starter doctor --org` shows what an organization answers."},
		{"managers.NAME", "max_poll_interval", quoted(defaultPollInterval), "5 s to 1 h", "The longest time between two polls of a link that waits. From 60 s on, a poll is two requests: the manager's nonce has expired."},
	}
	keys = append(keys, endpointKeys("managers.NAME", "Each worker stays below it, and all workers together start no more calls than that. A call can take more than one request: several workers can exceed it for a while.")...)
	keys = append(keys,
		Key{"atlas.NAME", "base_url", quoted(atlas.DefaultBaseURL), "`https://host:port`", "The address of Atlas."},
		Key{"atlas.NAME", "base_path", quoted(atlas.DefaultBasePath), "a path", "The path of the API."},
		Key{"atlas.NAME", "public_key", "", reference, "The public key of an API key with the role Organization Owner in the target organizations. Set it and `private_key`, or a service account."},
		Key{"atlas.NAME", "private_key", "", reference, "The private key of that API key."},
		Key{"atlas.NAME", "client_id", "", reference, "The id of a service account with that role. Set it and `client_secret`, or an API key."},
		Key{"atlas.NAME", "client_secret", "", reference, "The secret of that service account."},
	)
	return append(keys, endpointKeys("atlas.NAME", "It limits each worker on its own.")...)
}

// endpointKeys are those that managers and Atlas have in common.
func endpointKeys(section, limited string) []Key {
	return []Key{
		{section, "ca_file", "the system's", pemFile, "The authorities that may have signed the certificate of the server. One block that cannot be read is an error."},
		{section, "client_cert_file", "", pemFile, "The client certificate, for a server that asks for one. Set it and `client_key_file`."},
		{section, "client_key_file", "", pemFile, "The key of the client certificate."},
		{section, "allow_insecure_http", "`false`", trueFalse, "Permits plain `http` to hosts other than loopback. Link-tokens are then readable on the network."},
		{section, "request_timeout", quoted(adminapi.DefaultTimeout), "1 s to 1 min", "The limit of one HTTP request."},
		{section, "requests_per_second", "no limit", fmt.Sprintf("%g to %d", minRate, maxRate), "The highest rate of requests. " + limited},
	}
}

func quoted(value any) string { return fmt.Sprintf("`%v`", value) }

func versionList(minimums assess.Minimums) string {
	versions := make([]string, len(minimums.CloudManager))
	for i, version := range minimums.CloudManager {
		versions[i] = strconv.Quote(version.String())
	}
	return "`[" + strings.Join(versions, ", ") + "]`"
}
