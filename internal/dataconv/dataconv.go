// Package dataconv reads what Temporal stores with the converters of a client, so that
// it works with a payload codec, too.
package dataconv

import (
	"context"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Converters are the converters of a client.
type Converters struct {
	Data     converter.DataConverter
	Failures converter.FailureConverter
}

// Default returns the converters of a client with default options.
func Default() Converters { return Of(client.Options{}) }

// Of returns the converters of a client with these options. The details of failures
// go through the data converter, unless the options have a failure converter.
func Of(options client.Options) Converters {
	c := Converters{Data: options.DataConverter, Failures: options.FailureConverter}
	if c.Data == nil {
		c.Data = converter.GetDefaultDataConverter()
	}
	if c.Failures == nil {
		c.Failures = temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{DataConverter: c.Data})
	}
	return c
}

// Text decodes a text, such as one of a memo. It returns "" for anything else.
func (c Converters) Text(payload *commonpb.Payload) (text string) {
	if payload == nil || c.Data.FromPayload(payload, &text) != nil {
		return ""
	}
	return text
}

// MemoTexts returns texts of a memo by name. The error is that of the payload codec; texts that nobody has encoded
// are returned nevertheless.
func (c Converters) MemoTexts(memo *commonpb.Memo, names ...string) (map[string]string, error) {
	found, encoded := map[string]string{}, &commonpb.Payloads{}
	var texts []any
	for _, name := range names {
		payload := memo.GetFields()[name]
		if IsPlain(Encoding(payload)) {
			found[name] = Default().Text(payload)
			continue
		}
		encoded.Payloads = append(encoded.Payloads, payload)
		texts = append(texts, new(string))
	}
	if len(texts) == 0 {
		return found, nil
	}
	err := c.Data.FromPayloads(encoded, texts...) // one call of the codec
	next := 0
	for _, name := range names {
		if _, plain := found[name]; !plain {
			found[name] = *texts[next].(*string) //nolint:forcetypeassert // made above
			next++
		}
	}
	return found, err
}

// MemoText returns a text of a memo, or "" if there is none.
func (c Converters) MemoText(memo *commonpb.Memo, name string) string {
	return c.Text(memo.GetFields()[name])
}

// Unreadable returns converters that decode nothing, for the reason in err: a codec that does not answer is not
// asked for each of many.
func Unreadable(err error) Converters { return Converters{Data: unreadable{err: err}} }

type unreadable struct {
	converter.DataConverter
	err error
}

func (u unreadable) FromPayload(*commonpb.Payload, any) error      { return u.err }
func (u unreadable) FromPayloads(*commonpb.Payloads, ...any) error { return u.err }

// Encoding returns the encoding in a payload's metadata.
func Encoding(payload *commonpb.Payload) string {
	return string(payload.GetMetadata()[converter.MetadataEncoding])
}

// IsPlain reports whether Temporal's own converters read an encoding, that is, whether
// no codec was used.
func IsPlain(encoding string) bool {
	switch encoding {
	case "", converter.MetadataEncodingJSON, converter.MetadataEncodingNil, converter.MetadataEncodingBinary,
		converter.MetadataEncodingProto, converter.MetadataEncodingProtoJSON:
		return true
	}
	return false
}

// Lenient returns a data converter that passes on a converter.RawValue undecoded if the
// codec of dc cannot decode it. Workflows read inputs and signals as raw values: they
// can name an unknown encoding, and a cancel signal works even if its payload is
// unreadable.
func Lenient(dc converter.DataConverter) converter.DataConverter { return lenient{dc} }

type lenient struct{ converter.DataConverter }

func (l lenient) FromPayload(payload *commonpb.Payload, into any) error {
	err := l.DataConverter.FromPayload(payload, into)
	if raw, ok := into.(*converter.RawValue); ok && err != nil {
		*raw = converter.NewRawValue(payload)
		return nil
	}
	return err
}

func (l lenient) FromPayloads(payloads *commonpb.Payloads, into ...any) error {
	err := l.DataConverter.FromPayloads(payloads, into...)
	if err == nil {
		return nil
	}
	for i, payload := range payloads.GetPayloads() {
		if i >= len(into) {
			break
		}
		raw, ok := into[i].(*converter.RawValue)
		if !ok {
			return err
		}
		*raw = converter.NewRawValue(payload)
	}
	return nil
}

// WithSerializationContext passes the context on to the wrapped converter.
func (l lenient) WithSerializationContext(ctx converter.SerializationContext) converter.DataConverter {
	return lenient{converter.WithDataConverterSerializationContext(l.DataConverter, ctx)}
}

// WithWorkflowContext passes the context on to a converter that is aware of contexts.
func (l lenient) WithWorkflowContext(ctx workflow.Context) converter.DataConverter {
	if aware, ok := l.DataConverter.(converter.ContextAware); ok {
		return lenient{aware.WithWorkflowContext(ctx)}
	}
	return l
}

// WithContext passes the context on to a converter that is aware of contexts.
func (l lenient) WithContext(ctx context.Context) converter.DataConverter {
	if aware, ok := l.DataConverter.(converter.ContextAware); ok {
		return lenient{aware.WithContext(ctx)}
	}
	return l
}
