package workflow

// factDecoder finds how a stored fact is read; nil when its kind is unknown.
// [UnknownFact] is missing on purpose: it is what the rest becomes.
func factDecoder(kind string) func([]byte) (Fact, error) {
	if decode := lifeDecoder(kind); decode != nil {
		return decode
	}
	return pagingDecoder(kind)
}

func lifeDecoder(kind string) func([]byte) (Fact, error) {
	switch kind {
	case "declared":
		return as[Declared]
	case "alerts_arrived":
		return as[AlertsArrived]
	case "alerts_forwarded":
		return as[AlertsForwarded]
	case "merge_followed":
		return as[MergeFollowed]
	case "alerts_all_resolved":
		return as[AlertsAllResolved]
	case "status_changed":
		return as[StatusChanged]
	case "severity_changed":
		return as[SeverityChanged]
	case "details_changed":
		return as[DetailsChanged]
	case "update_posted":
		return as[UpdatePosted]
	case "update_overdue":
		return as[UpdateOverdue]
	case "role_assigned":
		return as[RoleAssigned]
	case "note_added":
		return as[NoteAdded]
	case "task_added":
		return as[TaskAdded]
	case "task_finished":
		return as[TaskFinished]
	case "cause_set":
		return as[CauseSet]
	case "resolved":
		return as[IncidentResolved]
	case "alerts_released":
		return as[AlertsReleased]
	case "check_recorded":
		return as[CheckRecorded]
	case "closed":
		return as[IncidentClosed]
	case "reopened":
		return as[IncidentReopened]
	case "canceled":
		return as[IncidentCanceled]
	case "merged":
		return as[IncidentMerged]
	case "absorbed":
		return as[IncidentAbsorbed]
	case "link_added":
		return as[LinkAdded]
	case "people_invited":
		return as[PeopleInvited]
	case "visibility_changed":
		return as[VisibilityChanged]
	}
	return nil
}

func pagingDecoder(kind string) func([]byte) (Fact, error) {
	switch kind {
	case "escalation_started":
		return as[EscalationStarted]
	case "step_fired":
		return as[StepFired]
	case "cycle_began":
		return as[CycleBegan]
	case "nobody_reached":
		return as[NobodyReached]
	case "escalation_exhausted":
		return as[EscalationExhausted]
	case "pages_owed":
		return as[PagesOwed]
	case "people_paged":
		return as[PeoplePaged]
	case "tell_postponed":
		return as[TellPostponed]
	case "page_delivered":
		return as[PageDelivered]
	case "page_failed":
		return as[PageFailed]
	case "pages_canceled":
		return as[PagesCanceled]
	case "acknowledged":
		return as[Acknowledged]
	case "page_answered":
		return as[PageAnswered]
	case "unacknowledged":
		return as[Unacknowledged]
	case "acknowledge_overdue":
		return as[AcknowledgeOverdue]
	case "room_wanted":
		return as[RoomWanted]
	case "room_opened":
		return as[RoomOpened]
	case "room_lost":
		return as[RoomLost]
	case "room_furnished":
		return as[RoomFurnished]
	case "room_step_retried":
		return as[RoomStepRetried]
	case "room_left":
		return as[RoomLeft]
	case "room_retired":
		return as[RoomRetired]
	case "room_archived":
		return as[RoomArchived]
	case "note_withdrawn":
		return as[NoteWithdrawn]
	case "effect_given_up":
		return as[EffectGivenUp]
	}
	return nil
}
