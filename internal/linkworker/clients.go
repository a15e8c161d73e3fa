package linkworker

import (
	"errors"
	"fmt"

	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/internal/config"
	"github.com/migrationlink/migrationlink/opsmanager"
)

// makeClients returns what the activities need for next. Clients whose
// configuration is that of before are kept, and so their connections, challenges
// and limiters.
func makeClients(next, before config.Config, old activities.Clients) (activities.Clients, error) {
	managers, managersErr := makeEach(next.Managers, before.Managers, old.Managers)
	atlases, atlasErr := makeEach(next.Atlas, before.Atlas, old.Atlas)
	if err := errors.Join(managersErr, atlasErr); err != nil {
		return activities.Clients{}, err // those that were made have no connections yet
	}
	return activities.Clients{
		Managers:   managers,
		Atlas:      atlases,
		Tokens:     next.Tokens.Source(),
		Identities: next.Tokens.Identities,
	}, nil
}

type closer interface {
	*opsmanager.Client | *atlas.Client
	Close()
}

// party is the configuration of whom the worker calls.
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

// closeReplaced closes the clients of old that are not in use any more. A call
// that is under way with one of them is finished, and leaves no connection.
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
