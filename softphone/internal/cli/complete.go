package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"callcenter/softphone/internal/config"
	"callcenter/softphone/internal/sound"
)

// listFor is how long completion waits for the sound system to say what it has:
// who pressed the tab key waits as well.
const listFor = time.Second

// complete tells shells what may follow: the values of settings that take one of
// a few, whom a call can be made to, and which devices there are. No server is
// asked.
func (p *program) complete(root *cobra.Command) {
	offer := func(flag string, f cobra.CompletionFunc) {
		// It fails for a flag that is not there, which a test would show.
		_ = root.RegisterFlagCompletionFunc(flag, f)
	}
	for name, values := range config.Choices() {
		offer(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	offer("dest", p.destinations)
	offer("server", cobra.NoFileCompletions)
	offer("capture", ends(sound.Capture, "null", "tone:440"))
	offer("playback", ends(sound.Playback, "null"))
	for _, c := range root.Commands() {
		switch c.Name() {
		case "call":
			c.ValidArgsFunction = first(p.destinations)
		case "open":
			c.ValidArgsFunction = first(cobra.FixedCompletions([]cobra.Completion{"zip"}, cobra.ShellCompDirectiveFilterFileExt))
		case "history":
			c.ValidArgsFunction = cobra.NoFileCompletions
		}
	}
}

// first completes the first argument of a command, the only one that it takes.
func first(f cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return f(cmd, args, typed)
	}
}

// destinations are whom a call can be made to: favourites and contacts by their
// destination, and what every server has.
func (p *program) destinations(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	// What is wrong with the settings is not for a completion to say.
	_, _ = p.cfg.Show(settingFlags(cmd))
	var list []cobra.Completion
	seen := make(map[string]bool)
	add := func(dest, what string) {
		if !seen[dest] && dest != "" {
			seen[dest] = true
			list = append(list, cobra.CompletionWithDesc(dest, what))
		}
	}
	for _, c := range p.cfg.Favourites() {
		add(c.Destination, c.Name)
	}
	for _, c := range p.cfg.Contacts() {
		add(c.Destination, c.Name)
	}
	add("echo", "your own voice")
	add("tone", "a test tone")
	add("room/lobby", "a conference")
	return list, cobra.ShellCompDirectiveNoFileComp
}

// ends are what a call can open in a direction: files, the sound devices by their
// ids, which have no blanks, and what else there is.
func ends(dir sound.Direction, also ...cobra.Completion) cobra.CompletionFunc {
	const file = "file:"
	return func(cmd *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if typed != "" && (strings.HasPrefix(file, typed) || strings.HasPrefix(typed, file)) {
			return []cobra.Completion{file}, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		}
		list := append([]cobra.Completion{file}, also...)
		ctx, cancel := context.WithTimeout(cmd.Context(), listFor)
		defer cancel()
		found, err := sound.Devices(ctx, nil)
		if err != nil { // what needs no device is all there is
			return list, cobra.ShellCompDirectiveNoFileComp
		}
		for _, d := range found {
			if d.Direction == dir {
				list = append(list, cobra.CompletionWithDesc(d.ID, d.Name))
			}
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}
