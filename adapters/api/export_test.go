package api

import "net/http"

// Patterns are those of every operation of a handler.
func Patterns(h http.Handler) []string {
	all := []string{describing}
	for _, rt := range h.(*server).routes() {
		all = append(all, rt.pattern)
	}
	return all
}
