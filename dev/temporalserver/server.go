// Package temporalserver runs a real Temporal server with its Web UI inside
// this process: the one that `dev up`, `dev demo` and the tests start. It keeps
// its state in a SQLite file, or in memory, and listens on loopback only.
package temporalserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	uioptions "github.com/temporalio/ui-server/v2/server/server_options"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
	"go.uber.org/zap"

	"github.com/migrationlink/migrationlink/dev/freeport"
	"github.com/migrationlink/migrationlink/internal/buildinfo"
	"github.com/migrationlink/migrationlink/redact"
)

const (
	loopback    = "127.0.0.1"
	clusterName = "active"
	storeName   = "sqlite"

	// readyTimeout bounds the wait for the Web UI. The server itself starts in about half
	// a second.
	readyTimeout = 20 * time.Second
)

// Options configure a server.
type Options struct {
	Port         int         // gRPC port of the frontend, on loopback
	UIPort       int         // HTTP port of the Web UI, on loopback; 0 means none
	MetricsPort  int         // HTTP port of the server's own metrics, on loopback; 0 means none
	DatabaseFile string      // SQLite file, made when missing; empty means in memory
	Namespaces   []string    // registered when missing
	Logger       *zap.Logger // gets the server's own warnings and errors

	// TLS of the frontend; nil means plain text. APIKey is the key that a call of the
	// namespace needs; empty means none. With either there is no Web UI: it would show
	// everything to callers without them.
	TLS    *TLS
	APIKey redact.Secret

	// Settings are dynamic configuration, such as frontend.namespaceRPS, for tests of an
	// operator's limits.
	Settings map[string]any
}

// dynamicConfig returns the dynamic configuration of the server.
func (o Options) dynamicConfig() dynamicconfig.StaticClient {
	settings := dynamicconfig.StaticClient{
		// One shard and few workflows: small caches start faster.
		dynamicconfig.HistoryCacheHostLevelMaxSize.Key():                 8096,
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 100,
		// The server notices in seconds, not minutes, that no links run on a worker version
		// any more.
		dynamicconfig.VersionDrainageStatusVisibilityGracePeriod.Key(): 5 * time.Second,
		dynamicconfig.VersionDrainageStatusRefreshInterval.Key():       2 * time.Second,
	}
	for name, value := range o.Settings {
		settings[dynamicconfig.MakeKey(name)] = value
	}
	return settings
}

// Server is a running Temporal server.
type Server struct {
	temporal temporal.Server
	ui       *uiserver.Server
}

// nameBinary keeps the SDK in the server from hashing the executable, which takes almost as
// long as the rest of the start.
var nameBinary = sync.OnceFunc(func() { worker.SetBinaryChecksum(buildinfo.Binary()) })

// Start starts the server and returns once its frontend and Web UI answer.
func Start(ctx context.Context, options Options) (*Server, error) {
	if options.guarded() && options.UIPort != 0 {
		return nil, errors.New("the Web UI would be open to everybody beside a guarded frontend; leave it out")
	}
	nameBinary()
	store, err := openStore(options)
	if err != nil {
		return nil, err
	}
	conf, hosts, err := serverConfig(options, store)
	if err != nil {
		return nil, err
	}
	server, err := temporal.NewServer(
		temporal.WithConfig(conf),
		temporal.ForServices(slices.Collect(maps.Keys(conf.Services))),
		temporal.WithStaticHosts(hosts),
		temporal.WithLogger(log.NewZapLogger(options.Logger)),
		temporal.WithAuthorizer(options.authorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return options.claimMapper() }),
		temporal.WithDynamicConfigClient(options.dynamicConfig()),
	)
	if err != nil {
		return nil, fmt.Errorf("temporal server: %w", err)
	}
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("start temporal server: %w", err)
	}
	s := &Server{temporal: server}
	if options.UIPort == 0 {
		return s, nil
	}
	if err := s.startUI(ctx, options); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// Stop stops the Web UI and then the server.
func (s *Server) Stop() {
	if s.ui != nil {
		s.ui.Stop()
	}
	_ = s.temporal.Stop()
}

func (s *Server) startUI(ctx context.Context, options Options) error {
	s.ui = uiserver.NewServer(uioptions.WithConfigProvider(&uiconfig.Config{
		Host:                loopback,
		Port:                options.UIPort,
		TemporalGRPCAddress: address(options.Port),
		EnableUI:            true,
		CORS:                uiconfig.CORS{CookieInsecure: true},
		HideLogs:            true,
		DisableNewsFetch:    true,
	}))
	var failed atomic.Pointer[error]
	go func() { // Start blocks for as long as the UI runs
		if err := s.ui.Start(); err != nil {
			failed.Store(&err)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	prober := &http.Client{Timeout: time.Second}
	for {
		if err := failed.Load(); err != nil {
			return fmt.Errorf("start web ui on port %d: %w", options.UIPort, *err)
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address(options.UIPort)+"/healthz", nil)
		if err != nil {
			return err
		}
		if response, err := prober.Do(request); err == nil {
			response.Body.Close()
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("web ui on port %d did not answer: %w", options.UIPort, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// openStore prepares the SQLite store: its schema if it is new, and the namespaces.
func openStore(options Options) (*config.SQL, error) {
	store := &config.SQL{PluginName: sqlite.PluginName}
	if options.DatabaseFile == "" {
		store.ConnectAttributes = map[string]string{"mode": "memory", "cache": "shared"}
		store.DatabaseName = "temporal-" + strconv.Itoa(options.Port)
	} else {
		store.ConnectAttributes = map[string]string{"mode": "rwc", "journal_mode": "wal", "synchronous": "normal"}
		store.DatabaseName = options.DatabaseFile
		if err := setUpFile(store, options.DatabaseFile); err != nil {
			return nil, err
		}
	}
	for _, name := range options.Namespaces {
		namespace, err := sqliteschema.NewNamespaceConfig(clusterName, name, false, nil)
		if err != nil {
			return nil, fmt.Errorf("namespace %q: %w", name, err)
		}
		if err := sqliteschema.CreateNamespaces(store, namespace); err != nil {
			return nil, fmt.Errorf("create namespace %q: %w", name, err)
		}
	}
	return store, nil
}

func setUpFile(store *config.SQL, path string) error {
	_, err := os.Stat(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("database directory: %w", err)
	}
	if err := sqliteschema.SetupSchema(store); err != nil {
		return fmt.Errorf("set up schema in %s: %w", path, err)
	}
	return nil
}

func serverConfig(options Options, store *config.SQL) (*config.Config, map[primitives.ServiceName]static.Hosts, error) {
	ports, err := freeport.Take(6) // HTTP of the frontend, three inner services, and the inner frontend's two
	if err != nil {
		return nil, nil, err
	}
	services := map[string]config.Service{
		string(primitives.FrontendService): service(options.Port, ports[0]),
		string(primitives.HistoryService):  service(ports[1], 0),
		string(primitives.MatchingService): service(ports[2], 0),
		string(primitives.WorkerService):   service(ports[3], 0),
	}
	public := config.PublicClient{HostPort: address(options.Port)}
	if options.guarded() {
		// Temporal's own workers use this frontend. They have neither certificate nor key.
		services[string(primitives.InternalFrontendService)] = service(ports[4], ports[5])
		public = config.PublicClient{}
	}
	hosts := make(map[primitives.ServiceName]static.Hosts, len(services))
	for name, service := range services {
		hosts[primitives.ServiceName(name)] = static.SingleLocalHost(address(service.RPC.GRPCPort))
	}
	disabled := config.Archival{
		History:    config.HistoryArchival{State: config.ArchivalDisabled},
		Visibility: config.VisibilityArchival{State: config.ArchivalDisabled},
	}
	return &config.Config{
		Global: config.Global{
			Membership: config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: loopback},
			TLS:        options.TLS.config(),
			Metrics:    options.metrics(),
		},
		Persistence: config.Persistence{
			DefaultStore:     storeName,
			VisibilityStore:  storeName,
			NumHistoryShards: 1,
			DataStores:       map[string]config.DataStore{storeName: {SQL: store}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{clusterName: {
				Enabled:                true,
				InitialFailoverVersion: 1,
				RPCAddress:             address(options.Port),
				HTTPAddress:            address(ports[0]),
				// Fixed: the file stores it, and a restart must find the same cluster.
				ClusterID: "6d6c696e-6b00-4000-8000-646576000001",
			}},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            services,
		Archival:            disabled,
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: config.ArchivalDisabled},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: config.ArchivalDisabled},
		}},
		PublicClient: public,
	}, hosts, nil
}

// metrics returns how the server serves its metrics to Prometheus, or nil.
func (o Options) metrics() *metrics.Config {
	if o.MetricsPort == 0 {
		return nil
	}
	return &metrics.Config{Prometheus: &metrics.PrometheusConfig{
		Framework:     metrics.FrameworkOpentelemetry,
		ListenAddress: address(o.MetricsPort),
	}}
}

func service(grpcPort, httpPort int) config.Service {
	return config.Service{RPC: config.RPC{GRPCPort: grpcPort, HTTPPort: httpPort, BindOnIP: loopback}}
}

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }
