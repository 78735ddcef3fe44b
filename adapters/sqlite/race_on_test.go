//go:build race

package sqlite_test

// raceEnabled says that the detector makes everything many times slower.
const raceEnabled = true
