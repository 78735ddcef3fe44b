//go:build !race

package bottest

// raceEnabled makes the long tests shorter under the race detector.
const raceEnabled = false
