package workflow

import "slices"

// Status is where an incident stands.
type Status string

// The statuses. The zero value means declared by nobody yet.
const (
	Triage        Status = "triage"
	Investigating Status = "investigating"
	Identified    Status = "identified"
	Monitoring    Status = "monitoring"
	Resolved      Status = "resolved"
	Closed        Status = "closed"
	Canceled      Status = "canceled"
	Merged        Status = "merged"
)

// Open reports whether an incident in this status still needs work.
func (s Status) IsOpen() bool {
	switch s {
	case Triage, Investigating, Identified, Monitoring:
		return true
	case Resolved, Closed, Canceled, Merged:
		return false
	}
	return false // declared by nobody yet
}

// Statuses returns every status in the order of a life.
func Statuses() []Status {
	return []Status{Triage, Investigating, Identified, Monitoring, Resolved, Closed, Canceled, Merged}
}

// Next returns the statuses that may follow s. This is the whole lifecycle:
// what is not here cannot happen.
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
		return []Status{Closed, Triage, Investigating, Identified, Monitoring} // the open ones by reopening
	case Closed, Canceled:
		return []Status{Investigating} // by reopening
	case Merged:
		return []Status{Investigating} // when it was merged in a circle
	}
	return nil
}

// May reports whether an incident in status s may move to status to.
func (s Status) CanMoveTo(to Status) bool { return slices.Contains(s.Next(), to) }
