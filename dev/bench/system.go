package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	nexuspb "go.temporal.io/api/nexus/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/dev/freeport"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// managerName is the manager's name in worker.toml.
const managerName = "bench"

// platform is the namespace of callers that come through Nexus.
const platform = "platform"

// system is a Temporal server and a simulated manager. Workers are added as needed.
type system struct {
	options  options
	programs programs
	dir      string
	address  string // of Temporal
	metrics  string // URL of Temporal's metrics
	profiles string // URL of the profiles of its process
	manager  *manager
	server   *process
	temporal client.Client
	platform client.Client
	starting chan struct{} // has a place for each start that is running
	stops    []func()      // in reverse order
}

func startSystem(ctx context.Context, o options, p programs) (*system, error) {
	s := &system{options: o, programs: p, starting: make(chan struct{}, startsAtOnce)}
	if err := s.start(ctx); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *system) start(ctx context.Context) (err error) {
	if s.dir, err = os.MkdirTemp("", "system-"); err != nil {
		return err
	}
	s.stops = append(s.stops, func() { _ = os.RemoveAll(s.dir) })
	if s.manager, err = startManager(ctx); err != nil {
		return err
	}
	s.stops = append(s.stops, s.manager.stop)
	ports, err := freeport.Take(3)
	if err != nil {
		return err
	}
	s.address = fmt.Sprintf("127.0.0.1:%d", ports[0])
	s.metrics = fmt.Sprintf("http://127.0.0.1:%d/metrics", ports[1])
	s.profiles = fmt.Sprintf("http://127.0.0.1:%d", ports[2])
	s.server, err = startProcess("server", s.programs.server, nil,
		"--port", fmt.Sprint(ports[0]), "--metrics-port", fmt.Sprint(ports[1]), "--pprof-port", fmt.Sprint(ports[2]),
		"--namespaces", client.DefaultNamespace+","+platform, "--db", filepath.Join(s.dir, "temporal.db"))
	if err != nil {
		return err
	}
	s.stops = append(s.stops, s.server.kill) // nobody needs its state
	if err := s.server.waitFor(ctx, "ready"); err != nil {
		return err
	}
	return s.connect(ctx)
}

func (s *system) connect(ctx context.Context) (err error) {
	if s.temporal, err = client.DialContext(ctx, client.Options{HostPort: s.address, Logger: silent{}}); err != nil {
		return err
	}
	s.stops = append(s.stops, s.temporal.Close)
	if s.platform, err = client.NewClientFromExistingWithContext(ctx, s.temporal, client.Options{Namespace: platform, Logger: silent{}}); err != nil {
		return err
	}
	s.stops = append(s.stops, s.platform.Close)
	_, err = s.temporal.OperatorService().CreateNexusEndpoint(ctx, &operatorservice.CreateNexusEndpointRequest{Spec: &nexuspb.EndpointSpec{
		Name: migrationlink.NexusEndpoint,
		Target: &nexuspb.EndpointTarget{Variant: &nexuspb.EndpointTarget_Worker_{Worker: &nexuspb.EndpointTarget_Worker{
			Namespace: client.DefaultNamespace, TaskQueue: migrationlink.TaskQueue,
		}}},
	}})
	return err
}

// stop stops what was started last first.
func (s *system) stop() {
	for _, stop := range slices.Backward(s.stops) {
		stop()
	}
	s.stops = nil
}

// environment is that of all workers.
func (s *system) environment(temporal string) []string {
	return []string{
		"TEMPORAL_ADDRESS=" + temporal,
		"MANAGER_URL=" + s.manager.url,
		"DEMO_PUBLIC_KEY=" + opsmanagertest.DefaultPublicKey,
		"DEMO_PRIVATE_KEY=" + opsmanagertest.DefaultPrivateKey,
		"LINK_TOKEN_BENCH=" + strings.Repeat("x", 190), // as long as a real one
	}
}

// startRival starts one of the programs below workers.
func (s *system) startRival(ctx context.Context, program string) (*process, error) {
	p, err := startProcess(filepath.Base(program), program, s.environment(s.address))
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, p.stop)
	return p, p.waitFor(ctx, "Started Worker")
}

// startWorker starts the worker that is measured, and returns when it is ready.
func (s *system) startWorker(ctx context.Context) (*measured, error) {
	m, err := s.launchWorker(s.address)
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, m.stop)
	return m, m.waitFor(ctx, "worker ready")
}

// launchWorker starts the worker with a Temporal at this address.
func (s *system) launchWorker(temporal string) (*measured, error) {
	ports, err := freeport.Take(1)
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	dir, err := os.MkdirTemp(s.dir, "worker-") // the worker watches it, and would see each write of the database beside it
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "worker.toml")
	content := fmt.Sprintf(workerConfig, address, s.options.workerConfig, managerName, s.manager.url, s.options.managerConfig)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil { //nolint:gosec // in its own directory
		return nil, err
	}
	p, err := startProcess("worker", s.programs.worker, s.environment(temporal), "--config", file)
	if err != nil {
		return nil, err
	}
	return &measured{process: p, url: "http://" + address}, nil
}

const workerConfig = `
[http]
address = %q
pprof   = true

[worker]
%s

[managers.%s]
base_url    = %q
public_key  = "env:DEMO_PUBLIC_KEY"
private_key = "env:DEMO_PRIVATE_KEY"
%s
`

// startCallers starts the workflows that link as a child and through Nexus.
func (s *system) startCallers() error {
	for _, from := range []client.Client{s.temporal, s.platform} {
		w := worker.New(from, callersQueue, worker.Options{})
		w.RegisterWorkflow(linkAsChild)
		w.RegisterWorkflow(linkThroughNexus)
		if err := w.Start(); err != nil {
			return err
		}
		s.stops = append(s.stops, w.Stop)
	}
	return nil
}

// newOrg returns an organization that nothing else uses.
func newOrg() string {
	id := make([]byte, 12)
	_, _ = rand.Read(id) // never fails
	return hex.EncodeToString(id)
}

type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
