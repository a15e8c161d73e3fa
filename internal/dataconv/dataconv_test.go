package dataconv_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink/internal/dataconv"
)

var zlib = converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), converter.NewZlibCodec(converter.ZlibCodecOptions{AlwaysEncode: true}))

func TestTheDetailsOfFailuresGoThroughTheDataConverter(t *testing.T) {
	t.Parallel()
	stored := dataconv.Of(client.Options{DataConverter: zlib})
	failure := stored.Failures.ErrorToFailure(temporal.NewApplicationError("message", "Type", "details"))
	require.Equal(t, "binary/zlib", dataconv.Encoding(failure.GetApplicationFailureInfo().GetDetails().GetPayloads()[0]))
}

func TestAMemoIsReadInEitherEncoding(t *testing.T) {
	t.Parallel()
	stored := dataconv.Of(client.Options{DataConverter: zlib})
	for _, dc := range []converter.DataConverter{zlib, converter.GetDefaultDataConverter()} {
		payload, err := dc.ToPayload("ana")
		require.NoError(t, err)
		memo := &commonpb.Memo{Fields: map[string]*commonpb.Payload{"by": payload}}
		require.Equal(t, "ana", stored.MemoText(memo, "by"))
		require.Empty(t, stored.MemoText(memo, "none"))
	}
	require.Empty(t, dataconv.Default().MemoText(nil, "by"))
}

func TestAnUndecodablePayloadIsPassedOnUnchanged(t *testing.T) {
	t.Parallel()
	broken := &commonpb.Payload{Metadata: map[string][]byte{converter.MetadataEncoding: []byte("binary/zlib")}, Data: []byte("not zlib")}
	dc := dataconv.Lenient(zlib)
	var raw converter.RawValue
	require.NoError(t, dc.FromPayload(broken, &raw))
	require.Equal(t, "binary/zlib", dataconv.Encoding(raw.Payload()))
	raw = converter.RawValue{}
	require.NoError(t, dc.FromPayloads(&commonpb.Payloads{Payloads: []*commonpb.Payload{broken}}, &raw))
	require.Equal(t, "binary/zlib", dataconv.Encoding(raw.Payload()))
	var text string
	require.Error(t, dc.FromPayload(broken, &text))
	require.Error(t, dc.FromPayloads(&commonpb.Payloads{Payloads: []*commonpb.Payload{broken}}, &text))

	good, err := dc.ToPayloads("text")
	require.NoError(t, err)
	require.NoError(t, dc.FromPayloads(good, &raw))
	require.Equal(t, converter.MetadataEncodingJSON, dataconv.Encoding(raw.Payload()), "decoded")
}
