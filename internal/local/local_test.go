package local_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/local"
	"github.com/migrationlink/migrationlink/internal/local/localtest"
)

func TestProblemsOfTheMachineAreRecognized(t *testing.T) {
	t.Parallel()
	file := func(number syscall.Errno) error {
		return fmt.Errorf("read: %w", &fs.PathError{Op: "open", Path: "/x", Err: number})
	}
	dial := func(number syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", number)}
	}
	for _, err := range []error{
		file(syscall.EMFILE), file(syscall.ENFILE), file(syscall.ENOMEM), file(syscall.ENOSPC), file(syscall.EIO), file(syscall.EAGAIN),
		file(syscall.ESTALE), file(syscall.ENOTCONN), file(syscall.ETIMEDOUT), file(syscall.EDQUOT),
		dial(syscall.EMFILE), dial(syscall.ENFILE), dial(syscall.ENOBUFS), dial(syscall.EADDRNOTAVAIL), dial(syscall.ENOMEM),
	} {
		require.True(t, local.Trouble(err), "%v", err)
		require.NotEmpty(t, local.Remedy(err))
	}
	for _, err := range []error{
		nil, errors.New("too many open files"), fs.ErrNotExist, context.DeadlineExceeded, net.ErrClosed,
		file(syscall.ENOENT), file(syscall.EACCES), file(syscall.EPERM), file(syscall.ENOTDIR), file(syscall.ELOOP),
		dial(syscall.ECONNREFUSED), dial(syscall.ETIMEDOUT), dial(syscall.ENOTCONN), dial(syscall.EHOSTUNREACH), dial(syscall.ECONNRESET),
	} {
		require.False(t, local.Trouble(err), "%v", err)
	}
}

// The packages in between must hand the number on.
func TestAProcessWithoutFreeFilesIsRecognized(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	directory := t.TempDir()
	var errs []error
	localtest.WithoutFiles(t, func() {
		_, open := os.Open(filepath.Join(directory, "x"))
		_, root := os.OpenRoot(directory)
		_, read := os.ReadDir(directory)
		_, dial := net.Dial("tcp", listener.Addr().String())
		_, get := http.Get("http://" + listener.Addr().String()) //nolint:bodyclose // there is none
		errs = []error{open, root, read, dial, get}
	})
	for _, err := range errs {
		require.True(t, local.Trouble(err), "%v", err)
		require.Contains(t, local.Remedy(err), "limit of open files")
	}
}
