// Package config reads the worker's configuration: one TOML file. Everything
// wrong with it is reported at once, each with its path and remedy.
package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/migrationlink/migrationlink/internal/logging"
	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/redact"
)

// Config is the configuration of one worker.
type Config struct {
	Log      Log
	Worker   Worker
	Tokens   Tokens
	Managers []Manager // sorted by name
}

// Log is the section [log].
type Log struct {
	Level  string
	Format string
}

// Worker is the section [worker].
type Worker struct {
	// StopTimeout is how long a running call may take to finish at shutdown.
	StopTimeout time.Duration
	// MaxCachedWorkflows is how many waiting workflows are kept in memory, at
	// about 17 KB each. The others are replayed when something happens to them.
	MaxCachedWorkflows int
}

// Tokens is the section [tokens].
type Tokens struct {
	// Directory holds the files that requests may name as link-tokens. Empty
	// means none.
	Directory string
}

// Manager is one section [managers.NAME].
type Manager struct {
	Name                  string
	BaseURL               string
	BasePath              string
	PublicKey, PrivateKey redact.Secret
	CAFile                string
	AllowInsecureHTTP     bool
	UnlinkedIs404         bool
	RequestTimeout        time.Duration
	// RequestsPerSecond limits the activities of the whole fleet of workers,
	// and the calls of each worker. Zero means no limit.
	RequestsPerSecond float64
}

// Default is the configuration that an empty file stands for. It has no
// managers yet.
func Default() Config {
	return Config{
		Log: Log{Level: "info", Format: logging.JSON},
		// The stop timeout leaves a request of the default timeout the time to
		// end, and its outcome the time to be reported. The cache has the size
		// that is Temporal's own default: about 170 MB when full.
		Worker: Worker{StopTimeout: 45 * time.Second, MaxCachedWorkflows: 10_000},
	}
}

// Client returns a new client of the manager.
func (m Manager) Client() (*opsmanager.Client, error) {
	roots, err := m.roots()
	if err != nil {
		return nil, err
	}
	return opsmanager.New(opsmanager.Config{
		BaseURL:           m.BaseURL,
		BasePath:          m.BasePath,
		PublicKey:         m.PublicKey.Reveal(),
		PrivateKey:        m.PrivateKey,
		RootCAs:           roots,
		AllowInsecureHTTP: m.AllowInsecureHTTP,
		UnlinkedIs404:     m.UnlinkedIs404,
		Timeout:           m.RequestTimeout,
		RequestsPerSecond: m.RequestsPerSecond,
	})
}

// roots replaces the system's certificates rather than adding to them: who
// names a CA of their own wants no other to vouch for the manager.
func (m Manager) roots() (*x509.CertPool, error) {
	if m.CAFile == "" {
		return nil, nil
	}
	content, err := os.ReadFile(m.CAFile)
	if err != nil {
		return nil, fmt.Errorf("the CA file cannot be read: %w; check its path, or leave it out for the system's certificates", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, errors.New("the CA file holds no certificate in PEM form; put the CA's certificate into it")
	}
	return pool, nil
}

// Error names everything that is wrong with a configuration file.
type Error struct {
	File     string
	Problems []string // each with the path of its setting
}

// Error lists the problems, one a line.
func (e *Error) Error() string {
	return fmt.Sprintf("configuration %s:\n  %s", e.File, strings.Join(e.Problems, "\n  "))
}

// Load reads the configuration file and resolves its references to key
// material. The error is an *Error.
func Load(path string) (Config, error) {
	content, err := os.ReadFile(path) //nolint:gosec // who starts the worker names the file
	if err != nil {
		return Config{}, &Error{path, []string{fmt.Sprintf("cannot be read: %v; check the path", err)}}
	}
	var values map[string]any
	if err := toml.Unmarshal(content, &values); err != nil {
		return Config{}, &Error{path, []string{syntaxProblem(err)}}
	}
	var problems []string
	c := read(&section{values: values, problems: &problems})
	if len(problems) > 0 {
		return Config{}, &Error{path, problems}
	}
	return c, nil
}

// syntaxProblem leaves out the parser's own words: they quote the file, where a
// secret may stand without its quotes.
func syntaxProblem(err error) string {
	position, ok := errors.AsType[toml.ParseError](err)
	if !ok {
		return "is not valid TOML"
	}
	return fmt.Sprintf("line %d (last key: %q) is not valid TOML; put text into double quotes, and set each key once",
		position.Position.Line, position.LastKey)
}

func read(file *section) Config {
	c := Default()
	c.Log = readLog(file.table("log"), c.Log)
	c.Worker = readWorker(file.table("worker"), c.Worker)
	c.Tokens = readTokens(file.table("tokens"))
	c.Managers = readManagers(file.table("managers"))
	file.end()
	checkStopTimeout(file, c)
	return c
}

func readLog(s *section, fallback Log) Log {
	defer s.end()
	return Log{
		Level:  s.oneOf("level", fallback.Level, logging.Levels),
		Format: s.oneOf("format", fallback.Format, logging.Formats),
	}
}

func readWorker(s *section, fallback Worker) Worker {
	defer s.end()
	return Worker{
		// Supervisors that wait longer for an end are rare, and so are
		// machines with the memory for more workflows (17 GB).
		StopTimeout:        s.duration("stop_timeout", fallback.StopTimeout, time.Second, 10*time.Minute),
		MaxCachedWorkflows: s.integer("max_cached_workflows", fallback.MaxCachedWorkflows, 10, 1_000_000),
	}
}

func readTokens(s *section) Tokens {
	defer s.end()
	directory := s.text("directory", "")
	if directory == "" {
		return Tokens{}
	}
	if info, err := os.Stat(directory); err != nil {
		s.report("directory", fmt.Sprintf("%v; create it, or leave it out when all link-tokens come from the environment", err))
	} else if !info.IsDir() {
		s.report("directory", "is a file; name the directory that holds it")
	}
	return Tokens{Directory: directory}
}

func checkStopTimeout(file *section, c Config) {
	for _, m := range c.Managers {
		if c.Worker.StopTimeout <= m.RequestTimeout {
			file.report("worker.stop_timeout", fmt.Sprintf(
				"%s must be longer than managers.%s.request_timeout (%s), so that a running call can finish; raise it, and the supervisor's kill timeout above it",
				c.Worker.StopTimeout, m.Name, m.RequestTimeout))
		}
	}
}
