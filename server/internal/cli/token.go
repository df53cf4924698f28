package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"callcenter/api/settings"
	"callcenter/api/wire"
	"callcenter/server/internal/auth"
	"callcenter/server/internal/config"
)

// defaultValid is how long a token is valid unless told otherwise: a long shift.
const defaultValid = 12 * time.Hour

// tokenCommand is the command that makes, shows and revokes tokens.
func tokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, look at and revoke callers' tokens",
		Long: "Token makes, shows and revokes the tokens with which callers say who they are. The keys are in the folder\n" +
			"--token-keys: NAME.pub is all that a server needs, and with NAME.key tokens are made: keep that elsewhere.\n" +
			"A running server notices new keys and revocations within seconds.",
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			return usageError{errors.New("say what to do with a token: create, inspect or revoke")}
		},
	}
	cmd.AddCommand(tokenCreate(), tokenInspect(), tokenRevoke())
	return cmd
}

// tokenFlags adds the settings that token commands share with the server.
func tokenFlags(fs *pflag.FlagSet) {
	all := pflag.NewFlagSet("server", pflag.ContinueOnError)
	config.Flags(all)
	for _, name := range []string{"token-keys", "audience", settings.ConfigFlag} {
		fs.AddFlag(all.Lookup(name))
	}
}

// tokenSettings settles where the keys are and whom tokens are for. The server's
// other settings are not looked at.
func tokenSettings(cmd *cobra.Command) (dir, audience string, err error) {
	all := pflag.NewFlagSet("server", pflag.ContinueOnError)
	config.Flags(all)
	var also, skip []string
	all.VisitAll(func(f *pflag.Flag) {
		if cmd.Flags().Lookup(f.Name) == nil {
			also = append(also, f.Name)
		}
	})
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if all.Lookup(f.Name) == nil {
			skip = append(skip, f.Name)
		}
	})
	file, required := settings.File(cmd.Flags(), config.EnvPrefix, "")
	v, err := settings.Load(cmd.Flags(), settings.Options{
		EnvPrefix: config.EnvPrefix, File: file, FileRequired: required, Skip: skip, Also: also,
	})
	if err != nil {
		return "", "", usageError{err}
	}
	if dir = v.String("token-keys"); dir == "" {
		return "", "", usageError{errors.New("where are the keys? Name their folder with --token-keys or SERVER_TOKEN_KEYS")}
	}
	return dir, v.String("audience"), nil
}

// order is a token that is to be made.
type order struct {
	auth.Request
	key, out, notBefore string
	valid               time.Duration
}

func tokenCreate() *cobra.Command {
	var o order
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make a token",
		Long: "Create makes a token and prints it, or writes it to a file that only you can read. Give it to its bearer by a\n" +
			"safe way: whoever has it can call. The first time it makes a key too. Nothing is allowed that no flag says.",
		Example: "  server token create --token-keys keys --subject ada --call 'room/*' --call echo --speak --listen --out ada.token\n" +
			"  server token create --token-keys keys --subject monitor --call tone --listen --valid 720h",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.fill(cmd, time.Now()) },
	}
	fs := cmd.Flags()
	fs.StringVar(&o.Subject, "subject", "", "who bears it: an account's `name`, without spaces")
	fs.StringSliceVar(&o.Grants.Call, "call", nil, "`destination` that may be called: echo, tone, room/NAME, or a beginning with * at its end; may be repeated")
	fs.BoolVar(&o.Grants.Speak, "speak", false, "may be heard by others")
	fs.BoolVar(&o.Grants.Listen, "listen", false, "may hear others")
	fs.BoolVar(&o.Grants.Admin, "admin", false, "may ask the server about itself (reflection)")
	fs.DurationVar(&o.valid, "valid", defaultValid, "how long calls may begin with it")
	fs.StringVar(&o.notBefore, "not-before", "", "`time` from which on it is valid, such as 2026-01-31T08:00:00Z (default now)")
	fs.StringVar(&o.key, "key", "", "`name` of the key to sign with, made if it is not there (default the only one there)")
	fs.StringVar(&o.out, "out", "", "write it to this `file`, in the place of an older token")
	tokenFlags(fs)
	return cmd
}

// fill makes the token.
func (o *order) fill(cmd *cobra.Command, now time.Time) error {
	dir, audience, err := tokenSettings(cmd)
	if err != nil {
		return err
	}
	if err := o.check(now); err != nil {
		return usageError{err}
	}
	if err := mayReplace(o.out); err != nil {
		return err
	}
	o.Audience = audience
	signer, err := auth.OpenSigner(dir, o.key, now)
	if err != nil {
		return err
	}
	token, id, err := signer.Issue(o.Request, now)
	if err != nil {
		return err
	}
	where := "on standard output"
	if o.out != "" {
		where, err = "in "+o.out, auth.WriteToken(o.out, token)
	} else {
		_, err = fmt.Fprintln(cmd.OutOrStdout(), token)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.ErrOrStderr(), "Token %s of %s, by key %s, until %s, is %s.\n",
		id.TokenID, id.Subject, id.KeyID, id.Expires.Format(time.RFC3339), where)
	return err
}

// check reports a token that makes no sense, and settles its times.
func (o *order) check(now time.Time) error {
	begins := now
	if o.notBefore != "" {
		at, err := time.Parse(time.RFC3339, o.notBefore)
		if err != nil {
			return fmt.Errorf("--not-before %.40q is no time such as 2026-01-31T08:00:00Z", o.notBefore)
		}
		begins, o.NotBefore = at, at
	}
	o.Expires = begins.Add(o.valid)
	for _, p := range o.Grants.Call {
		if err := auth.CheckCall(p); err != nil {
			return fmt.Errorf("--call %.80q: %w", p, err)
		}
	}
	switch g := &o.Grants; {
	case o.Subject == "":
		return errors.New("who bears the token? Name them with --subject")
	case auth.CheckSubject(o.Subject) != nil:
		return fmt.Errorf("--subject %.80q: %w", o.Subject, auth.CheckSubject(o.Subject))
	case o.valid <= 0 || o.Expires.Sub(now) > auth.MaxLife:
		return fmt.Errorf("--valid %v: a token can be valid until %d days from now", o.valid, auth.MaxLife/(24*time.Hour))
	case len(g.Call) == 0 && !g.Admin:
		return errors.New("the token would allow nothing: add --call DESTINATION, or --admin")
	case len(g.Call) > 0 && !g.Speak && !g.Listen:
		return errors.New("nothing can be called without --speak or --listen: add one or both")
	}
	if o.key != "" {
		return auth.CheckKeyID(o.key)
	}
	return nil
}

func tokenInspect() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "inspect [FILE|-]",
		Short: "Show what a token says, and whether it is valid here",
		Long: "Inspect reads a token from a file, or from standard input, and shows what it says and whether a server with\n" +
			"these keys and this audience would accept it now, or why not. It exits with 1 if not.",
		Example: "  server token inspect --token-keys keys ada.token",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return inspect(cmd, args, asJSON, time.Now())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	tokenFlags(cmd.Flags())
	return cmd
}

// finding is what inspect says, in its order.
type finding struct {
	Valid     bool     `json:"valid"`
	Reason    string   `json:"reason,omitempty"`
	Subject   string   `json:"subject,omitempty"`
	TokenID   string   `json:"token_id,omitempty"`
	KeyID     string   `json:"key_id,omitempty"`
	Algorithm string   `json:"algorithm,omitempty"`
	Audience  []string `json:"audience,omitempty"`
	Issued    string   `json:"issued,omitempty"`
	NotBefore string   `json:"not_before,omitempty"`
	Expires   string   `json:"expires,omitempty"`
	Grants    *granted `json:"grants,omitempty"`
}

type granted struct {
	Call   []string `json:"call"`
	Speak  bool     `json:"speak"`
	Listen bool     `json:"listen"`
	Admin  bool     `json:"admin"`
}

func inspect(cmd *cobra.Command, args []string, asJSON bool, now time.Time) error {
	dir, audience, err := tokenSettings(cmd)
	if err != nil {
		return err
	}
	a, err := auth.Open(auth.Config{Dir: dir, Audience: audience})
	if err != nil {
		return err
	}
	token, err := readToken(cmd, args)
	if err != nil {
		return err
	}
	_, refused := a.Authenticate(token, now)
	f := finding{Valid: refused == nil}
	if refused != nil {
		f.Reason = refused.Error()
	}
	if content, err := auth.Read(token); err == nil {
		f.take(content)
	}
	if asJSON {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(f)
	} else {
		err = f.print(cmd.OutOrStdout())
	}
	return errors.Join(refused, err)
}

// take takes what the token says, fit for a terminal.
func (f *finding) take(c *auth.Content) {
	f.Subject, f.TokenID, f.KeyID, f.Algorithm = c.Subject, c.TokenID, wire.Clean(c.KeyID), c.Algorithm
	for _, a := range c.Audience {
		f.Audience = append(f.Audience, wire.Clean(a))
	}
	f.Issued, f.Expires = c.Issued.UTC().Format(time.RFC3339), c.Expires.UTC().Format(time.RFC3339)
	if !c.NotBefore.IsZero() {
		f.NotBefore = c.NotBefore.UTC().Format(time.RFC3339)
	}
	g := c.Grants
	f.Grants = &granted{append([]string{}, g.Call...), g.Speak, g.Listen, g.Admin}
}

func (f *finding) print(w io.Writer) error {
	var b strings.Builder
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-11s %s\n", name, value)
		}
	}
	row("subject", f.Subject)
	row("token id", f.TokenID)
	row("key", f.KeyID)
	row("algorithm", f.Algorithm)
	row("audience", strings.Join(f.Audience, " "))
	row("issued", f.Issued)
	row("not before", f.NotBefore)
	row("expires", f.Expires)
	if g := f.Grants; g != nil {
		row("may call", strings.Join(g.Call, " "))
		row("may speak", yes(g.Speak))
		row("may listen", yes(g.Listen))
		row("admin", yes(g.Admin))
	}
	row("valid here", yes(f.Valid))
	_, err := io.WriteString(w, b.String())
	return err
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
