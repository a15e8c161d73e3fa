package e2e_test

import (
	"net/http"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// evidence is what the simulator has recorded of one organization.
func (s *system) evidence(orgID string) opsmanagertest.OrgState {
	s.t.Helper()
	return s.state().Orgs[orgID]
}

func (s *system) state() opsmanagertest.State {
	s.t.Helper()
	var state opsmanagertest.State
	s.control(http.MethodGet, "/simulator/state", nil, &state)
	return state
}

// fault adds a fault.
func (s *system) fault(fault opsmanagertest.Fault) {
	s.t.Helper()
	s.control(http.MethodPost, "/simulator/faults", map[string]any{"faults": opsmanagertest.Faults{fault}}, nil)
}
