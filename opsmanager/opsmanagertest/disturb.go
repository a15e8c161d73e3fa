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

// exchange is one call with everything that a fault needs to disturb it.
type exchange struct {
	m *Manager
	w http.ResponseWriter
	r *http.Request
	c *call
	// answer performs the call and returns the true reply.
	answer func() reply
}

var serverError = instead(http.StatusInternalServerError, "UNEXPECTED_ERROR", "Unexpected error.")

// disturbances implement the kinds of faults.
var disturbances = map[FaultKind]func(Fault, *exchange){
	TooManyRequests: instead(http.StatusTooManyRequests, "RATE_LIMITED", "Resource migrationLink is limited to 100 requests every 1 minutes.", "migrationLink", 100, 1),
	UpgradeWindow:   instead(http.StatusMethodNotAllowed, "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES", "Writes are not allowed while the application is being upgraded."),
	ServerError:     serverError,
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
	LoginPage:       loginPage,
	EmptySuccess:    func(_ Fault, x *exchange) { reply{status: http.StatusOK}.write(x.w) },
	Unreadable:      func(_ Fault, x *exchange) { reply{status: http.StatusOK, body: []byte(`{"status":"SYN`)}.write(x.w) },
	StallBefore:     stallBefore,
	LateEffect:      lateEffect,

	LostReply:     func(_ Fault, x *exchange) { x.answer(); x.reset() },
	ErrorAfter:    func(f Fault, x *exchange) { x.answer(); serverError(f, x) },
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

// disturb applies the fault to one exchange.
func (f Fault) disturb(x *exchange) { disturbances[f.Kind](f, x) }

// instead answers with an error of the API, without an effect.
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

// loginPage answers as a proxy that requires a login.
func loginPage(_ Fault, x *exchange) {
	const page = "<!DOCTYPE html>\n<html>\n<head><title>Sign in</title></head>\n" +
		"<body><form method=\"post\" action=\"/login\"><input name=\"user\"><input name=\"password\" type=\"password\"></form></body>\n</html>\n"
	reply{status: http.StatusOK, body: []byte(page), contentType: "text/html; charset=utf-8"}.write(x.w)
}

func otherError(f Fault, x *exchange) {
	x.fail(f, apiError(f.Status, f.ErrorCode, f.Detail, f.Parameters...).shaped(x.c))
}

// fail writes an error with the Retry-After of the fault.
func (x *exchange) fail(f Fault, r reply) {
	if f.RetryAfter != nil {
		x.w.Header().Set("Retry-After", f.retryAfter(x.m.options.Now()))
	}
	r.write(x.w)
}

// retryAfter rounds up to whole seconds.
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

// reset closes the connection with RST.
func (x *exchange) reset() {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 and recorders: the next best
	}
	raw := conn
	if layered, ok := conn.(interface{ NetConn() net.Conn }); ok {
		raw = layered.NetConn() // TLS would send an alert first
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close()
}

// stallBefore drops the request of a client that gives up meanwhile.
func stallBefore(f Fault, x *exchange) {
	if x.wait(f.Duration, x.r.Context().Done()) {
		x.answer().write(x.w)
	}
}

// lateEffect continues after its client has gone, as busy servers do.
func lateEffect(f Fault, x *exchange) {
	if x.wait(f.Duration, nil) {
		x.answer().write(x.w)
	}
}

// stall waits until the fault's time is over, or the client gives up.
func (x *exchange) stall(f Fault) { x.wait(f.Duration, x.r.Context().Done()) }

// wait waits, and reports whether the time has passed before givenUp or the server was
// closed. A zero limit never passes.
func (x *exchange) wait(limit Duration, givenUp <-chan struct{}) bool {
	var over <-chan time.Time
	if limit > 0 {
		over = time.After(time.Duration(limit))
	}
	select {
	case <-over:
		return true
	case <-givenUp:
	case <-x.m.closed:
	}
	return false
}

// hasEnded reports whether the client or the server has gone.
func (x *exchange) hasEnded() bool {
	select {
	case <-x.m.closed:
		return true
	default:
		return x.r.Context().Err() != nil
	}
}

// spoiled returns the true reply with a status that can have a body.
func (x *exchange) spoiled() reply {
	r := x.answer()
	if r.status == http.StatusNoContent {
		r.status = http.StatusOK
	}
	return r
}

// withBody performs the call and replies with another body.
func (x *exchange) withBody(body string) {
	r := x.spoiled()
	r.body = []byte(body)
	r.write(x.w)
}

func (x *exchange) flush() { _ = http.NewResponseController(x.w).Flush() }

// slowPieces is the number of pieces of a slow body.
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

// truncatedBody announces more than it sends.
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

// endlessBody begins like the true one, so that only its size differs.
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

// pour writes so many bytes of white space, or endlessly if 0.
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
