package opsmanagertest

import (
	"fmt"
	"reflect"
	"strings"
)

const usage = `A simulated manager of MongoDB's link API, and the part of Atlas that creates
link-tokens.

The manager, with HTTP digest and the API key %s:

  POST, DELETE /api/public/v1.0/orgs/{orgId}/liveExport/migrationLink
  GET          /api/public/v1.0/orgs/{orgId}/liveExport/migrationLink/status
  GET          /api/public/v1.0/orgs
  GET          /api/public/v1.0/orgs/{orgId}/groups
  GET          /api/public/v1.0/groups/{projectId}/hosts

Atlas, with HTTP digest and the API key %s, or with an access token of the
service account %s;
Accept: ` + atlasMediaType + `

  POST, DELETE /api/atlas/v2/orgs/{orgId}/liveMigrations/linkTokens
  GET          /api/atlas/v2/orgs/{orgId}/liveMigrations/availableProjects
  POST         /api/oauth/token    access tokens (Basic, grant_type=client_credentials)

The private keys and the client secret are those of the command line;
"simulator --help" names the defaults.

%s

Control, without credentials:

  GET  /simulator/state         show the requests that it received
  PUT  /simulator/orgs/{orgId}  set the behavior for an organization, or for "default"
  PUT  /simulator/faults        replace the faults, {"faults": […]}
  POST /simulator/faults        add faults, {"faults": […]}
  POST /simulator/reset         forget everything
`

const (
	jointUsage = "The manager accepts only link-tokens that were issued here (joint mode)."
	apartUsage = "The manager accepts any link-token."
)

// frontPage describes the APIs and the values of each field.
func frontPage(o Options) string {
	mode := apartUsage
	if o.Joint {
		mode = jointUsage
	}
	var page strings.Builder
	fmt.Fprintf(&page, usage, o.PublicKey, o.AtlasPublicKey, o.AtlasClientID, mode)
	page.WriteString("\nFields of an organization, all optional:\n\n")
	describe(&page, reflect.TypeFor[OrgSettings](), orgValues())
	page.WriteString("\nFields of a fault, all optional except kind:\n\n")
	describe(&page, reflect.TypeFor[Fault](), faultValues)
	return page.String()
}

// orgValues describes the values of an organization's fields.
func orgValues() map[string]string {
	values := map[string]string{
		"status":            "any word, reported instead of the true status",
		"runningMigrations": "array of project ids; they block DELETE",
		"errorMessage":      "any text",
		"tokenRefusal":      NoRefusal + ", or an error code such as " + RefusedToken,
		"projects":          fmt.Sprintf("number from 0 to %d", maxProjects),
		"deployments": `array of {"name", "type": "` + strings.Join(deploymentTypes, `" or "`) +
			`", "versions": […] that the hosts have in turn, "hosts": number}`,
		"migrationHosts": fmt.Sprintf("number from 0 to %d", maxHosts),
		"linked":         "true or false: makes or removes a link now",
		"linkedTo":       "with linked: the organization of Atlas that it leads to",
	}
	for _, c := range choices {
		values[c.field] = strings.Join(c.known, ", ")
	}
	return values
}

// faultValues describes the values of a fault's fields.
var faultValues = map[string]string{
	"operation":   strings.Join(knownOperations(), ", "),
	"orgId":       "24 lower-case hexadecimal digits",
	"count":       "number of hits after which the fault ends",
	"probability": "number from 0 to 1",
	"every":       "number N: of the matching requests, hit only every Nth",
	"period":      `duration such as "5m"; with active, the fault comes and goes`,
	"active":      "duration: how long the fault is there in each period",
	"location":    "URL, for redirect",
	"status":      "HTTP status, for error, redirect and echo",
	"errorCode":   "any text, for error",
	"detail":      "any text, for error",
	"parameters":  "array, for error",
	"form":        strings.Join(EchoForms(), ", ") + ", for echo",
	"bytes":       "number, for endless-body and padded-body",
}

// widest is the maximum width of a line, in characters.
const widest = 100

// describe writes the name and the values of each field.
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
	for word := range strings.FieldsSeq(value) {
		if len(line)+1+len(word) > widest {
			fmt.Fprintln(page, line)
			line = strings.Repeat(" ", indent-1)
		}
		line += " " + word
	}
	fmt.Fprintln(page, line)
}

// ofType describes the values of a field by its type.
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
