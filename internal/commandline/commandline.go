// Package commandline is what the command lines of all programs have in common.
package commandline

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// ErrRepeated is the error of a flag that is given more than once.
var ErrRepeated = errors.New("given more than once")

// singleValue is the value of a flag that takes one: pflag would keep the last of several.
type singleValue struct {
	pflag.Value
	set bool
}

func (o *singleValue) Set(text string) error {
	if o.set {
		return ErrRepeated
	}
	o.set = true
	return o.Value.Set(text)
}

// RejectRepeats has every flag with a single value refuse a second one, in a command and those below
// it. Call it once all flags are there.
func RejectRepeats(cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	wrap := func(flag *pflag.Flag) {
		_, several := flag.Value.(pflag.SliceValue)
		if _, wrapped := flag.Value.(*singleValue); several || wrapped {
			return
		}
		if flag.DefValue == "0s" {
			flag.DefValue = "" // as pflag has it in the help for a duration of its own
		}
		flag.Value = &singleValue{Value: flag.Value}
	}
	cmd.Flags().VisitAll(wrap)
	cmd.PersistentFlags().VisitAll(wrap)
	for _, command := range cmd.Commands() {
		RejectRepeats(command)
	}
}
