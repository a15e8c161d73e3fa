// Package doctor checks everything that a link needs.
package doctor

import (
	"context"
	"fmt"

	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

// Request is what to check, beyond what doctor always checks.
type Request struct {
	Manager    string
	OrgID      string
	Atlas      string
	AtlasOrgID string
	Config     string
	Nexus      string

	Profile   string // of the connection, as the command line names it
	Recipient string // the name of the variable
	Connect   func(context.Context) (*links.Client, error)
}

// Check is one thing that was checked, or skipped.
type Check struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Skipped bool   `json:"skipped,omitempty"`
	Detail  string `json:"detail"`
	Remedy  string `json:"remedy,omitempty"`
	// Names are what Detail lists, unabridged.
	Names []string `json:"names,omitempty"`
	// Problems are of a file, one each.
	Problems []string `json:"problems,omitempty"`
}

func good(name, format string, args ...any) Check {
	return Check{Name: name, OK: true, Detail: fmt.Sprintf(format, args...)}
}

func bad(name, detail, remedy string) Check {
	return Check{Name: name, Detail: words.OneLine(detail), Remedy: words.OneLine(remedy)}
}

func skipped(name, why string) Check {
	return Check{Name: name, Skipped: true, Detail: "not checked: " + why}
}

// failed is a check that ended with an error.
func failed(name string, err error) Check {
	told := console.FailureOf(err)
	return bad(name, told.Message, told.Remedy)
}

// doctor makes one check after the other. Each needs those before it, except for the
// worker's file.
type doctor struct {
	*console.Console
	given  Request
	client *links.Client

	checks  []Check
	table   checkTable
	updates bool // the namespace accepts workflow updates
	// obstacle is why the next checks cannot be made; empty if they can.
	obstacle string
	code     int
}

// Run checks everything, shows it, and fails if anything is wrong.
func Run(ctx context.Context, con *console.Console, given Request) error {
	d := &doctor{Console: con, given: given, table: newCheckTable(ctx, con)}
	d.examine(ctx)
	if d.client != nil {
		d.client.Close()
	}
	if ctx.Err() != nil {
		return console.Fail(console.ExitOther, "", "interrupted before everything was checked")
	}
	if con.JSON() {
		if err := con.PrintJSON(map[string][]Check{"checks": d.checks}); err != nil {
			return err
		}
	}
	return d.verdict()
}

func (d *doctor) examine(ctx context.Context) {
	d.add(d.checkFile())
	d.checkTemporal(ctx)
	d.addIfPossible("namespace", func() Check { return d.checkNamespace(ctx) })
	d.addIfPossible(updatesCheck, func() Check { return d.checkUpdates(ctx) })
	if d.given.Nexus != "" {
		d.addIfPossible(nexusCheck, func() Check { return d.checkNexus(ctx) })
	}
	d.addIfPossible(deploymentCheck, func() Check { return d.checkDeployment(ctx) })
	d.checkWorkers(ctx)
}

func (d *doctor) add(c Check) {
	d.checks = append(d.checks, c)
	d.table.show(c)
}

// addIfPossible makes and adds a check, unless there is an obstacle.
func (d *doctor) addIfPossible(name string, look func() Check) {
	if d.obstacle != "" {
		d.add(skipped(name, d.obstacle))
		return
	}
	d.add(look())
}

// obstruct makes a failed check the obstacle of the next ones.
func (d *doctor) obstruct(c Check, obstacle string) Check {
	if !c.OK && !c.Skipped {
		d.obstacle = obstacle
	}
	return c
}

func (d *doctor) verdict() error {
	wrong := 0
	for _, c := range d.checks {
		if !c.OK && !c.Skipped {
			wrong++
		}
	}
	if wrong == 0 {
		return nil
	}
	if d.code == console.ExitOK {
		d.code = console.ExitOther
	}
	return console.Fail(d.code, "", "%d of %s failed", wrong, words.Count(len(d.checks), "check"))
}
