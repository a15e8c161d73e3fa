package opsmanagertest

import (
	"maps"
	"net/http"
	"slices"
)

// Values of OrgSettings.Refusal. The error for an unknown one lists the others.
const (
	RefusedRole      = "NOT_ORG_OWNER"
	RefusedUser      = "USER_UNAUTHORIZED"
	RefusedAddress   = "IP_ADDRESS_NOT_ON_ACCESS_LIST"
	RefusedSuspended = "ACCOUNT_SUSPENDED"
	RefusedOrg       = "ORG_NOT_FOUND"
)

// RefusedToken is a value of OrgSettings.TokenRefusal. The true code for an invalid,
// expired or revoked link-token is unknown.
const RefusedToken = "INVALID_ATTRIBUTE"

// refusal is an error that answers every call of an organization.
type refusal struct {
	status int
	detail string
	// parameter is the error's parameter: the caller's address, the organization, or
	// nothing.
	parameter func(c *call) string
}

func callerAddress(c *call) string { return c.caller }
func organization(c *call) string  { return c.orgID }
func nothing(*call) string         { return "" }

const (
	roleDetail    = "The specified user does not have the required role in this organization."
	addressDetail = "This request is not allowed from this IP address."
)

// In this API, a missing role is a 401, not a 403.
var refusals = map[string]refusal{
	RefusedRole:                     {http.StatusUnauthorized, roleDetail, nothing},
	RefusedUser:                     {http.StatusUnauthorized, "The current user is not authorized to perform this action.", nothing},
	"USER_CANNOT_ACCESS_ORG":        {http.StatusUnauthorized, roleDetail, nothing},
	"NOT_ORG_ADMIN":                 {http.StatusUnauthorized, roleDetail, nothing},
	RefusedSuspended:                {http.StatusPaymentRequired, "This account is suspended.", organization},
	RefusedAddress:                  {http.StatusForbidden, addressDetail, callerAddress},
	"RESOURCE_REQUIRES_ACCESS_LIST": {http.StatusForbidden, "This resource requires access through an access list of IP addresses.", callerAddress},
	"ORG_REQUIRES_ACCESS_LIST":      {http.StatusForbidden, "This organization requires access through an access list of IP addresses.", callerAddress},
	"IP_ADDRESS_NOT_ON_WHITELIST":   {http.StatusForbidden, addressDetail, callerAddress},
	"RESOURCE_REQUIRES_WHITELIST":   {http.StatusForbidden, "This resource requires access through a whitelist of IP addresses.", callerAddress},
	"ORG_REQUIRES_WHITELIST":        {http.StatusForbidden, "This organization requires access through a whitelist of IP addresses.", callerAddress},
	"FEATURE_UNSUPPORTED":           {http.StatusForbidden, "This feature is not supported by this organization.", organization},
	RefusedOrg:                      {http.StatusNotFound, "No organization with this ID exists.", organization},
	"INVALID_ORG_ID":                {http.StatusNotFound, "An invalid organization ID was specified.", organization},
	"NOT_ATLAS_ORG":                 {http.StatusNotFound, "This organization is not an Atlas organization.", organization},
	"EXPECTED_NON_ATLAS_ORG":        {http.StatusNotFound, "This organization is an Atlas organization.", organization},
	"RESOURCE_NOT_FOUND":            {http.StatusNotFound, "Cannot find this resource.", organization},
}

func knownRefusals() []string { return slices.Sorted(maps.Keys(refusals)) }

// refuse answers with the refusal of a code in refusals.
func refuse(code string, c *call) reply {
	r := refusals[code]
	if parameter := r.parameter(c); parameter != "" {
		return apiError(r.status, code, r.detail, parameter)
	}
	return apiError(r.status, code, r.detail)
}
