package temporalconn_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"

	"github.com/migrationlink/migrationlink/internal/temporalconn"
)

func TestAnUnusedCodecIsRejected(t *testing.T) {
	t.Parallel()
	profile := filepath.Join(t.TempDir(), "temporal.toml")
	require.NoError(t, os.WriteFile(profile, []byte("[profile.default]\ncodec = {endpoint = \"https://codec.example.com\"}"), 0o600))
	for name, env := range map[string]environment{
		"variable": {"TEMPORAL_CODEC_ENDPOINT": "https://codec.example.com"},
		"profile":  {"TEMPORAL_CONFIG_FILE": profile},
	} {
		_, err := temporalconn.Load(temporalconn.Overrides{Env: env})
		require.ErrorContains(t, err, "names a payload codec, which this program does not use", name)
		require.Equal(t, err, temporalconn.CheckCodec(temporalconn.Overrides{Env: env}), name)
		own, err := temporalconn.Load(temporalconn.Overrides{Env: env, Codec: temporalconn.OwnCodec})
		require.NoError(t, err, name)
		require.Nil(t, own.DataConverter, name)
	}
	require.NoError(t, temporalconn.CheckCodec(temporalconn.Overrides{Env: environment{}}))
}

func TestTheEndpointOfACodecIsChecked(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]string{
		"codec.example.com":                     "not a URL",
		"ftp://codec.example.com":               "not a URL",
		"https://:8443":                         "not a URL",
		"https://codec.example.com:99999":       "not a URL",
		"https://me:" + canary + "@example.com": "holds credentials; give them as TEMPORAL_CODEC_AUTH",
		"https://codec.example.com?x=y":         "a query or a fragment",
		"http://codec.example.com":              "without TLS the network would read its credentials",
		"":                                      "credentials, and no endpoint",
		"http://127.0.0.1:8081":                 "",
		"https://codec.example.com/a/":          "",
	} {
		env := environment{"TEMPORAL_CODEC_ENDPOINT": endpoint, "TEMPORAL_CODEC_AUTH": "Bearer " + canary}
		_, err := temporalconn.Load(temporalconn.Overrides{Env: env, Codec: temporalconn.RemoteCodec})
		if want == "" {
			require.NoError(t, err, endpoint)
			continue
		}
		require.ErrorContains(t, err, want, endpoint)
		require.NotContains(t, err.Error(), canary)
	}
}

// codecServer is the SDK's, which checks what it is sent.
func codecServer(t *testing.T) string {
	t.Helper()
	handler := converter.NewPayloadCodecHTTPHandler(converter.NewZlibCodec(converter.ZlibCodecOptions{AlwaysEncode: true}))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer "+canary:
			http.Error(w, "not with "+r.Header.Get("Authorization"), http.StatusForbidden)
		case r.Header.Get("X-Namespace") != "flagged", r.URL.Path != "/flagged/encode" && r.URL.Path != "/flagged/decode":
			http.Error(w, "wrong namespace", http.StatusBadRequest)
		default:
			handler.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestPayloadsGoThroughTheCodecWithItsCredentialsAndTheNamespaceInUse(t *testing.T) {
	t.Parallel()
	env := environment{"TEMPORAL_CODEC_ENDPOINT": codecServer(t) + "/{namespace}/", "TEMPORAL_CODEC_AUTH": "Bearer " + canary, "TEMPORAL_NAMESPACE": "other"}
	options, err := temporalconn.Load(temporalconn.Overrides{Env: env, Namespace: "flagged", Codec: temporalconn.RemoteCodec})
	require.NoError(t, err)
	encoded, err := options.DataConverter.ToPayloads("one", "two")
	require.NoError(t, err)
	require.Equal(t, "binary/zlib", string(encoded.GetPayloads()[0].GetMetadata()[converter.MetadataEncoding]))
	plain, err := converter.GetDefaultDataConverter().ToPayload("three")
	require.NoError(t, err)
	encoded.Payloads = append(encoded.Payloads, plain)
	var one, two, three string
	require.NoError(t, options.DataConverter.FromPayloads(encoded, &one, &two, &three))
	require.Equal(t, []string{"one", "two", "three"}, []string{one, two, three}, "what no codec has encoded is read, too")

	without, err := temporalconn.Load(temporalconn.Overrides{Env: environment{}, Codec: temporalconn.RemoteCodec})
	require.NoError(t, err)
	require.ErrorContains(t, without.DataConverter.FromPayload(encoded.GetPayloads()[0], &one),
		`has the encoding "binary/zlib" of a payload codec, but no codec is set. Set TEMPORAL_CODEC_ENDPOINT`)
	require.NoError(t, without.DataConverter.FromPayload(plain, &three))
}

func TestTheErrorOfACodecDoesNotContainItsCredentials(t *testing.T) {
	t.Parallel()
	moved := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1/", http.StatusTemporaryRedirect))
	t.Cleanup(moved.Close)
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	}))
	t.Cleanup(endless.Close)
	for endpoint, want := range map[string]string{
		codecServer(t):       "Forbidden: not with [redacted]",
		"http://127.0.0.1:1": "connection refused",
		moved.URL:            "Temporary Redirect",
		endless.URL:          "", // too long to be a reply, or too slow
	} {
		env := environment{"TEMPORAL_CODEC_ENDPOINT": endpoint, "TEMPORAL_CODEC_AUTH": "Basic 0" + canary}
		options, err := temporalconn.Load(temporalconn.Overrides{Env: env, Codec: temporalconn.RemoteCodec})
		require.NoError(t, err)
		_, err = options.DataConverter.ToPayload("text")
		require.ErrorContains(t, err, "the payload codec at "+endpoint+" does not encode: ")
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "TEMPORAL_CODEC_ENDPOINT")
		require.NotContains(t, err.Error(), canary)
		require.Equal(t, err, options.Explain(err))
	}
}
