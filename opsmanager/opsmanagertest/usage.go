package opsmanagertest

import (
	"fmt"
	"reflect"
	"strings"
)

const usage = `A simulated manager of MongoDB's link API, and the side of Atlas that makes
link-tokens.

The manager, with HTTP digest and the API key %s:

  POST, DELETE /api/public/v1.0/orgs/{orgId}/liveExport/migrationLink
  GET          /api/public/v1.0/orgs/{orgId}/liveExport/migrationLink/status
  GET          /api/public/v1.0/orgs/{orgId}/groups

Atlas, with HTTP digest and the API key %s, or with an access token of the
service account %s;
Accept: ` + atlasMediaType + `

  POST, DELETE /api/atlas/v2/orgs/{orgId}/liveMigrations/linkTokens
  GET          /api/atlas/v2/orgs/{orgId}/liveMigrations/availableProjects
  POST         /api/oauth/token    access tokens (Basic, grant_type=client_credentials)

The private keys and the client secret are those that it was started with;
"simulator --help" names the ones that it has without.

%s

Control, without credentials:

  GET  /simulator/state         what it was asked
  PUT  /simulator/orgs/{orgId}  how it behaves for an organization, or for "default"
  PUT  /simulator/faults        what goes wrong next, {"faults": […]}
  POST /simulator/faults        the same, besides what is set already
  POST /simulator/reset         forget everything
`

const (
	jointUsage = "The manager accepts only link-tokens that were issued here (joint mode)."
	apartUsage = "The manager accepts any link-token."
)

// frontPage tells people what there is, with the values that each field can have.
func frontPage(o Options) string {
	mode := apartUsage
	if o.Joint {
		mode = jointUsage
	}
	var page strings.Builder
	fmt.Fprintf(&page, usage, o.PublicKey, o.AtlasPublicKey, o.AtlasClientID, mode)
	page.WriteString("\nFields of an organization, all optional:\n\n")
	describe(&page, reflect.TypeFor[OrgSettings](), orgValues())
	page.WriteString("\nFields of a fault, optional but for kind:\n\n")
	describe(&page, reflect.TypeFor[Fault](), faultValues)
	return page.String()
}

// orgValues are the words that fields of an organization can have.
func orgValues() map[string]string {
	values := map[string]string{
		"status":            "any word, reported in place of the true status",
		"runningMigrations": "array of project ids; they block DELETE",
		"errorMessage":      "any text",
		"tokenRefusal":      NoRefusal + ", or an error code such as " + RefusedToken,
		"projects":          fmt.Sprintf("number from 0 to %d", maxProjects),
		"linked":            "true or false: makes or removes a link now",
	}
	for _, c := range choices {
		values[c.field] = strings.Join(c.known, ", ")
	}
	return values
}

// faultValues are the words that fields of a fault can have.
var faultValues = map[string]string{
	"operation":   strings.Join(knownOperations(), ", "),
	"orgId":       "24 lower-case hexadecimal digits",
	"count":       "number of hits after which the fault ends",
	"probability": "number from 0 to 1",
	"location":    "URL, for redirect",
	"status":      "HTTP status, for error, redirect and echo",
	"errorCode":   "any text, for error",
	"detail":      "any text, for error",
	"parameters":  "array, for error",
	"form":        strings.Join(EchoForms(), ", ") + ", for echo",
	"bytes":       "number, for endless-body and padded-body",
}

// widest is the width of a line, in characters.
const widest = 100

// describe writes a line, or a few, for each field: its name, and its values.
func describe(page *strings.Builder, shape reflect.Type, values map[string]string) {
	for field := range shape.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		value, ok := values[name]
		switch {
		case name == "kind":
			value = strings.Join(knownKinds(), ", ")
		case !ok:
			value = ofType(field.Type)
		}
		writeField(page, name, value)
	}
}

func writeField(page *strings.Builder, name, value string) {
	const indent = 24
	line := fmt.Sprintf("  %-*s", indent-3, name)
	for _, word := range strings.Fields(value) {
		if len(line)+1+len(word) > widest {
			fmt.Fprintln(page, line)
			line = strings.Repeat(" ", indent-1)
		}
		line += " " + word
	}
	fmt.Fprintln(page, line)
}

// ofType are the values of a field that nothing else is known of.
func ofType(shape reflect.Type) string {
	if shape.Kind() == reflect.Pointer {
		shape = shape.Elem()
	}
	switch {
	case shape == reflect.TypeFor[Duration]():
		return `duration such as "5s" or "1m30s"`
	case shape.Kind() == reflect.Bool:
		return "true or false"
	}
	return shape.Kind().String()
}
