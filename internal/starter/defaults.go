package starter

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
)

// Variables with the values of flags that are left out.
const (
	managerVariable = "MIGRATIONLINK_MANAGER"
	atlasVariable   = "MIGRATIONLINK_ATLAS"
)

// needsManager marks commands whose --manager has the default of the environment. For the
// others it is a filter, and a filter that nobody gave would hide things.
const needsManager = "needs-manager"

// applyDefaults sets flags that are left out from the environment.
func (a *app) applyDefaults(cmd *cobra.Command) error {
	if given(cmd, "file") {
		return nil // the request is complete
	}
	var problems []string
	set := func(flag, variable, what string) {
		value := a.variable(variable)
		switch {
		case value == "" || given(cmd, flag):
		case !migrationlink.ValidManagerName(value):
			problems = append(problems, variable+": invalid "+what+"; correct it, or give --"+flag)
		default:
			_ = cmd.Flags().Set(flag, value) // fails only for a flag that is not there
		}
	}
	checks := cmd.Name() == "doctor" // whose --manager and --atlas are filters, too
	if _, needs := cmd.Annotations[needsManager]; needs || checks && given(cmd, "org") {
		set("manager", managerVariable, "manager name")
	}
	if given(cmd, "atlas-org") && !checks {
		set("atlas", atlasVariable, "Atlas name")
	}
	return usageError(cmd, problems...)
}

// given reports whether a command has a flag and the command line sets it.
func given(cmd *cobra.Command, flag string) bool {
	found := cmd.Flags().Lookup(flag)
	return found != nil && found.Changed
}

// variable is the value of an environment variable without white space around it.
func (a *app) variable(name string) string {
	value, _ := a.Env.LookupEnv(name)
	return strings.TrimSpace(value)
}
