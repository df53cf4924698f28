// Package deps runs .ci/deps, which installs what building and testing need, on
// machines that are made up: a PATH of stand-ins for the package managers of
// Debian, Fedora, Arch and macOS, which write down what they are asked for. What
// the real ones answer is not shown by it.
package deps
