package workflow

// The commands, facts and actions are sorted into smaller closed sets, each with a
// handler of its own that names every member and has no default: a new member
// that is not handled everywhere fails the linter.

// LifecycleCommand moves an incident along its life, or into another incident.
//
//sumtype:decl
type LifecycleCommand interface {
	Command
	lifecycleCommand()
}

// PagingCommand answers, asks for, or reports a page.
//
//sumtype:decl
type PagingCommand interface {
	Command
	pagingCommand()
}

// RoomCommand reports what became of a room, or tries it again.
//
//sumtype:decl
type RoomCommand interface {
	Command
	roomCommand()
}

// RecordCommand writes down what people know and do; it moves no status and pages nobody by itself.
//
//sumtype:decl
type RecordCommand interface {
	Command
	recordCommand()
}

// LifecycleFact says where the incident stands, how severe it is, and which incident it goes on as.
//
//sumtype:decl
type LifecycleFact interface {
	Fact
	lifecycleFact()
}

// AlertFact says what its alerts did.
//
//sumtype:decl
type AlertFact interface {
	Fact
	alertFact()
}

// PagingFact says who was paged, through what, and who answered.
//
//sumtype:decl
type PagingFact interface {
	Fact
	pagingFact()
}

// RoomFact says what became of a room.
//
//sumtype:decl
type RoomFact interface {
	Fact
	roomFact()
}

// RecordFact says what people wrote down or promised.
//
//sumtype:decl
type RecordFact interface {
	Fact
	recordFact()
}

// PageAction reaches one recipient through one method, or takes that back.
//
//sumtype:decl
type PageAction interface {
	Action
	pageAction()
}

// RoomAction changes something on a chat platform.
//
//sumtype:decl
type RoomAction interface {
	Action
	roomAction()
}

// IncidentAction goes to another incident, or to the intake.
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

func (RoomReady) roomCommand()     {}
func (RoomRefused) roomCommand()   {}
func (RoomClosed) roomCommand()    {}
func (RoomStepEnded) roomCommand() {}
func (RetryRooms) roomCommand()    {}

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

func (EscalationStarted) pagingFact()   {}
func (StepFired) pagingFact()           {}
func (CycleBegan) pagingFact()          {}
func (NobodyReached) pagingFact()       {}
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

func (Forward) incidentAction() {}
func (Reroute) incidentAction() {}
