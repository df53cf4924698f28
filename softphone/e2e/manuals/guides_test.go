package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"callcenter/server/servertest"
	"callcenter/softphone/internal/cli"
)

// top is the folder of the module, seen from here.
var top = filepath.Join("..", "..", "..")

// names says whether a text has a flag or a command by its whole name.
func names(text, what string) bool {
	for rest := text; ; {
		_, after, found := strings.Cut(rest, what)
		if !found {
			return false
		}
		if after == "" || !strings.ContainsAny(after[:1], "-abcdefghijklmnopqrstuvwxyz") {
			return true
		}
		rest = after
	}
}

func TestTheReadmeNamesEverySettingAndEveryCommand(t *testing.T) {
	readme, guide := read(t, top, "README.md"), read(t, top, "server", "ADMIN.md")
	if lines := strings.Count(readme, "\n"); lines > 150 {
		t.Errorf("the README has %d lines, more than 150", lines)
	}
	phone := cli.Command()
	phone.PersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "config" && !names(readme, "`--"+f.Name) {
			t.Errorf("README.md does not name --%s", f.Name)
		}
	})
	err := visit(phone, func(c *cobra.Command) error {
		if name := strings.TrimPrefix(c.CommandPath(), "softphone "); c.HasParent() && c.Parent().Name() != "completion" && !names(readme, "`"+name) {
			t.Errorf("README.md does not name %s", c.CommandPath())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	servertest.Command().Flags().VisitAll(func(f *pflag.Flag) {
		if !names(guide, "`--"+f.Name) || !names(readme, "`--"+f.Name) && f.Name != "config" {
			t.Errorf("README.md or server/ADMIN.md does not name --%s of the server", f.Name)
		}
	})
}

func TestANameIsFoundWhole(t *testing.T) {
	if names("`--ear-ceiling`", "`--ear") || !names("`--ear-x`, `--ear`", "`--ear") {
		t.Error("a part of a name is taken for it")
	}
}

func TestTheGuidesNameNoFlagThatIsNotThere(t *testing.T) {
	known := map[string]bool{"--help": true, "--version": true}
	for _, root := range []*cobra.Command{cli.Command(), servertest.Command()} {
		err := visit(root, func(c *cobra.Command) error {
			c.Flags().VisitAll(func(f *pflag.Flag) { known["--"+f.Name] = true })
			c.PersistentFlags().VisitAll(func(f *pflag.Flag) { known["--"+f.Name] = true })
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	flag := regexp.MustCompile(`--[a-z][a-z-]+`)
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^):]*)?\)`)
	for _, path := range [][]string{{top, "README.md"}, {top, "server", "ADMIN.md"}, {top, "softphone", "OPERATOR.md"}} {
		text := read(t, path...)
		for _, name := range flag.FindAllString(text, -1) {
			if !known[name] {
				t.Errorf("%s names %s, which no command has", path[len(path)-1], name)
			}
		}
		folder := filepath.Dir(filepath.Join(path...))
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(folder, m[1])); err != nil {
				t.Errorf("%s: %v", path[len(path)-1], err)
			}
		}
	}
}
