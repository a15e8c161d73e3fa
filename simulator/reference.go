package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// reference is the location of a key, which does not belong on a command line.
type reference struct{ flag, variable, file string }

func (r *reference) register(flags *pflag.FlagSet, flag, what, demo string) {
	r.flag = flag
	flags.StringVar(&r.variable, flag+"-env", "", "environment variable with the "+what+" (default the demo one, "+demo+")")
	flags.StringVar(&r.file, flag+"-file", "", "file with the "+what)
}

// fetch reads the key. Without a reference it leaves key empty, which means the demo
// key. A reference to nothing is an error: the demo key would be a surprise.
func (r *reference) fetch(lookup func(string) (string, bool), key *string) error {
	switch {
	case r.variable != "" && r.file != "":
		return fmt.Errorf("--%s-env and --%[1]s-file cannot both be given", r.flag)
	case r.variable != "":
		if *key, _ = lookup(r.variable); *key == "" {
			return fmt.Errorf("--%s-env: the environment variable %s is not set or empty", r.flag, r.variable)
		}
	case r.file != "":
		content, err := os.ReadFile(r.file)
		if err != nil {
			return fmt.Errorf("--%s-file: %w", r.flag, err)
		}
		if *key = strings.TrimRight(string(content), "\r\n"); *key == "" {
			return fmt.Errorf("--%s-file: %s is empty", r.flag, r.file)
		}
	}
	return nil
}
