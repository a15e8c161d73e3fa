package main

import (
	"context"
	"fmt"
	"os"

	"github.com/migrationlink/migrationlink"
)

// Announce stands for the first step of a platform.
func Announce(_ context.Context, orgID string) error {
	_, err := fmt.Fprintln(os.Stdout, "announced: organization", orgID, "is going to move")
	return err
}

// StartMigration stands for the step after the link.
func StartMigration(_ context.Context, link migrationlink.LinkResult) error {
	_, err := fmt.Fprintf(os.Stdout, "%s: organization %s of manager %s is %s, its migration starts\n", link.Outcome, link.OrgID, link.Manager, link.LinkStatus)
	return err
}
