package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/pprof/profile"
	"golang.org/x/sync/errgroup"
)

// profileTime is how long the work of each contender lasts at least, and is profiled.
const profileTime = 20 * time.Second

// parts are what CPU time is spent on, by the packages of functions. A sample belongs to the innermost function that
// has one: memory that a function allocates counts as the function's.
var parts = []struct {
	name     string
	prefixes []string
}{
	{"garbage collection", []string{"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.bgsweep", "runtime.bgscavenge"}},
	{"database", []string{"modernc.org/", "database/sql", "github.com/jmoiron/sqlx", "go.temporal.io/server/common/persistence"}},
	{"gRPC and Protobuf", []string{"google.golang.org/", "golang.org/x/net/http2", "github.com/grpc-ecosystem"}},
	{"metrics", []string{
		"github.com/uber-go/tally", "go.opentelemetry.io", "github.com/prometheus", "go.temporal.io/server/common/metrics", "go.temporal.io/sdk/internal/common/metrics",
	}},
	{"logs", []string{"go.uber.org/zap", "go.temporal.io/server/common/log", "github.com/migrationlink/migrationlink/internal/logging"}},
	{"HTTP", []string{"net/http", "crypto/", "github.com/icholy/digest", "github.com/migrationlink/migrationlink/internal/adminapi"}},
	{"activities and workflows", []string{"github.com/migrationlink/", "go.temporal.io/sdk/", "main."}},
	{"matching", []string{"go.temporal.io/server/service/matching"}},
	{"history", []string{"go.temporal.io/server/service/history"}},
	{"frontend", []string{"go.temporal.io/server/service/frontend"}},
}

// rest is the part of all other samples: the scheduler, and system calls.
const rest = "scheduler and the like"

// measureProfile runs contenders one after the other and tells what their CPU time is spent on.
func measureProfile(ctx context.Context, b *bench) error {
	for _, c := range []struct {
		contender
		links int
	}{{polledLink, polledLinks}, {timerLoop, polledLinks}, {plainLink, rateLinks}, {emptyOnce, rateLinks}} {
		if err := profileOf(ctx, b, c.contender, c.links); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// profileOf runs rounds of links until the profiles are complete. Each contender has a system of its own, with
// only its worker.
func profileOf(ctx context.Context, b *bench, c contender, links int) error {
	s, err := startSystem(ctx, b.options, b.programs)
	if err != nil {
		return err
	}
	defer s.stop()
	processes := map[string]*measured{"server": {process: s.server, url: s.profiles}}
	if processes["worker"], err = s.startWorkerOf(ctx, c); err != nil {
		return err
	}
	if err := runTogether(ctx, s, c, links, 0); err != nil { // connections, caches
		return err
	}
	before, err := cpuOf(processes)
	if err != nil {
		return err
	}
	taken := map[string]*profile.Profile{}
	var mu sync.Mutex
	group, profiling := errgroup.WithContext(ctx)
	for name, p := range processes {
		if p.url == "" {
			continue
		}
		group.Go(func() error {
			found, err := p.profile(profiling, profileTime)
			mu.Lock()
			defer mu.Unlock()
			taken[name] = found
			return err
		})
	}
	done := 0
	for began := time.Now(); time.Since(began) < profileTime; done += links {
		if err := runTogether(ctx, s, c, links, 0); err != nil {
			return err
		}
	}
	after, err := cpuOf(processes)
	if err != nil {
		return err
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(processes)) {
		b.report.add(profiled, c.name, name+", CPU of one", (after[name]-before[name])/float64(done)*1000, "ms")
		if taken[name] != nil {
			b.report.addParts(c.name, name, taken[name])
		}
	}
	return b.keepProfiles(c.name, taken)
}

// startWorkerOf starts the worker of a contender.
func (s *system) startWorkerOf(ctx context.Context, c contender) (*measured, error) {
	switch c.name {
	case timerLoop.name:
		p, err := s.startRival(ctx, s.programs.loop)
		return &measured{process: p}, err
	case emptyOnce.name:
		p, err := s.startRival(ctx, s.programs.empty)
		return &measured{process: p}, err
	}
	return s.startWorker(ctx)
}

func cpuOf(processes map[string]*measured) (map[string]float64, error) {
	used := map[string]float64{}
	for name, p := range processes {
		now, err := p.usage()
		if err != nil {
			return nil, err
		}
		used[name] = now.CPU
	}
	return used, nil
}

// profile records what a process spends its CPU time on.
func (m *measured) profile(ctx context.Context, d time.Duration) (*profile.Profile, error) {
	response, err := get(ctx, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", m.url, int(d.Seconds())))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return profile.Parse(response.Body)
}

// addParts adds the share of each part, the largest first.
func (r *report) addParts(contender, process string, taken *profile.Profile) {
	spent, all := map[string]int64{}, int64(0)
	value := len(taken.SampleType) - 1 // CPU time
	for _, sample := range taken.Sample {
		spent[partOf(sample)] += sample.Value[value]
		all += sample.Value[value]
	}
	names := slices.SortedFunc(maps.Keys(spent), func(x, y string) int { return int(spent[y] - spent[x]) })
	for _, name := range names {
		r.add(profiled, contender, process+": "+name, float64(spent[name])*100/float64(all), "%")
	}
}

func partOf(sample *profile.Sample) string {
	for _, location := range sample.Location {
		for _, line := range location.Line {
			for _, part := range parts {
				if slices.ContainsFunc(part.prefixes, func(prefix string) bool { return strings.HasPrefix(line.Function.Name, prefix) }) {
					return part.name
				}
			}
		}
	}
	return rest
}

// keepProfiles writes them to the directory that was asked for.
func (b *bench) keepProfiles(contender string, taken map[string]*profile.Profile) error {
	if b.options.profiles == "" {
		return nil
	}
	if err := os.MkdirAll(b.options.profiles, 0o700); err != nil { //nolint:gosec // from the command line
		return err
	}
	for name, p := range taken {
		var content bytes.Buffer
		if err := p.Write(&content); err != nil {
			return err
		}
		file := strings.NewReplacer(" ", "-", ",", "").Replace(contender + "-" + name + ".pprof")
		if err := os.WriteFile(filepath.Join(b.options.profiles, file), content.Bytes(), 0o600); err != nil { //nolint:gosec // likewise
			return err
		}
	}
	return nil
}
