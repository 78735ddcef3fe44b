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
	case "merge_target_updated":
		return as[MergeTargetUpdated]
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
	case "action_item_added":
		return as[ActionItemAdded]
	case "action_item_completed":
		return as[ActionItemCompleted]
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
	case "pages_queued":
		return as[PagesQueued]
	case "people_paged":
		return as[PeoplePaged]
	case "notice_postponed":
		return as[NoticePostponed]
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
	case "room_unavailable":
		return as[RoomUnavailable]
	case "room_step_finished":
		return as[RoomStepFinished]
	case "room_step_retried":
		return as[RoomStepRetried]
	case "room_abandoned":
		return as[RoomAbandoned]
	case "room_archive_due":
		return as[RoomArchiveDue]
	case "room_archived":
		return as[RoomArchived]
	case "note_withdrawn":
		return as[NoteWithdrawn]
	case "effect_given_up":
		return as[EffectGivenUp]
	}
	return nil
}
