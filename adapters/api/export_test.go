package api

import "net/http"

// Patterns returns the patterns of all operations that a handler serves.
func Patterns(h http.Handler) []string {
	all := []string{descriptionPattern}
	for _, rt := range h.(*server).routes() {
		all = append(all, rt.pattern)
	}
	return all
}
