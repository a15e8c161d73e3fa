package starter

import (
	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink/internal/buildinfo"
)

const versionHelp = `Version prints the version of this program and of the Go that built it, as
--version does. It does not need Temporal.`

const versionExample = `  starter version
  starter version -o json`

// versionJSON is the one object of the command.
type versionJSON struct {
	// Version is a tag, a commit, or "devel".
	Version string `json:"version"`
	// Details add the commit, its time and the version of Go.
	Details string `json:"details"`
}

func (a *app) versionCommand() *cobra.Command {
	return flagsOnly("version", "Print the version", versionHelp, versionExample, func(cmd *cobra.Command) error {
		if a.JSON() {
			return a.PrintJSON(versionJSON{buildinfo.Version(), buildinfo.Text()})
		}
		a.Say("%s version %s", cmd.Root().DisplayName(), cmd.Root().Version)
		return nil
	})
}
