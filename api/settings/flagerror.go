package settings

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
)

// FlagError adds to the error of parsing flags which flag may have been meant.
func FlagError(flags *pflag.FlagSet, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	var names []string
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	name := unknown.GetSpecifiedName()
	if near, d := nearest(name, names); len(name) > 1 && near != "" && d <= 3 {
		return fmt.Errorf("%w: did you mean --%s?", err, near)
	}
	return err
}
