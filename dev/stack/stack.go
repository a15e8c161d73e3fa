// Package stack runs everything that a link needs on one machine: the Temporal
// server with its Web UI, the simulated manager, and a worker.
package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	nexuspb "go.temporal.io/api/nexus/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/dev/freeport"
	"github.com/migrationlink/migrationlink/dev/temporalserver"
	"github.com/migrationlink/migrationlink/internal/config"
	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/internal/logging"
	"github.com/migrationlink/migrationlink/internal/worker"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// Options configure a stack.
type Options struct {
	TemporalPort  int
	UIPort        int
	SimulatorPort int
	// DatabaseFile keeps the state of Temporal over a restart; the simulator's is beside
	// it. Empty means in memory.
	DatabaseFile string
	SyncDelay    time.Duration
	// WorkerConfig is the configuration of the worker, a TOML file. Empty means
	// no worker.
	WorkerConfig string
	// ServerLog receives the errors of the Temporal server, WorkerLog the lines of the
	// worker and the client.
	ServerLog, WorkerLog *zap.Logger
}

// PlatformNamespace is a second namespace, for callers that come through Nexus.
const PlatformNamespace = "platform"

// Stack is a running stack.
type Stack struct {
	options Options
	stops   []func() // in reverse order
}

// Start starts the stack. When it returns, you can start links.
func Start(ctx context.Context, options Options) (*Stack, error) {
	if err := checkPorts(ctx, options); err != nil {
		return nil, err
	}
	s := &Stack{options: options}
	for _, start := range []func(context.Context) error{s.startTemporal, s.startSimulator, s.startWorker} {
		if err := start(ctx); err != nil {
			s.Stop()
			return nil, err
		}
	}
	return s, nil
}

// checkPorts reports ports that are in use, which servers would report only in their
// logs.
func checkPorts(ctx context.Context, options Options) error {
	var problems []error
	for _, use := range []struct {
		of, flag string
		port     int
	}{
		{"Temporal", "--temporal-port", options.TemporalPort},
		{"the Web UI", "--ui-port", options.UIPort},
		{"the simulated manager", "--simulator-port", options.SimulatorPort},
	} {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address(use.port))
		if err != nil {
			problems = append(problems, fmt.Errorf("port %d for %s cannot be used (%w): go -C dev run . up %s PORT chooses another", use.port, use.of, err, use.flag))
			continue
		}
		listener.Close()
	}
	return errors.Join(problems...)
}

// Stop stops the worker first, so that it can report what it has done.
func (s *Stack) Stop() {
	for _, stop := range slices.Backward(s.stops) {
		stop()
	}
	s.stops = nil
}

// ChoosePorts replaces every port that is 0 by a free one.
func (o *Options) ChoosePorts() error {
	free, err := freeport.Take(3)
	if err != nil {
		return err
	}
	for i, port := range []*int{&o.TemporalPort, &o.UIPort, &o.SimulatorPort} {
		if *port == 0 {
			*port = free[i]
		}
	}
	return nil
}

// TemporalAddress returns host and port of the frontend.
func (o Options) TemporalAddress() string { return address(o.TemporalPort) }

// UIURL returns the URL of the Web UI.
func (o Options) UIURL() string { return "http://" + address(o.UIPort) }

// SimulatorURL returns the URL of the simulated manager.
func (o Options) SimulatorURL() string { return "http://" + address(o.SimulatorPort) }

func (s *Stack) startTemporal(ctx context.Context) error {
	server, err := temporalserver.Start(ctx, temporalserver.Options{
		Port:         s.options.TemporalPort,
		UIPort:       s.options.UIPort,
		DatabaseFile: s.options.DatabaseFile,
		Namespaces:   []string{client.DefaultNamespace, PlatformNamespace},
		Logger:       s.options.ServerLog,
	})
	if err != nil {
		return err
	}
	s.stops = append(s.stops, server.Stop)
	return s.createEndpoint(ctx)
}

// createEndpoint creates the Nexus endpoint if the database does not have it yet.
func (s *Stack) createEndpoint(ctx context.Context) error {
	connection, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer connection.Close()
	_, err = connection.OperatorService().CreateNexusEndpoint(ctx, &operatorservice.CreateNexusEndpointRequest{Spec: &nexuspb.EndpointSpec{
		Name: migrationlink.NexusEndpoint,
		Target: &nexuspb.EndpointTarget{Variant: &nexuspb.EndpointTarget_Worker_{Worker: &nexuspb.EndpointTarget_Worker{
			Namespace: client.DefaultNamespace, TaskQueue: migrationlink.TaskQueue,
		}}},
	}})
	if _, exists := errors.AsType[*serviceerror.AlreadyExists](err); err != nil && !exists {
		return fmt.Errorf("create the Nexus endpoint: %w", err)
	}
	return nil
}

func (s *Stack) connect(ctx context.Context) (client.Client, error) {
	connection, err := client.DialContext(ctx, client.Options{
		HostPort: s.options.TemporalAddress(),
		Logger:   logging.ForTemporal(s.options.WorkerLog),
	})
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded server: %w", err)
	}
	return connection, nil
}

func (s *Stack) startSimulator(ctx context.Context) error {
	options := opsmanagertest.Options{SyncDelay: s.options.SyncDelay}
	if s.options.DatabaseFile != "" {
		options.StateFile = filepath.Join(filepath.Dir(s.options.DatabaseFile), "simulator.json")
	}
	manager, err := opsmanagertest.New(options)
	if err != nil {
		return fmt.Errorf("simulator: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address(s.options.SimulatorPort))
	if err != nil {
		return fmt.Errorf("simulator: %w; choose another port with --simulator-port", err)
	}
	server := &http.Server{Handler: manager, ReadHeaderTimeout: 10 * time.Second}
	manager.Watch(server)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.options.WorkerLog.Error("the simulator ended", zap.Error(err))
		}
	}()
	s.stops = append(s.stops, func() { _ = server.Close() })
	return nil
}

func (s *Stack) startWorker(ctx context.Context) error {
	if s.options.WorkerConfig == "" {
		return nil
	}
	cfg, err := config.Load(s.options.WorkerConfig)
	if err != nil {
		return err
	}
	connection, err := s.connect(ctx)
	if err != nil {
		return err
	}
	s.stops = append(s.stops, connection.Close)
	running, err := worker.Start(connection, dataconv.Default(), cfg, s.options.WorkerLog)
	if err != nil {
		return err
	}
	running.Follow(config.Source{Path: s.options.WorkerConfig}, nil)
	s.stops = append(s.stops, running.Stop)
	return nil
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", fmt.Sprint(port)) }
