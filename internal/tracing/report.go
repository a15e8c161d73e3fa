package tracing

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"golang.org/x/net/http/httpguts"

	"github.com/migrationlink/migrationlink/redact"
)

// shortestSecret is the length in bytes from which the value of a header is removed from
// errors: shorter ones are ordinary words.
const shortestSecret = 6

// headers checks the variables for the headers of exports and returns what may be a
// credential in them. OpenTelemetry would leave out a header that it cannot read. The errors
// contain no part of a value, which may also stand in the place of a name.
func headers() (secrets []redact.Secret, _ error) {
	for _, variable := range []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"} {
		for i, header := range strings.Split(os.Getenv(variable), ",") {
			if strings.TrimSpace(header) == "" {
				continue
			}
			name, escaped, found := strings.Cut(header, "=")
			value, err := url.PathUnescape(escaped)
			value = strings.TrimSpace(value)
			if !found || err != nil || !httpguts.ValidHeaderFieldName(strings.TrimSpace(name)) || !httpguts.ValidHeaderFieldValue(value) {
				return nil, fmt.Errorf("%s: header %d cannot be read; write NAME=VALUE, separate headers by commas, and write other characters in a value as in a URL, such as %%20", variable, i+1)
			}
			for _, secret := range []string{value, value[strings.LastIndexByte(value, ' ')+1:]} {
				if len(secret) >= shortestSecret {
					secrets = append(secrets, redact.NewSecret(secret))
				}
			}
		}
	}
	return secrets, nil
}

// report passes the problems of OpenTelemetry to failed. By default it writes them to
// stderr.
func report(failed func(error)) {
	secrets, _ := headers() // without tracing their error does not matter
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		failed(errors.New(redact.Clean(err.Error(), secrets...)))
	}))
	otel.SetLogger(logr.New(sink(failed)))
}

// sink passes on the messages of OpenTelemetry's own log. It leaves out their errors and
// fields, which hold the values of variables.
type sink func(error)

func (sink) Init(logr.RuntimeInfo)                     {}
func (sink) Enabled(int) bool                          { return false } // for errors it is not asked
func (sink) Info(int, string, ...any)                  {}
func (s sink) Error(_ error, message string, _ ...any) { s(errors.New(message)) }
func (s sink) WithValues(...any) logr.LogSink          { return s }
func (s sink) WithName(string) logr.LogSink            { return s }
