package temporalconn

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/converter"

	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/redact"
)

// CodecUse says what a program does with the remote payload codec that is configured.
type CodecUse int

// Uses of a codec.
const (
	// NoCodec rejects a configured codec: the program would not use it.
	NoCodec CodecUse = iota
	// OwnCodec ignores it: the program has its own data converter.
	OwnCodec
	// RemoteCodec encodes and decodes every payload with it.
	RemoteCodec
)

const (
	// maxCodecReply limits a codec's reply, in bytes. Temporal's limit for one request,
	// 4 MiB, is far below it, even in base64.
	maxCodecReply = 32 << 20
	// maxCodecError limits its errors, in bytes.
	maxCodecError = 1 << 10
)

// CheckCodec returns an *Error if the variables and profiles cannot be read, or
// configure a payload codec that the program does not use.
func CheckCodec(o Overrides) error {
	profile, err := o.profile()
	if err != nil {
		return misconfigured(err, nil)
	}
	return o.checkCodec(profile.Codec)
}

// CodecEndpoint returns the URL of the remote codec in use, or "".
func (o Options) CodecEndpoint() string { return o.codec }

func (o Overrides) checkCodec(named *envconfig.ClientConfigCodec) error {
	if o.Codec != NoCodec || named == nil || named.Endpoint == "" {
		return nil
	}
	return &Error{Misconfigured, "TEMPORAL_CODEC_ENDPOINT, or codec.endpoint of the profile, names a payload codec, which this program does not use: it could not read what callers encode with it",
		"Leave it out of the worker's environment and profile if no caller uses the codec. Otherwise build a worker with your own data converter, as examples/codec does."}
}

// useCodec sets the converters of a program that uses the configured remote codec.
// Without a codec, an encoded payload is reported as such.
func (o Overrides) useCodec(named *envconfig.ClientConfigCodec, options *Options) error {
	if o.Codec != RemoteCodec {
		return o.checkCodec(named)
	}
	codec := &remoteCodec{secrets: options.secrets}
	if named != nil && *named != (envconfig.ClientConfigCodec{}) {
		if err := checkEndpoint(*named); err != nil {
			return &Error{Misconfigured, "the payload codec cannot be used: " + err.Error(),
				"Correct TEMPORAL_CODEC_ENDPOINT and TEMPORAL_CODEC_AUTH, or codec of the profile."}
		}
		codec.to(*named, options.Namespace)
	}
	options.codec = codec.endpoint
	options.DataConverter = converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codec)
	options.FailureConverter = dataconv.Of(options.Options).Failures
	return nil
}

func checkEndpoint(named envconfig.ClientConfigCodec) error {
	if named.Endpoint == "" {
		return errors.New("it has credentials, and no endpoint")
	}
	endpoint, err := url.Parse(named.Endpoint)
	switch {
	case err != nil, endpoint.Scheme != "http" && endpoint.Scheme != "https", endpoint.Hostname() == "", !isHost(endpoint.Host):
		return errors.New("its endpoint is not a URL such as https://codec.example.com")
	case endpoint.User != nil:
		return errors.New("its endpoint holds credentials; give them as TEMPORAL_CODEC_AUTH")
	case endpoint.RawQuery != "" || endpoint.Fragment != "":
		return errors.New("its endpoint has a query or a fragment; paths are added at its end")
	case named.Auth != "" && endpoint.Scheme == "http" && !isLoopbackHost(endpoint.Hostname()):
		return errors.New("without TLS the network would read its credentials; use https")
	}
	return nil
}

// remoteCodec is the SDK's codec with size limits. Without an endpoint it encodes
// nothing.
type remoteCodec struct {
	converter.PayloadCodec
	endpoint string
	secrets  *secrets
}

func (c *remoteCodec) to(named envconfig.ClientConfigCodec, namespace string) {
	c.endpoint = strings.TrimSuffix(strings.ReplaceAll(named.Endpoint, "{namespace}", url.PathEscape(namespace)), "/")
	c.PayloadCodec = converter.NewRemotePayloadCodec(converter.RemotePayloadCodecOptions{
		Endpoint: c.endpoint,
		ModifyRequest: func(request *http.Request) error {
			request.Header.Set("X-Namespace", namespace)
			if named.Auth != "" {
				request.Header.Set("Authorization", named.Auth)
			}
			return nil
		},
		Client: http.Client{
			Timeout:       dialLimit,
			Transport:     boundedReplies{},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // credentials stay
		},
	})
}

// Encode encodes payloads before they are sent.
func (c *remoteCodec) Encode(sent []*commonpb.Payload) ([]*commonpb.Payload, error) {
	if c.PayloadCodec == nil || len(sent) == 0 {
		return sent, nil
	}
	encoded, err := c.PayloadCodec.Encode(sent)
	if err != nil {
		return nil, c.failed("encode", err)
	}
	return encoded, nil
}

// Decode decodes payloads that a codec has encoded, and leaves others unchanged.
func (c *remoteCodec) Decode(stored []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decoded := append([]*commonpb.Payload{}, stored...)
	var encoded []*commonpb.Payload
	var at []int
	for i, payload := range stored {
		if encoding := dataconv.Encoding(payload); !dataconv.IsPlain(encoding) {
			if c.PayloadCodec == nil {
				return nil, &Error{Codec, fmt.Sprintf("the data in Temporal has the encoding %q of a payload codec, but no codec is set", redact.Line(encoding, 40)),
					"Set TEMPORAL_CODEC_ENDPOINT, and TEMPORAL_CODEC_AUTH if it needs credentials, or codec of the profile, to the codec server of whoever encodes it."}
			}
			encoded, at = append(encoded, payload), append(at, i)
		}
	}
	if len(encoded) == 0 {
		return decoded, nil
	}
	plain, err := c.PayloadCodec.Decode(encoded)
	if err != nil {
		return nil, c.failed("decode", err)
	}
	for i, payload := range plain {
		if encoding := dataconv.Encoding(payload); !dataconv.IsPlain(encoding) {
			return nil, c.failed("decode", fmt.Errorf("it returns the encoding %q, which is not its own", redact.Line(encoding, 40)))
		}
		decoded[at[i]] = payload
	}
	return decoded, nil
}

func (c *remoteCodec) failed(what string, err error) error {
	return &Error{Codec, fmt.Sprintf("the payload codec at %s does not %s: %s", c.endpoint, what, redact.Line(c.secrets.remove(err.Error()), 300)),
		"Check that the codec server runs and has the keys, and TEMPORAL_CODEC_ENDPOINT and TEMPORAL_CODEC_AUTH, or codec of the profile."}
}

// boundedReplies limits the size of replies.
type boundedReplies struct{}

func (boundedReplies) RoundTrip(request *http.Request) (*http.Response, error) {
	reply, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	limit := int64(maxCodecReply)
	if reply.StatusCode != http.StatusOK {
		limit = maxCodecError
	}
	reply.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(reply.Body, limit), reply.Body}
	return reply, nil
}
