package workflow

import "slices"

// Status is the stage of its life that an incident is in. [Status.Next] says
// which may follow which.
type Status string

// The statuses. The zero value is the status before the incident is declared.
const (
	Triage        Status = "triage"        // opened by an alert, not looked at yet
	Investigating Status = "investigating" // declared by a person, or being worked on
	Identified    Status = "identified"    // the cause is known
	Monitoring    Status = "monitoring"    // fixed, or all alerts have resolved; being watched
	Resolved      Status = "resolved"      // users are no longer affected; the write-up is still open
	Closed        Status = "closed"        // the write-up is complete
	Canceled      Status = "canceled"      // it was not an incident
	Merged        Status = "merged"        // another incident continues it
)

// IsOpen reports whether an incident in this status still needs work.
func (s Status) IsOpen() bool {
	switch s {
	case Triage, Investigating, Identified, Monitoring:
		return true
	case Resolved, Closed, Canceled, Merged:
		return false
	}
	return false // not declared yet
}

// Statuses returns every status, in the order in which an incident can pass
// through them.
func Statuses() []Status {
	return []Status{Triage, Investigating, Identified, Monitoring, Resolved, Closed, Canceled, Merged}
}

// Next returns the statuses that can follow s. The list is complete: no input
// moves an incident in any other way.
func (s Status) Next() []Status {
	switch s {
	case "":
		return []Status{Triage, Investigating}
	case Triage:
		return []Status{Investigating, Identified, Monitoring, Resolved, Canceled, Merged}
	case Investigating:
		return []Status{Triage, Identified, Monitoring, Resolved, Canceled, Merged}
	case Identified:
		return []Status{Triage, Investigating, Monitoring, Resolved, Canceled, Merged}
	case Monitoring:
		return []Status{Triage, Investigating, Identified, Resolved, Canceled, Merged}
	case Resolved:
		return []Status{Closed, Investigating} // Investigating by reopening
	case Closed, Canceled:
		return []Status{Investigating} // by reopening
	case Merged:
		return []Status{Investigating} // when two incidents were merged into each other at the same moment
	}
	return nil
}

// CanMoveTo reports whether status to can follow status s.
func (s Status) CanMoveTo(to Status) bool { return slices.Contains(s.Next(), to) }
