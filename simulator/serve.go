package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/migrationlink/migrationlink/internal/terminal"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// stopGrace is how long running replies may take when the process ends. No reply is
// delayed on purpose then.
const stopGrace = 5 * time.Second

const probeLimit = 4 * time.Second

// checkListen rejects addresses that other machines reach: the control interface
// requires no credentials.
func (s *settings) checkListen() error {
	host, _, err := net.SplitHostPort(s.listen)
	if err != nil {
		return fmt.Errorf("--listen %q is not an address and a port such as 127.0.0.1:8080", s.listen)
	}
	ip := net.ParseIP(host)
	isLoopback := host == "localhost" || ip != nil && ip.IsLoopback()
	if !isLoopback && !s.allowRemote {
		return terminal.Error{
			Message: fmt.Sprintf("--listen %s: other machines could control the simulator, because this is not a loopback address", s.listen),
			Remedy:  "Add --allow-remote if they should.",
		}
	}
	return nil
}

// serve runs the simulator until ctx ends.
func (s *settings) serve(ctx context.Context, stdout, stderr io.Writer) error {
	manager, err := opsmanagertest.New(s.manager)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return terminal.Error{Message: err.Error(), Remedy: "Choose another port with --listen."}
	}
	server := &http.Server{Handler: manager, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(stderr, "simulator: ", 0)}
	manager.Watch(server)
	scheme := "http"
	if s.tls.config != nil {
		scheme, listener = "https", tls.NewListener(listener, s.tls.config)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Fprintf(stdout, "simulated manager ready on %s://%s (API key %s, in Atlas %s, evidence at /simulator/state)\n",
		scheme, listener.Addr(), s.manager.PublicKey, s.manager.AtlasPublicKey)
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	return stop(manager, server)
}

// ask connects to the simulator that runs with the same flags.
func (s *settings) ask(ctx context.Context) error {
	host, port, _ := net.SplitHostPort(s.listen)
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	var dialer interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	} = &net.Dialer{Timeout: probeLimit}
	if s.tls.config != nil {
		// The probe only checks that it listens.
		dialer = &tls.Dialer{NetDialer: &net.Dialer{Timeout: probeLimit}, Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // see above
	}
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return err
	}
	return connection.Close()
}

// stop waits up to stopGrace for running replies.
func stop(manager *opsmanagertest.Manager, server *http.Server) error {
	manager.Close()
	grace, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	if err := server.Shutdown(grace); errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return nil
}
