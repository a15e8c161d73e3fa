package link

// wake counts the requests to continue at once. Those that came before the present attempt
// began do not count: the attempt does what they ask for.
type wake struct {
	sent, seen int
	// ends reports whether a request would end what the operation waits for.
	ends bool
}

// endsWait marks a wait that a request ends, until the function that it returns is called.
func (w *wake) endsWait() (over func()) {
	w.ends = true
	return func() { w.ends = false }
}

func (w *wake) ring() { w.sent++ }

func (w *wake) arm() { w.seen = w.sent }

// rang reports whether a request has come since the present attempt began.
func (w *wake) rang() bool { return w.sent != w.seen }
