// Command codec is a worker of migrationlink that encrypts what it stores in Temporal
// and reads what its callers have encrypted. With -serve it is the codec server for
// starter, temporal and the Web UI.
package main

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink/worker/library"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	codec, err := codecOf(os.Getenv("PAYLOAD_CODEC"))
	if err == nil && len(args) == 2 && args[0] == "-serve" {
		err = serve(ctx, args[1], codec)
		if err == nil {
			return 0
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "codec:", err)
		return 1
	}
	data := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codec)
	return library.Run(ctx, args, os.Stdout, os.Stderr, library.Options{
		DataConverter: data,
		FailureConverter: temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
			DataConverter:          data,
			EncodeCommonAttributes: true, // messages and stack traces
		}),
	})
}

// codecOf returns the codec of this name, aes by default.
func codecOf(name string) (converter.PayloadCodec, error) {
	switch cmp.Or(name, "aes") {
	case "zlib":
		return boundedZlib{converter.NewZlibCodec(converter.ZlibCodecOptions{AlwaysEncode: true})}, nil
	case "aes":
		key, err := base64.StdEncoding.DecodeString(os.Getenv("PAYLOAD_KEY"))
		if err != nil || len(key) != 32 {
			return nil, errors.New("PAYLOAD_KEY is not a key of 32 bytes in base64; make one with: openssl rand -base64 32")
		}
		return newAES(key)
	}
	return nil, errors.New("PAYLOAD_CODEC is neither aes nor zlib")
}

// serve is for this machine only: everybody who reaches it can decrypt everything.
func serve(ctx context.Context, address string, codec converter.PayloadCodec) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "export TEMPORAL_CODEC_ENDPOINT=http://%s\n", listener.Addr())
	server := &http.Server{Handler: converter.NewPayloadCodecHTTPHandler(codec), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
