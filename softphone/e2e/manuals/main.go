// Manuals writes the manual pages of both programs and the completions of their
// command lines, from the commands and flags themselves: `make manuals` runs it
// with the folder to write to. It is a program of its own so that neither
// softphone nor server carries it.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"callcenter/server/servertest"
	"callcenter/softphone/internal/cli"
)

// anyHome stands for the folder of settings of whoever reads the pages.
const anyHome = "/XDG_CONFIG_HOME"

func main() {
	if len(os.Args) != 2 {
		_, _ = fmt.Fprintln(os.Stderr, "usage: manuals FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "manuals:", err)
		os.Exit(1)
	}
}

// write writes everything below a folder: man/NAME.1 and completions/PROGRAM.SHELL.
func write(folder string) error {
	// The paths in the pages are not to be those of whoever makes them.
	if err := os.Setenv("XDG_CONFIG_HOME", anyHome); err != nil {
		return err
	}
	for _, p := range []program{
		{root: cli.Command(), more: softphoneSections(), prefix: "SOFTPHONE_"},
		{root: servertest.Command(), more: serverSections(), prefix: "SERVER_"},
	} {
		if err := errors.Join(p.pages(filepath.Join(folder, "man")), p.completions(filepath.Join(folder, "completions"))); err != nil {
			return err
		}
	}
	return nil
}

// program is one of the two.
type program struct {
	root   *cobra.Command
	more   []section // of the page of the program itself
	prefix string    // of its environment variables
}

// pages writes a page for each command.
func (p program) pages(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return visit(p.root, func(c *cobra.Command) error {
		return os.WriteFile(filepath.Join(folder, pageName(c)+".1"), []byte(strings.ReplaceAll(p.page(c), anyHome, "$"+anyHome[1:])), 0o644)
	})
}

// visit calls f with a command and all below it that are to be seen.
func visit(c *cobra.Command, f func(*cobra.Command) error) error {
	if err := f(c); err != nil {
		return err
	}
	for _, sub := range below(c) {
		if err := visit(sub, f); err != nil {
			return err
		}
	}
	return nil
}

// below are the commands below c that are to be seen; help is seen everywhere.
func below(c *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			list = append(list, sub)
		}
	}
	return list
}

func (p program) completions(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for shell, generate := range map[string]func(io.Writer) error{
		"bash": func(w io.Writer) error { return p.root.GenBashCompletionV2(w, true) },
		"fish": func(w io.Writer) error { return p.root.GenFishCompletion(w, true) },
		"zsh":  p.root.GenZshCompletion,
	} {
		f, err := os.Create(filepath.Join(folder, p.root.Name()+"."+shell))
		if err != nil {
			return err
		}
		if err := errors.Join(generate(f), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
