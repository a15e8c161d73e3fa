// Guarded runs a Temporal server in memory that needs TLS, client certificates or an
// API key, or that has other limits. The end-to-end tests start it as a program of its
// own, so that they do not build a server with the race detector.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"go.uber.org/zap"

	"github.com/migrationlink/migrationlink/dev/freeport"
	"github.com/migrationlink/migrationlink/dev/temporalserver"
	"github.com/migrationlink/migrationlink/redact"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "guarded: "+err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	// The key is in a variable: everybody on the machine can see arguments.
	options := temporalserver.Options{
		Namespaces: []string{"default"},
		Logger:     zap.NewExample(zap.IncreaseLevel(zap.ErrorLevel)),
		APIKey:     redact.NewSecret(os.Getenv("GUARDED_API_KEY")),
	}
	var files temporalserver.TLS
	flag.StringVar(&files.CertFile, "cert", "", "certificate of the frontend (PEM); without it there is no TLS")
	flag.StringVar(&files.KeyFile, "key", "", "its key (PEM)")
	flag.StringVar(&files.ClientCAFile, "client-ca", "", "authority of the client certificates that are asked for (PEM)")
	options.Settings = map[string]any{}
	flag.Func("set", "a setting of the dynamic configuration, as frontend.namespaceRPS=3", func(text string) error {
		name, value, found := strings.Cut(text, "=")
		if !found {
			return errors.New("write NAME=VALUE")
		}
		if number, err := strconv.Atoi(value); err == nil {
			options.Settings[name] = number
			return nil
		}
		var parsed any
		err := json.Unmarshal([]byte(value), &parsed)
		options.Settings[name] = parsed
		return err
	})
	flag.Parse()
	if files.CertFile != "" {
		options.TLS = &files
	}
	ports, err := freeport.Take(1)
	if err != nil {
		return err
	}
	options.Port = ports[0]
	server, err := temporalserver.Start(ctx, options)
	if err != nil {
		return err
	}
	defer server.Stop()
	fmt.Fprintf(os.Stdout, "ready 127.0.0.1:%d\n", options.Port)
	<-ctx.Done()
	return nil
}
