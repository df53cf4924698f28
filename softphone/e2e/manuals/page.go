package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// section is a part of a page: a heading and what is below it, in roff.
type section struct{ heading, body string }

// page is the manual page of a command, in the macros of man(7).
func (p program) page(c *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" callcenter\n", strings.ToUpper(escape(pageName(c))))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", escape(pageName(c)), escape(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", escape(c.CommandPath()))
	if args := strings.TrimPrefix(c.UseLine(), c.CommandPath()); args != "" {
		b.WriteString(escape(strings.TrimSpace(args)) + "\n")
	}
	if len(below(c)) > 0 {
		fmt.Fprintf(&b, ".br\n.B %s\n\\fICOMMAND\\fR [flags]\n", escape(c.CommandPath()))
	}
	b.WriteString(".SH DESCRIPTION\n" + text(c.Long))
	if own := options(c.NonInheritedFlags()); own != "" {
		b.WriteString(".SH OPTIONS\n" + own)
	}
	if c.HasParent() && c.InheritedFlags().HasAvailableFlags() {
		b.WriteString(".SH SETTINGS\nThe settings in\n.BR " + escape(c.Root().Name()) + " (1)\nare flags of this command too.\n")
	}
	if c.Example != "" {
		b.WriteString(".SH EXAMPLES\n" + verbatim(strings.Split(c.Example, "\n")))
	}
	if !c.HasParent() {
		b.WriteString(".SH ENVIRONMENT\n" + p.environment())
		for _, s := range p.more {
			b.WriteString(".SH " + s.heading + "\n" + s.body)
		}
	}
	b.WriteString(seeAlso(c))
	return b.String()
}

// pageName is the name of a command's page: softphone-config-init.
func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// options lists flags, sorted, with their defaults.
func options(flags *pflag.FlagSet) string {
	var b strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Deprecated != "" {
			return
		}
		b.WriteString(".TP\n\\fB")
		if f.Shorthand != "" {
			b.WriteString("\\-" + f.Shorthand + "\\fR, \\fB")
		}
		name, usage := pflag.UnquoteUsage(f)
		b.WriteString("\\-\\-" + escape(f.Name) + "\\fR")
		if name != "" {
			b.WriteString(" \\fI" + escape(name) + "\\fR")
		}
		b.WriteString("\n" + line(escape(usage)) + "\n")
		if def := strings.Trim(f.DefValue, "[]"); !slices.Contains([]string{"", "0", "0s", "false"}, def) {
			b.WriteString("(default: " + escape(def) + ")\n")
		}
	})
	return b.String()
}

// environment says how a setting is a variable.
func (p program) environment() string {
	example := ""
	p.root.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
		if example == "" && strings.Contains(f.Name, "-") {
			example = f.Name
		}
	})
	return fmt.Sprintf("Every setting can also come from a variable, whose name is\n.B %s\nand that of the flag in capitals, with _ for \\-:\n"+
		".B %s\nis\n.BR \\-\\-%s .\nA flag wins over a variable, and that over the settings file.\n",
		p.prefix, p.prefix+strings.ToUpper(strings.ReplaceAll(example, "-", "_")), escape(example))
}

// seeAlso names the pages above and below.
func seeAlso(c *cobra.Command) string {
	var names []string
	if c.HasParent() {
		names = append(names, pageName(c.Parent()))
	}
	for _, sub := range below(c) {
		names = append(names, pageName(sub))
	}
	if len(names) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(".SH SEE ALSO\n")
	for i, name := range names {
		comma := " ,"
		if i == len(names)-1 {
			comma = ""
		}
		b.WriteString(".BR " + escape(name) + " (1)" + comma + "\n")
	}
	return b.String()
}

// text is prose: lines are joined, an empty one parts paragraphs, and lines that
// are indented stay as they are.
func text(s string) string {
	var b strings.Builder
	var kept []string
	for _, l := range strings.Split(strings.TrimSpace(s), "\n") {
		if strings.HasPrefix(l, "\t") || strings.HasPrefix(l, "  ") {
			kept = append(kept, l)
			continue
		}
		if len(kept) > 0 {
			b.WriteString(verbatim(kept) + ".PP\n")
			kept = nil
			if l == "" {
				continue
			}
		}
		if l == "" {
			b.WriteString(".PP\n")
			continue
		}
		b.WriteString(line(escape(l)) + "\n")
	}
	if len(kept) > 0 {
		b.WriteString(verbatim(kept))
	}
	return b.String()
}

// verbatim are lines that are not filled.
func verbatim(lines []string) string {
	var b strings.Builder
	b.WriteString(".RS 4\n.nf\n")
	for _, l := range lines {
		b.WriteString(line(escape(strings.TrimSpace(l))) + "\n")
	}
	b.WriteString(".fi\n.RE\n")
	return b.String()
}

// escape makes text mean itself in roff.
func escape(s string) string { return strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s) }

// line keeps a line of text from being a request.
func line(s string) string {
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		return `\&` + s
	}
	return s
}
