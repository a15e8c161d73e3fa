package config

import "slices"

// Changes are the names of the settings in which two configurations differ.
type Changes struct {
	Now     []string // take effect for the next attempt
	Restart []string // need a restart of the worker
}

// Names returns the names of all changes.
func (c Changes) Names() []string { return slices.Concat(c.Now, c.Restart) }

// Changes compares the configuration that a worker runs with to a later one.
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
	now(!sameMinimums(c.Assessment, next.Assessment), "assessment")
	later := byName(next.Managers)
	for _, m := range c.Managers {
		changed, kept := later[m.Name]
		restart(kept && m.RequestsPerSecond != changed.RequestsPerSecond, "managers."+m.Name+".requests_per_second")
	}
	compare(c.Managers, next.Managers, "managers.", restart, now)
	compare(c.Atlas, next.Atlas, "atlas.", now, now)
	return found
}

type party[T any] interface {
	ID() string
	Equal(T) bool
}

// compare reports which parties are removed, changed or added.
func compare[T party[T]](before, after []T, section string, listed, changed func(bool, string)) {
	earlier, later := byName(before), byName(after)
	for _, one := range before {
		next, kept := later[one.ID()]
		listed(!kept, section+one.ID()+" (removed)")
		changed(kept && !one.Equal(next), section+one.ID())
	}
	for _, one := range after {
		_, known := earlier[one.ID()]
		listed(!known, section+one.ID()+" (added)")
	}
}

// Adopt returns c with those settings of next that need no restart.
func (c Config) Adopt(next Config) Config {
	later := byName(next.Managers)
	managers := slices.Clone(c.Managers)
	for i, m := range managers {
		if changed, kept := later[m.Name]; kept {
			managers[i] = changed
			// Temporal applies the limit of the fleet, which is set when the worker
			// starts.
			managers[i].RequestsPerSecond = m.RequestsPerSecond
		}
	}
	c.Tokens, c.Atlas, c.Files, c.Managers = next.Tokens, next.Atlas, next.Files, managers
	c.Assessment = next.Assessment
	return c
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
