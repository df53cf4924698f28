package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"callcenter/server/servertest"
	"callcenter/softphone/internal/cli"
)

func read(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// written is a folder with everything.
func written(t *testing.T) string {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", "") // write changes it
	folder := t.TempDir()
	if err := write(folder); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestEveryCommandAndEveryFlagIsInTheManual(t *testing.T) {
	folder := written(t)
	pages := 0
	for _, root := range []*cobra.Command{cli.Command(), servertest.Command()} {
		err := visit(root, func(c *cobra.Command) error {
			pages++
			page := read(t, folder, "man", pageName(c)+".1")
			c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
				if !f.Hidden && !strings.Contains(page, "\\fB\\-\\-"+escape(f.Name)+"\\fR") {
					t.Errorf("--%s is not in the page of %s", f.Name, c.CommandPath())
				}
			})
			for _, word := range append(strings.Fields(c.Short), strings.Fields(c.Long)...) {
				if !strings.Contains(page, escape(word)) {
					t.Errorf("the page of %s lacks %q", c.CommandPath(), word)
				}
			}
			for _, sub := range below(c) {
				if !strings.Contains(page, escape(pageName(sub))+" (1)") {
					t.Errorf("the page of %s does not name %s", c.CommandPath(), pageName(sub))
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if page := read(t, folder, "man", "softphone.1"); !strings.Contains(page, "(default $XDG_CONFIG_HOME/softphone/config.toml)") {
		t.Error("the settings file is not where everybody finds it")
	}
	found, err := os.ReadDir(filepath.Join(folder, "man"))
	if err != nil || len(found) != pages || pages < 8 {
		t.Errorf("%d pages for %d commands, %v", len(found), pages, err)
	}
}

func TestBothProgramsHaveCompletionsForEveryShell(t *testing.T) {
	folder := written(t)
	for _, name := range []string{"softphone", "server"} {
		for _, shell := range []string{"bash", "zsh", "fish"} {
			if text := read(t, folder, "completions", name+"."+shell); !strings.Contains(text, "__complete") || !strings.Contains(text, name) {
				t.Errorf("%s.%s is %.80q", name, shell, text)
			}
		}
	}
}

func TestTextMeansItselfInAPage(t *testing.T) {
	want := "\\&.a \\e n\\-th\n.PP\nb\n.RS 4\n.nf\n\\&.kept \\-\\-x\n.fi\n.RE\n.PP\nc\n"
	if got := text(".a \\ n-th\n\nb\n\t.kept --x\n\nc\n"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
