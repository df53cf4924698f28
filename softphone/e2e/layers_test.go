package e2e_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Import paths that the rules below speak of.
const (
	module     = "callcenter"
	api        = "callcenter/api"
	files      = "callcenter/api/disk"
	codecs     = "callcenter/codec"
	device     = "callcenter/audio/device"
	tui        = "callcenter/softphone/internal/tui"
	grpc       = "google.golang.org/grpc"
	malgo      = "github.com/gen2brain/malgo"
	libopus    = "github.com/hraban/opus"
	thirdParty = "<anything outside the standard library>"
)

// ban says what a package must not import, neither itself nor through what it
// imports, and why.
type ban struct {
	what   string // an import path, with everything below it
	why    string
	direct bool // only the package's own imports count
}

// layer is one row of the table: a package and its bans.
type layer struct {
	name string // below the module path
	bans []ban
	// later marks a package that a later issue brings. It must not be there yet.
	later bool
}

// The reasons that many rows share.
const (
	noCard      = "it must run and be tested where no sound card is"
	noCodec     = "it works on samples or on sealed packets, whatever the codec"
	noContract  = "it must not know how a frame looks on the wire"
	noTransport = "it must be tested, and replayed, without a network"
)

// never builds the bans on several import paths that have one reason.
func never(why string, paths ...string) []ban {
	bans := make([]ban, 0, len(paths))
	for _, path := range paths {
		bans = append(bans, ban{what: path, why: why})
	}
	return bans
}

// itself narrows bans to a package's own imports.
func itself(bans []ban) []ban {
	for i := range bans {
		bans[i].direct = true
	}
	return bans
}

// layers is the whole module, package by package.
func layers() []layer {
	onlyStd := never("everything else builds on it, so it builds on nothing", thirdParty, module)
	samples := slices.Concat(never(noCard, device), never(noCodec, codecs), never(noContract, api))
	sealed := slices.Concat(samples, never(noTransport, grpc))
	playing := slices.Concat(never(noCard, device), never(noContract, api), never(noTransport, grpc))
	ofPhone := itself(never("sound cards are reached through audio/device", malgo))
	headless := never("the server runs on machines without sound hardware or its libraries", device, malgo)

	return slices.Concat([]layer{
		{name: "api", bans: never("it is generated from the contract and stands alone", module)},
		{name: "api/disk", bans: onlyStd},
		{name: "api/fingerprint", bans: never("it names keys for both programs and knows nothing else", module, grpc)},
		{name: "api/settings", bans: never("it reads settings for both programs and knows nothing of what they set",
			"callcenter/audio", codecs, api, "callcenter/server", "callcenter/softphone", grpc)},
		{name: "api/socket", bans: never("it sets options on sockets for both programs and knows nothing of what they carry", module, grpc)},
		{name: "api/wire", bans: slices.Concat(never(noCard, device),
			itself(never("it says what a chunk means, to a server and to a client alike; streams are theirs", grpc)))},
		{name: "audio", bans: onlyStd},
		{name: "audio/audiotest", bans: never(noCard, device)},
		{name: "audio/audiotest/trace", bans: sealed},
		{name: "audio/clean", bans: sealed},
		{name: "audio/device", bans: slices.Concat(
			never("a sound card brings samples and knows nothing of calls", codecs, api),
			never("it serves the programs and must not reach back into them", "callcenter/softphone", "callcenter/server"))},
		{name: "audio/file", bans: samples},
		{name: "audio/freeze", bans: onlyStd},
		{name: "audio/jitter", bans: sealed},
		{name: "audio/level", bans: samples},
		{name: "audio/mix", bans: samples},
		{name: "audio/pace", bans: sealed},
		{name: "audio/playlog", bans: sealed},
		{name: "audio/playout", bans: playing},
		{name: "audio/port", bans: sealed},
		{name: "audio/protect", bans: sealed},
		{name: "audio/quality", bans: onlyStd},
		{name: "audio/resample", bans: samples},
		{name: "audio/ring", bans: onlyStd},
		{name: "audio/sendq", bans: sealed},
		{name: "audio/stretch", bans: samples},
		{name: "audio/tone", bans: samples},
		{name: "codec", bans: playing},
		{name: "codec/opus", bans: playing},
		{name: "codec/pcm", bans: slices.Concat(never(noCard, device), never(noContract, api))},
	}, phoneLayers(ofPhone), serverLayers(headless))
}

// phoneLayers is what lies below softphone.
func phoneLayers(ofPhone []ban) []layer {
	noCardNoScreen := slices.Concat(
		never("a call must run without a screen, from a script and in a test", tui),
		never("its sound comes in by an interface, so that a call survives its devices", malgo))
	screen := never("a desk sees the phone through the interfaces of softphone/internal/desk", grpc, api, malgo, libopus)
	return []layer{
		{name: "softphone", bans: slices.Concat(ofPhone, shipped("callcenter/server"))},
		{name: "softphone/e2e"},
		{name: "softphone/e2e/capacity"},
		{name: "softphone/e2e/deps"},
		{name: "softphone/e2e/desk"},
		{name: "softphone/e2e/faults"},
		{name: "softphone/e2e/hostile"},
		{name: "softphone/e2e/manuals"},
		{name: "softphone/e2e/proxy"},
		{name: "softphone/e2e/pulse"},
		{name: "softphone/e2e/svg"},
		{name: "softphone/internal/audition", bans: slices.Concat(itself(never("devices are reached through softphone/internal/sound", device, malgo)),
			never(noContract, api), never(noTransport, grpc), never("it is tried without a screen", tui))},
		{name: "softphone/internal/bearer", bans: never("it reads a token and knows nothing of what it is for", module, grpc)},
		{name: "softphone/internal/blackbox", bans: noCardNoScreen},
		{name: "softphone/internal/call", bans: noCardNoScreen},
		{name: "softphone/internal/callstate", bans: slices.Concat(never(noCard, malgo), never(noContract, api), never(noTransport, grpc))},
		{name: "softphone/internal/check", bans: noCardNoScreen},
		{name: "softphone/internal/cli", bans: ofPhone},
		{name: "softphone/internal/config", bans: ofPhone},
		{name: "softphone/internal/cue", bans: slices.Concat(never(noCard, device), never(noCodec, codecs), never(noContract, api), never(noTransport, grpc))},
		{name: "softphone/internal/desk", bans: screen},
		{name: "softphone/internal/destination", bans: screen},
		{name: "softphone/internal/diagnose", bans: slices.Concat(never(noCard, device), never(noCodec, codecs), never(noContract, api), never(noTransport, grpc))},
		{name: "softphone/internal/history", bans: slices.Concat(never(noCard, device), never(noCodec, codecs), never(noContract, api), never(noTransport, grpc),
			never("a call is kept also where there is no screen", tui))},
		{name: "softphone/internal/impair", bans: slices.Concat(never(noCard, device), never(noCodec, codecs), never(noContract, api), never(noTransport, grpc))},
		{name: "softphone/internal/lockfile", bans: never("it locks files for whatever they are", module, grpc)},
		{name: "softphone/internal/phone", bans: noCardNoScreen},
		{name: "softphone/internal/plain", bans: slices.Concat(screen, never("it draws nothing", tui, "github.com/charmbracelet/bubbletea"))},
		{name: "softphone/internal/printable", bans: screen},
		{name: "softphone/internal/recall", bans: slices.Concat(never(noCard, device), never(noContract, api), never(noTransport, grpc))},
		{name: "softphone/internal/replay", bans: slices.Concat(never(noCard, device), never(noContract, api), never(noTransport, grpc))},
		{name: "softphone/internal/sound", bans: slices.Concat(ofPhone, never(noContract, api), never(noTransport, grpc))},
		{name: "softphone/internal/swarm", bans: slices.Concat(never("what the calls of a swarm say comes from no sound card", device, malgo), never("it runs without a screen", tui))},
		{name: "softphone/internal/terminal", bans: never("it looks after the terminal whatever the program in it is", module, grpc)},
		{name: "softphone/internal/trust", bans: slices.Concat(never(noCard, device), never("it looks at certificates, whatever goes over their connections", codecs, grpc), never("a server is known also where there is no screen", tui))},
		{name: "softphone/internal/tui", bans: screen},
		{name: "softphone/internal/tui/background", bans: screen},
		{name: "softphone/internal/wake", bans: never("it looks at the clocks of this computer and knows nothing of calls", module, grpc)},
	}
}

// serverLayers is what lies below server.
func serverLayers(headless []ban) []layer {
	return []layer{
		{name: "server", bans: slices.Concat(headless, shipped("callcenter/softphone"))},
		{name: "server/internal/admission", bans: slices.Concat(headless, never("it counts, whatever is counted", "callcenter/codec", api))},
		{name: "server/internal/auth", bans: slices.Concat(headless, never("who may do what does not depend on how it is done", "callcenter/codec", api))},
		{name: "server/internal/callcenter", bans: headless},
		{name: "server/internal/cdr", bans: headless, later: true},
		{name: "server/internal/certs", bans: slices.Concat(headless, never("it says who the server is, whatever it serves", "callcenter/codec", "callcenter/api/wire"))},
		{name: "server/internal/cli", bans: headless},
		{name: "server/internal/cluster", bans: headless, later: true},
		{name: "server/internal/config", bans: headless},
		{name: "server/internal/ops", bans: headless, later: true},
		{name: "server/internal/record", bans: headless, later: true},
		{name: "server/internal/room", bans: slices.Concat(headless,
			never("a room moves audio between its members; streams and their status are the service's", grpc, api))},
		{name: "server/internal/systemd", bans: slices.Concat(headless, never("it speaks to the service manager and knows nothing of calls", module, grpc))},
		{name: "server/servertest", bans: slices.Concat(headless,
			never("the phone's tests use it, so it must not use the phone", "callcenter/softphone"))},
	}
}

// shipped is what neither program may carry: the other one, and test code.
func shipped(other string) []ban {
	return slices.Concat(
		never("the two programs meet on the wire only", other),
		never("test code does not go into a program", "testing", "callcenter/audio/audiotest", "callcenter/server/servertest", "callcenter/softphone/e2e"))
}

// soleImporters are the libraries that exactly one package of ours may import,
// tests included.
func soleImporters() map[string]string {
	return map[string]string{
		malgo:   "audio/device",
		libopus: "codec/opus",
	}
}

// soleLinkers are the C libraries that exactly one package of ours may link
// itself, by their names in pkg-config.
func soleLinkers() map[string]string {
	return map[string]string{
		"speexdsp": "audio/clean",
	}
}

// goPackage is what `go list -json` says about a package.
type goPackage struct {
	ImportPath   string
	CgoPkgConfig []string
	Standard     bool
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func TestEveryPackageKeepsToItsLayer(t *testing.T) {
	graph := listPackages(t)
	known := make(map[string]bool)
	for _, row := range layers() {
		path := module + "/" + row.name
		known[path] = true
		switch _, there := graph[path]; {
		case row.later && there:
			t.Errorf("%s has arrived: take away its mark `later` in this table", row.name)
		case row.later:
			continue
		case !there:
			t.Errorf("%s is in this table and not in the module", row.name)
			continue
		}
		for _, b := range row.bans {
			if chain := findBanned(graph, path, b); chain != nil {
				t.Errorf("%s must not import %s, because %s; it does so: %s", row.name, b.what, b.why, strings.Join(chain, " → "))
			}
		}
	}
	for path := range graph {
		if ours(path) && !known[path] {
			t.Errorf("%s has no row in this table: give it one, with what it must never import", path)
		}
	}
}

func TestOnlyOnePackageImportsEachCLibrary(t *testing.T) {
	graph := listPackages(t)
	for library, importer := range soleImporters() {
		used := false
		for path, p := range graph {
			if !ours(path) || !slices.Contains(slices.Concat(p.Imports, p.TestImports, p.XTestImports), library) {
				continue
			}
			used = used || path == module+"/"+importer
			if path != module+"/"+importer {
				t.Errorf("%s imports %s; only %s may", path, library, importer)
			}
		}
		if !used {
			t.Errorf("%s does not import %s: is this rule about the right path?", importer, library)
		}
	}
}

func TestOnlyOnePackageLinksEachCLibrary(t *testing.T) {
	graph := listPackages(t)
	for library, linker := range soleLinkers() {
		var found []string
		for path, p := range graph {
			if ours(path) && slices.Contains(p.CgoPkgConfig, library) {
				found = append(found, path)
			}
		}
		if want := []string{module + "/" + linker}; !slices.Equal(found, want) {
			t.Errorf("%s is linked by %q, want %q alone", library, found, want)
		}
	}
}

// TestFindBanned keeps the search above honest: a rule that can find nothing
// would pass for ever.
func TestFindBanned(t *testing.T) {
	graph := map[string]goPackage{
		"callcenter/a": {Imports: []string{"fmt", "callcenter/b"}},
		"callcenter/b": {Imports: []string{"example.org/c/sub", files, api + "/wire"}},
		"fmt":          {Standard: true},
	}
	for name, tc := range map[string]struct {
		ban  ban
		want []string
	}{
		"an import of an import is found":          {ban{what: "example.org/c"}, []string{"callcenter/a", "callcenter/b", "example.org/c/sub"}},
		"a direct ban looks no further":            {ban{what: "example.org/c", direct: true}, nil},
		"a direct ban finds a direct import":       {ban{what: "callcenter/b", direct: true}, []string{"callcenter/a", "callcenter/b"}},
		"a name that only begins alike is another": {ban{what: "example.org/c/s"}, nil},
		"a package does not ban itself":            {ban{what: "callcenter/a"}, nil},
		"a ban of the contract is none of files":   {ban{what: api}, []string{"callcenter/a", "callcenter/b", api + "/wire"}},
		"the standard library is no third party":   {ban{what: thirdParty}, []string{"callcenter/a", "callcenter/b", "example.org/c/sub"}},
		"a standard package can be banned":         {ban{what: "fmt"}, []string{"callcenter/a", "fmt"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := findBanned(graph, "callcenter/a", tc.ban); !slices.Equal(got, tc.want) {
				t.Errorf("found %q, want %q", got, tc.want)
			}
		})
	}
}

// findBanned returns the shortest chain of imports from a package to one that
// the ban forbids, and nil if there is none.
func findBanned(graph map[string]goPackage, from string, b ban) []string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		path := queue[0]
		if path != from {
			if forbids(b, graph, path) {
				return chainTo(before, path)
			}
			if b.direct {
				continue
			}
		}
		for _, next := range graph[path].Imports {
			if _, seen := before[next]; !seen {
				before[next] = path
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// forbids says whether the ban is about this import path. A ban of the contract is
// none of files, though they are beside it.
func forbids(b ban, graph map[string]goPackage, path string) bool {
	switch {
	case b.what == thirdParty:
		return !graph[path].Standard && !ours(path)
	case b.what == api && path == files:
		return false
	}
	return path == b.what || strings.HasPrefix(path, b.what+"/")
}

// chainTo walks back from a package to where the search began.
func chainTo(before map[string]string, path string) []string {
	var chain []string
	for ; path != ""; path = before[path] {
		chain = append(chain, path)
	}
	slices.Reverse(chain)
	return chain
}

func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// listPackages returns every package of the module and all that they import.
func listPackages(t *testing.T) map[string]goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps",
		"-json=ImportPath,CgoPkgConfig,Standard,Imports,TestImports,XTestImports", module+"/...")
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list the packages of the module: %v\n%s", err, complaints.String())
	}
	graph := make(map[string]goPackage)
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return graph
		} else if err != nil {
			t.Fatalf("read what go list says: %v", err)
		}
		graph[p.ImportPath] = p
	}
}
