package worker

import (
	"errors"
	"fmt"
	"time"

	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/internal/assess"
	"github.com/migrationlink/migrationlink/internal/config"
	"github.com/migrationlink/migrationlink/opsmanager"
)

// makeClients returns the clients for next. It keeps those whose configuration is
// unchanged, with their connections, challenges and limiters.
func makeClients(next, before config.Config, old activities.Clients) (activities.Clients, error) {
	managers, managersErr := makeEach(next.Managers, before.Managers, old.Managers)
	atlases, atlasErr := makeEach(next.Atlas, before.Atlas, old.Atlas)
	if err := errors.Join(managersErr, atlasErr); err != nil {
		return activities.Clients{}, err // the new clients have no connections yet
	}
	intervals, rules := map[string]time.Duration{}, map[string]assess.Rules{}
	for _, m := range next.Managers {
		intervals[m.Name], rules[m.Name] = m.MaxPollInterval, assess.NewRules(m.Kind, next.Assessment)
	}
	return activities.Clients{
		Managers:   managers,
		Intervals:  intervals,
		Rules:      rules,
		Atlas:      atlases,
		Tokens:     next.Tokens.Source(),
		Identities: next.Tokens.Identities,
	}, nil
}

type closer interface {
	*opsmanager.Client | *atlas.Client
	Close()
}

// party is the configuration of a manager or of Atlas.
type party[P any, C closer] interface {
	ID() string
	Equal(P) bool
	Client() (C, error)
}

func makeEach[P party[P, C], C closer](next, before []P, old map[string]C) (map[string]C, error) {
	known := map[string]P{}
	for _, p := range before {
		known[p.ID()] = p
	}
	made := map[string]C{}
	for _, p := range next {
		if was, found := known[p.ID()]; found && was.Equal(p) {
			made[p.ID()] = old[p.ID()]
			continue
		}
		client, err := p.Client()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.ID(), err)
		}
		made[p.ID()] = client
	}
	return made, nil
}

// closeReplaced closes the clients of old that are no longer in use. It does not
// interrupt their running calls.
func closeReplaced(old, inUse activities.Clients) {
	closeEach(old.Managers, inUse.Managers)
	closeEach(old.Atlas, inUse.Atlas)
}

func closeEach[C closer](old, inUse map[string]C) {
	for name, client := range old {
		if client != inUse[name] {
			client.Close()
		}
	}
}
