package starter

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/links"
)

// selectors choose several links by what lists show of them, besides --manager and --org.
var selectors = []string{"state", "problem", "outcome", "started-by", "older-than", "newer-than"}

var outcomes = []string{
	string(migrationlink.OutcomeLinked), string(migrationlink.OutcomeAlreadyLinked), string(migrationlink.OutcomeFailed), string(migrationlink.OutcomeTimedOut),
	string(migrationlink.OutcomeCancelled), string(migrationlink.OutcomeUnlinked), string(migrationlink.OutcomeNotLinked),
}

// problemTypes are those that block a link or end it.
var problemTypes = []string{
	migrationlink.ErrAccessListRefused, migrationlink.ErrAccountSuspended, migrationlink.ErrAlreadyLinked, migrationlink.ErrCancelledByOther,
	migrationlink.ErrCertificateInvalid, migrationlink.ErrDifferentRequest, migrationlink.ErrForbidden, migrationlink.ErrHistoryFull, migrationlink.ErrInvalidRequest,
	migrationlink.ErrKeyRejected, migrationlink.ErrMigrationRunning, migrationlink.ErrOrgNotFound, migrationlink.ErrRequestRefused,
	migrationlink.ErrRoleMissing, migrationlink.ErrTerminated, migrationlink.ErrTimedOut, migrationlink.ErrTokenNotOpened,
	migrationlink.ErrTokenRejected, migrationlink.ErrTokenUnavailable, migrationlink.ErrUndoFailed, migrationlink.ErrUnknownAtlas,
	migrationlink.ErrUnknownManager, migrationlink.ErrWrongAPI, migrationlink.ErrWrongTarget,
}

func selectorFlags(cmd *cobra.Command, filter *links.Filter) {
	flags := cmd.Flags()
	flags.StringSliceVar(&filter.States, "state", nil, "only links in these states, separated by commas: "+strings.Join(links.States, ", "))
	flags.StringSliceVar(&filter.Problems, "problem", nil, "only links that one of these problems blocks or ended, such as AccessListRefused")
	flags.StringSliceVar(&filter.Outcomes, "outcome", nil, "only links with one of these outcomes: "+strings.Join(outcomes, ", "))
	flags.StringVar(&filter.StartedBy, "started-by", "", "only links started by somebody whose name contains this")
	flags.Var((*durationFlag)(&filter.OlderThan), "older-than", "only links started longer ago than this, such as 90m or 7d")
	flags.Var((*durationFlag)(&filter.NewerThan), "newer-than", "only links started within this time, such as 90m or 7d")
}

// isSelecting reports whether a command is to work on all links that its flags choose.
func isSelecting(cmd *cobra.Command) bool { return slices.ContainsFunc(selectors, cmd.Flags().Changed) }

// selectorProblems returns what is wrong with the flags of a filter.
func selectorProblems(cmd *cobra.Command, filter links.Filter) (problems []string) {
	changed := cmd.Flags().Changed
	unknown := func(values, known []string) bool {
		return slices.ContainsFunc(values, func(value string) bool { return !slices.Contains(known, value) })
	}
	if unknown(filter.States, links.States) {
		problems = append(problems, "--state: not a state; use "+strings.Join(links.States, ", "))
	}
	if unknown(filter.Problems, problemTypes) {
		problems = append(problems, "--problem: not a type of problem; use "+strings.Join(problemTypes, ", "))
	}
	if unknown(filter.Outcomes, outcomes) {
		problems = append(problems, "--outcome: not an outcome; use "+strings.Join(outcomes, ", "))
	}
	if changed("manager") && !migrationlink.ValidManagerName(filter.Manager) {
		problems = append(problems, "--manager: invalid manager name; use NAME of a section [managers.NAME] in the worker's configuration")
	}
	if changed("org") && !migrationlink.ValidOrgID(filter.OrgID) {
		problems = append(problems, "--org: not an organization's id; use its 24 lower-case hexadecimal digits")
	}
	// The variable of a shell that is not set must not choose every link.
	for i, values := range [][]string{filter.States, filter.Problems, filter.Outcomes} {
		if name := selectors[i]; changed(name) && len(values) == 0 {
			problems = append(problems, "--"+name+": the value is empty; leave the flag out for all")
		}
	}
	if changed("started-by") && filter.StartedBy == "" {
		problems = append(problems, "--started-by: the value is empty; leave the flag out for everybody")
	}
	if changed("older-than") && filter.OlderThan <= 0 {
		problems = append(problems, "--older-than: must be above zero, for example 90m or 7d")
	}
	if changed("newer-than") && filter.NewerThan <= 0 {
		problems = append(problems, "--newer-than: must be above zero, for example 90m or 7d")
	}
	return problems
}
