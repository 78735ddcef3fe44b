package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"tocsin/bot/card"
	"tocsin/bot/jobs"
	"tocsin/workflow"
)

// jobRow is a job as the API returns it.
type jobRow struct {
	Name    string `json:"name"`
	Cron    string `json:"cron"`
	Enabled bool   `json:"enabled"`
	Last    *struct {
		Started  time.Time    `json:"started_at"`
		Outcome  jobs.Outcome `json:"outcome"`
		Note     string       `json:"note"`
		Attempts int          `json:"attempts"`
		Again    time.Time    `json:"again_at"`
	} `json:"last"`
	Next *struct {
		At time.Time `json:"at"`
	} `json:"next"`
}

func newJobsCommand() *cobra.Command {
	var c client
	cmd := &cobra.Command{
		Use: "jobs", Short: "Show the recurring jobs: the last result, and the next start.", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var answer struct {
				Jobs []jobRow `json:"jobs"`
			}
			if err := c.call(cmd.Context(), http.MethodGet, "/api/v1/jobs", nil, &answer); err != nil {
				return err
			}
			printJobs(cmd.OutOrStdout(), answer.Jobs, time.Local)
			return nil
		},
	}
	c.addFlags(cmd)
	return cmd
}

// printJobs prints a table with times in a zone. The reason for a failed run
// is on a line of its own.
func printJobs(w io.Writer, all []jobRow, zone *time.Location) {
	when := func(t time.Time) string { return card.FormatTimestamp(t, zone) }
	rows, why := [][4]string{{"JOB", "SCHEDULE", "LAST", "NEXT"}}, []string{""}
	for _, j := range all {
		last, next, reason := "never", "off", ""
		if j.Next != nil {
			next = when(j.Next.At)
		}
		if j.Last != nil {
			last = when(j.Last.Started) + "  " + string(j.Last.Outcome)
			note, _ := workflow.CleanLine(j.Last.Note, 300)
			switch {
			case j.Last.Outcome != jobs.JobDone:
				reason = note
			case note != "":
				last += ": " + note
			}
			if !j.Last.Again.IsZero() {
				reason += fmt.Sprintf(" (attempt %d; again at %s)", j.Last.Attempts, when(j.Last.Again))
			}
		}
		rows, why = append(rows, [4]string{j.Name, j.Cron, last, next}), append(why, reason)
	}
	var width [4]int
	for _, row := range rows {
		for n, cell := range row {
			width[n] = max(width[n], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range rows {
		fmt.Fprintf(w, "%-*s  %-*s  %-*s  %s\n", width[0], row[0], width[1], row[1], width[2], row[2], row[3])
		if why[n] != "" {
			fmt.Fprintf(w, "    %s\n", why[n])
		}
	}
}

// hostname returns the name of this machine. The record of a job's run has it.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}
