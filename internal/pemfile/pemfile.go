// Package pemfile checks files of certificates in PEM form. The standard library
// silently skips what it cannot read.
package pemfile

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	begin = "-----BEGIN"
	end   = "-----END"
	// most limits the problems that are listed: a file may have tens of thousands.
	most = 5
)

// Certificates lists the blocks of text that are not usable certificates, by their
// numbers in the file, starting at 1, with the reasons. It repeats no content except the
// type of a block.
func Certificates(text string) (problems []string) { return check(text, false) }

// CertificatesAndKey is Certificates for a file that may also hold a private key. The
// caller checks that it holds a certificate, and if HoldsKey, its mode.
func CertificatesAndKey(text string) (problems []string) { return check(text, true) }

// HoldsKey reports whether text has a private key, even a damaged one, so that the file needs
// the mode of a key file.
func HoldsKey(text string) bool { return strings.Contains(text, "PRIVATE KEY-----") }

func check(text string, keyAllowed bool) (problems []string) {
	found, all := 0, blocks(text)
	for i, block := range all {
		certificate, err := parse(block, keyAllowed)
		if certificate {
			found++
		}
		if err != nil {
			problems = append(problems, fmt.Sprintf("block %d %v", i+1, err))
		}
	}
	if before, _, cut := strings.Cut(text, begin); cut && strings.Contains(before, end) {
		problems = append([]string{"the first block has an end without a beginning"}, problems...)
	}
	if more := len(problems) - most; more > 0 {
		problems = append(problems[:most], fmt.Sprintf("%d more blocks cannot be used", more))
	}
	if found == 0 && len(problems) == 0 && !keyAllowed {
		problems = []string{"it holds no certificate in PEM form; put the certificate into it, with its lines -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----"}
	}
	return problems
}

// blocks splits text at the beginning of each block.
func blocks(text string) []string {
	parts := strings.Split(text, begin)
	all := make([]string, 0, len(parts)-1)
	for i, part := range parts[1:] {
		if before := parts[i]; before != "" && !strings.HasSuffix(before, "\n") {
			all = append(all, " "+begin+part) // not on a line of its own
			continue
		}
		all = append(all, begin+part)
	}
	return all
}

// parse reports whether the block is a certificate, even if it is invalid.
func parse(text string, keyAllowed bool) (certificate bool, _ error) {
	if strings.HasPrefix(text, " ") {
		return false, errors.New("does not begin on a line of its own; put its first line on one, without space before it")
	}
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return false, errors.New("is damaged or cut off; put the whole of it here again")
	case strings.Contains(string(rest), end):
		return false, errors.New("is followed by an end without a beginning; put both blocks here again")
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		if keyAllowed {
			return false, nil
		}
		return false, errors.New("is a private key, which others may read here; remove it, and replace the key if others had the file")
	case block.Type == "EC PARAMETERS" && keyAllowed:
		return false, nil
	case block.Type == "TRUSTED CERTIFICATE":
		return false, errors.New("is a TRUSTED CERTIFICATE, a form of OpenSSL alone; convert it with openssl x509 -in FILE -out NEW")
	case block.Type != "CERTIFICATE":
		return false, fmt.Errorf("is a %.40q, not a CERTIFICATE; remove it", block.Type)
	case len(block.Headers) > 0:
		return true, errors.New("is a certificate with header lines; remove those lines")
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return true, fmt.Errorf("is a certificate that cannot be used: %w; put it here again, or have its authority issue a correct one", err)
	}
	return true, nil
}

// Validity lists the certificates of text that have expired or are not valid yet, by the
// numbers of their blocks.
func Validity(text string, now time.Time) (warnings []string) {
	const day = time.DateTime + " MST"
	for i, part := range blocks(text) {
		block, _ := pem.Decode([]byte(part))
		if block == nil {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		switch {
		case err != nil:
		case now.After(certificate.NotAfter):
			warnings = append(warnings, fmt.Sprintf("block %d is a certificate that expired on %s; replace it", i+1, certificate.NotAfter.UTC().Format(day)))
		case now.Before(certificate.NotBefore):
			warnings = append(warnings, fmt.Sprintf("block %d is a certificate that is not valid before %s; check the clock, or wait", i+1, certificate.NotBefore.UTC().Format(day)))
		}
	}
	if more := len(warnings) - most; more > 0 {
		warnings = append(warnings[:most], fmt.Sprintf("%d more certificates have expired or are not valid yet", more))
	}
	return warnings
}
