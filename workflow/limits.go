package workflow

// The bounds of an incident, which keep its snapshot within 64 KiB.
const (
	maxPages           = 80    // pending and recent pages
	maxRecipients      = 40    // recipients of one escalation step
	maxChain           = 16    // policies that one run goes through
	maxMerged          = 200   // incidents that can be merged into one
	maxPins            = 5     // pinned notes
	maxSamples         = 20    // alerts
	maxInvited         = 300   // invited and paged people
	maxInvitedBytes    = 8000  // bytes of their IDs
	maxLine            = 120   // characters of an action item, a symptom or a check
	maxURL             = 400   // bytes
	maxActionItemBytes = 12000 // bytes of all action items together
)
