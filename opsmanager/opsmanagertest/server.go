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

// NewServer starts a simulated manager on a free port. It panics when the options
// cannot be, or when there is no port: a test that cannot begin.
func NewServer(options Options) *Server {
	s := unstarted(options)
	s.server.Start()
	s.URL = s.server.URL
	return s
}

// NewTLSServer is NewServer with a certificate that only Certificate vouches for.
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
	// Handshakes that clients break off on purpose are no news.
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	return &Server{Manager: manager, server: server}
}

// Certificate is that of a server with TLS, nil otherwise.
func (s *Server) Certificate() *x509.Certificate { return s.server.Certificate() }

// Client is one that trusts the certificate; it knows no API key.
func (s *Server) Client() *http.Client { return s.server.Client() }

// Close ends all replies and connections, and the server.
func (s *Server) Close() {
	s.Manager.Close()
	s.server.CloseClientConnections()
	s.server.Close()
}
