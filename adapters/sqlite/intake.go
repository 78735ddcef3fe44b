package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"reflect"

	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Take implements [bot.Intake]. Alerts are encoded here, in the goroutines of the
// callers, and not by the writer.
func (s *Store) Take(ctx context.Context, b alerts.Batch) ([]alerts.Receipt, error) {
	size := 0
	encoded := make([][]byte, len(b.Arrivals))
	for n, a := range b.Arrivals {
		var err error
		if encoded[n], err = json.Marshal(a.Alert); err != nil {
			return nil, fmt.Errorf("take alert %s of %s: %w", a.Alert.Key, a.Integration, err)
		}
		size += 500 + len(encoded[n])
	}
	var receipts []alerts.Receipt
	err := s.queue.submit(ctx, &request{take: true, size: size, do: func(t *tx) (err error) {
		receipts, err = alerts.Take(&alertsTx{tx: t, at: nanos(b.At), batch: b, encoded: encoded, current: -1}, b)
		return t.fail(err) // it may have written something already
	}})
	if err != nil {
		return nil, fmt.Errorf("take %d alerts: %w", len(b.Arrivals), err)
	}
	return receipts, nil
}

// alertsTx implements [alerts.Tx] in a transaction.
type alertsTx struct {
	*tx
	at      int64
	batch   alerts.Batch
	encoded [][]byte // the alerts of the batch
	current int      // the index of the arrival that is being stored
}

// alertColumns are the columns that scanAlert converts.
const alertColumns = "integration, key, number, firing, group_key, severity, event_at, applied_at, seen_at, body"

// alertBody is what the column body holds, as one JSON object.
type alertBody struct {
	*alerts.Alert
	*alerts.Memory
}

func scanAlert(row []driver.Value) (alerts.Row, error) {
	r := alerts.Row{
		Integration: text(row[0]), Key: text(row[1]), Incident: optionalID(number(row[2])), Firing: number(row[3]) != 0, Group: text(row[4]),
		Severity: workflow.Severity(number(row[5])), EventAt: instant(number(row[6])), AppliedAt: instant(number(row[7])), SeenAt: instant(number(row[8])),
	}
	if err := json.Unmarshal(body(row[9]), &alertBody{&r.Alert, &r.Memory}); err != nil {
		return r, fmt.Errorf("decode alert %s of %s: %w", r.Key, r.Integration, err)
	}
	return r, nil
}

// Row implements [alerts.Tx].
func (b *alertsTx) Row(integration, key string) (*alerts.Row, error) {
	b.current++
	k := alertKey{integration, key}
	if r, ok := b.alerts.get(k); ok {
		return &r, nil
	}
	found, err := b.queryRow("SELECT "+alertColumns+" FROM alert WHERE integration = ? AND key = ?", integration, key)
	if err != nil || found == nil {
		return nil, err
	}
	r, err := scanAlert(found)
	if err != nil {
		return nil, err
	}
	b.alerts.put(k, r)
	return &r, nil
}

// PutRow implements [alerts.Tx].
func (b *alertsTx) PutRow(r alerts.Row) error {
	encoded, err := b.encode(r)
	if err != nil {
		return fmt.Errorf("write alert %s of %s: %w", r.Key, r.Integration, err)
	}
	n := int64(workflow.NumberOf(r.Incident))
	b.alerts.put(alertKey{r.Integration, r.Key}, r)
	return b.exec("INSERT INTO alert ("+alertColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET number = excluded.number, firing = excluded.firing, group_key = excluded.group_key, severity = excluded.severity,
		event_at = excluded.event_at, applied_at = excluded.applied_at, seen_at = excluded.seen_at, body = excluded.body`,
		r.Integration, r.Key, n, r.Firing, r.Group, int64(r.Severity), nanos(r.EventAt), nanos(r.AppliedAt), nanos(r.SeenAt), encoded)
}

// encode encodes the body of a row, or finds it among those that Take has encoded: most
// rows are written for the alert that has just arrived and remember nothing. Its maps are
// then the same maps, which makes the comparison cheap.
func (b *alertsTx) encode(r alerts.Row) ([]byte, error) {
	if r.Memory == (alerts.Memory{}) && b.current < len(b.encoded) && reflect.DeepEqual(r.Alert, b.batch.Arrivals[b.current].Alert) {
		return b.encoded[b.current], nil
	}
	return json.Marshal(alertBody{&r.Alert, &r.Memory})
}

// Owner implements [alerts.Tx].
func (b *alertsTx) Owner(key string) (incident string, holds bool, err error) {
	g, err := b.group(key)
	return optionalID(g.number), g.always || g.until > b.at, err
}

// Open implements [alerts.Tx].
func (b *alertsTx) Open(o alerts.Opening) (string, error) {
	i := b.newIncidentRow(b.last + 1)
	i.open = true
	i.setListing(o.Listing)
	i.previous = int64(workflow.NumberOf(o.Previous))
	b.touch(i)
	if err := b.exec("INSERT INTO state (number, body) VALUES (?, ?)", i.number, o.Stub); err != nil {
		return "", err
	}
	return optionalID(i.number), b.putGroup(o.Group, groupHold{number: i.number, always: true})
}

// Mail implements [alerts.Tx]. The first mail wakes the incident at once, later mail at
// most every 100 ms. One transaction gives an incident one piece of mail.
func (b *alertsTx) Mail(incident string, m workflow.Mail) error {
	n := int64(workflow.NumberOf(incident))
	i, err := b.incidentRow(n)
	if err != nil {
		return err
	}
	if i == nil {
		return fmt.Errorf("put mail for %s: the incident does not exist", incident)
	}
	if err := b.restore(i); err != nil {
		return err
	}
	b.touch(i)
	if due := nanos(alerts.MailDue(instant(i.readAt), instant(b.at), m.Ahead)); i.mailDue == 0 || due < i.mailDue {
		i.mailDue = due
		i.setWakeUp()
	}
	if i.unsentMail != nil {
		i.unsentMail.Add(m)
		return nil
	}
	i.unsentMail = &m
	b.changed = append(b.changed, n) // an incident that Open has reserved gets mail too
	i.mailSeq++
	i.setWakeUp()
	return nil
}
