package worker

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"

	"github.com/migrationlink/migrationlink/internal/config"
)

const (
	// settle is how long files must be unchanged before they are read: replacing a key
	// and a certificate takes more than one write.
	settle = 200 * time.Millisecond
	// settleMost limits how long continuous changes can delay reading.
	settleMost = 2 * time.Second
	// retryReading is the time until the next attempt after a problem of this machine,
	// such as too many open files.
	retryReading = 5 * time.Second
)

// readUnwatched is how often files are read if they cannot be watched.
var readUnwatched = 30 * time.Second

// readWatched is how often they are read otherwise: network file systems report no changes that others make.
var readWatched = 5 * time.Minute

// Follow reloads the configuration until the worker is stopped: when the file or one
// that it names changes, and on each signal of hangup, which may be nil. If the
// configuration is invalid, Follow logs the problems, and the previous one stays active.
// After a problem of this machine, it retries soon. It logs the names of changed
// settings that need a restart.
func (w *Worker) Follow(source config.Source, hangup <-chan os.Signal) {
	ctx, cancel := context.WithCancel(context.Background())
	w.stopFollowing = cancel
	f := &follower{worker: w, source: source, last: w.running}
	// Before the goroutine starts, so that no later change is missed.
	files := newWatcher(w.logger)
	files.watch(w.running.Files)
	w.following.Go(func() {
		defer files.close()
		f.run(ctx, files, hangup)
	})
}

// follower reloads the configuration.
type follower struct {
	worker *Worker
	source config.Source
	last   config.Config // the last valid one that was read
	bad    string        // why the latest is invalid; empty if it is valid
	// unread is why this machine could not read the latest; empty if it could.
	unread string
}

func (f *follower) run(ctx context.Context, files *watcher, hangup <-chan os.Signal) {
	begin := time.Now()
	due := time.After(0) // in case it has changed since it was loaded
	var later <-chan time.Time
	for {
		asked := false
		select {
		case <-ctx.Done():
			return
		case <-files.events:
			now := time.Now()
			if due == nil {
				begin = now
			}
			due = time.After(min(settle, begin.Add(settleMost).Sub(now)))
			continue
		case err := <-files.errors:
			// Events were lost.
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				f.worker.logger.Warn("watching the configuration failed", zap.Error(err))
			}
		case <-hangup:
			asked = true
		case <-due:
		case <-later:
		}
		due = nil
		if files.watch(f.reload(asked)) {
			begin, due = time.Now(), time.After(settle) // a file may have changed before it was watched
		}
		switch {
		case f.unread != "":
			later = time.After(retryReading)
		case files.unwatched():
			later = time.After(readUnwatched)
		default:
			later = time.After(readWatched)
		}
	}
}

// reload reads the configuration, makes the worker use it, and returns the files that it
// depends on. Unless asked by a signal, it only logs if something has changed: the log
// may be in the same folder as the configuration.
func (f *follower) reload(asked bool) (files []string) {
	next, err := f.source.Load()
	files = slices.Concat(next.Files, f.worker.running.Files)
	var changes config.Changes
	if err == nil {
		if !asked && f.bad == "" && f.unread == "" && len(f.last.Changes(next).Names()) == 0 {
			return files
		}
		changes, err = f.worker.use(next)
	}
	if err != nil {
		f.refuse(err, asked)
		return files
	}
	fields := []zap.Field{zap.Strings("changed", changes.Now)}
	if (f.bad != "" || f.unread != "") && len(changes.Now) == 0 {
		fields = append(fields, zap.String("note", "it is valid again, and unchanged"))
	}
	if len(next.Warnings) > 0 {
		fields = append(fields, zap.Strings("warnings", next.Warnings))
	}
	f.last, f.bad, f.unread = next, "", ""
	f.worker.misconfigured.Store(false)
	f.worker.logger.Info("configuration reloaded", append(fields, recipients(next)...)...)
	if len(changes.Restart) > 0 {
		f.worker.logger.Warn("changed settings need a restart of the worker", zap.Strings("settings", changes.Restart))
	}
	return files
}

func (f *follower) refuse(err error, asked bool) {
	problems := []string{err.Error()}
	if known, ok := errors.AsType[*config.Error](err); ok {
		problems = known.Problems
		if known.Local {
			f.readLater(problems, asked)
			return
		}
	}
	f.unread = ""
	if err.Error() == f.bad && !asked {
		return
	}
	f.bad = err.Error()
	f.worker.misconfigured.Store(true)
	f.worker.logger.Error("the configuration was not reloaded; the previous one stays active",
		zap.String("file", f.source.Path), zap.Strings("problems", problems))
}

// readLater does not call the configuration invalid because of a problem of this
// machine.
func (f *follower) readLater(problems []string, asked bool) {
	why := strings.Join(problems, "\n")
	if why == f.unread && !asked {
		return
	}
	f.unread = why
	f.worker.logger.Warn("the configuration cannot be read now; the previous one stays active, and the worker retries",
		zap.String("file", f.source.Path), zap.Strings("problems", problems))
}

// recipients returns the recipients of the worker's identities: the logs of all workers
// show the progress of a rotation.
func recipients(c config.Config) []zap.Field {
	var names []string
	for _, recipient := range c.Tokens.Identities.Recipients() {
		names = append(names, recipient.Short())
	}
	if len(names) == 0 {
		return nil
	}
	return []zap.Field{zap.Strings("recipients", names)}
}

// use applies the settings that need no restart.
func (w *Worker) use(next config.Config) (config.Changes, error) {
	changes := w.running.Changes(next)
	adopted := w.running.Adopt(next)
	clients, err := makeClients(adopted, w.running, w.clients)
	if err != nil {
		return config.Changes{}, err
	}
	w.acts.Use(clients)
	closeReplaced(w.clients, clients)
	w.running, w.clients = adopted, clients
	return changes, nil
}
