package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"gopkg.in/natefinch/lumberjack.v2"

	"callcenter/softphone/internal/config"
)

const (
	logMegabytes = 5
	logFiles     = 3 // this one and two older
)

// logFile is the softphone's log, rotated. stderr is where C libraries and a
// dying runtime write while the screen is up; it is a file of its own, since a
// rotated file would move under them.
type logFile struct {
	*slog.Logger
	path   string
	rotate *lumberjack.Logger
}

func openLog() (*logFile, error) {
	dir, err := config.StateDir()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the log's folder (set XDG_STATE_HOME to another): %w", err)
	}
	path := filepath.Join(dir, "softphone.log")
	rotate := &lumberjack.Logger{Filename: path, MaxSize: logMegabytes, MaxBackups: logFiles - 1}
	return &logFile{Logger: slog.New(slog.NewTextHandler(rotate, nil)), path: path, rotate: rotate}, nil
}

func (l *logFile) close() error { return l.rotate.Close() }

// openStderr opens the file that takes what is printed to stderr. Only the last
// run is kept.
func (l *logFile) openStderr() (*os.File, error) {
	path := filepath.Join(filepath.Dir(l.path), "stderr.log")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, errors.Join(errors.New("open a file for what C libraries print"), err)
	}
	return f, nil
}
