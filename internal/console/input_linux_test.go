package console

import (
	"context"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// terminalPair returns both sides of a new terminal: what a person has, and what
// a process has.
func terminalPair(t *testing.T) (person, process *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = person.Close() })
	var locked, number int32
	control(t, person, syscall.TIOCSPTLCK, &locked)
	control(t, person, syscall.TIOCGPTN, &number)
	process, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = process.Close() })
	return person, process
}

func control[T any](t *testing.T, file *os.File, request uintptr, value *T) {
	t.Helper()
	_, _, failed := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), request, uintptr(unsafe.Pointer(value))) //nolint:gosec // so the system is called
	require.Zero(t, failed)
}

// shows reports whether a terminal shows what is typed.
func shows(t *testing.T, terminal *os.File) bool {
	t.Helper()
	var settings syscall.Termios
	control(t, terminal, syscall.TCGETS, &settings)
	return settings.Lflag&syscall.ECHO != 0
}

func TestATerminalHidesWhatIsTypedAndShowsTheRestAgain(t *testing.T) {
	t.Parallel()
	person, process := terminalPair(t)
	hidden := func() bool { return !shows(t, process) }
	readLine := hiddenLine(process)
	typed := make(chan string, 1)
	go func() {
		line, _ := readLine(t.Context())
		typed <- string(line)
	}()
	require.Eventually(t, hidden, 10*time.Second, time.Millisecond)
	_, err := person.WriteString(canary + "\n")
	require.NoError(t, err)
	require.Equal(t, canary, <-typed)
	require.True(t, shows(t, process))

	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		_, _ = readLine(ctx)
		typed <- ""
	}()
	require.Eventually(t, hidden, 10*time.Second, time.Millisecond)
	interrupt()
	<-typed
	require.True(t, shows(t, process))

	file, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer file.Close()
	require.Nil(t, hiddenLine(file))
}
