// Package config reads the worker's configuration, a TOML file. It reports all problems
// at once, each with its path and remedy.
package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/migrationlink/migrationlink/internal/assess"
	"github.com/migrationlink/migrationlink/internal/logging"
	"github.com/migrationlink/migrationlink/internal/secret"
	"github.com/migrationlink/migrationlink/internal/textfile"
)

const (
	// maxConfig limits this file, in bytes. It is enough for some 250 managers.
	maxConfig = 64 << 10
	// maxFile limits other files that are not secret, in bytes.
	maxFile = 1 << 20
)

// Config is the configuration of one worker.
type Config struct {
	Log        Log
	HTTP       HTTP
	Worker     Worker
	Deployment Deployment // from the environment
	Tokens     Tokens
	Assessment assess.Minimums
	Managers   []Manager // sorted by name
	Atlas      []Atlas   // sorted by name
	// Files are the absolute paths of all files that the configuration depends on,
	// including those that could not be read.
	Files []string
	// Warnings are accepted risks, each with the path of its setting.
	Warnings []string
}

// Log is the section [log].
type Log struct {
	Level  string
	Format string
}

// HTTP is the section [http].
type HTTP struct {
	// Address is the host:port of /metrics, /healthz and /readyz. Empty means that they
	// are not served.
	Address string
	// Pprof also serves the profiles of the process there.
	Pprof bool
}

// Worker is the section [worker].
type Worker struct {
	// StopTimeout is how long a running call may take at shutdown.
	StopTimeout time.Duration
	// MaxCachedWorkflows limits the workflows in memory, at about 76 kB each. The others
	// are read from Temporal and replayed when an event arrives, which takes a call and
	// about 2 ms.
	MaxCachedWorkflows int
}

// Default returns the configuration of an empty file. It has no managers.
func Default() Config {
	return Config{
		Log: Log{Level: "info", Format: logging.JSON},
		// The stop timeout is longer than the default request timeout, so that a request
		// can finish and its outcome be reported. The cache is for links in a burst: one
		// that waits has no event until its end, and needs no memory until then.
		Worker:     Worker{StopTimeout: 45 * time.Second, MaxCachedWorkflows: 200},
		Assessment: assess.DefaultMinimums(),
	}
}

// Error lists everything that is wrong with a configuration file.
type Error struct {
	File     string
	Problems []string // each with the path of its setting
	// Local reports whether one is a problem of this machine, such as too many open
	// files: a retry may succeed.
	Local bool
}

// Error lists the problems, one on each line.
func (e *Error) Error() string {
	return fmt.Sprintf("configuration %s:\n  %s", e.File, strings.Join(e.Problems, "\n  "))
}

// Source is the location of a configuration.
type Source struct {
	Path string
	// AllowReadableKeys accepts files of keys and link-tokens that other users may read
	// or write. For tests only.
	AllowReadableKeys bool
}

// CheckKey checks a key file that is not part of the configuration, by the same rules.
func (s Source) CheckKey(path string) error { return s.reader().CheckKeyFile(path) }

func (s Source) reader() secret.Reader { return secret.Reader{AllowReadable: s.AllowReadableKeys} }

// Load is Source.Load of a file by its path.
func Load(path string) (Config, error) { return Source{Path: path}.Load() }

// Load reads the configuration file, the references to key material and the files that
// it names. The error is an *Error; the configuration then has only its Files.
func (s Source) Load() (Config, error) {
	files := []string{absolute(s.Path)}
	refuse := func(problems ...string) (Config, error) {
		return Config{Files: files}, &Error{File: s.Path, Problems: problems}
	}
	content, err := textfile.ReadTOML(s.Path, maxConfig)
	if err != nil {
		return Config{Files: files}, &Error{
			File: s.Path, Problems: []string{unusable(err, "check the path").Error()}, Local: secret.IsLocal(err),
		}
	}
	var values map[string]any
	if err := toml.Unmarshal([]byte(content), &values); err != nil {
		return refuse(syntaxProblem(err))
	}
	found := findings{
		Error: Error{File: s.Path}, files: files,
		private: []privateFile{{"this configuration", files[0]}},
	}
	c := read(&section{values: values, all: &found, reader: s.reader()})
	if len(found.Problems) > 0 {
		return Config{Files: found.files}, &found.Error
	}
	c.Files, c.Warnings = found.files, found.warnings
	return c, nil
}

// unusable returns why a file cannot be read or is not text. The remedy is for the
// first; the second has its own.
func unusable(err error, remedy string) error {
	if _, ok := errors.AsType[*textfile.Error](err); ok {
		return fmt.Errorf("cannot be used: %w", err)
	}
	return fmt.Errorf("cannot be read: %w; %s", err, remedy)
}

// syntaxProblem omits the parser's message: it quotes the file, which may contain a
// secret without quotes.
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
	c.Assessment = readAssessment(file.table("assessment"), c.Assessment)
	c.Managers = readManagers(file.table("managers"))
	c.Atlas = readEach(file.table("atlas"), "Atlas", readAtlas)
	file.end()
	checkAtlasHasIdentities(file, c)
	checkStopTimeout(file, c)
	checkTokensHoldNoKeys(file, c)
	checkEnvironment(file)
	warnOfWriters(file, c)
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
		checkAddress(s, h)
	}
	return h
}

func readWorker(s *section, fallback Worker) Worker {
	defer s.end()
	return Worker{
		// Few supervisors wait longer, and few machines have the memory for more
		// workflows (115 GB).
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
