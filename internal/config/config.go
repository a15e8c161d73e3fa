// Package config reads the worker's configuration: one TOML file. Everything
// wrong with it is reported at once, each with its path and remedy.
package config

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/migrationlink/migrationlink/internal/logging"
	"github.com/migrationlink/migrationlink/internal/secret"
)

// Config is the configuration of one worker.
type Config struct {
	Log        Log
	HTTP       HTTP
	Worker     Worker
	Deployment Deployment // from the environment
	Tokens     Tokens
	Managers   []Manager // sorted by name
	Atlas      []Atlas   // sorted by name
	// Files are the absolute paths of all files that were read, or should have
	// been: when one of them changes, the configuration may be another one.
	Files []string
}

// Log is the section [log].
type Log struct {
	Level  string
	Format string
}

// HTTP is the section [http].
type HTTP struct {
	// Address is where /metrics, /healthz and /readyz are served, as host:port.
	// Empty means nowhere.
	Address string
	// Pprof serves the profiles of the process there, too.
	Pprof bool
}

// Worker is the section [worker].
type Worker struct {
	// StopTimeout is how long a running call may take to finish at shutdown.
	StopTimeout time.Duration
	// MaxCachedWorkflows is how many waiting workflows are kept in memory, at
	// about 17 KB each. The others are replayed when something happens to them.
	MaxCachedWorkflows int
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

// Error names everything that is wrong with a configuration file.
type Error struct {
	File     string
	Problems []string // each with the path of its setting
}

// Error lists the problems, one a line.
func (e *Error) Error() string {
	return fmt.Sprintf("configuration %s:\n  %s", e.File, strings.Join(e.Problems, "\n  "))
}

// Source is where a configuration is.
type Source struct {
	Path string
	// AllowReadableKeys accepts files of key material and link-tokens that others
	// than the worker's user may read or write. For tests only.
	AllowReadableKeys bool
}

// CheckKey checks a file with a key that is none of the configuration's, by the
// same rule.
func (s Source) CheckKey(path string) error { return s.reader().CheckKeyFile(path) }

func (s Source) reader() secret.Reader { return secret.Reader{AllowReadable: s.AllowReadableKeys} }

// Load is Source.Load of a file by its path.
func Load(path string) (Config, error) { return Source{Path: path}.Load() }

// Load reads the configuration file, the references to key material and the
// files that it names. The error is an *Error; the configuration has its Files
// even then, and nothing else.
func (s Source) Load() (Config, error) {
	files := []string{absolute(s.Path)}
	refuse := func(problems ...string) (Config, error) {
		return Config{Files: files}, &Error{s.Path, problems}
	}
	content, err := secret.ReadFile(s.Path)
	if err != nil {
		return refuse(fmt.Sprintf("cannot be read: %v; check the path", err))
	}
	if nestsTooDeep(content) {
		return refuse(fmt.Sprintf("nests more than %d levels of brackets or dotted keys; check that it is the worker's configuration", mostNested))
	}
	var values map[string]any
	if err := toml.Unmarshal(content, &values); err != nil {
		return refuse(syntaxProblem(err))
	}
	var problems []string
	c := read(&section{values: values, problems: &problems, files: &files, reader: s.reader()})
	if len(problems) > 0 {
		return refuse(problems...)
	}
	c.Files = files
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
	c.HTTP = readHTTP(file.table("http"))
	c.Worker = readWorker(file.table("worker"), c.Worker)
	c.Deployment = readDeployment(file)
	c.Tokens = readTokens(file.table("tokens"))
	c.Managers = readManagers(file.table("managers"))
	c.Atlas = readAtlas(file.table("atlas"))
	file.end()
	checkAtlasHasIdentities(file, c)
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

func readHTTP(s *section) HTTP {
	defer s.end()
	h := HTTP{Address: s.text("address", ""), Pprof: s.flag("pprof")}
	if h.Address != "" {
		if _, port, err := net.SplitHostPort(h.Address); err != nil || port == "" {
			s.report("address", "is not an address; use host:port, as in \"127.0.0.1:9464\", or \":9464\" for all of the machine's")
		}
	}
	return h
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

func checkStopTimeout(file *section, c Config) {
	check := func(name string, timeout time.Duration) {
		if c.Worker.StopTimeout <= timeout {
			file.report("worker.stop_timeout", fmt.Sprintf(
				"%s must be longer than %s.request_timeout (%s), so that a running call can finish; raise it, and the supervisor's kill timeout above it",
				c.Worker.StopTimeout, name, timeout))
		}
	}
	for _, m := range c.Managers {
		check("managers."+m.Name, m.RequestTimeout)
	}
	for _, a := range c.Atlas {
		check("atlas."+a.Name, a.RequestTimeout)
	}
}
