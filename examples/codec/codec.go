package main

import (
	"bytes"
	"compress/zlib"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

const encrypted = "binary/encrypted"

// aesCodec encrypts with AES-256-GCM. A codec in production also names the key of a
// payload, so that keys can be rotated.
type aesCodec struct{ sealer cipher.AEAD }

func newAES(key []byte) (converter.PayloadCodec, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	sealer, err := cipher.NewGCMWithRandomNonce(block)
	return aesCodec{sealer}, err
}

// Encode implements converter.PayloadCodec.
func (c aesCodec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	encoded := make([]*commonpb.Payload, len(payloads))
	for i, payload := range payloads {
		plain, err := proto.Marshal(payload)
		if err != nil {
			return nil, err
		}
		encoded[i] = &commonpb.Payload{
			Metadata: map[string][]byte{converter.MetadataEncoding: []byte(encrypted)},
			Data:     c.sealer.Seal(nil, nil, plain, nil), //nolint:gosec // it draws a random nonce itself
		}
	}
	return encoded, nil
}

// Decode implements converter.PayloadCodec. It does not change payloads that are not
// encrypted.
func (c aesCodec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decoded := make([]*commonpb.Payload, len(payloads))
	for i, payload := range payloads {
		decoded[i] = payload
		if string(payload.GetMetadata()[converter.MetadataEncoding]) != encrypted {
			continue
		}
		plain, err := c.sealer.Open(nil, nil, payload.GetData(), nil)
		if err != nil {
			return nil, errors.New("the payload was encrypted with another key")
		}
		decoded[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(plain, decoded[i]); err != nil {
			return nil, err
		}
	}
	return decoded, nil
}

// maxPlain is above the largest payload that Temporal accepts, in bytes.
const maxPlain = 4 << 20

// boundedZlib is the SDK's codec with a bound: the SDK's own decompresses without one.
type boundedZlib struct{ converter.PayloadCodec }

// Decode implements converter.PayloadCodec.
func (c boundedZlib) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	for _, payload := range payloads {
		if string(payload.GetMetadata()[converter.MetadataEncoding]) != "binary/zlib" {
			continue
		}
		expanding, err := zlib.NewReader(bytes.NewReader(payload.GetData()))
		if err != nil {
			return nil, err
		}
		if size, _ := io.Copy(io.Discard, io.LimitReader(expanding, maxPlain+1)); size > maxPlain {
			return nil, fmt.Errorf("the payload expands to more than %d bytes", maxPlain)
		}
	}
	return c.PayloadCodec.Decode(payloads)
}
