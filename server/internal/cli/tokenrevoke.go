package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"callcenter/api/disk"
	"callcenter/server/internal/auth"
)

func tokenRevoke() *cobra.Command {
	var id, subject string
	cmd := &cobra.Command{
		Use:   "revoke [FILE|-]",
		Short: "Revoke a token, or all that a subject was given",
		Long: "Revoke makes servers refuse the token in a file or on standard input, the token with an id (their logs say it\n" +
			"as token_id), or all tokens that a subject was given until now. Calls that run with it end within seconds.",
		Example: "  server token revoke --token-keys keys ada.token\n" +
			"  server token revoke --token-keys keys --subject ada",
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return revoke(cmd, args, id, subject, time.Now())
		},
	}
	cmd.Flags().StringVar(&id, "id", "", "`id` of the token")
	cmd.Flags().StringVar(&subject, "subject", "", "`name` whose tokens to revoke")
	tokenFlags(cmd.Flags())
	return cmd
}

func revoke(cmd *cobra.Command, args []string, id, subject string, now time.Time) error {
	dir, audience, err := tokenSettings(cmd)
	if err != nil {
		return err
	}
	byID, bySubject := cmd.Flags().Changed("id"), cmd.Flags().Changed("subject")
	if byID && bySubject || (byID || bySubject) && len(args) > 0 {
		return usageError{errors.New("name one: a file, --id or --subject")}
	}
	done := ""
	switch {
	case byID:
		done, err = fmt.Sprintf("Token %s is revoked.", id), auth.RevokeToken(dir, id, time.Time{}, now)
	case bySubject:
		done, err = fmt.Sprintf("All tokens that %s was given until now are revoked.", subject), auth.RevokeSubject(dir, subject, now)
	default:
		done, err = revokeRead(cmd, args, dir, audience, now)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), done)
	return err
}

// revokeRead revokes the token that it reads, if a key of the folder signed it.
func revokeRead(cmd *cobra.Command, args []string, dir, audience string, now time.Time) (done string, err error) {
	a, err := auth.Open(auth.Config{Dir: dir, Audience: audience})
	if err != nil {
		return "", err
	}
	token, err := readToken(cmd, args)
	if err != nil {
		return "", err
	}
	id, err := a.Authenticate(token, now)
	switch {
	case id == nil:
		return "", fmt.Errorf("no server with these keys accepts it anyway: %w", err)
	case errors.Is(err, auth.ErrExpired):
		return fmt.Sprintf("Token %s of %s has expired: no server accepts it any more.", id.TokenID, id.Subject), nil
	case errors.Is(err, auth.ErrRevoked):
		return fmt.Sprintf("Token %s of %s was revoked before.", id.TokenID, id.Subject), nil
	}
	return fmt.Sprintf("Token %s of %s is revoked.", id.TokenID, id.Subject), auth.RevokeToken(dir, id.TokenID, id.Expires, now)
}

// oneFile takes at most one argument, which must not be the token itself: everybody
// on the machine sees arguments.
func oneFile(_ *cobra.Command, args []string) error {
	switch {
	case len(args) > 1:
		return usageError{errors.New("name one file, or - for standard input")}
	case len(args) == 1 && strings.HasPrefix(args[0], "eyJ") && strings.Count(args[0], ".") == 2:
		return usageError{errors.New("that is a token, not a file, and others could have seen it: revoke it, and give tokens in files or on standard input")}
	}
	return nil
}

// readToken reads the token in the file that an argument names, or on standard
// input.
func readToken(cmd *cobra.Command, args []string) (string, error) {
	in, name := cmd.InOrStdin(), "standard input"
	if len(args) == 1 && args[0] != "-" {
		f, err := os.Open(args[0])
		if err != nil {
			return "", fmt.Errorf("read the token: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		in, name = f, args[0]
	}
	b, err := io.ReadAll(io.LimitReader(in, 2*auth.MaxToken))
	token := strings.TrimSpace(string(b))
	switch {
	case err != nil:
		return "", fmt.Errorf("read the token: %w", err)
	case token == "":
		return "", fmt.Errorf("there is no token in %s", name)
	}
	return token, nil
}

// mayReplace reports a file that is there and holds no token: it was named by
// mistake.
func mayReplace(path string) error {
	if path == "" {
		return nil
	}
	b, err := disk.Read(path, 2*auth.MaxToken)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("write the token: %w", err)
	case err == nil && len(b) > 0:
		_, err = auth.Read(strings.TrimSpace(string(b)))
	}
	if err != nil {
		return fmt.Errorf("%s is there already and holds no token: name another file with --out", path)
	}
	return nil
}
