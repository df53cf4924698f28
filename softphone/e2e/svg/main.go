// Svg draws what a terminal shows as an SVG picture: lines of text with SGR
// colours come in on standard input, as `tmux capture-pane -e -p` prints them,
// and the picture leaves on standard output. It makes the README's pictures.
package main

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"
)

const (
	cellWidth  = 8.4
	cellHeight = 18
	padding    = 14
	background = "#16181d"
	foreground = "#d6d9e0"
)

// palette holds the sixteen colours of a terminal.
var palette = [16]string{
	"#2a2e37", "#e0605e", "#7fbf6a", "#d9b45b", "#6fa3e0", "#b98be0", "#5fbfc0", "#c8ccd4",
	"#69707d", "#f0807d", "#98d683", "#ecc978", "#8fbaf0", "#cda6ee", "#7fd6d6", "#ffffff",
}

// style is how a run of text looks.
type style struct {
	fg, bg        string
	bold, reverse bool
}

func main() {
	if err := draw(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "svg:", err)
		os.Exit(1)
	}
}

func draw(r io.Reader, w io.Writer) error {
	var lines []string
	columns := 0
	in := bufio.NewScanner(r)
	for in.Scan() {
		lines = append(lines, in.Text())
		columns = max(columns, width(in.Text()))
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("read the screen: %w", err)
	}
	out := bufio.NewWriter(w)
	wide, high := float64(columns)*cellWidth+2*padding, len(lines)*cellHeight+2*padding
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" width="%.0f" height="%d">`+"\n", wide, high, wide, high)
	fmt.Fprintf(out, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", background)
	fmt.Fprintln(out, `<g font-family="'DejaVu Sans Mono','Menlo','Consolas',monospace" font-size="14" xml:space="preserve">`)
	for i, line := range lines {
		drawLine(out, line, padding+i*cellHeight)
	}
	fmt.Fprintln(out, "</g></svg>")
	return out.Flush()
}

// width is how many cells a line takes without its colours.
func width(line string) int {
	n := 0
	runs(line, func(text string, _ style) { n += runewidth.StringWidth(text) })
	return n
}

func drawLine(w io.Writer, line string, y int) {
	column := 0
	runs(line, func(text string, s style) {
		fg, bg := s.fg, s.bg
		if s.reverse {
			fg, bg = orDefault(bg, background), orDefault(fg, foreground)
		}
		x, cells := padding+float64(column)*cellWidth, runewidth.StringWidth(text)
		if bg != "" {
			fmt.Fprintf(w, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", x, y, float64(cells)*cellWidth, cellHeight, bg)
		}
		if strings.TrimSpace(text) != "" {
			weight := ""
			if s.bold {
				weight = ` font-weight="bold"`
			}
			fmt.Fprintf(w, `<text x="%.1f" y="%d" textLength="%.1f" fill="%s"%s>%s</text>`+"\n",
				x, y+cellHeight-4, float64(cells)*cellWidth, orDefault(fg, foreground), weight, html.EscapeString(text))
		}
		column += cells
	})
}

func orDefault(colour, otherwise string) string {
	if colour == "" {
		return otherwise
	}
	return colour
}

// runs calls f for each stretch of text of one style.
func runs(line string, f func(string, style)) {
	var s style
	for line != "" {
		text, rest, found := strings.Cut(line, "\x1b[")
		if text != "" {
			f(text, s)
		}
		if !found {
			return
		}
		end := strings.IndexFunc(rest, func(r rune) bool { return r >= '@' && r <= '~' })
		if end < 0 {
			return
		}
		if rest[end] == 'm' {
			s.apply(strings.Split(rest[:end], ";"))
		}
		line = rest[end+1:]
	}
}

// apply changes the style by the parameters of an SGR sequence.
func (s *style) apply(parameters []string) {
	for i := 0; i < len(parameters); i++ {
		n, err := strconv.Atoi(parameters[i])
		switch {
		case err != nil || n == 0:
			*s = style{}
		case n == 1:
			s.bold = true
		case n == 7:
			s.reverse = true
		case n == 22:
			s.bold = false
		case n == 27:
			s.reverse = false
		case n >= 30 && n <= 37:
			s.fg = palette[n-30]
		case n >= 90 && n <= 97:
			s.fg = palette[n-82]
		case n >= 40 && n <= 47:
			s.bg = palette[n-40]
		case n >= 100 && n <= 107:
			s.bg = palette[n-92]
		case n == 39:
			s.fg = ""
		case n == 49:
			s.bg = ""
		case n == 38 || n == 48:
			colour, used := extended(parameters[i+1:])
			i += used
			if n == 38 {
				s.fg = colour
			} else {
				s.bg = colour
			}
		}
	}
}

// extended reads the rest of a 256-colour or true-colour parameter.
func extended(p []string) (colour string, used int) {
	number := func(i int) int {
		if i >= len(p) {
			return 0
		}
		n, err := strconv.Atoi(p[i])
		if err != nil {
			return 0
		}
		return min(max(n, 0), 255)
	}
	switch {
	case len(p) > 0 && p[0] == "2":
		return fmt.Sprintf("#%02x%02x%02x", number(1), number(2), number(3)), 4
	case len(p) > 0 && p[0] == "5":
		return indexed(number(1)), 2
	}
	return "", len(p)
}

// indexed is a colour of the 256-colour table.
func indexed(n int) string {
	switch {
	case n < 16:
		return palette[n]
	case n >= 232:
		grey := 8 + 10*(n-232)
		return fmt.Sprintf("#%02x%02x%02x", grey, grey, grey)
	}
	level := func(v int) int {
		if v == 0 {
			return 0
		}
		return 55 + 40*v
	}
	n -= 16
	return fmt.Sprintf("#%02x%02x%02x", level(n/36), level(n/6%6), level(n%6))
}
