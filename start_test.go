package migrationlink_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
)

func TestASecondStartJoinsAnEqualRequestAndNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	const org = "5f1b2c3d4e5f6a7b8c9d0e1f"
	link := migrationlink.LinkRequest{Manager: "demo", OrgID: org, Token: migrationlink.TokenSource{Ref: "file:a"}}
	filled := link.WithDefaults()
	filled.SyncTimeout = "60m"
	other := link
	other.Token.Ref, other.Undo, other.SyncTimeout = "file:b", migrationlink.UndoNever, "2h"
	unlink := migrationlink.UnlinkRequest{Manager: "demo", OrgID: org}
	running := migrationlink.StartRequest{Link: &link}

	require.Empty(t, running.Difference(running))
	require.Empty(t, running.Difference(migrationlink.StartRequest{Link: &filled}), "left out, and the default written in another way")
	require.Equal(t, []migrationlink.FieldProblem{
		{Field: "token.ref", Problem: "running link: file:a; your request: file:b"},
		{Field: "undo", Problem: "running link: on-cancel; your request: never"},
		{Field: "syncTimeout", Problem: "running link: 1h0m0s; your request: 2h0m0s"},
	}, running.Difference(migrationlink.StartRequest{Link: &other}))
	require.Equal(t, []migrationlink.FieldProblem{
		{Field: "workflow", Problem: "running: LinkOrganization; your request: UnlinkOrganization"},
	}, running.Difference(migrationlink.StartRequest{Unlink: &unlink}))
	require.Len(t, running.Difference(migrationlink.StartRequest{}), 1)
}

func TestTheWorkflowIDTellsWhatItIsFor(t *testing.T) {
	t.Parallel()
	const org = "5f1b2c3d4e5f6a7b8c9d0e1f"
	manager, orgID, ok := migrationlink.SplitWorkflowID(migrationlink.WorkflowID("ops-1", org))
	require.True(t, ok)
	require.Equal(t, "ops-1", manager)
	require.Equal(t, org, orgID)
	for _, other := range []string{"", "link.", "link.demo", "link.demo.1", "unlink.demo." + org, "link.Demo." + org} {
		_, _, ok := migrationlink.SplitWorkflowID(other)
		require.False(t, ok, other)
	}
}

// A field that the rule forgets would let a different request join.
func TestEveryFieldOfARequestMakesADifference(t *testing.T) {
	t.Parallel()
	for _, leaf := range leaves(reflect.TypeFor[migrationlink.LinkRequest](), nil) {
		changed := &migrationlink.LinkRequest{}
		set(reflect.ValueOf(changed).Elem(), leaf)
		require.Len(t, migrationlink.StartRequest{Link: &migrationlink.LinkRequest{}}.Difference(migrationlink.StartRequest{Link: changed}), 1, leaf)
	}
	for _, leaf := range leaves(reflect.TypeFor[migrationlink.UnlinkRequest](), nil) {
		changed := &migrationlink.UnlinkRequest{}
		set(reflect.ValueOf(changed).Elem(), leaf)
		differences := 1
		if changed.Reason != "" {
			differences = 0 // it does not change what is done
		}
		require.Len(t, migrationlink.StartRequest{Unlink: &migrationlink.UnlinkRequest{}}.Difference(migrationlink.StartRequest{Unlink: changed}), differences, leaf)
	}
}

// set gives the field at the index a value that is not its zero.
func set(value reflect.Value, index []int) {
	for _, i := range index {
		if value.Kind() == reflect.Pointer {
			if value.IsNil() {
				value.Set(reflect.New(value.Type().Elem()))
			}
			value = value.Elem()
		}
		value = value.Field(i)
	}
	switch value.Kind() {
	case reflect.Bool:
		value.SetBool(true)
	case reflect.Slice:
		value.Set(reflect.ValueOf([]string{"7h"}))
	default:
		value.SetString("7h")
	}
}

// leaves are the indices of the fields that hold no others.
func leaves(of reflect.Type, above []int) [][]int {
	var found [][]int
	for field := range of.Fields() {
		index := append(slices.Clone(above), field.Index...)
		held := field.Type
		if held.Kind() == reflect.Pointer {
			held = held.Elem()
		}
		if held.Kind() == reflect.Struct {
			found = append(found, leaves(held, index)...)
			continue
		}
		found = append(found, index)
	}
	return found
}
