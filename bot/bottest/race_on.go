//go:build race

package bottest

// RaceEnabled makes the long tests shorter under the race detector.
const RaceEnabled = true
