// Command server is the embedded Temporal server as a process of its own, so that a
// benchmark can tell its CPU from that of the workers.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	_ "net/http/pprof" //nolint:gosec // on loopback, during a benchmark
	"os"
	"os/signal"
	"strings"
	"syscall"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/migrationlink/migrationlink/dev/temporalserver"
	"github.com/migrationlink/migrationlink/internal/logging"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

func run() error {
	var options temporalserver.Options
	flag.IntVar(&options.Port, "port", 7233, "port of the frontend")
	flag.IntVar(&options.MetricsPort, "metrics-port", 0, "port of the metrics")
	flag.StringVar(&options.DatabaseFile, "db", "", "SQLite file; empty means in memory")
	pprofPort := flag.Int("pprof-port", 0, "port of the profiles; 0 means none")
	namespaces := flag.String("namespaces", "default", "names of the namespaces, separated by commas")
	flag.Parse()
	options.Namespaces = strings.Split(*namespaces, ",")
	logger, err := logging.New("warn", "console", os.Stderr)
	if err != nil {
		return err
	}
	options.Logger = logger.WithOptions(zap.IncreaseLevel(zapcore.DPanicLevel))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := temporalserver.Start(ctx, options)
	if err != nil {
		return err
	}
	defer server.Stop()
	if *pprofPort != 0 {
		go func() {
			fmt.Fprintln(os.Stderr, "profiles:", http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", *pprofPort), nil)) //nolint:gosec // as above
		}()
	}
	fmt.Println("ready") //nolint:forbidigo // the benchmark waits for it
	<-ctx.Done()
	return nil
}
