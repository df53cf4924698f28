//go:build race

package tui

const sizeStep = 9
