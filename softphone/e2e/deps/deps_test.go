package deps

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// machine is a computer without any of the packages.
type machine struct {
	system  string // as uname says it
	manager string // "" for none
	user    bool   // not root
	sudo    bool
	refuses bool // the manager installs nothing
	noXcode bool
}

// run runs .ci/deps there, twice if the first succeeds, and returns the commands
// that installed something, what was said, and the exit code.
func (m machine) run(t *testing.T, level string) (installed, said string, code int) {
	t.Helper()
	dir := t.TempDir()
	bin, ready, log := filepath.Join(dir, "bin"), filepath.Join(dir, "ready"), filepath.Join(dir, "log")
	for _, d := range []string{bin, ready} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"bash", "env", "awk", "dirname", "cp"} {
		link(t, bin, name)
	}
	for _, name := range []string{"pkg-config", "pulseaudio", "pactl", "espeak-ng", "nft", "ip", "shellcheck", "make"} {
		script(t, ready, name, "exit 0")
	}
	script(t, ready, "cc", "while read -r line; do :; done") // who pipes to it is not cut off
	script(t, bin, "uname", "echo "+m.system)
	script(t, bin, "id", map[bool]string{false: "echo 0", true: "echo 1000"}[m.user])
	script(t, bin, "go", "exit 0")
	script(t, bin, "sleep", "exit 0")
	if m.sudo {
		script(t, bin, "sudo", `echo sudo >>"$LOG"; shift; exec "$@"`)
	}
	if m.system == "Darwin" {
		script(t, bin, "xcode-select", map[bool]string{false: "exit 0", true: "exit 2"}[m.noXcode])
	}
	if m.manager != "" {
		install := `cp "` + ready + `"/* "` + bin + `"`
		if m.refuses {
			install = "exit 1"
		}
		script(t, bin, m.manager, `echo "${0##*/} $*" >>"$LOG"; `+install)
	}
	certificates := filepath.Join(dir, "certificates")
	write(t, certificates, "x", 0o600)
	write(t, log, "", 0o600)
	env := []string{"PATH=" + bin, "LOG=" + log, "SSL_CERT_FILE=" + certificates}
	said, code = deps(t, env, level)
	if code == 0 {
		if again, exit := deps(t, env, level); again != "" || exit != 0 {
			t.Errorf("where nothing is missing it says %q, exit %d", again, exit)
		}
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), said, code
}

// deps runs .ci/deps and returns what it says.
func deps(t *testing.T, env []string, level string) (said string, code int) {
	t.Helper()
	cmd := exec.Command("bash", "../../../.ci/deps", level)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func link(t *testing.T, dir, name string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func script(t *testing.T, dir, name, body string) {
	t.Helper()
	write(t, filepath.Join(dir, name), "#!/bin/sh\n"+body+"\n", 0o700)
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestEachSystemInstallsWhatIsMissingByItsOwnNames(t *testing.T) {
	const aptOptions = "apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "
	for name, tt := range map[string]struct {
		machine
		level, want string
	}{
		"Debian builds": {
			machine{system: "Linux", manager: "apt-get"},
			"build",
			aptOptions + "update\n" + aptOptions + "install -y --no-install-recommends --no-remove gcc libc6-dev pkg-config libopus-dev libspeexdsp-dev\n",
		},
		"Fedora builds": {
			machine{system: "Linux", manager: "dnf"},
			"build",
			"dnf install -y --setopt=install_weak_deps=False gcc glibc-devel pkgconf-pkg-config opus-devel speexdsp-devel\n",
		},
		"Fedora tests, as a user": {
			machine{system: "Linux", manager: "dnf", user: true, sudo: true},
			"test",
			"sudo\ndnf install -y --setopt=install_weak_deps=False gcc glibc-devel pkgconf-pkg-config opus-devel speexdsp-devel espeak-ng pulseaudio pulseaudio-utils\n",
		},
		"Fedora's whole CI": {
			machine{system: "Linux", manager: "dnf"},
			"ci",
			"dnf install -y --setopt=install_weak_deps=False gcc glibc-devel pkgconf-pkg-config opus-devel speexdsp-devel espeak-ng pulseaudio pulseaudio-utils nftables iproute ShellCheck make\n",
		},
		"Arch builds": {
			machine{system: "Linux", manager: "pacman"},
			"build",
			"pacman -S --needed --noconfirm gcc glibc pkgconf opus speexdsp\n",
		},
		"Arch tests": {
			machine{system: "Linux", manager: "pacman"},
			"test",
			"pacman -S --needed --noconfirm gcc glibc pkgconf opus speexdsp espeak-ng pulseaudio libpulse nftables iproute2\n",
		},
		"macOS builds": {
			machine{system: "Darwin", manager: "brew", user: true, sudo: true},
			"build",
			"brew install pkgconf opus speexdsp\n",
		},
		"macOS tests": {
			machine{system: "Darwin", manager: "brew", user: true},
			"test",
			"brew install pkgconf opus speexdsp espeak-ng\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			installed, said, code := tt.run(t, tt.level)
			if installed != tt.want || code != 0 || !strings.HasPrefix(said, "callcenter: installing with "+tt.manager+": ") || strings.Count(said, "\n") != 1 {
				t.Errorf("exit %d, %q, installed\n%swant\n%s", code, said, installed, tt.want)
			}
		})
	}
}

func TestWhatCannotBeInstalledIsSaidWithAWayOut(t *testing.T) {
	for name, tt := range map[string]struct {
		machine
		level string
		says  []string
	}{
		"no manager":                {machine{system: "Linux"}, "build", []string{"missing: compiler headers pkg-config opus speexdsp", "apt-get, dnf, pacman"}},
		"macOS without Homebrew":    {machine{system: "Darwin"}, "build", []string{"missing: pkg-config opus", "https://brew.sh"}},
		"macOS without a compiler":  {machine{system: "Darwin", manager: "brew", noXcode: true}, "build", []string{"xcode-select --install"}},
		"no root and no sudo":       {machine{system: "Linux", manager: "dnf", user: true}, "build", []string{"no sudo", "dnf install gcc"}},
		"no root and no sudo, Arch": {machine{system: "Linux", manager: "pacman", user: true}, "build", []string{"pacman -S --needed gcc"}},
		"PipeWire's server, Fedora": {machine{system: "Linux", manager: "dnf", refuses: true}, "test", []string{"PipeWire", "container"}},
		"PipeWire's server, Arch":   {machine{system: "Linux", manager: "pacman", refuses: true}, "test", []string{"PipeWire", "container"}},
		"an old list of packages":   {machine{system: "Linux", manager: "pacman", refuses: true}, "build", []string{"pacman -Syu"}},
		"apt-get refuses":           {machine{system: "Linux", manager: "apt-get", refuses: true}, "build", []string{"could not install", "by hand"}},
		"a step that is none":       {machine{system: "Linux", manager: "dnf"}, "fly", []string{"usage: .ci/deps build|test|lint|ci"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, said, code := tt.run(t, tt.level)
			if code == 0 {
				t.Errorf("it succeeds, and says %q", said)
			}
			for _, s := range tt.says {
				if !strings.Contains(said, s) {
					t.Errorf("%q does not say %q", said, s)
				}
			}
		})
	}
}
