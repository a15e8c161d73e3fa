// Command bench measures what links cost, beside rivals that show what is possible: one
// table, and a JSON file. docs/explanation/waiting.md says what the numbers mean.
//
//	go -C dev run ./bench -only memory,burst -links 1000 -json out.json
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/migrationlink/migrationlink/dev/reaper"
	"github.com/migrationlink/migrationlink/internal/buildinfo"
)

func main() {
	reaper.Watch()
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	only          string
	links         int
	rounds        int
	settle        time.Duration
	workerConfig  string
	managerConfig string
	programs      string
	profiles      string
	json          string
}

// bench is one run.
type bench struct {
	options  options
	programs programs
	report   *report
}

// scenarios are what can be measured, in the order of the report.
var scenarios = []struct {
	name    string
	about   string
	measure func(context.Context, *bench) error
	long    bool // only if named
}{
	{counts, "events, bytes, writes and requests of one link", measureCounts, false},
	{rates, "links a second, beside the rivals", measureRates, false},
	{startup, "start to first poll, size, and HTTP requests of curl", measureStartup, false},
	{memory, "a worker while many links wait", measureMemory, false},
	{burst, "many starts at once", measureBurst, false},
	{profiled, "what the CPU time of polls and of a burst is spent on", measureProfile, true},
	{restart, "many links at once, the steady state, and a restart of the worker", measureRestart, true},
}

func run(args []string, stdout, stderr io.Writer) (err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, release, err := reaper.Guard("mlink-bench-")
	if err != nil {
		return err
	}
	defer func() {
		if failed := release(); err == nil {
			err = failed
		}
	}()
	began := time.Now()
	b := newBench(o, func(format string, args ...any) {
		fmt.Fprintf(stderr, "%6.1fs  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	})
	if o.programs == "" {
		o.programs = filepath.Join(dir, "programs")
	}
	if b.programs, err = buildPrograms(ctx, o.programs, releaseFlags...); err != nil {
		return err
	}
	err = b.measure(ctx) // what was measured before an error is reported, too
	if written := b.report.writeTable(stdout); err == nil {
		err = written
	}
	if o.json != "" {
		if written := b.report.writeJSON(o.json); err == nil {
			err = written
		}
	}
	return err
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "Usage: go -C dev run ./bench [flags]\n\nScenarios:")
		for _, s := range scenarios {
			fmt.Fprintf(stderr, "  %-8s %s\n", s.name, s.about)
		}
		fmt.Fprintln(stderr, "\nFlags:")
		flags.PrintDefaults()
	}
	flags.StringVar(&o.only, "only", "", "scenarios to run, separated by commas; all but profile and restart if empty")
	flags.IntVar(&o.links, "links", 1000, "number of links that wait, or are started at once")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds of what is compared in time")
	flags.DurationVar(&o.settle, "settle", time.Minute, "how long links wait before they are measured")
	flags.StringVar(&o.workerConfig, "worker-config", "", `lines for [worker] of the worker's configuration, such as 'max_cached_workflows = 100'`)
	flags.StringVar(&o.managerConfig, "manager-config", "", "lines for the manager's section of the worker's configuration")
	flags.StringVar(&o.programs, "programs", "", "directory with built programs, or where they are built; a temporary one if empty")
	flags.StringVar(&o.profiles, "profiles", "", "also keep the profiles of that scenario in this directory, for go tool pprof")
	flags.StringVar(&o.json, "json", "", "also write the numbers to this file")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	for name := range strings.SplitSeq(o.only, ",") {
		if name != "" && !isScenario(name) {
			return o, fmt.Errorf("unknown scenario %q; see -help", name)
		}
	}
	return o, nil
}

func isScenario(name string) bool {
	for _, s := range scenarios {
		if s.name == name {
			return true
		}
	}
	return false
}

func newBench(o options, log func(string, ...any)) *bench {
	return &bench{options: o, report: &report{
		Links: o.links, Rounds: o.rounds, Version: buildinfo.Text(), log: log,
		Config: map[string]string{"worker": o.workerConfig, "manager": o.managerConfig, "settle": o.settle.String()},
	}}
}

func (b *bench) measure(ctx context.Context) error {
	named := strings.Split(b.options.only, ",")
	for _, s := range scenarios {
		if slices.Contains(named, s.name) || b.options.only == "" && !s.long {
			b.report.log("%s: %s", s.name, s.about)
			if err := s.measure(ctx, b); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	return nil
}

// fullSystem starts a system with all contenders.
func (b *bench) fullSystem(ctx context.Context) (*system, error) {
	s, err := startSystem(ctx, b.options, b.programs)
	if err != nil {
		return nil, err
	}
	for _, start := range []func() error{
		func() error { _, err := s.startRival(ctx, b.programs.empty); return err },
		func() error { _, err := s.startRival(ctx, b.programs.loop); return err },
		func() error { _, err := s.startWorker(ctx); return err },
		s.startCallers,
	} {
		if err := start(); err != nil {
			s.stop()
			return nil, err
		}
	}
	return s, nil
}
