package config

import (
	"reflect"
	"slices"

	"github.com/migrationlink/migrationlink/redact"
)

// Changes are the settings in which two configurations differ, by name.
type Changes struct {
	Now     []string // take effect for the next attempt
	Restart []string // need a restart of the worker
}

// Names are those of all changes.
func (c Changes) Names() []string { return slices.Concat(c.Now, c.Restart) }

// Changes compares the configuration with which a worker runs with a later one.
func (c Config) Changes(next Config) Changes {
	var found Changes
	now := func(changed bool, name string) {
		if changed {
			found.Now = append(found.Now, name)
		}
	}
	restart := func(changed bool, name string) {
		if changed {
			found.Restart = append(found.Restart, name)
		}
	}
	restart(c.Log.Level != next.Log.Level, "log.level")
	restart(c.Log.Format != next.Log.Format, "log.format")
	restart(c.HTTP.Address != next.HTTP.Address, "http.address")
	restart(c.HTTP.Pprof != next.HTTP.Pprof, "http.pprof")
	restart(c.Worker.StopTimeout != next.Worker.StopTimeout, "worker.stop_timeout")
	restart(c.Worker.MaxCachedWorkflows != next.Worker.MaxCachedWorkflows, "worker.max_cached_workflows")
	now(c.Tokens.Directory != next.Tokens.Directory, "tokens.directory")
	now(!sameIdentities(c.Tokens, next.Tokens), "tokens.identities")
	before, after := byName(c.Managers), byName(next.Managers)
	for _, m := range c.Managers {
		later, kept := after[m.Name]
		restart(!kept, "managers."+m.Name+" (removed)")
		now(kept && !m.Equal(later), "managers."+m.Name)
		restart(kept && m.RequestsPerSecond != later.RequestsPerSecond, "managers."+m.Name+".requests_per_second")
	}
	for _, m := range next.Managers {
		_, known := before[m.Name]
		restart(!known, "managers."+m.Name+" (added)")
	}
	atlasBefore, atlasAfter := byName(c.Atlas), byName(next.Atlas)
	for _, a := range c.Atlas {
		later, kept := atlasAfter[a.Name]
		now(!kept, "atlas."+a.Name+" (removed)")
		now(kept && !a.Equal(later), "atlas."+a.Name)
	}
	for _, a := range next.Atlas {
		_, known := atlasBefore[a.Name]
		now(!known, "atlas."+a.Name+" (added)")
	}
	return found
}

// Adopt returns the configuration of a worker that runs with c and takes over of
// next what needs no restart.
func (c Config) Adopt(next Config) Config {
	later := byName(next.Managers)
	managers := slices.Clone(c.Managers)
	for i, m := range managers {
		if changed, kept := later[m.Name]; kept {
			managers[i] = changed
			// The limit of the fleet is Temporal's, set when the worker starts.
			managers[i].RequestsPerSecond = m.RequestsPerSecond
		}
	}
	c.Tokens, c.Atlas, c.Files, c.Managers = next.Tokens, next.Atlas, next.Files, managers
	return c
}

// Equal tells whether a client of the one does what a client of the other does.
// The limit of the fleet does not count.
func (m Manager) Equal(other Manager) bool {
	same := sameSecrets(m.PublicKey, other.PublicKey, m.PrivateKey, other.PrivateKey, m.TLS.Key, other.TLS.Key)
	return same && reflect.DeepEqual(m.open(), other.open())
}

// open is what is no secret: those cannot be compared as they are.
func (m Manager) open() Manager {
	m.PublicKey, m.PrivateKey, m.TLS.Key, m.RequestsPerSecond = redact.Secret{}, redact.Secret{}, redact.Secret{}, 0
	return m
}

// Equal is Manager.Equal for an Atlas, whose limit is that of the client alone.
func (a Atlas) Equal(other Atlas) bool {
	same := sameSecrets(a.PublicKey, other.PublicKey, a.PrivateKey, other.PrivateKey, a.TLS.Key, other.TLS.Key,
		a.ClientID, other.ClientID, a.ClientSecret, other.ClientSecret)
	return same && reflect.DeepEqual(a.open(), other.open())
}

func (a Atlas) open() Atlas {
	a.PublicKey, a.PrivateKey, a.TLS.Key = redact.Secret{}, redact.Secret{}, redact.Secret{}
	a.ClientID, a.ClientSecret = redact.Secret{}, redact.Secret{}
	return a
}

// sameSecrets compares the secrets two by two.
func sameSecrets(pairs ...redact.Secret) bool {
	for pair := range slices.Chunk(pairs, 2) {
		if pair[0].Reveal() != pair[1].Reveal() {
			return false
		}
	}
	return true
}

func sameIdentities(a, b Tokens) bool {
	return slices.Equal(recipients(a), recipients(b))
}

func recipients(t Tokens) []string {
	var names []string
	for _, recipient := range t.Identities.Recipients() {
		names = append(names, recipient.String())
	}
	return names
}

func byName[T interface{ ID() string }](all []T) map[string]T {
	named := make(map[string]T, len(all))
	for _, one := range all {
		named[one.ID()] = one
	}
	return named
}

// ID is the name.
func (m Manager) ID() string { return m.Name }

// ID is the name.
func (a Atlas) ID() string { return a.Name }
