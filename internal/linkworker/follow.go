package linkworker

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"

	"github.com/migrationlink/migrationlink/internal/config"
)

const (
	// settle is how long files must be left alone before they are read: whoever
	// replaces a key and a certificate writes more than once.
	settle = 200 * time.Millisecond
	// settleMost is how long others may keep the worker from reading them.
	settleMost = 2 * time.Second
)

// Follow makes the worker take over what changes in the configuration, until it
// is stopped: when the file or one that it names changes, and on each signal of
// hangup, which may be nil. A configuration with a problem is logged, and the one
// in force stays. What needs a restart is logged by name.
func (w *Worker) Follow(source config.Source, hangup <-chan os.Signal) {
	ctx, cancel := context.WithCancel(context.Background())
	w.stopFollowing = cancel
	f := &follower{worker: w, source: source, last: w.running}
	// Here, so that no change is missed that comes after.
	files := newWatcher(w.logger)
	files.watch(w.running.Files)
	w.following.Go(func() {
		defer files.close()
		f.run(ctx, files, hangup)
	})
}

// follower reads the configuration again and again.
type follower struct {
	worker *Worker
	source config.Source
	last   config.Config // that was read and good
	bad    string        // why what was read since is not; empty if it is
}

func (f *follower) run(ctx context.Context, files *watcher, hangup <-chan os.Signal) {
	begin := time.Now()
	due := time.After(0) // what has changed since it was loaded
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
				f.worker.logger.Warn("watching the configuration", zap.Error(err))
			}
		case <-hangup:
			asked = true
		case <-due:
		}
		due = nil
		if files.watch(f.reload(asked)) {
			begin, due = time.Now(), time.After(settle) // may have changed before it was watched
		}
	}
}

// reload reads the configuration and makes the worker use it, and returns the
// files on which that depends. If it was not asked for, it says nothing unless
// something has changed: the log may be written next to the configuration.
func (f *follower) reload(asked bool) (files []string) {
	next, err := f.source.Load()
	files = slices.Concat(next.Files, f.worker.running.Files)
	var changes config.Changes
	if err == nil {
		if !asked && f.bad == "" && len(f.last.Changes(next).Names()) == 0 {
			return files
		}
		changes, err = f.worker.use(next)
	}
	if err != nil {
		f.refuse(err, asked)
		return files
	}
	fields := []zap.Field{zap.Strings("changed", changes.Now)}
	if f.bad != "" && len(changes.Now) == 0 {
		fields = append(fields, zap.String("note", "it is good again, and what it was before"))
	}
	f.last, f.bad = next, ""
	f.worker.misconfigured.Store(false)
	f.worker.logger.Info("configuration reloaded", append(fields, recipients(next)...)...)
	if len(changes.Restart) > 0 {
		f.worker.logger.Warn("changes of the configuration that need a restart of the worker", zap.Strings("settings", changes.Restart))
	}
	return files
}

func (f *follower) refuse(err error, asked bool) {
	if err.Error() == f.bad && !asked {
		return
	}
	f.bad = err.Error()
	f.worker.misconfigured.Store(true)
	problems := []string{err.Error()}
	if known, ok := errors.AsType[*config.Error](err); ok {
		problems = known.Problems
	}
	f.worker.logger.Error("the configuration was not reloaded, the one in force stays",
		zap.String("file", f.source.Path), zap.Strings("problems", problems))
}

// recipients are those of the worker's identities: in the logs of all workers,
// they tell how far a rotation has come.
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

// use takes over what of the configuration needs no restart.
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
