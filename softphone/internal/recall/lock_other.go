//go:build !unix

package recall

// lock locks nothing: where there is no lock two softphones at once may forget
// the older of two changes, and nothing else, since the file is replaced whole.
func lock(string) (unlock func() error, err error) {
	return func() error { return nil }, nil
}
