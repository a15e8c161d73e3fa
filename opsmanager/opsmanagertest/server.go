package opsmanagertest

import (
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
)

// Server is a simulated manager that listens on loopback.
type Server struct {
	*Manager
	// URL is http://127.0.0.1:port, or https:// with NewTLSServer; the API is
	// below it at PublicPrefix.
	URL    string
	server *httptest.Server
}

// NewServer starts a simulated manager on a free port. It panics if the options are
// invalid or no port is free.
func NewServer(options Options) *Server {
	s := unstarted(options)
	s.server.Start()
	s.URL = s.server.URL
	return s
}

// NewTLSServer is NewServer with TLS. Certificate returns the self-signed certificate.
func NewTLSServer(options Options) *Server {
	s := unstarted(options)
	s.server.StartTLS()
	s.URL = s.server.URL
	return s
}

func unstarted(options Options) *Server {
	manager, err := New(options)
	if err != nil {
		panic("opsmanagertest: " + err.Error())
	}
	server := httptest.NewUnstartedServer(manager)
	manager.Watch(server.Config)
	// Do not log handshakes that clients abort on purpose.
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	return &Server{Manager: manager, server: server}
}

// Certificate returns the certificate of a server with TLS, or nil.
func (s *Server) Certificate() *x509.Certificate { return s.server.Certificate() }

// Client returns an HTTP client that trusts the certificate. It sends no credentials.
func (s *Server) Client() *http.Client { return s.server.Client() }

// Close ends all replies and connections, and the server.
func (s *Server) Close() {
	s.Manager.Close()
	s.server.CloseClientConnections()
	s.server.Close()
}
