package cli

import (
	"context"
	"log/slog"

	"callcenter/server/internal/auth"
	"callcenter/server/internal/config"
)

// tokens are what is asked of callers: nothing, where there is no authority.
type tokens struct {
	authority *auth.Authority
}

// openTokens reads the folder of keys that the settings name. What is wrong with it
// is the settings' fault.
func openTokens(cfg *config.Config, log *slog.Logger) (*tokens, error) {
	if cfg.TokenKeys == "" {
		return &tokens{}, nil
	}
	a, err := auth.Open(auth.Config{Dir: cfg.TokenKeys, Audience: cfg.Audience, Log: log})
	if err != nil {
		return nil, usageError{err}
	}
	return &tokens{a}, nil
}

// keys reports that there is a key that may sign tokens.
func (t *tokens) keys() bool { return t.authority != nil && t.authority.Keys() > 0 }

// reload reads keys and revocations again. On an error those before still
// hold, of whichever is wrong.
func (t *tokens) reload() error {
	if t.authority == nil {
		return nil
	}
	return t.authority.Reload()
}

// run notices changes in the folder until ctx ends, and returns nil.
func (t *tokens) run(ctx context.Context) error {
	if t.authority == nil {
		<-ctx.Done()
		return nil
	}
	return t.authority.Run(ctx)
}

// checkTokens says for people what the settings ask of callers, and whether there is
// a key for it. It changes nothing. The error is joined of all that is wrong.
func checkTokens(cfg *config.Config) (keys bool, lines []string, err error) {
	t, err := openTokens(cfg, slog.New(slog.DiscardHandler))
	if err != nil || t.authority == nil {
		return false, nil, err
	}
	return t.keys(), t.authority.Describe(), nil
}
