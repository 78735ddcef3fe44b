package workflow

// Commands, facts and actions are sorted into smaller closed sets. Each set has its
// own handlers, which name every member and have no default: the linter fails when a
// new member is not handled everywhere.

// LifecycleCommand is a command that changes status, severity or the merge state.
//
//sumtype:decl
type LifecycleCommand interface {
	Command
	lifecycleCommand()
}

// PagingCommand is a command that answers a page, pages people, or reports the result
// of a page.
//
//sumtype:decl
type PagingCommand interface {
	Command
	pagingCommand()
}

// RoomCommand is a command that reports the result of a room action, or repeats what
// failed.
//
//sumtype:decl
type RoomCommand interface {
	Command
	roomCommand()
}

// RecordCommand is a command that records what people know, do or promise, and who may
// see it. It pages no one.
//
//sumtype:decl
type RecordCommand interface {
	Command
	recordCommand()
}

// LifecycleFact is a fact about status, severity or merging.
//
//sumtype:decl
type LifecycleFact interface {
	Fact
	lifecycleFact()
}

// AlertFact is a fact about the alerts of the incident.
//
//sumtype:decl
type AlertFact interface {
	Fact
	alertFact()
}

// PagingFact is a fact about escalation, pages and acknowledgements.
//
//sumtype:decl
type PagingFact interface {
	Fact
	pagingFact()
}

// RoomFact is a fact about a room on a chat platform.
//
//sumtype:decl
type RoomFact interface {
	Fact
	roomFact()
}

// RecordFact is a fact about what people recorded or promised, and who may see it.
//
//sumtype:decl
type RecordFact interface {
	Fact
	recordFact()
}

// PageAction is an action that sends or cancels a page.
//
//sumtype:decl
type PageAction interface {
	Action
	pageAction()
}

// RoomAction is an action on a chat platform.
//
//sumtype:decl
type RoomAction interface {
	Action
	roomAction()
}

// IncidentAction is an action for another incident, or for alert intake.
//
//sumtype:decl
type IncidentAction interface {
	Action
	incidentAction()
}

func (Declare) lifecycleCommand()           {}
func (Wake) lifecycleCommand()              {}
func (SetStatus) lifecycleCommand()         {}
func (SetSeverity) lifecycleCommand()       {}
func (ApplyPolicy) lifecycleCommand()       {}
func (Resolve) lifecycleCommand()           {}
func (Close) lifecycleCommand()             {}
func (Reopen) lifecycleCommand()            {}
func (Cancel) lifecycleCommand()            {}
func (Merge) lifecycleCommand()             {}
func (Absorb) lifecycleCommand()            {}
func (UpdateMergeTarget) lifecycleCommand() {}

func (Acknowledge) pagingCommand()   {}
func (Unacknowledge) pagingCommand() {}
func (Page) pagingCommand()          {}
func (Escalate) pagingCommand()      {}
func (Delivered) pagingCommand()     {}
func (Undeliverable) pagingCommand() {}

func (RoomReady) roomCommand()        {}
func (RoomRefused) roomCommand()      {}
func (RoomClosed) roomCommand()       {}
func (RoomStepEnded) roomCommand()    {}
func (RoomCardReplaced) roomCommand() {}
func (RetryRooms) roomCommand()       {}

func (SetDetails) recordCommand()         {}
func (PostUpdate) recordCommand()         {}
func (Assign) recordCommand()             {}
func (AddNote) recordCommand()            {}
func (RemoveNote) recordCommand()         {}
func (AddActionItem) recordCommand()      {}
func (CompleteActionItem) recordCommand() {}
func (SetCause) recordCommand()           {}
func (Verify) recordCommand()             {}
func (AddLink) recordCommand()            {}
func (Invite) recordCommand()             {}
func (SetVisibility) recordCommand()      {}
func (GiveUp) recordCommand()             {}

func (Declared) lifecycleFact()           {}
func (StatusChanged) lifecycleFact()      {}
func (SeverityChanged) lifecycleFact()    {}
func (PlanReplaced) lifecycleFact()       {}
func (IncidentResolved) lifecycleFact()   {}
func (IncidentClosed) lifecycleFact()     {}
func (IncidentReopened) lifecycleFact()   {}
func (IncidentCanceled) lifecycleFact()   {}
func (IncidentMerged) lifecycleFact()     {}
func (IncidentAbsorbed) lifecycleFact()   {}
func (MergeTargetUpdated) lifecycleFact() {}

func (AlertsArrived) alertFact()     {}
func (AlertsForwarded) alertFact()   {}
func (AlertsAllResolved) alertFact() {}
func (AlertsReleased) alertFact()    {}
func (AlertsHeld) alertFact()        {}
func (AlertsJudged) alertFact()      {}

func (EscalationStarted) pagingFact()   {}
func (StepFired) pagingFact()           {}
func (EscalationRepeated) pagingFact()  {}
func (NoOneReached) pagingFact()        {}
func (EscalationExhausted) pagingFact() {}
func (PagesQueued) pagingFact()         {}
func (PeoplePaged) pagingFact()         {}
func (NoticePostponed) pagingFact()     {}
func (PageDelivered) pagingFact()       {}
func (PageFailed) pagingFact()          {}
func (PagesCanceled) pagingFact()       {}
func (Acknowledged) pagingFact()        {}
func (PageAnswered) pagingFact()        {}
func (Unacknowledged) pagingFact()      {}
func (AcknowledgeOverdue) pagingFact()  {}

func (RoomWanted) roomFact()       {}
func (RoomOpened) roomFact()       {}
func (RoomUnavailable) roomFact()  {}
func (RoomStepFinished) roomFact() {}
func (RoomStepRetried) roomFact()  {}
func (RoomAbandoned) roomFact()    {}
func (RoomArchiveDue) roomFact()   {}
func (RoomArchived) roomFact()     {}

func (DetailsChanged) recordFact()      {}
func (UpdatePosted) recordFact()        {}
func (UpdateOverdue) recordFact()       {}
func (RoleAssigned) recordFact()        {}
func (NoteAdded) recordFact()           {}
func (NoteWithdrawn) recordFact()       {}
func (ActionItemAdded) recordFact()     {}
func (ActionItemCompleted) recordFact() {}
func (CauseSet) recordFact()            {}
func (CheckRecorded) recordFact()       {}
func (LinkAdded) recordFact()           {}
func (PeopleInvited) recordFact()       {}
func (VisibilityChanged) recordFact()   {}
func (EffectGivenUp) recordFact()       {}

func (SendPage) pageAction()   {}
func (CancelPage) pageAction() {}

func (OpenRoom) roomAction()     {}
func (Post) roomAction()         {}
func (ShowCard) roomAction()     {}
func (SetUpRoom) roomAction()    {}
func (InvitePeople) roomAction() {}
func (CloseRoom) roomAction()    {}

func (Forward) incidentAction()     {}
func (Reroute) incidentAction()     {}
func (JudgeAlerts) incidentAction() {}
