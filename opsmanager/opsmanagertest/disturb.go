package opsmanagertest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"net"
	"net/http"
	"strconv"
	"time"
)

// exchange is one call with all that a fault needs to spoil it.
type exchange struct {
	m *Manager
	w http.ResponseWriter
	r *http.Request
	c *call
	// answer makes the effect happen and returns the true reply.
	answer func() reply
}

// disturbances are what each kind of fault does.
var disturbances = map[FaultKind]func(Fault, *exchange){
	TooManyRequests: instead(http.StatusTooManyRequests, "RATE_LIMITED", "Resource migrationLink is limited to 100 requests every 1 minutes.", "migrationLink", 100, 1),
	UpgradeWindow:   instead(http.StatusMethodNotAllowed, "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES", "Writes are not allowed while the application is being upgraded."),
	ServerError:     instead(http.StatusInternalServerError, "UNEXPECTED_ERROR", "Unexpected error."),
	BadGateway:      proxyPage(http.StatusBadGateway),
	Unavailable:     instead(http.StatusServiceUnavailable, "UNEXPECTED_ERROR", "The service is temporarily unavailable."),
	GatewayTimeout:  proxyPage(http.StatusGatewayTimeout),
	RequestTimeout:  instead(http.StatusRequestTimeout, "UNEXPECTED_ERROR", "The request took too long."),
	Redirect:        redirect,
	OtherError:      otherError,
	Echo:            echo,
	NoChallenge:     func(_ Fault, x *exchange) { unauthorized(nil).write(x.w) },
	StaleNonce:      func(_ Fault, x *exchange) { x.m.challenged(x.c, true).write(x.w) },
	ConnectionReset: func(_ Fault, x *exchange) { x.reset() },
	StallBefore:     stallBefore,
	LateEffect:      lateEffect,

	LostReply:     func(_ Fault, x *exchange) { x.answer(); x.reset() },
	StallAfter:    func(f Fault, x *exchange) { answer := x.answer(); x.stall(f); answer.write(x.w) },
	SlowBody:      slowBody,
	GarbageBody:   func(_ Fault, x *exchange) { x.withBody("\x00\xff}{ this is no JSON ") },
	EmptyBody:     func(_ Fault, x *exchange) { x.withBody("") },
	TruncatedBody: truncatedBody,
	GzipBody:      gzipBody,
	ChunkedBody:   chunkedBody,
	EndlessBody:   endlessBody,
	PaddedBody:    paddedBody,
}

// disturb does what the fault says to one exchange.
func (f Fault) disturb(x *exchange) { disturbances[f.Kind](f, x) }

// instead answers with an error of the API and has no effect.
func instead(status int, code, detail string, parameters ...any) func(Fault, *exchange) {
	return func(f Fault, x *exchange) {
		x.fail(f, apiError(status, code, detail, parameters...).shaped(x.c))
	}
}

// proxyPage answers as a proxy in front of the manager: no JSON, no code.
func proxyPage(status int) func(Fault, *exchange) {
	page := "<html>\n<head><title>" + strconv.Itoa(status) + " " + http.StatusText(status) + "</title></head>\n" +
		"<body><center><h1>" + strconv.Itoa(status) + " " + http.StatusText(status) + "</h1></center></body>\n</html>\n"
	return func(f Fault, x *exchange) {
		x.fail(f, reply{status: status, body: []byte(page), verbatim: true, contentType: "text/html"})
	}
}

func otherError(f Fault, x *exchange) {
	x.fail(f, apiError(f.Status, f.ErrorCode, f.Detail, f.Parameters...).shaped(x.c))
}

// fail writes an error with the Retry-After that the fault asks for.
func (x *exchange) fail(f Fault, r reply) {
	if f.RetryAfter != nil {
		x.w.Header().Set("Retry-After", f.retryAfter(x.m.options.Now()))
	}
	r.write(x.w)
}

// retryAfter rounds up to whole seconds: earlier than asked would be a lie.
func (f Fault) retryAfter(now time.Time) string {
	wait := time.Duration(*f.RetryAfter)
	if f.RetryAfterAsDate {
		return now.Add(wait + time.Second - 1).UTC().Format(http.TimeFormat)
	}
	return strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10)
}

func redirect(f Fault, x *exchange) {
	x.w.Header().Set("Location", f.Location)
	x.w.WriteHeader(cmp.Or(f.Status, http.StatusTemporaryRedirect))
}

// reset ends the connection with RST and nothing more said.
func (x *exchange) reset() {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 and recorders: the next best
	}
	raw := conn
	if layered, ok := conn.(interface{ NetConn() net.Conn }); ok {
		raw = layered.NetConn() // TLS would say goodbye first
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close()
}

// stallBefore loses the request of a client that gives up meanwhile.
func stallBefore(f Fault, x *exchange) {
	if x.stall(f) {
		x.answer().write(x.w)
	}
}

// lateEffect goes on when its client has long gone, as busy servers do.
func lateEffect(f Fault, x *exchange) {
	timer := time.NewTimer(time.Duration(f.Duration))
	defer timer.Stop()
	select {
	case <-timer.C:
		x.answer().write(x.w)
	case <-x.m.closed:
	}
}

// stall waits until the fault's time is over, which it reports, or until waiting
// is pointless.
func (x *exchange) stall(f Fault) bool {
	var over <-chan time.Time
	if f.Duration > 0 {
		timer := time.NewTimer(time.Duration(f.Duration))
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
		return true
	case <-x.r.Context().Done():
	case <-x.m.closed:
	}
	return false
}

// hasEnded tells whether nobody wants more of a reply.
func (x *exchange) hasEnded() bool {
	select {
	case <-x.m.closed:
		return true
	default:
		return x.r.Context().Err() != nil
	}
}

// spoiled is the true reply made fit to carry a body.
func (x *exchange) spoiled() reply {
	r := x.answer()
	if r.status == http.StatusNoContent {
		r.status = http.StatusOK
	}
	return r
}

// withBody makes the effect happen and replies with another body.
func (x *exchange) withBody(body string) {
	r := x.spoiled()
	r.body = []byte(body)
	r.write(x.w)
}

func (x *exchange) flush() { _ = http.NewResponseController(x.w).Flush() }

// slowPieces is how many pieces a slow body comes in.
const slowPieces = 10

func slowBody(f Fault, x *exchange) {
	r := x.spoiled()
	r.writeHead(x.w, len(r.body))
	x.flush()
	pause := Fault{Duration: max(1, f.Duration/slowPieces)}
	for i := range slowPieces {
		x.stall(pause)
		_, _ = x.w.Write(r.body[i*len(r.body)/slowPieces : (i+1)*len(r.body)/slowPieces])
		x.flush()
	}
}

// truncatedBody promises more than it sends.
func truncatedBody(_ Fault, x *exchange) {
	r := x.spoiled()
	r.writeHead(x.w, len(r.body)+1)
	_, _ = x.w.Write(r.body[:len(r.body)/2])
	x.flush()
	panic(http.ErrAbortHandler) // closes the connection
}

func gzipBody(_ Fault, x *exchange) {
	r := x.spoiled()
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write(r.body)
	_ = writer.Close()
	r.body = packed.Bytes()
	x.w.Header().Set("Content-Encoding", "gzip")
	r.write(x.w)
}

func chunkedBody(_ Fault, x *exchange) {
	r := x.spoiled()
	r.writeHead(x.w, -1)
	for _, piece := range [][]byte{r.body[:len(r.body)/2], r.body[len(r.body)/2:]} {
		_, _ = x.w.Write(piece)
		x.flush()
	}
}

// endlessBody begins like the true one, so that only its size gives it away.
func endlessBody(f Fault, x *exchange) {
	r := x.spoiled()
	r.writeHead(x.w, -1)
	_, _ = x.w.Write([]byte(`{"status":"`))
	x.pour(f.Bytes)
}

func paddedBody(f Fault, x *exchange) {
	r := x.spoiled()
	r.writeHead(x.w, -1)
	x.pour(f.Bytes)
	_, _ = x.w.Write(r.body)
}

// pour writes so many bytes of white space, or without end if 0.
func (x *exchange) pour(size int64) {
	const most = 64 << 10
	piece := bytes.Repeat([]byte(" "), most)
	for left := size; (size == 0 || left > 0) && !x.hasEnded(); left -= most {
		if size > 0 && left < most {
			piece = piece[:left]
		}
		if _, err := x.w.Write(piece); err != nil {
			return
		}
	}
}
