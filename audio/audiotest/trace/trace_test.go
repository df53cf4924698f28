package trace

import (
	"crypto/sha256"
	"fmt"
	"math"
	"strings"
	"testing"
)

// sums are of the traces that the peers were measured on.
func sums() map[string]string {
	return map[string]string{
		"clean":             "ae5a396e107ee0082b28294c377746d0d545ae0a0be687d088d5655b71134cf6",
		"clean_j15":         "f3d49d2817530d855637b0804159e49b1ad0b99008894413c417a75a8181c820",
		"tcp_0.5_40":        "ff097e62d816b3d017f8657a6fe1b21e40ea683893b404dd368badd307d1bde4",
		"tcp_1_60":          "afde2284e88d5cf71b274ca56f11dedf2e217e7f9816aca06afbbfd2121d60aa",
		"tcp_2_100":         "434a3cc338ee6a0736d0517b68bebbfa51fe158c7a18cbf4302b171f5e22419e",
		"tcp_2_100_drop200": "4cdf17f2a0c72eb0e7455841e6e1994a2ea48a16bdccf8472445481a6b21588a",
		"tcp_5_150":         "38651a28b18472a640acbf7dfe1c1360d4e520ab9afc0a3068677a9768587dd2",
		"wifi":              "288afb48229acfa5d8c0ccb38e781b4a1ef5def3216f3673e1fe16fc319a4b5d",
		"cell":              "5320f57d98a3f551d275498480793950909612358ae1dfa01a420c4e35ca9df0",
		"cell_drop300":      "20d3473c3b43c53ef2299fb7f1358de74b41da63761e5a5fe53191fa37f92708",
		"stall500":          "b185ff6b0588ca386aa585cedbf0b80fede43b62a2f7af8ee8b13a4284c4ad40",
		"stall2000":         "f059c8710834c83fc0bb2545ef5ed00d2b0a06453f0b9bee2e44979ea5ebbd68",
		"stall5000":         "b89c556187d9f64fca996eba3262cffe8f95ee65057881e17ae7aa353183f211",
		"stall5000_drop300": "1ac8f73260eb55ef8147dac689ed2cc46c9962f8dc1fece7a33a5d7c694efbce",
		"step":              "d1279bded6362b6a58afb67810703257dd93419b5375a4a65744f0188f655e79",
		"drift200":          "ca6bb50098fb8da41db62960e9bee7aef9b9ab5bf37e1e16490b2ed7ce7e7c64",
		"driftm200":         "8fb9c5288f93db87b25cd7da4a0d58d39cc204b609750d0e0a766ff4f03a6470",
		"ge_2":              "743a9062286c7323de4ee11d7da4189f3791754da0e7205a482f0ed5458e9b6c",
		"dtx":               "5b3409fbf5440128c7144d334112c97928d46761be54d2dbb33048966554df8e",
	}
}

func TestTheSetIsWhatThePeersWereMeasuredOn(t *testing.T) {
	want := sums()
	for _, n := range Set() {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			made, err := Generate(n.Spec, 1)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%x", sha256.Sum256(made.Append(nil))); got != want[n.Name] {
				t.Errorf("the trace has SHA-256 %s, want %s", got, want[n.Name])
			}
		})
	}
	if len(want) != len(Set()) {
		t.Errorf("%d traces, want %d", len(Set()), len(want))
	}
}

func TestAnotherSeedMakesAnotherTrace(t *testing.T) {
	one, err := Generate("wifi --sec 10", 1)
	if err != nil {
		t.Fatal(err)
	}
	two, err := Generate("wifi --sec 10", 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(one.Packets) != 500 || len(two.Packets) != 500 {
		t.Fatalf("%d and %d packets, want 500", len(one.Packets), len(two.Packets))
	}
	if one.Packets[7].ArriveUS == two.Packets[7].ArriveUS {
		t.Error("both seeds give the same arrival")
	}
	if want := "# frame_ms=20 rtt_ms=60 wifi {'model': 'wifi', 'sec': 10.0, 'seed': 2, 'rtt': 60, 'loss': 1.0, " +
		"'burst': 1.5, 'stall': 2000, 'ppm': 100, 'maxage': 0, 'jitter': 4}"; two.Header != want {
		t.Errorf("header %q, want %q", two.Header, want)
	}
}

func TestAWrongDescriptionIsRefused(t *testing.T) {
	for name, spec := range map[string]string{
		"an unknown model":            "carrier-pigeon",
		"an unknown parameter":        "tcp --wind 3",
		"a parameter without a value": "tcp --loss",
		"a value that is no number":   "tcp --loss much",
		"nothing at all":              "",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Generate(spec, 1); err == nil || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line", err)
			}
		})
	}
}

// The numbers are those of Python 3: random.Random(seed).
func TestTheRandomNumbersArePythons(t *testing.T) {
	for _, tc := range []struct {
		seed int64
		want [3]float64
	}{
		{0, [3]float64{0.8444218515250481, 0.7579544029403025, 0.420571580830845}},
		{1, [3]float64{0.13436424411240122, 0.8474337369372327, 0.763774618976614}},
		{-1, [3]float64{0.13436424411240122, 0.8474337369372327, 0.763774618976614}},
		{12345, [3]float64{0.41661987254534116, 0.010169169457068361, 0.8252065092537432}},
		{1099511627776, [3]float64{0.1036394562812375, 0.6705558677439764, 0.4266543913526999}},
	} {
		r := newRandom(tc.seed)
		for i, want := range tc.want {
			if got := r.unit(); got != want {
				t.Errorf("number %d of seed %d is %v, want %v", i, tc.seed, got, want)
			}
		}
	}
	r := newRandom(5)
	for i, tc := range []struct{ got, want float64 }{
		{r.normal(3), -3.536525253692015},
		{r.normal(3), -3.444482042372405},
		{r.normal(3), 2.0084067431579085},
		{r.uniform(5, 9), 7.959594298959723},
		{r.exponential(1.0 / 2500), 6388.0544519327195},
		{r.gamma(1.2, 3), 0.18520874644664498},
		{r.gamma(1.2, 3), 3.242142729676461},
		{r.gamma(1.2, 3), 4.175574843823043},
	} {
		if math.Abs(tc.got-tc.want) > 1e-12*math.Abs(tc.want) {
			t.Errorf("draw %d is %v, want %v", i, tc.got, tc.want)
		}
	}
}

func TestThePeersAreComplete(t *testing.T) {
	for _, n := range Set() {
		for _, name := range []string{"ref", "neteq", "neteq_q85", "mumble", "speex_auto", "pjmedia"} {
			if p, ok := Find(n.Name, name); !ok || p.Mean <= 0 || p.R <= 0 {
				t.Errorf("the row of %s on %s is %+v", name, n.Name, p)
			}
		}
	}
	if _, ok := Find("clean", "nobody"); ok {
		t.Error("found a row of nobody")
	}
}
